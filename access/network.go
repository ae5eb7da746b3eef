package access

import (
	"fmt"
	"net/netip"
	"strings"
)

// ParseNetwork reads a network, "192.0.2.0/24" or "2001:db8::/32", or a single
// address. Bits behind the prefix are an error: they are a slip, or a misunderstanding.
func ParseNetwork(s string) (netip.Prefix, error) {
	if !strings.Contains(s, "/") {
		a, err := netip.ParseAddr(s)
		if err != nil || a.Zone() != "" {
			return netip.Prefix{}, fmt.Errorf("%q is not a network, such as 192.0.2.0/24 or 2001:db8::/32, or an IP address", clip(s))
		}
		a = a.Unmap()
		return netip.PrefixFrom(a, a.BitLen()), nil
	}
	p, err := netip.ParsePrefix(s)
	switch {
	case err != nil:
		return netip.Prefix{}, fmt.Errorf("%q is not a network, such as 192.0.2.0/24 or 2001:db8::/32", clip(s))
	case p.Addr().Is4In6():
		return netip.Prefix{}, fmt.Errorf("%q is an IPv4 network in the form of IPv6; write it as IPv4", clip(s))
	case p.Masked() != p:
		return netip.Prefix{}, fmt.Errorf("%q has bits behind its prefix; the network is %s", clip(s), p.Masked())
	}
	return p, nil
}

// neighbourhood is what counts as one address: one host may have a whole IPv6 /64.
func neighbourhood(a netip.Addr) netip.Addr {
	if !a.Is6() {
		return a
	}
	p, _ := a.WithZone("").Prefix(64)
	return p.Addr()
}

// clip bounds what a peer, or a file, can put into a sentence.
func clip(s string) string {
	const most = 64
	if len(s) > most {
		return s[:most] + "…"
	}
	return s
}
