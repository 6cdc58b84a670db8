package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/gowanus-project/gowanus/engine/fault"
	"github.com/gowanus-project/gowanus/engine/guest"
	"github.com/gowanus-project/gowanus/engine/hook"
	"github.com/gowanus-project/gowanus/engine/module"
	"github.com/gowanus-project/gowanus/engine/wasm"
	"github.com/gowanus-project/gowanus/engine/wasm/section"
)

func (c *cli) moduleInstallCommand() *cobra.Command {
	var grants []string
	var force bool
	var r registryFlags
	var t trustFlags
	cmd := &cobra.Command{
		Use: "install FILE|REF", Aliases: []string{"upgrade"}, Short: "Install a module, or a newer version of one", Args: cobra.ExactArgs(1),
		Long: `Install a module. What it asks for is shown, and granted by --grant or by the answer to
a question; without either it may do nothing. A newer version may do what the one before
might. What runs moves to the newer version at once, with its states; when these cannot be
brought over, nothing changes. REF is a module in a registry; it is verified before.`,
		RunE: func(cmd *cobra.Command, args []string) error {
			b, err := c.obtained(cmd.Context(), args[0], &r, &t)
			if err != nil {
				return err
			}
			return c.installModule(cmd.Context(), b, grants, force)
		},
	}
	grantFlag(cmd, &grants)
	r.add(cmd)
	t.add(cmd)
	cmd.Flags().BoolVar(&force, "force", false, "also in place of a different module of the same version")
	return cmd
}

// installModule shows what a module asks for, finds out what of it is granted,
// and installs it.
func (c *cli) installModule(ctx context.Context, b *body, grants []string, force bool) error {
	d, err := describe(ctx, b.text)
	if err != nil {
		return fail(exitFailed, "%s: %w", b.file, err)
	}
	cl, err := c.client()
	if err != nil {
		return err
	}
	asked, err := cl.newlyAsked(ctx, d)
	if err != nil {
		return err
	}
	if grants, err = c.approve(ctx, d, asked, grants); err != nil {
		return err
	}
	b.contentType = "application/wasm"
	path := "/v1/catalog/bundles?" + url.Values{"force": {fmt.Sprint(force)}}.Encode() + grantQuery("&", grants)
	patience := time.AfterFunc(2*time.Second, func() { fmt.Fprintln(c.stderr, "gowanus: the server compiles and checks the module") })
	_, text, err := cl.do(ctx, http.MethodPost, path, b)
	patience.Stop()
	if err != nil {
		return err
	}
	if c.json() {
		return c.indent(text)
	}
	var answer struct {
		Message string `json:"message"`
	}
	if err := json.Unmarshal(text, &answer); err != nil {
		return fail(exitFailed, "the answer is not of this API: %w", err)
	}
	c.printf("%s\n", clean(answer.Message))
	var m moduleInfo
	if err := cl.get(ctx, modulePath(d.Name+":"+d.Version), &m); err != nil {
		return err
	}
	c.installed(&m)
	var best moduleInfo
	if err := cl.get(ctx, modulePath(d.Name), &best); err == nil && best.Version != d.Version {
		fmt.Fprintf(c.stderr, "gowanus: warning: %s %s stays in charge, which is newer\n", oneLine(best.Name), oneLine(best.Version))
	}
	return nil
}

// installed tells how a module that was installed stands. What it asks for, but for
// what it was granted, was shown before.
func (c *cli) installed(m *moduleInfo) {
	c.showTypes(m)
	var granted []string
	for _, a := range m.Capabilities {
		if a.Granted {
			granted = append(granted, oneLine(a.String()))
		}
	}
	c.printf("granted: %d of %d capabilities", len(granted), len(m.Capabilities))
	if len(granted) > 0 {
		c.printf(": %s", strings.Join(granted, ", "))
	}
	c.printf("\n")
}

