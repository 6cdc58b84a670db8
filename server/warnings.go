package server

import (
	"strings"
	"unicode"

	"github.com/labstack/echo/v4"

	"github.com/gowanus-project/gowanus/internal/yamlpos"
)

// maxWarnings is how many warnings one answer carries; clients and proxies
// bound the size of headers.
const maxWarnings = 20

// maxWarning is the length of one, in bytes.
const maxWarning = 500

// warnings gives what puts the warnings of a text that is accepted into the
// header of the answer: in fields Warning, as RFC 9111 knows them still, with
// the code 299, for any warning that lasts.
func warnings(c echo.Context) func(w *yamlpos.Error) {
	told := map[string]bool{} // one text may lead to a warning at several entities
	return func(w *yamlpos.Error) {
		text := warningText(w.Error())
		if told[text] || len(told) == maxWarnings {
			return
		}
		told[text] = true
		c.Response().Header().Add("Warning", "299 - "+text)
	}
}

// warningText writes a text as a quoted string of a header.
func warningText(text string) string {
	if len(text) > maxWarning {
		text = text[:maxWarning] + "…"
	}
	text = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(text, ""))
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(text) + `"`
}
