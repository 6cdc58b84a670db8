package external

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/gowanus-project/gowanus/engine/fault"
	"github.com/gowanus-project/gowanus/internal/yamlpos"
)

// maxFile bounds what is read of one file, in bytes.
const maxFile = 1 << 20

// env gives variables of the server's environment that begin with a prefix.
type env struct{ prefix string }

func readEnv(r *reader) Provider { return env{r.needed("prefix")} }

// Get is part of Provider.
func (p env) Get(_ context.Context, key string) (any, error) {
	if v, ok := os.LookupEnv(p.prefix + key); ok {
		return v, nil
	}
	return nil, fault.New(fault.NotFound, "the environment has no %s%s", p.prefix, key)
}

// file gives the entries of a file: properties, or a map in YAML or JSON. It
// is read again when it changes.
type file struct {
	path string

	mu      sync.Mutex
	changed time.Time
	size    int64
	values  map[string]any
}

func readFile(r *reader) Provider { return &file{path: r.needed("path")} }

// Get is part of Provider.
func (p *file) Get(_ context.Context, key string) (any, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	info, err := os.Stat(p.path)
	if err != nil {
		return nil, unreadable(err)
	}
	if p.values == nil || !info.ModTime().Equal(p.changed) || info.Size() != p.size {
		if info.Size() > maxFile {
			return nil, fault.New(fault.Limit, "file %s has more than %d bytes", p.path, maxFile)
		}
		text, err := os.ReadFile(p.path)
		if err != nil {
			return nil, unreadable(err)
		}
		if p.values, err = entries(p.path, text); err != nil {
			p.values = nil
			return nil, err
		}
		p.changed, p.size = info.ModTime(), info.Size()
	}
	if v, ok := p.values[key]; ok {
		return v, nil
	}
	return nil, missing(key)
}

func unreadable(err error) error { return fault.New(fault.Unavailable, "%w", err) }

// entries reads the text of a file by the end of its name.
func entries(path string, text []byte) (map[string]any, error) {
	switch strings.ToLower(filepath.Ext(path)) {
	case ".yaml", ".yml", ".json":
		root, err := yamlpos.Parse(path, text, yamlpos.Limits{})
		if err != nil || root.Kind != yamlpos.Map {
			// The error would show a part of the text.
			return nil, fault.New(fault.Invalid, "file %s is not a map in YAML or JSON", path)
		}
		m, _ := root.Any().(map[string]any)
		return m, nil
	}
	out := map[string]any{}
	lines := bufio.NewScanner(bytes.NewReader(text))
	lines.Buffer(nil, maxFile)
	for n := 1; lines.Scan(); n++ {
		line := strings.TrimSpace(lines.Text())
		if line == "" || line[0] == '#' || line[0] == '!' {
			continue
		}
		at := strings.IndexAny(line, "=:")
		if at <= 0 {
			return nil, fault.New(fault.Invalid, "file %s, line %d: expected KEY=VALUE", path, n)
		}
		out[strings.TrimSpace(line[:at])] = strings.TrimSpace(line[at+1:])
	}
	return out, lines.Err()
}

// directory gives the contents of files by their names below a folder, as
// container platforms mount secrets.
type directory struct{ path string }

func readDirectory(r *reader) Provider { return directory{r.needed("path")} }

// Get is part of Provider. A name that leads out of the folder is not there.
func (p directory) Get(_ context.Context, key string) (any, error) {
	root, err := os.OpenRoot(p.path)
	if err != nil {
		return nil, unreadable(err)
	}
	defer root.Close()
	f, err := root.Open(key)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, missing(key)
	}
	if err != nil {
		return nil, fault.New(fault.Invalid, "%w", err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil || !info.Mode().IsRegular() || info.Size() > maxFile {
		return nil, fault.New(fault.Invalid, "%q is not a file of at most %d bytes", key, maxFile)
	}
	text := make([]byte, info.Size())
	n, err := f.Read(text)
	if err != nil && n == 0 && info.Size() > 0 {
		return nil, unreadable(err)
	}
	return strings.TrimSuffix(string(text[:n]), "\n"), nil
}
