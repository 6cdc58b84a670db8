//go:build lab

package lab

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
)

const (
	defaultHosts = 3
	maxHosts     = 9
	maxSlots     = 99
)

// Lab is a set of Docker hosts that are up.
type Lab struct {
	Dir   string // scratch folder, with a short path; removed in the end
	Hosts []*Host

	slot   int
	lock   net.Listener
	fabric *space // the switch
	mu     sync.Mutex
	loaded map[string]bool // images that all hosts have
	closed bool
}

// shared is the lab of this test process.
var shared struct {
	sync.Mutex
	lab *Lab
	err error
}

// Main runs the tests of a package and takes the lab down after them, also
// when they are interrupted.
func Main(m *testing.M) {
	interrupt := make(chan os.Signal, 1)
	signal.Notify(interrupt, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	go func() {
		s := <-interrupt
		fmt.Fprintln(os.Stderr, "lab:", s, "- taking it down")
		os.Exit(down(130))
	}()
	os.Exit(down(m.Run()))
}

// down takes the lab down, if there is one, and gives the exit code.
func down(code int) int {
	shared.Lock()
	l := shared.lab
	shared.Unlock()
	if l == nil {
		return code
	}
	if code != 0 {
		l.keepLogs()
	}
	if err := l.close(); err != nil {
		fmt.Fprintln(os.Stderr, "lab: take it down:", err)
		return max(code, 1)
	}
	return code
}

// Up gives the lab of this test process, bringing it up when it is first
// asked for. It fails the test when there can be none.
func Up(tb testing.TB) *Lab {
	tb.Helper()
	shared.Lock()
	defer shared.Unlock()
	if shared.lab == nil && shared.err == nil {
		shared.lab, shared.err = open()
	}
	if shared.err != nil {
		tb.Fatalf("lab: %v", shared.err)
	}
	return shared.lab
}

func open() (l *Lab, err error) {
	n := defaultHosts
	if s := os.Getenv("GOWANUS_LAB_HOSTS"); s != "" {
		if n, err = strconv.Atoi(s); err != nil || n < 1 || n > maxHosts {
			return nil, fmt.Errorf("GOWANUS_LAB_HOSTS=%q: expected a number from 1 to %d", s, maxHosts)
		}
	}
	if os.Geteuid() != 0 {
		return nil, errors.New("it needs root, for network namespaces and dockerd: run make lab as root")
	}
	if err := install(); err != nil {
		return nil, err
	}
	l = &Lab{loaded: map[string]bool{}}
	defer func() {
		if err != nil {
			err = errors.Join(err, l.close())
		}
	}()
	if err := l.takeSlot(); err != nil {
		return nil, err
	}
	if err := l.wire(n); err != nil {
		return nil, fmt.Errorf("network: %w", err)
	}
	if err := l.makePKI(); err != nil {
		return nil, fmt.Errorf("certificates: %w", err)
	}
	return l, l.each(func(h *Host) error { return h.start() })
}

// each runs do for all hosts at the same time.
func (l *Lab) each(do func(*Host) error) error {
	errs := make([]error, len(l.Hosts))
	var wg sync.WaitGroup
	for i, h := range l.Hosts {
		wg.Go(func() {
			if err := do(h); err != nil {
				errs[i] = fmt.Errorf("%s: %w", h.Name, err)
			}
		})
	}
	wg.Wait()
	return errors.Join(errs...)
}

// takeSlot finds a number that no other lab uses. The lock is an abstract
// socket: it needs no file, and goes with the process.
func (l *Lab) takeSlot() error {
	for l.slot = 1; l.slot <= maxSlots; l.slot++ {
		lock, err := net.Listen("unix", fmt.Sprintf("@gowanus-lab-%d", l.slot))
		if errors.Is(err, syscall.EADDRINUSE) {
			continue
		} else if err != nil {
			return err
		}
		l.Dir = filepath.Join("/tmp", l.link())
		if err := l.sweep(); err != nil { // what a killed owner of the slot left
			lock.Close()
			return fmt.Errorf("clean up after an earlier lab: %w", err)
		}
		if l.taken() {
			lock.Close()
			continue
		}
		l.lock = lock
		return os.Mkdir(l.Dir, 0o700)
	}
	return fmt.Errorf("all %d slots are in use", maxSlots)
}

// taken tells that the machine uses the slot's addresses for something else.
func (l *Lab) taken() bool {
	ours := netip.MustParsePrefix(l.address(0) + "/24")
	list, err := net.InterfaceAddrs()
	if err != nil {
		return true
	}
	for _, a := range list {
		if p, err := netip.ParsePrefix(a.String()); err == nil && ours.Overlaps(p.Masked()) {
			return true
		}
	}
	return false
}

// link names the veth in the root namespace, the scratch folder and, with a
// host's name, the cgroups.
func (l *Lab) link() string { return fmt.Sprintf("gwlab%d", l.slot) }

// address is the n-th address of the lab's network.
func (l *Lab) address(n int) string { return fmt.Sprintf("10.77.%d.%d", l.slot, n) }

// LocationConfig gives the config of a docker location with all hosts, as
// location.Definition takes it.
func (l *Lab) LocationConfig() map[string]any {
	hosts := make([]any, 0, len(l.Hosts))
	for _, h := range l.Hosts {
		hosts = append(hosts, map[string]any{"name": h.Name, "host": h.URL(), "address": h.Address})
	}
	return map[string]any{"hosts": hosts, "tls": map[string]any{
		"ca": l.file("ca.pem"), "cert": l.file("cert.pem"), "key": l.file("key.pem"),
	}}
}

func (l *Lab) file(name string) string { return filepath.Join(l.Dir, name) }

// Wipe removes all containers and all networks with our labels from all
// hosts, whatever test left them there.
func (l *Lab) Wipe(tb testing.TB) {
	tb.Helper()
	if err := l.each(func(h *Host) error { return h.wipe() }); err != nil {
		tb.Errorf("lab: wipe: %v", err)
	}
}

func (l *Lab) close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed || l.lock == nil {
		return nil
	}
	l.closed = true
	stopped := l.each(func(h *Host) error { return h.halt() })
	for _, h := range l.Hosts {
		h.space.close()
	}
	if l.fabric != nil {
		l.fabric.close()
	}
	return errors.Join(stopped, l.sweep(), l.lock.Close())
}

// keepLogs copies what the daemons wrote to where it survives.
func (l *Lab) keepLogs() {
	to := os.Getenv("GOWANUS_LAB_KEEP")
	if to == "" {
		return
	}
	for _, h := range l.Hosts {
		text, err := os.ReadFile(h.log())
		if err == nil {
			err = os.WriteFile(filepath.Join(to, h.Name+".log"), text, 0o600)
		}
		if err != nil {
			fmt.Fprintln(os.Stderr, "lab: keep log:", err)
		}
	}
}

// command runs a program to its end and gives what it printed.
func command(name string, args ...string) (string, error) {
	out, err := exec.Command(name, args...).CombinedOutput()
	text := strings.TrimSpace(string(out))
	if err != nil {
		return text, fmt.Errorf("%s %s: %w\n%s", name, strings.Join(args, " "), err, text)
	}
	return text, nil
}
