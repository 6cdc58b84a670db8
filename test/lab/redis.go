//go:build lab

package lab

import (
	"debug/elf"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// redisPackages have the server and those of its libraries that a small
// Debian may lack.
var redisPackages = []string{"redis-tools", "libjemalloc2", "liblzf1", "libatomic1", "libssl3", "libsystemd0"}

// redisImage makes an image of Debian's redis server and the libraries that
// it loads.
func redisImage() (*imageSpec, error) {
	root, err := redisFiles()
	if err != nil {
		return nil, err
	}
	// Debian's server is the same program as its checker.
	binary, err := filepath.EvalSymlinks(filepath.Join(root, "usr/bin/redis-check-rdb"))
	if err != nil {
		return nil, err
	}
	text, err := os.ReadFile(binary)
	if err != nil {
		return nil, err
	}
	s := &imageSpec{
		files: map[string][]byte{"/usr/bin/redis-server": text},
		config: map[string]any{
			"Entrypoint": []string{"/usr/bin/redis-server"}, "Cmd": []string{"--protected-mode", "no", "--save", ""},
			"ExposedPorts": map[string]any{"6379/tcp": map[string]any{}}, "Volumes": map[string]any{"/data": map[string]any{}},
			"WorkingDir": "/data",
		},
	}
	return s, s.addLibraries(root, binary)
}

// redisFiles gives a folder with the unpacked packages.
func redisFiles() (string, error) {
	unlock, err := lockCache("redis")
	if err != nil {
		return "", err
	}
	defer unlock()
	dir, err := cache()
	if err != nil {
		return "", err
	}
	root := filepath.Join(dir, "redis")
	if _, err := os.Stat(root); err == nil {
		return root, nil
	}
	fresh, err := os.MkdirTemp(dir, "redis-")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(fresh)
	download := exec.Command("apt-get", append([]string{"download", "-o", "APT::Sandbox::User=root"}, redisPackages...)...)
	download.Dir = fresh
	if out, err := download.CombinedOutput(); err != nil {
		return "", fmt.Errorf("apt-get download: %w\n%s", err, out)
	}
	packages, err := filepath.Glob(filepath.Join(fresh, "*.deb"))
	if err != nil {
		return "", err
	}
	for _, p := range packages {
		if _, err := command("dpkg-deb", "--extract", p, filepath.Join(fresh, "root")); err != nil {
			return "", err
		}
	}
	return root, os.Rename(filepath.Join(fresh, "root"), root)
}

// libraryFolders are where Debian keeps shared libraries.
var libraryFolders = []string{"/lib/x86_64-linux-gnu", "/usr/lib/x86_64-linux-gnu", "/lib64"}

// addLibraries adds what a program loads, from root or else from the machine,
// and what that loads in turn.
func (s *imageSpec) addLibraries(root, program string) error {
	f, err := elf.Open(program)
	if err != nil {
		return err
	}
	defer f.Close()
	needed, err := f.ImportedLibraries()
	if err != nil {
		return err
	}
	for _, p := range f.Progs {
		if p.Type != elf.PT_INTERP {
			continue
		}
		name := make([]byte, p.Filesz)
		if _, err := p.ReadAt(name, 0); err != nil {
			return err
		}
		loader := strings.TrimRight(string(name), "\x00")
		if s.files[loader], err = os.ReadFile(loader); err != nil {
			return err
		}
	}
	for _, name := range needed {
		to := filepath.Join(libraryFolders[0], name)
		if s.files[to] != nil {
			continue
		}
		from, err := findLibrary(root, name)
		if err != nil {
			return err
		}
		if s.files[to], err = os.ReadFile(from); err != nil {
			return err
		}
		if err := s.addLibraries(root, from); err != nil {
			return err
		}
	}
	return nil
}

func findLibrary(root, name string) (string, error) {
	for _, base := range []string{root, "/"} {
		for _, dir := range libraryFolders {
			file := filepath.Join(base, dir, name)
			if _, err := os.Stat(file); err == nil {
				return file, nil
			}
		}
	}
	return "", fmt.Errorf("library %s is neither in a package nor on this machine", name)
}
