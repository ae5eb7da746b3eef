package mmsh

import (
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
)

// The ports of an address that names none, without TLS and with it.
const (
	DefaultPort    = 80
	DefaultTLSPort = 443
)

// URL is where a source is: the parts of a mmsh://, mms:// or http:// address, or with
// TLS of a mmshs:// or https:// address.
type URL struct {
	Host string // a name or an address; IPv6 without brackets
	Port uint16 // 0 means [DefaultPort], or [DefaultTLSPort] with TLS
	Path string // begins with "/", percent-encoded, with its query; empty means "/"
	TLS  bool
}

// ParseURL reads a source's address. mms:// means the same as mmsh:// here:
// the binary protocol of that name is not spoken. The error is an operator's
// sentence.
func ParseURL(s string) (URL, error) {
	u, err := parse(s)
	if err != nil {
		return URL{}, err
	}
	return fromURL(u, s)
}

func parse(s string) (*url.URL, error) {
	u, err := url.Parse(s)
	if err != nil {
		return nil, fmt.Errorf("the address %q cannot be read: %w", clip(s), errors.Unwrap(err))
	}
	return u, nil
}

// fromURL is the address in u, which was spelled s.
func fromURL(u *url.URL, s string) (URL, error) {
	secure := false
	switch strings.ToLower(u.Scheme) {
	case "mmsh", "mms", "http":
	case "https", "mmshs":
		secure = true
	default:
		return URL{}, fmt.Errorf("the address %q must begin with mmsh://, mms:// or http://, or for TLS with mmshs:// or https://", clip(s))
	}
	if u.User != nil {
		return URL{}, errors.New("a user name or password in a source's address is not supported yet")
	}
	out := URL{Host: u.Hostname(), Path: u.EscapedPath(), TLS: secure}
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
	if _, err := netip.ParseAddr(u.Host); err != nil && !isHostName(u.Host) {
		return fmt.Errorf("%q is not the name or address of a host", clip(u.Host))
	}
	if path := u.path(); path[0] != '/' || strings.IndexFunc(path, notInPath) >= 0 {
		return fmt.Errorf("%q is not the path of a stream: a path begins with a slash and has no blanks", clip(u.Path))
	}
	return nil
}

// notInPath reports characters that would break a request line.
func notInPath(r rune) bool { return r <= ' ' || r >= 0x7F }

// String is the address in its mmsh:// or mmshs:// form.
func (u URL) String() string {
	if u.TLS {
		return "mmshs://" + u.authority() + u.path()
	}
	return "mmsh://" + u.authority() + u.path()
}

// HostPort is the address to dial.
func (u URL) HostPort() string {
	return u.bracketed() + ":" + strconv.Itoa(int(u.port()))
}

// authority is what a Host header says: the port only if it is not the scheme's.
func (u URL) authority() string {
	if u.port() == u.defaultPort() {
		return u.bracketed()
	}
	return u.HostPort()
}

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

// follow is where a Location header leads from here: it may be relative in all
// the ways of RFC 3986, 4.2 (RFC 9110, 10.2.2).
func (u URL) follow(location string) (URL, error) {
	ref, err := parse(location)
	if err != nil {
		return URL{}, err
	}
	base, err := parse(u.String())
	if err != nil {
		return URL{}, err
	}
	return fromURL(base.ResolveReference(ref), location)
}
