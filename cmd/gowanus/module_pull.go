package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/spf13/cobra"

	"github.com/gowanus-project/gowanus/engine/hook"
	"github.com/gowanus-project/gowanus/internal/oci"
	"github.com/gowanus-project/gowanus/internal/oci/lock"
	"github.com/gowanus-project/gowanus/internal/oci/ship"
)

func (c *cli) modulePullCommand() *cobra.Command {
	var r registryFlags
	var t trustFlags
	var l lockFlags
	cmd := &cobra.Command{
		Use: "pull REF [FILE]", Short: "Fetch a module or a bundle, and verify it", Args: cobra.RangeArgs(1, 2),
		Long: `Fetch a module or a bundle into FILE, "-" for standard output; without it into
NAME-VERSION with its ending, here. Nothing is written that is not verified.

With a lock file the same artifact is fetched each time. With --update it may be a
newer one; an older one, other content under the same version, one that asks for
further capabilities and one that is not signed any more are refused unless
--allow names that.`,
		RunE: func(cmd *cobra.Command, args []string) error {
			o, file, err := fetching(args[0], &r, &t, &l)
			if err != nil {
				return err
			}
			f, err := ship.Fetch(cmd.Context(), args[0], o)
			if err != nil {
				return registryError(err)
			}
			return c.keep(f, append(args, "")[1], args[0], file, l.file)
		},
	}
	r.add(cmd)
	t.add(cmd)
	l.add(cmd)
	return cmd
}

// keep writes what was fetched, and then what is known of it.
func (c *cli) keep(f *ship.Fetched, to, ref string, locks *lock.File, lockFile string) error {
	if to == "-" {
		if _, err := c.stdout.Write(f.Content); err != nil {
			return err
		}
	} else {
		if to == "" {
			to = localName(f)
		}
		if err := replaceFile(to, f.Content); err != nil {
			return fail(exitFailed, "write %s: %w", to, err)
		}
	}
	if locks != nil {
		locks.Set(ref, f.Entry)
		if err := locks.Write(lockFile); err != nil {
			return err
		}
	}
	if to == "-" {
		c.warn(f)
		return nil
	}
	return c.fetched(f, to)
}

// localName gives the name of the file for something. Names of others lead to no
// other folder, and hide nothing.
func localName(f *ship.Fetched) string {
	return plainName(f.Description.Name) + "-" + plainName(f.Description.Version) + "." + string(f.Format)
}

// plainName gives the last part of a name, with _ for what a file's name should
// not have.
func plainName(name string) string {
	name = filepath.Base(filepath.Clean("/" + name))
	plain := strings.Map(func(r rune) rune {
		if r == '.' || r == '-' || r == '+' || r == '_' || unicode.IsLetter(r) || unicode.IsDigit(r) {
			return r
		}
		return '_'
	}, name)
	if rest, hidden := strings.CutPrefix(plain, "."); hidden {
		return "_" + rest
	}
	return plain
}

// replaceFile writes a file beside its place and moves it there.
func replaceFile(name string, content []byte) error {
	fresh, err := os.CreateTemp(filepath.Dir(name), "."+filepath.Base(name)+"-")
	if err != nil {
		return err
	}
	defer os.Remove(fresh.Name()) // of no effect once it is renamed
	_, err = fresh.Write(content)
	if err == nil {
		err = fresh.Chmod(0o644)
	}
	if e := fresh.Close(); err == nil {
		err = e
	}
	if err != nil {
		return err
	}
	return os.Rename(fresh.Name(), name)
}

func (c *cli) warn(f *ship.Fetched) {
	if f.Warning != "" {
		fmt.Fprintln(c.stderr, "gowanus: warning:", clean(f.Warning))
	}
}

