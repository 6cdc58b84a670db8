package docker

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"net/netip"
	"path"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/distribution/reference"

	"github.com/gowanus-project/gowanus/engine/action"
	"github.com/gowanus-project/gowanus/engine/fault"
)

// spec is the request that makes a container. Equal requests have equal JSON,
// and so equal hashes: lists that have no order of their own are sorted.
type spec struct {
	Name       string
	Image      string
	Hostname   string            `json:",omitempty"`
	User       string            `json:",omitempty"`
	Env        []string          `json:",omitempty"` // "KEY=value", sorted
	Command    []string          `json:",omitempty"`
	Entrypoint []string          `json:",omitempty"`
	Labels     map[string]string `json:",omitempty"`
	Ports      []port            `json:",omitempty"` // sorted
	Binds      []string          `json:",omitempty"` // "host:container[:ro]", sorted
	Privileged bool              `json:",omitempty"`
	Memory     int64             `json:",omitempty"` // bytes
	CPUShares  int64             `json:",omitempty"`
	Restart    string
	ExtraHosts []string `json:",omitempty"` // "alias:address", sorted
	Network    string
	Aliases    []string `json:",omitempty"` // on that network, sorted
	Links      []string `json:",omitempty"` // "container:alias", sorted
}

// port is one published port.
type port struct {
	Container int
	Protocol  string // "tcp"
	Host      int    // 0: the engine picks one
}

var (
	containerName = regexp.MustCompile(`^[a-zA-Z0-9][a-zA-Z0-9_.-]{1,127}$`) // the engine's own rule
	dnsName       = regexp.MustCompile(`^[a-zA-Z0-9_]([a-zA-Z0-9_.-]{0,61}[a-zA-Z0-9_])?$`)
	environName   = regexp.MustCompile(`^[^=\x00]+$`)
)

// restarts are the engine's restart policies.
var restarts = []string{"no", "on-failure", "unless-stopped", "always"}

// lookup finds the addresses of a host name.
type lookup func(ctx context.Context, name string) ([]netip.Addr, error)

// readSpec makes the request from a create-container step.
func readSpec(ctx context.Context, c *action.Call, plane string, find lookup) (*spec, error) {
	in := newInput("create-container", c.Input, "image", "name", "env", "command", "entrypoint", "hostname", "user", "openPorts",
		"portBindings", "volumes", "privileged", "memory", "cpuShares", "restart", "links")
	s := &spec{
		Name: in.required("name"), Image: in.image(), Hostname: in.text("hostname"), User: in.text("user"),
		Env: in.environ(), Command: in.texts("command"), Entrypoint: in.texts("entrypoint"),
		Ports: in.ports(), Binds: in.binds(), Privileged: in.flag("privileged"),
		Memory: in.count("memory"), CPUShares: in.count("cpuShares"), Restart: in.text("restart"),
		Network: networkName(c.Entity.Application),
		Labels: map[string]string{
			LabelPlane: plane, LabelApplication: c.Entity.Application, LabelEntity: c.Entity.ID,
		},
	}
	if s.Name != "" && !containerName.MatchString(s.Name) {
		in.fail("name", "%q is no container name: expected two or more of a-z A-Z 0-9 _ . - that start with a letter or digit", s.Name)
	}
	switch {
	case s.Hostname == "" && dnsName.MatchString(s.Name): // it may be too long for one
		s.Hostname = s.Name
	case s.Hostname != "" && !dnsName.MatchString(s.Hostname):
		in.fail("hostname", "%q is no host name", s.Hostname)
	}
	or(&s.Restart, "no")
	if !slices.Contains(restarts, s.Restart) {
		in.fail("restart", "must be one of %s, is %q", strings.Join(restarts, ", "), s.Restart)
	}
	s.links(ctx, in, find)
	for _, alias := range []string{s.Name, c.Entity.PlanID, c.Entity.Name, s.Hostname} {
		if dnsName.MatchString(alias) {
			s.Aliases = append(s.Aliases, alias)
		}
	}
	slices.Sort(s.Aliases)
	s.Aliases = slices.Compact(s.Aliases)
	if in.err != nil {
		return nil, in.err
	}
	return s, s.seal()
}

// seal adds the label with the hash of all the rest.
func (s *spec) seal() error {
	text, err := json.Marshal(s)
	if err != nil {
		return fault.New(fault.Internal, "hash the container request: %w", err)
	}
	sum := sha256.Sum256(text)
	s.Labels[LabelSpec] = "sha256:" + hex.EncodeToString(sum[:])
	return nil
}