// describe tells what a module is, without a server: it is asked, unless the file
// carries its description. Servers compare the two.
func describe(ctx context.Context, content []byte) (*hook.Description, error) {
	if !module.Is(content) {
		return nil, fault.New(fault.Invalid, "it is no WebAssembly module")
	}
	carried, err := section.Get(content, section.Describe)
	if err != nil {
		return nil, err
	}
	if carried != nil {
		m, err := guest.Load(carried, nil, guest.Limits{})
		if err != nil {
			return nil, err
		}
		return m.Describes(), nil
	}
	r, err := wasm.New(wasm.Config{CacheDir: userCache(), Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		return nil, err
	}
	defer r.Close()
	m, err := module.New(module.Config{Runtime: r}).Examine(ctx, content)
	if err != nil {
		return nil, err
	}
	return m.Describes(), nil
}

// newlyAsked gives what a module asks for and its versions before were not
// granted.
func (c *client) newlyAsked(ctx context.Context, d *hook.Description) ([]hook.Capability, error) {
	var before moduleInfo
	err := c.get(ctx, modulePath(d.Name), &before)
	var told *failure
	if err != nil && !(errors.As(err, &told) && told.code == exitNotFound) {
		return nil, err
	}
	return slices.DeleteFunc(slices.Clone(d.Capabilities), func(asked hook.Capability) bool {
		return slices.ContainsFunc(before.Capabilities, func(old capability) bool {
			return old.Granted && !before.Shipped && old.Kind == asked.Kind && old.Value == asked.Value
		})
	}), nil
}

// approve shows what a module newly asks for and, when nothing is said about
// it, asks who installs it.
func (c *cli) approve(ctx context.Context, d *hook.Description, asked []hook.Capability, grants []string) ([]string, error) {
	if len(asked) == 0 || slices.Contains(grants, "all") {
		return grants, nil
	}
	open := slices.DeleteFunc(asked, func(a hook.Capability) bool { return slices.Contains(grants, a.Kind+"="+a.Value) })
	if len(open) == 0 {
		return grants, nil
	}
	fmt.Fprintf(c.stderr, "module %s %s asks for:\n", oneLine(d.Name), oneLine(d.Version))
	for _, a := range open {
		fmt.Fprintf(c.stderr, "  %s=%s: %s%s\n", a.Kind, oneLine(a.Value), oneLine(a.Reason), warning(a))
	}
	in, isFile := c.stdin.(*os.File)
	if len(grants) > 0 || !isFile || !term.IsTerminal(int(in.Fd())) {
		fmt.Fprintf(c.stderr, "None of this is granted; do it with --grant, or later with gowanus module grant.\n")
		return grants, nil
	}
	answer, err := question(ctx, c.stderr, c.stdin, "Grant all of it? Without, it is installed and may do none of it. [y/N] ")
	if err != nil || !slices.Contains([]string{"y", "yes"}, strings.ToLower(answer)) {
		return grants, err
	}
	for _, a := range open {
		grants = append(grants, a.Kind+"="+a.Value)
	}
	return grants, nil
}

// question asks whoever sits at the terminal, until ctx ends.
func question(ctx context.Context, out io.Writer, in io.Reader, text string) (string, error) {
	fmt.Fprint(out, text)
	line, err := interruptible(ctx, func() (string, error) { return bufio.NewReader(in).ReadString('\n') })
	if err == io.EOF {
		err = nil
	}
	return strings.TrimSpace(line), err
}

// interruptible waits for what a terminal is asked, or for the end of ctx: reading
// does not end by a signal. What still reads then ends with the program.
func interruptible[T any](ctx context.Context, read func() (T, error)) (out T, err error) {
	done := make(chan struct{})
	var got T
	var failed error
	go func() {
		defer close(done)
		got, failed = read()
	}()
	select {
	case <-done:
		return got, failed
	case <-ctx.Done():
		return out, ctx.Err()
	}
}

// warning tells of a capability that is more than it seems.
func warning(a hook.Capability) string {
	switch {
	case a.Kind == hook.CapStep && hook.Powerful(a.Value):
		return " (such a step runs what it is given: this is the grant of every step)"
	case a.Kind == hook.CapStep && a.Value == "set-config":
		return " (of every entity of the application, with the commands and images that stand there)"
	case a.Kind == hook.CapStep && a.Value == "create-container":
		return " (with any folder of the host in it: this is root on the host)"
	case a.Kind == hook.CapStep && slices.Contains([]string{"run-command", "start-process", "shell", "ssh"}, a.Value):
		return " (any command)"
	case a.Kind != hook.CapStep && strings.HasPrefix(a.Value, "*"):
		return " (any)"
	}
	return ""
}
