//go:build lab

package lab

import (
	"archive/tar"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
)

// The images of the lab.
const (
	Sleeper    = "sleeper:latest"
	Shell      = "shell:latest"
	Redis      = "redis:3"
	Dnmonster  = "clockercentral/dnmonster:1.0"
	Identidock = "clockercentral/identidock:1.3"
)

// imageSpec is an image with one layer.
type imageSpec struct {
	files  map[string][]byte // absolute path → content, all executable
	links  map[string]string // absolute path → target
	config map[string]any    // as an image's config has it: "Cmd", "ExposedPorts"
}

// Load makes sure that all hosts have the images.
func (l *Lab) Load(tb testing.TB, refs ...string) {
	tb.Helper()
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, ref := range refs {
		if l.loaded[ref] {
			continue
		}
		text, err := build(ref)
		if err == nil {
			err = l.each(func(h *Host) error { return h.do("POST", "/images/load?quiet=1", bytes.NewReader(text), nil) })
		}
		if err != nil {
			tb.Fatalf("lab: image %s: %v", ref, err)
		}
		l.loaded[ref] = true
	}
}

// build makes an image in the form that docker load takes.
func build(ref string) ([]byte, error) {
	var s *imageSpec
	var err error
	switch ref {
	case Sleeper:
		s, err = goImage("sleeper")
	case Dnmonster:
		s, err = goImage("dnmonster", "8080/tcp")
	case Identidock:
		s, err = goImage("identidock", "9090/tcp")
	case Shell:
		s, err = shellImage()
	case Redis:
		s, err = redisImage()
	default:
		return nil, fmt.Errorf("the lab has none of that name: expected one of %s, %s, %s, %s, %s", Sleeper, Shell, Redis, Dnmonster, Identidock)
	}
	if err != nil {
		return nil, err
	}
	return s.pack(ref)
}

// shellImage makes an image of this machine's /bin/sh and nothing else.
func shellImage() (*imageSpec, error) {
	const shell = "/bin/sh"
	text, err := os.ReadFile(shell)
	if err != nil {
		return nil, err
	}
	s := &imageSpec{files: map[string][]byte{shell: text}, config: map[string]any{"Cmd": []string{shell}}}
	return s, s.addLibraries("/", shell)
}

// goImage builds a program of images into an otherwise empty image.
func goImage(name string, ports ...string) (*imageSpec, error) {
	root, err := moduleRoot()
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "gwlab-build-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	cmd := exec.Command("go", "build", "-trimpath", "-ldflags", "-s -w", "-o", filepath.Join(dir, name), "./test/lab/images/"+name)
	cmd.Dir, cmd.Env = root, append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("%v: %w\n%s", cmd, err, out)
	}
	binary, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil {
		return nil, err
	}
	exposed := map[string]any{}
	for _, p := range ports {
		exposed[p] = map[string]any{}
	}
	return &imageSpec{
		files:  map[string][]byte{"/" + name: binary},
		config: map[string]any{"Entrypoint": []string{"/" + name}, "ExposedPorts": exposed},
	}, nil
}

// pack writes the image as docker save does. The same content gives the same
// bytes, and so the same image id on all hosts.
func (s *imageSpec) pack(ref string) ([]byte, error) {
	layer := &archive{}
	for _, path := range slices.Sorted(maps.Keys(s.files)) {
		layer.add(&tar.Header{Name: path[1:], Mode: 0o755, Size: int64(len(s.files[path]))}, s.files[path])
	}
	for _, path := range slices.Sorted(maps.Keys(s.links)) {
		layer.add(&tar.Header{Name: path[1:], Typeflag: tar.TypeSymlink, Linkname: s.links[path]}, nil)
	}
	layer.add(&tar.Header{Name: "tmp/", Typeflag: tar.TypeDir, Mode: 0o1777}, nil)
	config, err := json.Marshal(map[string]any{
		"architecture": "amd64", "os": "linux", "created": "2020-01-01T00:00:00Z", "config": s.config,
		"rootfs": map[string]any{"type": "layers", "diff_ids": []string{"sha256:" + digest(layer.close())}},
	})
	if err != nil {
		return nil, err
	}
	manifest, err := json.Marshal([]any{map[string]any{"Config": digest(config) + ".json", "RepoTags": []string{ref}, "Layers": []string{"layer.tar"}}})
	if err != nil {
		return nil, err
	}
	image := &archive{}
	image.add(&tar.Header{Name: digest(config) + ".json", Mode: 0o644, Size: int64(len(config))}, config)
	image.add(&tar.Header{Name: "layer.tar", Mode: 0o644, Size: int64(layer.Len())}, layer.Bytes())
	image.add(&tar.Header{Name: "manifest.json", Mode: 0o644, Size: int64(len(manifest))}, manifest)
	return image.close(), errorsOf(layer, image)
}

func digest(text []byte) string {
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}

// archive is a tar in memory that keeps its first error.
type archive struct {
	bytes.Buffer
	w   *tar.Writer
	err error
}

func (a *archive) add(h *tar.Header, content []byte) {
	if a.w == nil {
		a.w = tar.NewWriter(&a.Buffer)
	}
	if a.err == nil {
		a.err = a.w.WriteHeader(h)
	}
	if a.err == nil {
		_, a.err = a.w.Write(content)
	}
}

func (a *archive) close() []byte {
	if a.err == nil {
		a.err = a.w.Close()
	}
	return a.Bytes()
}

func errorsOf(archives ...*archive) error {
	for _, a := range archives {
		if a.err != nil {
			return a.err
		}
	}
	return nil
}
