package rtsp

import (
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"strconv"
	"strings"

	"streampump/codec/http1"
)

// The ports of an address that names none, without TLS and with it.
const (
	DefaultPort    = 554
	DefaultTLSPort = 322
)

// URL is where a source is: the parts of an rtsp:// address, or with TLS of an rtsps://
// address. It has no user name and no password, so that it can be shown.
type URL struct {
	Host string // a name or an address; IPv6 without brackets
	Port uint16 // 0 means [DefaultPort], or [DefaultTLSPort] with TLS
	Path string // begins with "/", percent-encoded, with its query; empty means "/"
	TLS  bool
}

// maxAddress is the most bytes of an address that a source may give us: we say it back
// with every request.
const maxAddress = 4 << 10

// ParseURL reads a source's address. The error is an operator's sentence, which shows
// neither a password nor a token. A user name and a password are refused: they go into
// [PullOptions].
func ParseURL(s string) (URL, error) {
	u, err := url.Parse(s)
	switch {
	case err != nil || len(s) > maxAddress:
		return URL{}, fmt.Errorf("the address %q cannot be read", shown(s))
	case u.User != nil:
		return URL{}, errors.New("the address of a source contains a user name or a password, which are given apart from it")
	}
	return fromURL(u)
}

func fromURL(u *url.URL) (URL, error) {
	out := URL{Host: u.Hostname(), Path: u.EscapedPath()}
	switch strings.ToLower(u.Scheme) {
	case "rtsp":
	case "rtsps":
		out.TLS = true
	default:
		return URL{}, fmt.Errorf("the address %q must begin with rtsp://, or for TLS with rtsps://", shown(u.String()))
	}
	if u.RawQuery != "" {
		out.Path = out.path() + "?" + u.RawQuery
	}
	if p := u.Port(); p != "" {
		n, err := strconv.ParseUint(p, 10, 16)
		if err != nil || n == 0 {
			return URL{}, fmt.Errorf("the port %q of a source's address is not between 1 and 65535", clip(p))
		}
		out.Port = uint16(n)
	}
	if err := out.Check(); err != nil {
		return URL{}, err
	}
	return out, nil
}

// Check says what is wrong with an address that was put together by hand.
func (u URL) Check() error {
	if _, err := netip.ParseAddr(u.Host); err != nil && (u.Host == "" || !http1.IsAuthority(u.Host)) {
		return fmt.Errorf("%q is not the name or address of a host", clip(u.Host))
	}
	if path := u.path(); path[0] != '/' || strings.IndexFunc(path, notInAddress) >= 0 {
		return fmt.Errorf("%q is not the path of a stream: a path begins with a slash and has no blanks", clip(u.Path))
	}
	return nil
}

// notInAddress reports characters that would break a request line.
func notInAddress(r rune) bool { return r <= ' ' || r >= 0x7F }

// String is the address as requests have it.
func (u URL) String() string { return u.origin() + u.path() }

// origin is what comes before the path.
func (u URL) origin() string {
	scheme := "rtsp://"
	if u.TLS {
		scheme = "rtsps://"
	}
	if u.port() == u.defaultPort() {
		return scheme + u.bracketed()
	}
	return scheme + u.HostPort()
}

// HostPort is the address to dial.
func (u URL) HostPort() string { return u.bracketed() + ":" + strconv.Itoa(int(u.port())) }

func (u URL) bracketed() string {
	if strings.Contains(u.Host, ":") {
		return "[" + u.Host + "]"
	}
	return u.Host
}

func (u URL) port() uint16 {
	if u.Port == 0 {
		return u.defaultPort()
	}
	return u.Port
}

func (u URL) defaultPort() uint16 {
	if u.TLS {
		return DefaultTLSPort
	}
	return DefaultPort
}

func (u URL) path() string {
	if u.Path == "" {
		return "/"
	}
	return u.Path
}

// samePlace reports whether two addresses are of one server.
func (u URL) samePlace(v URL) bool {
	return strings.EqualFold(u.Host, v.Host) && u.port() == v.port()
}

// follow is where a Location leads from here: it may be relative (RFC 3986, 4.2). A user
// name in it is not used.
func (u URL) follow(location string) (URL, error) {
	ref, err := url.Parse(location)
	if err != nil || len(location) > maxAddress {
		return URL{}, fmt.Errorf("the address %q cannot be read", shown(location))
	}
	base, err := url.Parse(u.String())
	if err != nil {
		return URL{}, fmt.Errorf("the address %q cannot be read", shown(u.String()))
	}
	return fromURL(base.ResolveReference(ref))
}

// within is an address of this server that the source gave, as requests have it: the
// path of an absolute one, at the server that we speak to. Cameras name themselves by
// addresses that only they can reach. What a request line cannot have is encoded.
func (u URL) within(address string) string {
	if _, rest, ok := cutScheme(address); ok {
		address = "/"
		if i := strings.IndexAny(rest, "/?"); i >= 0 {
			address = rest[i:]
		}
	}
	if !strings.HasPrefix(address, "/") {
		address = "/" + address
	}
	return u.origin() + escape(address)
}

// cutScheme takes rtsp:// or rtsps:// off an address.
func cutScheme(s string) (scheme, rest string, ok bool) {
	scheme, rest, ok = strings.Cut(s, "://")
	return scheme, rest, ok && (strings.EqualFold(scheme, "rtsp") || strings.EqualFold(scheme, "rtsps"))
}

// escape percent-encodes what would break a request line.
func escape(s string) string {
	if strings.IndexFunc(s, notInAddress) < 0 {
		return s
	}
	const digits = "0123456789ABCDEF"
	var b strings.Builder
	for i := range len(s) {
		if c := s[i]; notInAddress(rune(c)) {
			b.Write([]byte{'%', digits[c>>4], digits[c&15]})
		} else {
			b.WriteByte(c)
		}
	}
	return b.String()
}

// shown is an address as it may be logged: without what stands before an "@".
func shown(s string) string {
	if scheme, rest, ok := strings.Cut(s, "://"); ok {
		if i := strings.LastIndexByte(rest, '@'); i >= 0 {
			s = scheme + "://…" + rest[i:]
		}
	}
	return clip(s)
}
