package web

import (
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"syscall"

	"github.com/gowanus-project/gowanus/engine/fault"
	"github.com/gowanus-project/gowanus/internal/coerce"
	"github.com/gowanus-project/gowanus/internal/pattern"
)

// confinement holds a request to the hosts that a module was granted. A name
// that leads to an address of this machine or of a private network is refused,
// unless that address itself was granted: whoever controls a name must not
// reach what is not meant for the outside.
type confinement struct {
	hosts []string // host, host:port or a pattern with *
}

// confined reads the input that a module's steps are given; nil is not
// confined.
func confined(v any) *confinement {
	list, is := v.([]any)
	if !is {
		return nil
	}
	c := &confinement{}
	for _, item := range list {
		c.hosts = append(c.hosts, strings.ToLower(coerce.Text(item)))
	}
	return c
}

// permits refuses a URL whose host was not granted.
func (c *confinement) permits(u *url.URL) error {
	if c == nil || slices.ContainsFunc(c.hosts, func(h string) bool { return pattern.Wild(h, strings.ToLower(u.Host)) }) {
		return nil
	}
	return fault.New(fault.Forbidden, "host %s was not granted, only %s", u.Host, strings.Join(c.hosts, ", "))
}

// client gives one that keeps to the confinement, whatever names resolve to.
func (c *confinement) client() *http.Client {
	if c == nil {
		return &http.Client{}
	}
	dialer := &net.Dialer{Control: func(_, address string, _ syscall.RawConn) error { return c.reaches(address) }}
	return &http.Client{Transport: &http.Transport{DialContext: dialer.DialContext, DisableKeepAlives: true}}
}

// reaches refuses an address, as names were resolved to it.
func (c *confinement) reaches(address string) error {
	at, err := netip.ParseAddrPort(address)
	if err != nil {
		return fault.New(fault.Forbidden, "%s is no address", address)
	}
	ip := at.Addr().Unmap()
	if ip.IsGlobalUnicast() && !ip.IsPrivate() && !shared.Contains(ip) {
		return nil
	}
	for _, h := range c.hosts {
		if h == ip.String() || h == netip.AddrPortFrom(ip, at.Port()).String() {
			return nil
		}
	}
	return fault.New(fault.Forbidden, "the name leads to %s, an address that is not public and was not granted itself", ip)
}

// shared is the address space between carriers and their customers (RFC 6598),
// which netip does not count as private.
var shared = netip.MustParsePrefix("100.64.0.0/10")
