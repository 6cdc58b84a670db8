package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/gowanus-project/gowanus/dsl/bom"
	"github.com/gowanus-project/gowanus/engine/hook"
	"github.com/gowanus-project/gowanus/internal/oci/ship"
	"github.com/gowanus-project/gowanus/internal/semver"
)

// maxSBOM bounds the size of a bill of materials, in bytes.
const maxSBOM = 64 << 20

func (c *cli) modulePushCommand() *cobra.Command {
	var r registryFlags
	var s signFlags
	var sbom string
	var notes map[string]string
	var force bool
	cmd := &cobra.Command{
		Use: "push FILE|FOLDER REF", Short: "Publish a module or a bundle", Args: cobra.ExactArgs(2),
		Long: `Publish a module (a .wasm file) or a bundle (a BOM file, a zip archive of one, or a
folder, which is packed) in a registry, under the tag of REF or else that of its
version. A version that is there already is not replaced by something else.

What the module says of itself is published beside it; a module that does not
carry its description is loaded and asked for it.`,
		RunE: func(cmd *cobra.Command, args []string) error {
			p, err := c.packed(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			p.Annotations = notes
			o := ship.PublishOptions{Registry: r.options(), Force: force}
			if sbom != "" {
				if o.SBOM, err = readFile("--sbom", sbom, maxSBOM); err != nil {
					return err
				}
			}
			if s.key != "" {
				if o.Signing, err = s.signing(cmd.Context(), c); err != nil {
					return err
				}
			}
			out, err := ship.Publish(cmd.Context(), args[1], *p, o)
			if err != nil {
				return registryError(err)
			}
			return c.published(out, s.key != "")
		},
	}
	r.add(cmd)
	s.add(cmd, "sign")
	cmd.Flags().StringVar(&sbom, "sbom", "", "bill of materials of it, SPDX or CycloneDX in JSON, to be published with it")
	cmd.Flags().StringToStringVar(&notes, "annotation", nil, "further KEY=TEXT for the manifest, like org.opencontainers.image.source=URL")
	cmd.Flags().BoolVar(&force, "force", false, "also in place of something else under the same version")
	return cmd
}

func (c *cli) published(out *ship.Published, signed bool) error {
	if c.json() {
		return c.printValue(map[string]any{
			"reference": out.Reference.String(), "digest": out.Digest, "sbom": out.SBOM, "signed": signed, "there": out.There,
		})
	}
	what := "is published"
	if out.There {
		what = "was there already"
	}
	c.printf("%s %s\n  digest %s\n", out.Reference, what, out.Digest)
	if signed {
		c.printf("  signed\n")
	}
	if out.SBOM != "" {
		c.printf("  bill of materials %s\n", out.SBOM)
	}
	return nil
}

// printValue prints a value as JSON.
func (c *cli) printValue(v any) error {
	text, err := json.Marshal(v)
	if err != nil {
		return err
	}
	return c.indent(text)
}

// readFile reads a file that a flag names, within a limit.
func readFile(flag, name string, limit int64) ([]byte, error) {
	info, err := os.Stat(name)
	if err == nil && info.Size() > limit {
		return nil, usageError("%s: %s has %d bytes; at most %d are allowed", flag, name, info.Size(), limit)
	}
	text, err := os.ReadFile(name)
	if err != nil {
		return nil, usageError("%s: %w", flag, err)
	}
	return text, nil
}

// packed reads a module or a bundle, and what it says of itself.
func (c *cli) packed(ctx context.Context, name string) (*ship.Package, error) {
	b, err := c.bundle(name)
	if err != nil {
		return nil, err
	}
	p := &ship.Package{Format: ship.FormatOf(b.text), Content: b.text, File: filepath.Base(name)}
	if name == "-" {
		p.File = ""
	} else if info, err := os.Stat(name); err == nil && info.IsDir() {
		p.File = ""
	}
	var d *hook.Description
	if p.Format == ship.Wasm {
		d, err = describe(ctx, p.Content)
	} else {
		d, err = describeBundle(ctx, name, p.Content)
	}
	if err == nil && p.Format == ship.Wasm {
		_, err = semver.Parse(d.Version)
	}
	if err == nil {
		p.Description, err = json.Marshal(d)
	}
	if err != nil {
		return nil, usageError("%s: %w", name, err)
	}
	return p, nil
}

// describeBundle gives the list of a bundle's items in the form of a description,
// with what the modules in it bring and ask for.
func describeBundle(ctx context.Context, name string, content []byte) (*hook.Description, error) {
	b, err := bom.Parse(name, content, bom.Options{})
	if err != nil {
		return nil, err
	}
	if b.Name == "" || b.Version == "" {
		return nil, fmt.Errorf("the bundle has no name or no version; expected brooklyn.catalog with bundle and version")
	}
	d := &hook.Description{Name: b.Name, Version: b.Version, Types: []hook.Type{}, Capabilities: []hook.Capability{}}
	for _, item := range b.Items {
		kind := item.Type
		if kind == "" {
			kind = "type"
		}
		d.Types = append(d.Types, hook.Type{Name: item.ID, Kind: strings.ToLower(kind), Description: item.Description})
	}
	if b.Archive == nil {
		return d, nil
	}
	for _, file := range b.Archive.Names() {
		if path.Ext(file) != ".wasm" {
			continue
		}
		bin, err := b.Archive.Read(file)
		if err != nil {
			return nil, err
		}
		m, err := describe(ctx, bin)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		d.Types = append(d.Types, m.Types...)
		d.Capabilities = append(d.Capabilities, m.Capabilities...)
	}
	return d, nil
}
