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

// bare tells whether the host alone was granted, without a port.
func (c *confinement) bare(address string) bool {
	host, _, err := net.SplitHostPort(address)
	return err == nil && slices.ContainsFunc(c.hosts, func(h string) bool { return pattern.Wild(h, strings.ToLower(host)) })
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
	return c.leads(address, func(granted, to string) bool { return granted == to })
}

// leads refuses an address that is not public, unless it is the same as a
// granted one.
func (c *confinement) leads(address string, same func(granted, to string) bool) error {
	at, err := netip.ParseAddrPort(address)
	if err != nil {
		return fault.New(fault.Forbidden, "%s is no address", address)
	}
	ip := at.Addr().Unmap()
	if public(ip) {
		return nil
	}
	for _, h := range c.hosts {
		if same(h, ip.String()) || same(h, netip.AddrPortFrom(ip, at.Port()).String()) {
			return nil
		}
	}
	return fault.New(fault.Forbidden, "the name leads to %s, an address that is not public and was not granted itself", ip)
}

// dialer gives one for connections that nothing is sent over. A pattern that
// fits an address grants it then, as * does: to see whether something is there
// is what these are for, but a name under *.example.org must not tell it of
// other places.
func (c *confinement) dialer() *net.Dialer {
	if c == nil {
		return new(net.Dialer)
	}
	return &net.Dialer{Control: func(_, address string, _ syscall.RawConn) error { return c.leads(address, pattern.Wild) }}
}

// public tells whether an address is one of the Internet, by the registries of
// special addresses of IANA. An IPv6 address that carries one of IPv4 is what
// that is: gateways translate it.
func public(ip netip.Addr) bool {
	if !ip.IsGlobalUnicast() || ip.IsPrivate() || slices.ContainsFunc(special, func(p netip.Prefix) bool { return p.Contains(ip) }) {
		return false
	}
	b := ip.As16()
	switch {
	case translated.Contains(ip):
		return public(netip.AddrFrom4([4]byte(b[12:])))
	case sixToFour.Contains(ip):
		return public(netip.AddrFrom4([4]byte(b[2:6])))
	}
	return true
}

var (
	translated = netip.MustParsePrefix("64:ff9b::/96") // RFC 6052
	sixToFour  = netip.MustParsePrefix("2002::/16")    // RFC 3056

	// special is what netip counts as global though it is not public.
	special = []netip.Prefix{
		netip.MustParsePrefix("0.0.0.0/8"),        // this network
		netip.MustParsePrefix("100.64.0.0/10"),    // between carriers and their customers, RFC 6598
		netip.MustParsePrefix("168.63.129.16/32"), // metadata of Azure
		netip.MustParsePrefix("192.0.0.0/24"),     // protocol assignments; metadata of Oracle
		netip.MustParsePrefix("192.0.2.0/24"),     // documentation
		netip.MustParsePrefix("198.18.0.0/15"),    // benchmarks
		netip.MustParsePrefix("198.51.100.0/24"),  // documentation
		netip.MustParsePrefix("203.0.113.0/24"),   // documentation
		netip.MustParsePrefix("240.0.0.0/4"),      // reserved
		netip.MustParsePrefix("::/96"),            // IPv4-compatible
		netip.MustParsePrefix("64:ff9b:1::/48"),   // local translation
		netip.MustParsePrefix("100::/64"),         // discard
		netip.MustParsePrefix("2001::/23"),        // protocol assignments, Teredo
		netip.MustParsePrefix("2001:db8::/32"),    // documentation
		netip.MustParsePrefix("fec0::/10"),        // site-local
	}
)
