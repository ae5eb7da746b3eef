package rtsp

import (
	"strings"

	"streampump/codec/address"
)

// URL is where a source is: the parts of an rtsp:// address, or with TLS of an rtsps://
// address.
type URL = address.URL

// scheme is what these addresses have in common.
var scheme = &address.Scheme{
	Plain: []string{"rtsp"}, Secure: []string{"rtsps"}, Port: 554, SecurePort: 322,
	User: "are given apart from it",
}

// NewURL is the address of a source; port 0 is the usual one. The path is percent-encoded and
// has its query. The error is an operator's sentence.
func NewURL(host string, port uint16, path string, tls bool) (URL, error) {
	u := URL{Scheme: scheme, Host: host, Port: port, Path: path, TLS: tls}
	return u, u.Check()
}

// atServer is an address at a server that the source gave, as requests have it: the
// path of an absolute one, at the server that we speak to. Cameras name themselves by
// addresses that only they can reach. What a request line cannot have is encoded.
func atServer(u URL, control string) string {
	if _, rest, ok := cutScheme(control); ok {
		control = "/"
		if i := strings.IndexAny(rest, "/?"); i >= 0 {
			control = rest[i:]
		}
	}
	if !strings.HasPrefix(control, "/") {
		control = "/" + control
	}
	return u.Origin() + escape(control)
}

// cutScheme takes rtsp:// or rtsps:// off an address.
func cutScheme(s string) (scheme, rest string, ok bool) {
	scheme, rest, ok = strings.Cut(s, "://")
	return scheme, rest, ok && (strings.EqualFold(scheme, "rtsp") || strings.EqualFold(scheme, "rtsps"))
}

// escape percent-encodes what would break a request line.
func escape(s string) string {
	if strings.IndexFunc(s, address.Encoded) < 0 {
		return s
	}
	const digits = "0123456789ABCDEF"
	var b strings.Builder
	for i := range len(s) {
		if c := s[i]; address.Encoded(rune(c)) {
			b.Write([]byte{'%', digits[c>>4], digits[c&15]})
		} else {
			b.WriteByte(c)
		}
	}
	return b.String()
}
