package config

import (
	"bytes"
	"errors"
	"io"
	"net/url"
	"regexp"
	"strconv"
	"strings"

	"streampump/engine/trust"
)

// Pull is where a pulled stream comes from.
type Pull struct {
	Host string // a name or an IP address, without brackets
	Port int
	Path string // as it stands in the request: escaped, with its query, and beginning with "/"
	// TLS is nil for a source without TLS, and otherwise says how the source is judged.
	// Its Host is the one above.
	TLS *trust.Options
}

// pullPort is MMSH's port unless somebody says otherwise: it is HTTP's, even if the
// URL begins with mms:// ([MS-WMSP] 1.9). With TLS it is securePort.
const (
	pullPort   = 80
	securePort = 443
)

// source reads a stream's type and its source_options.
func (w *walker) source(o object, s *Stream) {
	typ, ok := o.get("type")
	if !ok {
		w.fail(o.node, `this stream has no "type" (%s, %s or %s)`, typePull, typePush, typeFile)
	} else if i, ok := w.choice(typ, typePull, typePush, typeFile); ok {
		s.Type = []Type{TypePull, TypePush, TypeFile}[i]
	}
	n, given := o.get("source_options")
	switch {
	case given:
	case s.Type == TypePull || s.Type == TypeFile:
		w.fail(o.node, `a stream of type %s needs "source_options"`, s.Type)
		return
	default:
		return
	}
	switch s.Type {
	case TypePull:
		w.pull(n, s)
	case TypeFile:
		w.play(n, s)
	case TypePush:
		w.push(n)
	default: // the type is unknown, the keys need not be
		w.object(n, sourceTable(typePull, typeFile))
	}
}

// push checks the source_options of a pushed stream: none.
func (w *walker) push(n node) {
	o, ok := w.object(n, sourceTable(typePull, typeFile))
	if ok && len(o.keys) > 0 {
		w.fail(n, "a stream of type %s has no source_options: its encoder connects to us", typePush)
	}
}

// pull reads the source of a pulled stream.
func (w *walker) pull(n node, s *Stream) {
	o, ok := w.object(n, sourceTable(typePull))
	if !ok {
		return
	}
	if u, ok := o.get("url"); ok {
		w.alone(o, u)
		if s.Pull, ok = w.url(u); !ok {
			return
		}
	} else {
		s.Pull = w.pieces(o)
	}
	w.sourceTLS(o, s)
}

// alone checks that nothing else says what a url says.
func (w *walker) alone(o object, u node) {
	for _, key := range []string{"host", "port", "path"} {
		if _, ok := o.get(key); ok {
			w.fail(u, `give either "url" or "host", "port" and "path", not both`)
			break
		}
	}
	if v, ok := o.get("ssl"); ok {
		w.fail(v, `"ssl" goes with "host": a url says by itself whether it is for TLS, beginning with https:// or mmshs://`)
	}
}

// pieces reads the address of a source that is given in pieces.
func (w *walker) pieces(o object) Pull {
	p := Pull{Port: pullPort, Path: "/"}
	if host, ok := o.get("host"); ok {
		p.Host, _ = w.host(host)
	} else {
		w.fail(o.node, `a stream of type %s needs a "url", or a "host"`, typePull)
	}
	if v, ok := o.get("ssl"); ok {
		if on, ok := w.boolean(v); ok && on {
			p.Port, p.TLS = securePort, &trust.Options{Host: p.Host}
		}
	}
	if v, ok := o.get("port"); ok {
		if port, ok := w.integer(v, 1, maxPort); ok {
			p.Port = int(port)
		}
	}
	if path, ok := o.get("path"); ok {
		p.Path = w.sourcePath(path)
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

// notInTarget reports characters that would end or break a request's target ([RFC
// 9112] 3.2).
func notInTarget(r rune) bool { return r <= ' ' || r >= 0x7f || r == '#' }

// url reads the address of a source.
func (w *walker) url(n node) (p Pull, ok bool) {
	s, ok := w.filled(n)
	if !ok {
		return Pull{}, false
	}
	u, err := url.Parse(s)
	if err == nil {
		err = checkURL(u)
	} else {
		var ue *url.Error
		if errors.As(err, &ue) {
			err = ue.Err
		}
	}
	if err != nil {
		w.fail(n, "%s cannot be pulled: %v", quote(withoutSecrets(s)), err)
		return Pull{}, false
	}
	p = Pull{Host: u.Hostname(), Port: pullPort, Path: u.RequestURI()}
	if overTLS(u) {
		p.Port, p.TLS = securePort, &trust.Options{Host: p.Host}
	}
	if u.Port() != "" {
		p.Port, _ = strconv.Atoi(u.Port())
	}
	return p, true
}

// overTLS reports whether a URL asks for TLS.
func overTLS(u *url.URL) bool {
	return strings.EqualFold(u.Scheme, "https") || strings.EqualFold(u.Scheme, "mmshs")
}

// checkURL says why a URL cannot be pulled.
func checkURL(u *url.URL) error {
	switch strings.ToLower(u.Scheme) {
	case "http", "mmsh", "mms", "https", "mmshs":
	case "":
		return errors.New(`it does not begin with "mmsh://", "http://" or "mms://", or for TLS with "mmshs://" or "https://"`)
	default:
		return errors.New(u.Scheme + `:// is none of "mmsh://", "http://" and "mms://", or with TLS "mmshs://" and "https://"`)
	}
	switch {
	case u.User != nil:
		return errors.New("the pump cannot give a source a user name or a password yet")
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
	}
	return nil
}

// play reads the file of a file stream.
func (w *walker) play(n node, s *Stream) {
	o, ok := w.object(n, sourceTable(typeFile))
	if !ok {
		return
	}
	v, ok := o.get("file")
	if !ok {
		w.fail(n, `a stream of type %s needs a "file"`, typeFile)
		return
	}
	if s.File, ok = w.file(v); !ok || !s.Enabled {
		return
	}
	if err := checkASF(s.File); err != nil {
		w.streamf(v.at, v.ptr, "the file %s %v", quote(s.File), err)
	}
}

// asfHeader is the GUID that every ASF file begins with ([ASF] 10.1,
// ASF_Header_Object), as it lies in the file.
const asfHeader = "\x30\x26\xb2\x75\x8e\x66\xcf\x11\xa6\xd9\x00\xaa\x00\x62\xce\x6c"

// checkASF says why a file cannot be played: not there, not readable, not ASF. The
// rest is left to those who know ASF.
func checkASF(path string) error {
	f, err := openRegular(path)
	if err != nil {
		return err
	}
	defer f.Close()
	first := make([]byte, len(asfHeader))
	_, err = io.ReadFull(f, first)
	switch {
	case err == nil && bytes.Equal(first, []byte(asfHeader)):
		return nil
	case err == nil || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF):
		return errors.New("is not an ASF file (.asf, .wmv or .wma)")
	}
	return plain("cannot be read", err)
}

// What an address may hold that nobody else should see: a password in front of the
// host, and a token in the query.
var (
	userPart  = regexp.MustCompile(`://[^/?#]*@`)
	tokenPart = regexp.MustCompile(`\btoken=[^&#]*`)
)

// withoutSecrets is an address as it may stand in a sentence.
func withoutSecrets(s string) string {
	return tokenPart.ReplaceAllString(userPart.ReplaceAllString(s, "://…@"), "token=…")
}
