// Package route decides how a pull reaches its source: directly, or through an HTTP
// proxy, which local addresses bypass.
//
// It knows names and addresses, not what is sent over the connection.
package route

import (
	"context"
	"net"
	"net/netip"
	"strings"
)

// Proxy is an HTTP proxy and the rule for bypassing it. The zero value goes directly
// to every target.
type Proxy struct {
	Address string // host:port; empty means no proxy
	Local   bool   // the proxy is used for local addresses too
	// Resolve looks a name up, to learn whether it is local; nil asks the system.
	Resolve func(ctx context.Context, host string) ([]netip.Addr, error)
}

// Route returns the address to dial for a target (host:port), and whether that is the
// proxy. A name that does not resolve goes to the proxy, which may know it.
func (p Proxy) Route(ctx context.Context, target string) (dial string, proxied bool, err error) {
	if p.Address == "" {
		return target, false, nil
	}
	if p.Local {
		return p.Address, true, nil
	}
	host, _, err := net.SplitHostPort(target)
	if err != nil {
		return "", false, err
	}
	if p.isLocal(ctx, host) {
		return target, false, nil
	}
	return p.Address, true, nil
}

// isLocal reports whether every address of a host is one of ours.
func (p Proxy) isLocal(ctx context.Context, host string) bool {
	if strings.EqualFold(strings.TrimSuffix(host, "."), "localhost") {
		return true
	}
	if a, err := netip.ParseAddr(host); err == nil {
		return Local(a)
	}
	resolve := p.Resolve
	if resolve == nil {
		resolve = func(ctx context.Context, host string) ([]netip.Addr, error) {
			return net.DefaultResolver.LookupNetIP(ctx, "ip", host)
		}
	}
	addrs, err := resolve(ctx, host)
	if err != nil || len(addrs) == 0 {
		return false
	}
	for _, a := range addrs {
		if !Local(a) {
			return false
		}
	}
	return true
}

// Local reports whether an address is on this machine or in a private network:
// loopback, link-local, [RFC 1918] and IPv6 ULA ([RFC 4193]).
func Local(a netip.Addr) bool {
	a = a.Unmap()
	return a.IsLoopback() || a.IsLinkLocalUnicast() || a.IsPrivate() || a.IsUnspecified()
}
