package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"unicode"

	"github.com/jedib0t/go-pretty/v6/table"
	"golang.org/x/term"
)

// printJSON prints the answer of the server as it is, but for the indentation.
func (c *cli) printJSON(ctx context.Context, cl *client, path string) error {
	_, text, err := cl.do(ctx, http.MethodGet, path, nil)
	if err != nil {
		return err
	}
	return c.indent(text)
}

// indent prints JSON.
func (c *cli) indent(text []byte) error {
	var b bytes.Buffer
	if err := json.Indent(&b, text, "", "  "); err != nil {
		return fail(exitFailed, "the answer is not JSON: %w", err)
	}
	_, err := fmt.Fprintln(c.stdout, b.String())
	return err
}

func (c *cli) json() bool { return c.output == "json" }

func (c *cli) printf(format string, args ...any) { fmt.Fprintf(c.stdout, format, args...) }

// plainTable gives a table without lines, in the form of most command lines.
func (c *cli) plainTable(columns ...any) table.Writer {
	t := table.NewWriter()
	t.SetOutputMirror(c.stdout)
	style := table.StyleDefault
	style.Options = table.OptionsNoBordersAndSeparators
	style.Box.PaddingLeft, style.Box.PaddingRight = "", "  "
	t.SetStyle(style)
	t.SuppressTrailingSpaces()
	t.AppendHeader(columns)
	return t
}

// terminal gives the width and height of the terminal that w is.
func terminal(w io.Writer) (width, height int, is bool) {
	f, isFile := w.(*os.File)
	if !isFile || !term.IsTerminal(int(f.Fd())) || os.Getenv("TERM") == "dumb" {
		return 0, 0, false
	}
	width, height, err := term.GetSize(int(f.Fd()))
	if err != nil || width < 20 || height < 5 {
		return 80, 24, true
	}
	return width, height, true
}

// clean gives text from elsewhere without what could control the terminal, or
// show it in another order.
func clean(text string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' && r != '\n' && r != '\t' || r == 0x7f || r >= 0x80 && r < 0xa0 || unicode.Is(unicode.Cf, r) || r == 0x2028 || r == 0x2029 {
			return -1
		}
		return r
	}, text)
}

// oneLine gives text fit for a table's cell.
func oneLine(text string) string { return strings.Join(strings.Fields(clean(text)), " ") }

// value gives a JSON value as people read it: a string bare, the rest as JSON.
func value(v any) string {
	if s, isText := v.(string); isText {
		return clean(s)
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return fmt.Sprint(v)
	}
	return strings.TrimSuffix(b.String(), "\n")
}

// state gives a state in the words of blueprints: "on-fire".
func state(s string) string { return strings.ToLower(strings.ReplaceAll(s, "_", "-")) }

// plural gives a number with its noun.
func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
