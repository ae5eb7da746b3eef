// Package address is where a source is: its URL, of which each protocol has its own schemes
// and ports (RFC 3986).
package address

import (
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"streampump/codec/http1"
)

// MaxLen is the most bytes of an address, ours or one that a source sends us to: we say it
// back with every request.
const MaxLen = 4 << 10

// Scheme is what the addresses of one protocol have in common.
type Scheme struct {
	// Plain and Secure are the names of the scheme in lower case, without TLS and with it.
	// The first of each is the one that is written.
	Plain, Secure []string
	// Port and SecurePort are those of an address that names none.
	Port, SecurePort uint16
	// User says why no address has a user name and a password.
	User string
	// Secret says that the query may have what proves who we are, and is not shown.
	Secret bool
}

// URL is the parts of an address. It has no user name and no password. It is a value, and
// immutable.
type URL struct {
	Scheme *Scheme
	Host   string // a name or an address; IPv6 without brackets
	Port   uint16 // 0 means the scheme's
	Path   string // begins with "/", as it is sent, with its query; empty means "/"
	TLS    bool
}

// Parse reads an address. The error is an operator's sentence, which shows neither a
// password nor a token.
func (s *Scheme) Parse(text string) (URL, error) {
	u, err := url.Parse(text)
	switch {
	case err != nil || len(text) > MaxLen:
		return URL{}, s.unreadable(text)
	case u.User != nil:
		return URL{}, errors.New("the address of a source contains a user name or a password, which " + s.User)
	}
	return s.from(u)
}

// unreadable is the error for an address that is not one.
func (s *Scheme) unreadable(text string) error {
	return fmt.Errorf("the address %q cannot be read", s.Shown(text))
}

// from is an address without its user name and password.
func (s *Scheme) from(u *url.URL) (URL, error) {
	name := strings.ToLower(u.Scheme)
	out := URL{Scheme: s, Host: u.Hostname(), Path: u.EscapedPath(), TLS: slices.Contains(s.Secure, name)}
	if !out.TLS && !slices.Contains(s.Plain, name) {
		return URL{}, fmt.Errorf("the address %q must begin with %s, or for TLS with %s", s.Shown(u.String()), either(s.Plain), either(s.Secure))
	}
	if u.RawQuery != "" {
		out.Path = out.Target() + "?" + u.RawQuery
	}
	if p := u.Port(); p != "" {
		n, err := strconv.ParseUint(p, 10, 16)
		if err != nil || n == 0 {
			return URL{}, fmt.Errorf("the port %q of a source's address is not between 1 and 65535", http1.Clip(p))
		}
		out.Port = uint16(n)
	}
	if err := out.Check(); err != nil {
		return URL{}, err
	}
	return out, nil
}

// either is the beginnings of addresses in a sentence.
func either(names []string) string {
	last := len(names) - 1
	if last == 0 {
		return names[0] + "://"
	}
	return strings.Join(names[:last], "://, ") + ":// or " + names[last] + "://"
}

// Check says what is wrong with an address that was put together by hand.
func (u URL) Check() error {
	// What has colons is an address of IPv6 or nothing; a port is not part of the host.
	if _, err := netip.ParseAddr(u.Host); err != nil && (u.Host == "" || !http1.IsAuthority(u.Host) || strings.ContainsAny(u.Host, ":[]")) {
		return fmt.Errorf("%q is not the name or address of a host", http1.Clip(u.Host))
	}
	if path := u.Target(); path[0] != '/' || strings.IndexFunc(path, Encoded) >= 0 {
		return fmt.Errorf("%q is not the path of a stream: a path begins with a slash and has no blanks", u.Scheme.Shown(u.Path))
	}
	return nil
}

// Encoded reports characters that addresses have only percent-encoded: they would break a
// request line.
func Encoded(r rune) bool { return r <= ' ' || r >= 0x7F }

// String is the address as a person writes it.
func (u URL) String() string { return u.Origin() + u.Target() }

// Origin is what comes before the path.
func (u URL) Origin() string { return u.Name() + u.Authority() }

// Name is the name of the scheme with what is behind it.
func (u URL) Name() string {
	if u.TLS {
		return u.Scheme.Secure[0] + "://"
	}
	return u.Scheme.Plain[0] + "://"
}

// Authority is the host, with the port if it is not the scheme's.
func (u URL) Authority() string {
	if u.port() == u.defaultPort() {
		return u.bracketed()
	}
	return u.HostPort()
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

// defaultPort is the port of an address that names none.
func (u URL) defaultPort() uint16 {
	if u.TLS {
		return u.Scheme.SecurePort
	}
	return u.Scheme.Port
}

// Target is the path with its query.
func (u URL) Target() string {
	if u.Path == "" {
		return "/"
	}
	return u.Path
}

// Clone is a copy that shares no memory with what it was read from.
func (u URL) Clone() URL {
	u.Host, u.Path = strings.Clone(u.Host), strings.Clone(u.Path)
	return u
}

// SamePlace reports whether two addresses are of one server.
func (u URL) SamePlace(v URL) bool {
	return strings.EqualFold(u.Host, v.Host) && u.port() == v.port()
}

// Follow is where a location leads from here: it may be relative (RFC 3986, 4.2). A user
// name in it is not used.
func (u URL) Follow(location string) (URL, error) {
	ref, err := url.Parse(location)
	if err != nil || len(location) > MaxLen {
		return URL{}, u.Scheme.unreadable(location)
	}
	base, err := url.Parse(u.String())
	if err != nil {
		return URL{}, u.Scheme.unreadable(u.String())
	}
	return u.Scheme.from(base.ResolveReference(ref))
}

// Shown is an address, or the path of one, as it may be logged: without what stands before
// an "@", and without a query that may be secret.
func (s *Scheme) Shown(text string) string {
	asked := false
	if s.Secret {
		text, _, asked = strings.Cut(text, "?")
	}
	if i := strings.LastIndexByte(text, '@'); i >= 0 {
		before, rest := "", text[i:]
		if name, _, ok := strings.Cut(text[:i], "://"); ok && !strings.ContainsAny(name, ":@/") {
			before = name + "://"
		}
		text = before + "…" + rest
	}
	if text = http1.Clip(text); asked {
		text += "?…"
	}
	return text
}
