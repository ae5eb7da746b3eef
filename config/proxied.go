package config

import (
	"net/netip"
	"strings"
)

// maxProxies is how many networks of proxies may be given: each connection is compared
// with all of them.
const maxProxies = 64

// proxies reads the networks of the proxies in front of the pump that are believed when
// they say by the PROXY protocol for whom they connect. A single one needs no brackets.
func (w *walker) proxies(n node, c *Config) {
	elements := []node{n}
	if kindOf(n) != '"' {
		var ok bool
		if elements, ok = w.list(n); !ok {
			return
		}
	}
	if len(elements) > maxProxies {
		w.fail(n, "there are %d networks, and at most %d can be given", len(elements), maxProxies)
		return
	}
	for _, e := range elements {
		p, ok := w.proxyNetwork(e)
		switch {
		case !ok:
			continue
		case p.Bits() == 0:
			w.warn(e, "everybody can say to be anybody: give the addresses of the proxies alone")
		}
		c.Engine.Proxies = append(c.Engine.Proxies, p)
	}
}

// proxyNetwork reads an address, or a network in CIDR.
func (w *walker) proxyNetwork(n node) (p netip.Prefix, ok bool) {
	s, ok := w.filled(n)
	if !ok {
		return p, false
	}
	var err error
	if strings.Contains(s, "/") {
		p, err = netip.ParsePrefix(s)
	} else {
		var a netip.Addr
		if a, err = netip.ParseAddr(s); err == nil {
			p = netip.PrefixFrom(a.Unmap(), a.Unmap().BitLen())
		}
	}
	switch {
	case err != nil || p.Addr().Zone() != "" || p.Addr().Is4In6():
		w.fail(n, `%s is neither an IP address nor a network such as "192.0.2.0/24" or "2001:db8::/32"`, quote(s))
		return p, false
	case p != p.Masked():
		w.fail(n, "%s has bits behind its length; the network is %s", quote(s), p.Masked())
		return p, false
	}
	return p, true
}
