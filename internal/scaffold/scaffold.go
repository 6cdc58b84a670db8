// Package scaffold writes the beginning of a module: a project that builds and
// whose scenarios pass before a line of it was changed.
package scaffold

import (
	"bytes"
	"embed"
	"errors"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"text/template"

	"github.com/gowanus-project/gowanus/engine/fault"
	"github.com/gowanus-project/gowanus/internal/nearest"
)

// Each language has a folder with what all of its projects have, and in that a
// folder for each kind of type; _all has what a kind has in every language. The
// suffix .tmpl says that a file is a
// text/template; it and a leading "dot-" are not part of the name.
//
//go:embed all:templates
var templates embed.FS

// Options say which project is written.
type Options struct {
	Language string // one of Languages
	Kind     string // one of Kinds of the language; "" is entity
	Name     string // of the module, its type and its files: small letters, digits and "-"
	SDK      string // folder of the library to use in place; "" puts a copy of it into the project
}

var name = regexp.MustCompile(`^[a-z][a-z0-9]*(-[a-z0-9]+)*$`)

// Languages gives the languages that there are templates for.
func Languages() []string { return folders("templates") }

// Kinds gives the kinds of types that there are templates for in a language.
func Kinds(language string) []string { return folders(path.Join("templates", language)) }

func folders(dir string) (names []string) {
	entries, err := templates.ReadDir(dir)
	if err != nil {
		return nil
	}
	for _, e := range entries {
		if e.IsDir() && !strings.HasPrefix(e.Name(), "_") {
			names = append(names, e.Name())
		}
	}
	return names
}

// Write writes a project into a folder, which must be new or empty, and gives
// the names of its own files, without those of the library. Wrong options are
// fault.Invalid, a folder that holds something fault.Conflict.
func Write(dir string, o Options) ([]string, error) {
	if o.Kind == "" {
		o.Kind = "entity"
	}
	for _, choice := range []struct {
		what, value string
		known       []string
	}{{"language", o.Language, Languages()}, {"kind", o.Kind, Kinds(o.Language)}} {
		if !slices.Contains(choice.known, choice.value) {
			return nil, fault.New(fault.Invalid, "%s %q: expected %s%s", choice.what, choice.value, strings.Join(choice.known, ", "), nearest.Hint(choice.value, choice.known))
		}
	}
	if !name.MatchString(o.Name) || len(o.Name) > 60 {
		return nil, fault.New(fault.Invalid, "name %q: expected small letters and digits, in words joined by -, like my-module", o.Name)
	}
	if entries, err := os.ReadDir(dir); err == nil && len(entries) > 0 {
		return nil, fault.New(fault.Conflict, "the folder %s is not empty", dir)
	}
	files, err := project(&o)
	if err != nil {
		return nil, err
	}
	own := slices.Sorted(maps.Keys(files))
	if o.SDK == "" {
		library, err := library(o.Language)
		if err != nil {
			return nil, err
		}
		maps.Copy(files, library)
	}
	for file, content := range files {
		if err := write(filepath.Join(dir, filepath.FromSlash(file)), content); err != nil {
			return nil, err
		}
	}
	return own, nil
}

func write(file string, content []byte) error {
	err := os.MkdirAll(filepath.Dir(file), 0o755)
	if err == nil {
		err = os.WriteFile(file, content, 0o644)
	}
	if err != nil {
		return fault.New(fault.Unavailable, "write the project: %w", err)
	}
	return nil
}

// project fills in the templates.
func project(o *Options) (map[string][]byte, error) {
	files := map[string][]byte{}
	base := path.Join("templates", o.Language)
	for _, dir := range []string{base, path.Join(base, o.Kind), path.Join("templates/_all", o.Kind)} {
		err := fs.WalkDir(templates, dir, func(file string, e fs.DirEntry, err error) error {
			if err != nil {
				return err
			}
			if e.IsDir() {
				if dir == base && path.Dir(file) == base && slices.Contains(Kinds(o.Language), e.Name()) {
					return fs.SkipDir
				}
				return nil
			}
			content, err := fill(file, o)
			to := strings.TrimSuffix(strings.TrimPrefix(file, dir+"/"), ".tmpl")
			if rest, hidden := strings.CutPrefix(path.Base(to), "dot-"); hidden {
				to = path.Join(path.Dir(to), "."+rest)
			}
			files[strings.ReplaceAll(to, "NAME", o.Name)] = content
			return err
		})
		if err != nil {
			return nil, fault.New(fault.Internal, "fill in the templates: %w", err)
		}
	}
	return files, nil
}

func fill(file string, o *Options) ([]byte, error) {
	content, err := templates.ReadFile(file)
	if err != nil || !strings.HasSuffix(file, ".tmpl") {
		return content, err
	}
	t, err := template.New(file).Option("missingkey=error").Parse(string(content))
	if err != nil {
		return nil, err
	}
	values := struct {
		Options
		SDKVersion string
	}{*o, sdkVersion}
	if o.SDK != "" {
		if values.SDK, err = filepath.Abs(o.SDK); err != nil {
			return nil, err
		}
	}
	var out bytes.Buffer
	err = t.Execute(&out, values)
	return out.Bytes(), err
}

// errNoLibrary says what to do when the program was built without the libraries.
var errNoLibrary = errors.New(`the library is not in this program: run "make modules" and build it again, or name the folder that the library is in`)
