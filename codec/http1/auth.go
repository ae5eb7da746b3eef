package http1

import (
	"encoding/base64"
	"errors"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Authorization is what a request's Authorization field brings. What it holds is
// secret.
type Authorization struct {
	// Basic says that User and Password were sent in clear text (RFC 7617).
	Basic          bool
	User, Password string
	// Digest is a proof that its peer knows a password (RFC 7616); nil without one.
	Digest *Digest
}

// Digest is the parameters of a Digest Authorization, without their quotes.
type Digest struct {
	User, Realm, Nonce, URI, Response string
	ClientNonce, Count                string // empty without qop
	Auth                              bool   // qop=auth; false is the form of RFC 2069
	SHA256                            bool   // of SHA-256; false is MD5
	Session                           bool   // the algorithm ends in -sess
}

const (
	// maxAuthorization is the longest Authorization that is read.
	maxAuthorization = 4 << 10
	// maxParams is the most parameters of one. Digest has a dozen.
	maxParams = 32
)

// Authorization reads the request's Authorization; ok is false if there is none. An
// error is an operator's sentence and shows nothing of what was sent.
func (f Fields) Authorization() (a Authorization, ok bool, err error) {
	n := 0
	var value string
	for v := range f.All("Authorization") {
		if n++; n == 1 {
			value = v
		}
	}
	switch {
	case n == 0:
		return a, false, nil
	case n > 1:
		return a, true, errors.New("the request has more than one Authorization")
	case len(value) > maxAuthorization:
		return a, true, errors.New("the request's Authorization is longer than " + strconv.Itoa(maxAuthorization) + " bytes")
	}
	a, err = parseAuthorization(value)
	return a, true, err
}

func parseAuthorization(value string) (a Authorization, err error) {
	scheme, rest, _ := strings.Cut(value, " ")
	rest = strings.TrimLeft(rest, " ")
	switch {
	case strings.EqualFold(scheme, "Basic"):
		return parseBasic(rest)
	case strings.EqualFold(scheme, "Digest"):
		a.Digest, err = parseDigest(rest)
		return a, err
	case isToken(scheme) && len(scheme) <= 16:
		return a, errors.New("the request's Authorization is of the scheme " + scheme + ", and only Digest and Basic are known here")
	default:
		return a, errors.New("the request's Authorization names no scheme")
	}
}

// parseBasic reads base64 of NAME:PASSWORD, padded or not.
func parseBasic(s string) (a Authorization, err error) {
	b, err := base64.RawStdEncoding.DecodeString(strings.TrimRight(s, "= "))
	if err != nil {
		return a, errors.New("the request's Basic Authorization is not base64")
	}
	user, password, ok := strings.Cut(asUTF8(string(b)), ":")
	if !ok {
		return a, errors.New("the request's Basic Authorization has no colon")
	}
	return Authorization{Basic: true, User: user, Password: password}, nil
}

// asUTF8 reads text that is not UTF-8 as Latin-1, which older programs send.
func asUTF8(s string) string {
	if utf8.ValidString(s) {
		return s
	}
	var b strings.Builder
	for i := range len(s) {
		b.WriteRune(rune(s[i]))
	}
	return b.String()
}

// parseDigest reads the parameters of Digest. Their order, blanks, letter case, quotes
// where none belong and missing quotes are all as programs happen to send them; a
// parameter that nobody knows is passed over.
func parseDigest(s string) (*Digest, error) {
	d := &Digest{}
	seen := map[string]bool{}
	for n := 0; ; n++ {
		var name, value string
		var ok bool
		if name, value, s, ok = cutParam(s); !ok {
			break
		}
		if name = strings.ToLower(name); n == maxParams || seen[name] {
			return nil, errors.New("the request's Digest Authorization says the same twice, or too much")
		}
		seen[name] = true
		if err := d.set(name, value); err != nil {
			return nil, err
		}
	}
	for _, name := range []string{"nonce", "uri", "response"} {
		if !seen[name] {
			return nil, errors.New("the request's Digest Authorization has no " + name)
		}
	}
	if d.User == "" {
		return nil, errors.New("the request's Digest Authorization has no username")
	}
	if d.Auth && (d.Count == "" || d.ClientNonce == "") || d.Session && d.ClientNonce == "" {
		return nil, errors.New("the request's Digest Authorization has no nc or cnonce")
	}
	return d, nil
}

// set takes one parameter.
func (d *Digest) set(name, value string) error {
	switch name {
	case "username":
		d.User = asUTF8(value)
	case "username*":
		d.User = extended(value)
	case "realm":
		d.Realm = value
	case "nonce":
		d.Nonce = value
	case "uri":
		d.URI = value
	case "response":
		d.Response = value
	case "cnonce":
		d.ClientNonce = value
	case "nc":
		d.Count = value
	case "qop":
		if d.Auth = strings.EqualFold(value, "auth"); !d.Auth && value != "" {
			return errors.New("the request's Digest Authorization has a qop that was not offered")
		}
	case "algorithm":
		return d.algorithm(value)
	case "userhash":
		if strings.EqualFold(value, "true") {
			return errors.New("the request's Digest Authorization hides its username, which was not offered")
		}
	}
	return nil
}

func (d *Digest) algorithm(value string) error {
	name := strings.ToLower(value)
	name, d.Session = strings.CutSuffix(name, "-sess")
	switch name {
	case "sha-256":
		d.SHA256 = true
	case "md5", "":
	default:
		return errors.New("the request's Digest Authorization is of an algorithm that was not offered")
	}
	return nil
}

// cutParam takes NAME=VALUE off the front of a list that commas separate.
func cutParam(s string) (name, value, rest string, ok bool) {
	s = strings.TrimLeft(s, ", \t")
	name, s, ok = strings.Cut(s, "=")
	if name = strings.TrimSpace(name); !ok || name == "" {
		return "", "", "", false
	}
	s = strings.TrimLeft(s, " \t")
	if !strings.HasPrefix(s, `"`) {
		value, rest, _ = strings.Cut(s, ",")
		return name, strings.TrimSpace(value), rest, true
	}
	value, rest = cutQuoted(s[1:])
	return name, value, rest, true
}

// cutQuoted takes a text up to its closing quote. Only \" and \\ are undone: programs
// of Windows send DOMAIN\user as it is.
func cutQuoted(s string) (value, rest string) {
	if i := strings.IndexAny(s, `"\`); i >= 0 && s[i] == '"' {
		return s[:i], s[i+1:]
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		switch {
		case s[i] == '"':
			return b.String(), s[i+1:]
		case s[i] == '\\' && i+1 < len(s) && (s[i+1] == '"' || s[i+1] == '\\'):
			i++
		}
		b.WriteByte(s[i])
	}
	return b.String(), ""
}

// extended reads UTF-8”percent-encoded (RFC 8187).
func extended(s string) string {
	charset, rest, _ := strings.Cut(s, "'")
	_, text, ok := strings.Cut(rest, "'")
	if !ok || !strings.EqualFold(charset, "UTF-8") {
		return ""
	}
	var b strings.Builder
	for i := 0; i < len(text); i++ {
		if x, ok := triplet(text[i:]); ok {
			b.WriteByte(x)
			i += 2
			continue
		}
		b.WriteByte(text[i])
	}
	return b.String()
}

// For reports whether the digest is for a request of this target: programs spell it
// with scheme and host or without, and leave the query out (RFC 7616, 3.4.6). What
// is signed is the spelling of the URI itself.
func (d *Digest) For(target string) bool {
	_, path, _, ok := SplitTarget(d.URI)
	_, want, _, ok2 := SplitTarget(target)
	return ok && ok2 && NormalPath(path) == NormalPath(want)
}

// AppendDigestChallenge appends a WWW-Authenticate for Digest. algorithm is "MD5" or
// "SHA-256". Realm and nonce must have neither quotes nor backslashes.
func AppendDigestChallenge(dst []byte, realm, nonce, algorithm string, stale bool) []byte {
	dst = append(dst, `WWW-Authenticate: Digest realm="`...)
	dst = append(dst, realm...)
	dst = append(dst, `", nonce="`...)
	dst = append(dst, nonce...)
	dst = append(dst, `", qop="auth", algorithm=`...)
	dst = append(dst, algorithm...)
	dst = append(dst, `, stale=`...)
	dst = strconv.AppendBool(dst, stale)
	return append(dst, "\r\n"...)
}

// AppendBasicChallenge appends a WWW-Authenticate for Basic. The realm must have
// neither quotes nor backslashes.
func AppendBasicChallenge(dst []byte, realm string) []byte {
	dst = append(dst, `WWW-Authenticate: Basic realm="`...)
	dst = append(dst, realm...)
	return append(dst, "\"\r\n"...)
}
