package config

import (
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"streampump/engine/trust"
)

// A family is how the sources of a type of stream are addressed.
type family struct {
	typ Type
	// open and secure are the schemes of URLs without and with TLS, the usual one first.
	open, secure []string
	// port and securePort are those of a URL that names none.
	port, securePort int
	// accounts: a source can be told a user name and a password.
	accounts bool
	// named: a path that begins with no name leads nowhere.
	named bool
}

// families are the addresses of sources, by type of stream. MMSH's port is that of HTTP,
// even if the URL begins with mms:// ([MS-WMSP] 1.9). RTSP's are in RFC 2326, 3.2, and, over
// TLS, RFC 7826, 4.2. RTMP's is registered for it, and over TLS it is that of HTTPS.
var families = []family{
	{typ: TypeMMSHPull, open: []string{"mmsh", "http", "mms"}, secure: []string{"mmshs", "https"}, port: 80, securePort: 443},
	{typ: TypeRTSPPull, open: []string{"rtsp"}, secure: []string{"rtsps"}, port: 554, securePort: 322, accounts: true},
	{typ: TypeRTMPPull, open: []string{"rtmp"}, secure: []string{"rtmps"}, port: 1935, securePort: 443, named: true},
}

// familyOf is the family of a type that is pulled.
func familyOf(t Type) family {
	return families[slices.IndexFunc(families, func(f family) bool { return f.typ == t })]
}

// secures are the schemes with TLS as a sentence names them.
func (f family) secures() string { return either(schemes(f.secure, "%s://")) }

// schemes puts each scheme into a form.
func schemes(of []string, form string) (out []string) {
	for _, s := range of {
		out = append(out, fmt.Sprintf(form, s))
	}
	return out
}

// overTLS reports whether a URL asks for TLS.
func (f family) overTLS(u *url.URL) bool { return slices.Contains(f.secure, strings.ToLower(u.Scheme)) }

// checkScheme says why a URL of a scheme cannot be pulled.
func (f family) checkScheme(scheme string) error {
	s := strings.ToLower(scheme)
	if slices.Contains(f.open, s) || slices.Contains(f.secure, s) {
		return nil
	}
	const quoted = `"%s://"`
	if s == "" {
		return fmt.Errorf("it does not begin with %s, or for TLS with %s", either(schemes(f.open, quoted)), either(schemes(f.secure, quoted)))
	}
	for _, other := range families {
		if slices.Contains(other.open, s) || slices.Contains(other.secure, s) {
			return fmt.Errorf("%s:// is for streams of type %s, and this one is of type %s", scheme, other.typ, f.typ)
		}
	}
	return fmt.Errorf("%s:// is not %s, and not %s with TLS", scheme, either(schemes(f.open, quoted)), either(schemes(f.secure, quoted)))
}

// pull reads the source of a pulled stream.
func (w *walker) pull(n node, s *Stream) {
	o, ok := w.object(n, sourceTable(s.Type))
	if !ok {
		return
	}
	f := familyOf(s.Type)
	if u, ok := o.get("url"); ok {
		w.alone(o, u, f)
		if s.Pull, ok = w.url(u, f); !ok {
			return
		}
	} else {
		s.Pull = w.pieces(o, f)
	}
	w.account(o, s)
	w.sourceTLS(o, s, f)
}

// alone checks that nothing else says what a url says.
func (w *walker) alone(o object, u node, f family) {
	for _, key := range []string{"host", "port", "path"} {
		if _, ok := o.get(key); ok {
			w.fail(u, `give either "url" or "host", "port" and "path", not both`)
			break
		}
	}
	if v, ok := o.get("ssl"); ok {
		w.fail(v, `"ssl" goes with "host": a url says by itself whether it is for TLS, beginning with %s`, f.secures())
	}
}

// pieces reads the address of a source that is given in pieces.
func (w *walker) pieces(o object, f family) Pull {
	p := Pull{Port: f.port, Path: "/"}
	if host, ok := o.get("host"); ok {
		p.Host, _ = w.host(host)
	} else {
		w.fail(o.node, `a stream of type %s needs a "url", or a "host"`, f.typ)
	}
	if v, ok := o.get("ssl"); ok {
		if on, ok := w.boolean(v); ok && on {
			p.Port, p.TLS = f.securePort, &trust.Options{Host: p.Host}
		}
	}
	if v, ok := o.get("port"); ok {
		if port, ok := w.integer(v, 1, maxPort); ok {
			p.Port = int(port)
		}
	}
	path, given := o.get("path")
	if given {
		p.Path = w.sourcePath(path)
	}
	if f.named && p.Host != "" && p.Path != "" && nameless(p.Path) {
		if !given {
			path = o.node
		}
		w.fail(path, `a stream of type %s needs a "path" with a "host": that of the stream at the source`, f.typ)
	}
	return p
}