func (in *input) image() string {
	image := in.required("image")
	if _, err := reference.ParseNormalizedNamed(image); image != "" && err != nil {
		in.fail("image", "%q is no image reference like redis:3: %v", image, err)
	}
	return image
}

func (in *input) environ() []string {
	var env []string
	for k, v := range in.scalars("env") {
		if !environName.MatchString(k) || strings.Contains(v, "\x00") {
			in.fail("env", "%q is no name of an environment variable, or its value has a zero byte", k)
		}
		env = append(env, k+"="+v)
	}
	slices.Sort(env)
	return env
}

// ports joins portBindings and openPorts; a port that is bound to a given
// host port needs no other.
func (in *input) ports() []port {
	var ports []port
	bound := map[int]bool{}
	for hostPort, v := range in.object("portBindings") {
		key := "portBindings." + hostPort
		p := port{Host: in.port(key, hostPort), Container: in.port(key, v), Protocol: "tcp"}
		bound[p.Container] = true
		ports = append(ports, p)
	}
	for i, v := range in.list("openPorts") {
		p := port{Container: in.port(fmt.Sprintf("openPorts[%d]", i), v), Protocol: "tcp"}
		if !bound[p.Container] {
			bound[p.Container] = true
			ports = append(ports, p)
		}
	}
	slices.SortFunc(ports, func(a, b port) int {
		if a.Container != b.Container {
			return a.Container - b.Container
		}
		return a.Host - b.Host
	})
	return ports
}

func (in *input) binds() []string {
	volumes := in.scalars("volumes")
	var binds []string
	for _, from := range slices.Sorted(maps.Keys(volumes)) {
		key := "volumes." + from
		to, mode, moded := strings.Cut(volumes[from], ":")
		switch {
		case !path.IsAbs(from) || strings.Contains(from, ":"):
			in.fail(key, "the path on the host must be absolute and without a colon")
		case !path.IsAbs(to):
			in.fail(key, "the path in the container must be absolute, is %q", to)
		case moded && mode != "ro" && mode != "rw":
			in.fail(key, "the mode must be ro or rw, is %q", mode)
		}
		binds = append(binds, from+":"+volumes[from])
	}
	return binds
}

// links makes each link a DNS name on the application's network when its
// target is a container there, else a line of /etc/hosts.
func (s *spec) links(ctx context.Context, in *input, find lookup) {
	for i, v := range in.list("links") {
		key := fmt.Sprintf("links[%d]", i)
		m, ok := v.(map[string]any)
		if !ok {
			in.fail(key, "must be a map of alias and container or address, is %v", v)
			return
		}
		l := newInput(in.step, m, "alias", "container", "address")
		alias, target, address := l.text("alias"), l.text("container"), l.text("address")
		if l.err != nil {
			in.err = l.err
			return
		}
		switch {
		case !dnsName.MatchString(alias):
			in.fail(key+".alias", "%q is no host name", alias)
		case target != "" && !containerName.MatchString(target):
			in.fail(key+".container", "%q is no container name", target)
		case target != "":
			s.Links = append(s.Links, target+":"+alias)
		case address == "":
			in.fail(key, "has neither container nor address")
		default:
			ip, err := resolve(ctx, address, find)
			if err != nil && in.err == nil {
				in.err = fault.Wrap(err, in.step+": "+key+".address", "")
			}
			s.ExtraHosts = append(s.ExtraHosts, alias+":"+ip.String())
		}
	}
	slices.Sort(s.Links)
	slices.Sort(s.ExtraHosts)
}

// lookupLimit bounds the search for a host name.
const lookupLimit = 5 * time.Second

// resolve gives the IP address that /etc/hosts needs: hosts of a location may
// be known by name.
func resolve(ctx context.Context, address string, find lookup) (netip.Addr, error) {
	if ip, err := netip.ParseAddr(address); err == nil {
		return ip, nil
	}
	if !dnsName.MatchString(address) {
		return netip.Addr{}, fault.New(fault.Invalid, "%q is neither an IP address nor a host name", address)
	}
	ctx, cancel := context.WithTimeout(ctx, lookupLimit)
	defer cancel()
	found, err := find(ctx, address)
	if err != nil {
		return netip.Addr{}, fault.As(err, fault.Unavailable)
	}
	if len(found) == 0 {
		return netip.Addr{}, fault.New(fault.Unavailable, "%q has no address", address)
	}
	return slices.MinFunc(found, func(a, b netip.Addr) int { return a.Unmap().Compare(b.Unmap()) }).Unmap(), nil // IPv4 first
}