// fetched tells what something is, who signed it, and where it was written.
func (c *cli) fetched(f *ship.Fetched, to string) error {
	c.warn(f)
	if c.json() {
		out := map[string]any{
			"reference": f.Reference.String(), "tag": f.Tag, "digest": f.Digest, "format": f.Format,
			"name": f.Description.Name, "version": f.Description.Version, "capabilities": f.Entry.Capabilities, "types": typeNames(f.Description),
		}
		if f.Warning != "" {
			out["warning"] = f.Warning
		}
		if f.Signer != nil {
			out["signer"] = map[string]any{"key": f.Signer.Key, "fingerprint": f.Signer.Fingerprint, "identity": f.Signer.Identity}
		}
		if to != "" {
			out["file"] = to
		}
		return c.printValue(out)
	}
	c.printf("%s %s\n", oneLine(f.Description.Name), oneLine(f.Description.Version))
	lines := [][2]string{{"format", string(f.Format)}, {"digest", f.Digest}, {"signed", "not asked for"}}
	switch {
	case f.Signer != nil:
		lines[2][1] = "by " + f.Signer.Key + " (" + f.Signer.Fingerprint + ")"
		if !f.Signer.Created.IsZero() {
			lines[2][1] += " at " + f.Signer.Created.Format(time.RFC3339)
		}
		if !f.Signer.Expires.IsZero() {
			lines[2][1] += ", until " + f.Signer.Expires.Format(time.RFC3339)
		}
	case f.Warning != "":
		lines[2][1] = "by nobody who is trusted"
	}
	for _, t := range f.Description.Types {
		lines = append(lines, [2]string{"has", t.Kind + " " + t.Name})
	}
	for _, want := range f.Description.Capabilities {
		lines = append(lines, [2]string{"asks", want.Kind + " " + want.Value + ": " + want.Reason})
	}
	if to != "" {
		lines = append(lines, [2]string{"file", to})
	}
	for _, line := range lines {
		c.printf("  %-7s %s\n", line[0], oneLine(line[1]))
	}
	return nil
}

func typeNames(d *hook.Description) []string {
	out := []string{}
	for _, t := range d.Types {
		out = append(out, t.Kind+" "+t.Name)
	}
	return out
}

func (c *cli) moduleSBOMCommand() *cobra.Command {
	var r registryFlags
	var t trustFlags
	cmd := &cobra.Command{
		Use: "sbom REF", Short: "Print the bill of materials of what is in a registry", Args: cobra.ExactArgs(1),
		Long: `Print the bill of materials, SPDX or CycloneDX in JSON, that was published with a
module or a bundle. It is verified as that is.`,
		RunE: func(cmd *cobra.Command, args []string) error {
			o, _, err := fetching(args[0], &r, &t, nil)
			if err != nil {
				return err
			}
			text, _, of, err := ship.SBOM(cmd.Context(), args[0], o)
			if err != nil {
				return registryError(err)
			}
			c.warn(of)
			_, err = c.stdout.Write(text)
			return err
		},
	}
	r.add(cmd)
	t.add(cmd)
	return cmd
}

func (c *cli) moduleCopyCommand() *cobra.Command {
	var r registryFlags
	var t trustFlags
	cmd := &cobra.Command{
		Use: "copy REF REF", Short: "Take a module or a bundle to another place, with its signatures", Args: cobra.ExactArgs(2),
		Long: `Take a module or a bundle from one registry or layout to another, with its signatures
and its bill of materials, byte for byte; with oci-archive:FILE across an air gap.
It is verified before. The signatures still name the repository that it comes from:
who pulls from the copy needs a rule with an identity in policy.yaml.`,
		RunE: func(cmd *cobra.Command, args []string) error {
			o, _, err := fetching(args[0], &r, &t, nil)
			if err != nil {
				return err
			}
			f, to, err := ship.Copy(cmd.Context(), args[0], args[1], o)
			if err != nil {
				return registryError(err)
			}
			return c.fetched(f, to.String())
		},
	}
	r.add(cmd)
	t.add(cmd)
	return cmd
}

// obtained reads what an argument names: a file, "-", or a reference, which is
// fetched and verified.
func (c *cli) obtained(ctx context.Context, arg string, r *registryFlags, t *trustFlags) (*body, error) {
	if !isReference(arg) {
		return c.bundle(arg)
	}
	o, _, err := fetching(arg, r, t, nil)
	if err != nil {
		return nil, err
	}
	f, err := ship.Fetch(ctx, arg, o)
	if err != nil {
		return nil, registryError(err)
	}
	c.warn(f)
	return &body{text: f.Content, contentType: "application/octet-stream", file: f.Reference.At(f.Digest).String()}, nil
}

// isReference tells a reference from the name of a file. What is there, and what
// has the ending of our files, is a file.
func isReference(arg string) bool {
	if _, err := os.Stat(arg); err == nil || slices.Contains([]string{".wasm", ".bom", ".zip", ".yaml", ".yml"}, filepath.Ext(arg)) {
		return false
	}
	_, err := oci.ParseReference(arg)
	return err == nil
}