// sourcePath reads the path at the source. What is missing in front is added.
func (w *walker) sourcePath(n node) string {
	s, ok := w.text(n)
	if !ok {
		return ""
	}
	if !strings.HasPrefix(s, "/") {
		s = "/" + s
	}
	if bad := strings.IndexFunc(s, notInTarget); bad >= 0 {
		w.fail(n, "a path in a request cannot contain %q; write it escaped, as %s", []rune(s[bad:])[0], url.PathEscape(string([]rune(s[bad:])[0])))
		return ""
	}
	return s
}

// nameless reports whether a path begins with no name.
func nameless(path string) bool {
	path, _, _ = strings.Cut(path, "?")
	path = strings.TrimPrefix(path, "/")
	return path == "" || path[0] == '/'
}

// notInTarget reports characters that would end or break a request's target ([RFC
// 9112] 3.2; RTSP's are no wider).
func notInTarget(r rune) bool { return r <= ' ' || r >= 0x7f || r == '#' }

// url reads the address of a source.
func (w *walker) url(n node, f family) (p Pull, ok bool) {
	s, ok := w.filled(n)
	if !ok {
		return Pull{}, false
	}
	u, err := parseURL(s)
	if err == nil {
		err = f.check(u)
	}
	if err != nil {
		w.fail(n, "%s cannot be pulled: %v", quote(withoutSecrets(s)), err)
		return Pull{}, false
	}
	p = Pull{Host: u.Hostname(), Port: f.port, Path: u.RequestURI()}
	if f.overTLS(u) {
		p.Port, p.TLS = f.securePort, &trust.Options{Host: p.Host}
	}
	if u.Port() != "" {
		p.Port, _ = strconv.Atoi(u.Port())
	}
	if u.User != nil {
		p.User = u.User.Username()
		p.Password, _ = u.User.Password()
		w.inline = append(w.inline, n)
	}
	return p, true
}

// errEscape is about an address that may have been cut in the middle of a password.
var errEscape = errors.New(`there is an @ in it that does not end a user name and a password: in these write / as %2F, ? as %3F, # as %23, % as %25 and @ as %40 (or give them as "user" and "password"), and @ as %40 behind the host too`)

// parseURL parses an address. Its errors hold no part of a password.
func parseURL(s string) (*url.URL, error) {
	u, err := url.Parse(s)
	if err != nil && strings.Contains(s, "@") {
		return nil, errEscape
	}
	if err != nil {
		var ue *url.Error
		if errors.As(err, &ue) {
			err = ue.Err
		}
		return nil, err
	}
	return u, nil
}

// check says why a URL cannot be pulled.
func (f family) check(u *url.URL) error {
	if err := f.checkScheme(u.Scheme); err != nil {
		return err
	}
	switch {
	case u.User != nil && !f.accounts:
		return errors.New("the pump cannot give a source a user name or a password yet")
	case f.accounts && strings.Contains(u.EscapedPath()+u.RawQuery+u.Fragment, "@"):
		return errEscape
	case u.User != nil && u.User.Username() == "":
		return errors.New("there is no user name before the @")
	case u.Opaque != "" || u.Host == "":
		return errors.New("it names no host")
	case !validHost(u.Hostname()):
		return errors.New(quote(u.Hostname()) + " is not the name or the IP address of a host")
	case u.Port() != "" && !validPort(u.Port()):
		return errors.New("the port must be between 1 and 65535")
	case u.Fragment != "":
		return errors.New("what follows the # is never sent to a server")
	case strings.ContainsFunc(u.RequestURI(), notInTarget):
		return errors.New("it contains characters that must be escaped")
	case f.named && nameless(u.EscapedPath()):
		return errors.New("it names no stream: its path would be /APPLICATION/NAME")
	}
	if u.User != nil {
		password, _ := u.User.Password()
		return checkAccount(u.User.Username(), password)
	}
	return nil
}

// What an address may hold that nobody else should see: a password in front of the
// host, which may hold characters that end the host for others, and a token, a key or a
// password in the query.
var (
	userPart  = regexp.MustCompile(`://.*@`)
	tokenPart = regexp.MustCompile(`\b(token|key|pass|password)=[^&#]*`)
)

// withoutSecrets is an address as it may stand in a sentence.
func withoutSecrets(s string) string {
	return tokenPart.ReplaceAllString(userPart.ReplaceAllString(s, "://…@"), "${1}=…")
}
