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
// anything there. Such a page has these ways:
//
//   - It asks across sites. Browsers say so, in Sec-Fetch-Site or Origin. The page
//     cannot read the answer, but a profile costs as much: that is why, unlike
//     [http.CrossOriginProtection], GET is refused too.
//   - Its own name is made to point here (DNS rebinding), so that the browser
//     takes us for its site. The name stands in Host; a literal address cannot be
//     made to point anywhere else.
//   - A browser says nothing of the kind when a page has it fetch a picture over plain
//     HTTP from an address that is not loopback. What costs something or changes
//     something is not done for a browser that does not say where it asks from
//     ([dear]).
//   - It shows our page in a frame, or has our answer taken for a script or a style
//     sheet. Headers forbid that ([armoured]).
//   - It keeps connections open. A refused request closes its own, and one that is
//     silent gives way ([limited]).
type guard struct {
	own netip.Addr // the address that is listened on, perhaps all of them
}

// The sentences of what is refused.
var (
	errHost = errors.New("this listener answers only at loopback addresses, at localhost and at its own address")
	errSite = errors.New("this listener does not answer pages of other sites")
	errDear = errors.New("your browser does not say which page asks for this; follow a link from here, or use stream-pump profile, curl, or an SSH tunnel to a loopback address")
)

// armoured puts headers into every answer that keep other pages away from it.
func armoured(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for name, value := range armour {
			w.Header().Set(name, value)
		}
		h.ServeHTTP(w, r)
	})
}

var armour = map[string]string{
	"Cache-Control":                "no-store",
	"Content-Security-Policy":      "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
	"Cross-Origin-Opener-Policy":   "same-origin",
	"Cross-Origin-Resource-Policy": "same-origin",
	"Referrer-Policy":              "same-origin",
	"X-Content-Type-Options":       "nosniff",
	"X-Frame-Options":              "DENY",
}

// protect lets through what is meant for us.
func (g guard) protect(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case !g.knows(r):
			refuse(w, errHost, http.StatusMisdirectedRequest)
		case crossSite(r):
			refuse(w, errSite, http.StatusForbidden)
		default:
			h.ServeHTTP(w, r)
		}
	})
}

// refuse answers a request that is not meant for us, and closes its connection.
func refuse(w http.ResponseWriter, why error, code int) {
	w.Header().Set("Connection", "close")
	http.Error(w, why.Error(), code)
}

// dear is for what costs something or changes something.
func dear(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if silent(r) {
			refuse(w, errDear, http.StatusForbidden)
			return
		}
		h.ServeHTTP(w, r)
	})
}

// silent reports whether a browser asks and does not say for which page. All browsers
// call themselves Mozilla, and no page can have them call themselves otherwise.
func silent(r *http.Request) bool {
	if !strings.HasPrefix(r.UserAgent(), "Mozilla/") || r.Header.Get("Sec-Fetch-Site") != "" || r.Header.Get("Origin") != "" {
		return false // what these two say has been looked at
	}
	from, err := url.Parse(r.Referer())
	return err != nil || !strings.EqualFold(from.Host, r.Host) || r.Host == ""
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
