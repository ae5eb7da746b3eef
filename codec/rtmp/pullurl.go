package rtmp

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
	DefaultPort    = 1935
	DefaultTLSPort = 443
)

// URL is where a source is: the parts of an rtmp:// address, or with TLS of an rtmps://
// address. It has no user name and no password, so that it can be shown; a query may have
// what proves who we are, and only goes to the source.
type URL struct {
	Host string // a name or an address; IPv6 without brackets
	Port uint16 // 0 means [DefaultPort], or [DefaultTLSPort] with TLS
	Path string // begins with "/", sent as it is, with its query; empty means "/"
	TLS  bool
}

// maxAddress is the most bytes of an address, ours or one that a source sends us to.
const maxAddress = 4 << 10

// ParseURL reads a source's address. The error is an operator's sentence, which shows
// neither a password nor a token. A user name and a password are refused: RTMP has no
// place for them but the query, which each kind of server reads in its own way.
func ParseURL(s string) (URL, error) {
	u, err := url.Parse(s)
	switch {
	case err != nil || len(s) > maxAddress:
		return URL{}, fmt.Errorf("the address %q cannot be read", shown(s))
	case u.User != nil:
		return URL{}, errors.New("the address of a source contains a user name or a password, which go into its query as the source wants them, for MediaMTX as ?user=NAME&pass=PASSWORD")
	}
	return fromURL(u)
}

func fromURL(u *url.URL) (URL, error) {
	out := URL{Host: u.Hostname(), Path: u.EscapedPath()}
	switch strings.ToLower(u.Scheme) {
	case "rtmp":
	case "rtmps":
		out.TLS = true
	default:
		return URL{}, fmt.Errorf("the address %q must begin with rtmp://, or for TLS with rtmps://", shown(u.String()))
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
	path := u.path()
	if path[0] != '/' || strings.IndexFunc(path, notInAddress) >= 0 {
		return fmt.Errorf("%q is not the path of a stream: a path begins with a slash and has no blanks", shown(u.Path))
	}
	if app, _ := u.split(); unasked(app) == "" {
		return fmt.Errorf("the path %q names no application: a stream's path is /APPLICATION/NAME", shown(u.Path))
	}
	return nil
}

// notInAddress reports characters that addresses have only encoded.
func notInAddress(r rune) bool { return r <= ' ' || r >= 0x7F }

// String is the address as a person writes it.
func (u URL) String() string {
	if u.port() == u.defaultPort() {
		return u.scheme() + u.bracketed() + u.path()
	}
	return u.scheme() + u.HostPort() + u.path()
}

func (u URL) scheme() string {
	if u.TLS {
		return "rtmps://"
	}
	return "rtmp://"
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

// tcURL is the address of an application as connect has it. All clients write the port.
func (u URL) tcURL(app string) string { return u.scheme() + u.HostPort() + "/" + app }

// split is the path as a server is told it: the application, and the name of the stream in
// it, which is the last segment with the query. A path of one segment is an application
// whose stream has an empty name, and MediaMTX, which joins the two, finds a query only
// if it is in what is not empty.
//
//	/live/x?k=1       live, x?k=1
//	/live             live, nothing
//	/a/b/x            a/b, x
//	/live?k=1/x       live?k=1, x
//	/vod/mp4:a/b.mp4  vod, mp4:a/b.mp4
func (u URL) split() (app, name string) {
	path := strings.TrimPrefix(u.path(), "/")
	before, query, _ := strings.Cut(path, "?")
	at := nameAt(before)
	if i := strings.IndexByte(query, '/'); at < 0 && i >= 0 {
		at = len(before) + len("?") + i
	}
	if at < 0 {
		return path, ""
	}
	return path[:at], path[at+1:]
}

// nameAt is where the slash before a stream's name is in a path without its query; -1 if
// there is none. A name that begins with the kind of a file may have slashes itself.
func nameAt(path string) int {
	for _, kind := range [...]string{"/mp4:", "/flv:", "/mp3:"} {
		if i := strings.Index(path, kind); i >= 0 {
			return i
		}
	}
	return strings.LastIndexByte(path, '/')
}

// follow is where a source sends us that names an application, under which the stream has
// the same name as here, or the whole address of a stream. Some write the latter where the
// former belongs. A user name in it is not used.
func (u URL) follow(application, whole string) (URL, error) {
	location := application
	if whole != "" {
		location = whole
	}
	ref, err := url.Parse(location)
	if err != nil || len(location) > maxAddress {
		return URL{}, fmt.Errorf("the address %q cannot be read", shown(location))
	}
	to, err := fromURL(ref)
	if err != nil || whole != "" {
		return to, err
	}
	_, name := u.split()
	if _, there := to.split(); name == "" || there != "" && unasked(there) == unasked(name) {
		return to, nil
	}
	to.Path = strings.TrimSuffix(to.path(), "/") + "/" + name
	return to, nil
}

// unasked is a name without its query.
func unasked(name string) string {
	name, _, _ = strings.Cut(name, "?")
	return name
}

// shown is an address, or the path of one, as it may be logged: without what stands
// before an "@", and without its query, where servers want their passwords.
func shown(s string) string {
	s, _, asked := strings.Cut(s, "?")
	if scheme, rest, ok := strings.Cut(s, "://"); ok {
		if i := strings.LastIndexByte(rest, '@'); i >= 0 {
			s = scheme + "://…" + rest[i:]
		}
	}
	if s = clip(s); asked {
		s += "?…"
	}
	return s
}
