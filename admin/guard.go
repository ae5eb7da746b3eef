package admin

import (
	"errors"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
)

// guard keeps pages of other sites out. A browser on this machine reaches the
// loopback address, and the pages that its user looks at must not be able to ask for
// anything there. Such a page has two ways:
//
//   - It asks across sites. Browsers say so, in Sec-Fetch-Site or Origin. The page
//     cannot read the answer, but a profile costs as much.
//   - Its own name is made to point here (DNS rebinding), so that the browser
//     takes us for its site. The name stands in Host; a literal address cannot be
//     made to point anywhere else.
type guard struct {
	own netip.Addr // the address that is listened on, perhaps all of them
}

// The sentences of what is refused.
var (
	errHost = errors.New("this listener answers only at loopback addresses, at localhost and at its own address")
	errSite = errors.New("this listener does not answer pages of other sites")
)

// protect lets through what is meant for us.
func (g guard) protect(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case !g.knows(r):
			http.Error(w, errHost.Error(), http.StatusMisdirectedRequest)
		case crossSite(r):
			http.Error(w, errSite.Error(), http.StatusForbidden)
		default:
			h.ServeHTTP(w, r)
		}
	})
}

// knows reports whether a request names us. HTTP/1.0, which no browser speaks, need
// not name a host.
func (g guard) knows(r *http.Request) bool {
	if r.Host == "" {
		return !r.ProtoAtLeast(1, 1)
	}
	host := strings.TrimSuffix((&url.URL{Host: r.Host}).Hostname(), ".")
	if strings.EqualFold(host, "localhost") {
		return true
	}
	a, err := netip.ParseAddr(host)
	if err != nil {
		return false
	}
	a = a.Unmap().WithZone("")
	return a.IsLoopback() || a == g.own.WithZone("") || g.own.IsUnspecified() && a == localOf(r)
}

// localOf is the address at which a connection has reached us.
func localOf(r *http.Request) netip.Addr {
	if tcp, ok := r.Context().Value(http.LocalAddrContextKey).(*net.TCPAddr); ok {
		return tcp.AddrPort().Addr().Unmap().WithZone("")
	}
	return netip.Addr{}
}

// crossSite reports whether a browser asks for a page that is not ours. A request
// that does not say where it comes from is not from a recent browser, or is not one
// that changes anything.
func crossSite(r *http.Request) bool {
	switch site := r.Header.Get("Sec-Fetch-Site"); site {
	case "":
	case "same-origin", "none": // "none": typed, or from a bookmark
		return false
	default:
		return true
	}
	origin := r.Header.Get("Origin")
	if origin == "" {
		return false
	}
	u, err := url.Parse(origin)
	return err != nil || u.Host == "" || !strings.EqualFold(u.Host, r.Host)
}
