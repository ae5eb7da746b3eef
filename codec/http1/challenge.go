package http1

import (
	"crypto/md5" //nolint:gosec // Digest needs it: most cameras know no other
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"strconv"
	"strings"
)

// Challenge is one way in which a server wants to be shown that we know a password: what
// its WWW-Authenticate says (RFC 7235, 2.1).
type Challenge struct {
	// Basic asks for the password itself (RFC 7617). Without it, it is Digest (RFC 7616).
	Basic bool
	Realm string

	// Of Digest.
	Nonce, Opaque string
	SHA256        bool // the algorithm is SHA-256; else it is MD5
	Session       bool // the algorithm ends in -sess
	Auth          bool // qop=auth is offered; else it is the form of RFC 2069
	Stale         bool // what we showed was right, but the nonce is too old
	opaque        bool // there is an Opaque, which may be empty
}

// maxChallenges is the most challenges that are read.
const maxChallenges = 8

// Challenges are those of an answer that we know how to meet, in its order. What is of
// another scheme, of another algorithm, or cannot be read, is passed over.
func (f Fields) Challenges() (out []Challenge) {
	for v := range f.All("WWW-Authenticate") {
		for len(v) <= maxAuthorization && v != "" && len(out) < maxChallenges {
			var c Challenge
			var known bool
			if c, known, v = cutChallenge(v); known {
				out = append(out, c)
			}
		}
	}
	return out
}

// Best is the challenge to meet: the first of Digest, or the first one where none is of
// Digest; ok is false if there is none.
func Best(cs []Challenge) (c Challenge, ok bool) {
	for _, c := range cs {
		if !c.Basic {
			return c, true
		}
	}
	if len(cs) == 0 {
		return c, false
	}
	return cs[0], true
}

// cutChallenge takes one challenge off a list in which commas separate challenges and
// parameters alike: a scheme is what no "=" follows.
func cutChallenge(s string) (c Challenge, known bool, rest string) {
	scheme, s := cutToken(s)
	known = strings.EqualFold(scheme, "Digest") || strings.EqualFold(scheme, "Basic")
	c.Basic = strings.EqualFold(scheme, "Basic")
	for {
		s = strings.TrimLeft(s, ", \t")
		token, behind := cutToken(s)
		if s == "" || token != "" && !strings.HasPrefix(behind, "=") {
			break
		}
		name, value, rest, ok := cutParam(s)
		if !ok { // neither a scheme nor a parameter: nothing behind it can be told apart
			s = ""
			break
		}
		s = rest
		known = c.set(strings.ToLower(name), value) && known
	}
	return c, known && (c.Basic || c.Nonce != ""), s
}

// cutToken takes a token, and the blanks behind it, off the front of s.
func cutToken(s string) (token, rest string) {
	s = strings.TrimLeft(s, ", \t")
	n := 0
	for n < len(s) && IsTokenByte(s[n]) {
		n++
	}
	return s[:n], strings.TrimLeft(s[n:], " \t")
}

// set takes one parameter; false if the challenge cannot be met because of it.
func (c *Challenge) set(name, value string) bool {
	switch name {
	case "realm":
		c.Realm = value
	case "nonce":
		c.Nonce = value
	case "opaque":
		c.Opaque, c.opaque = value, true
	case "stale":
		c.Stale = strings.EqualFold(value, "true")
	case "qop":
		for q := range strings.SplitSeq(value, ",") {
			c.Auth = c.Auth || strings.EqualFold(strings.TrimSpace(q), "auth")
		}
		return c.Auth || value == ""
	case "algorithm":
		algorithm := strings.ToLower(value)
		algorithm, c.Session = strings.CutSuffix(algorithm, "-sess")
		c.SHA256 = algorithm == "sha-256"
		return c.SHA256 || algorithm == "md5" || algorithm == ""
	}
	return true
}

// Answer is what meets a challenge for one request.
type Answer struct {
	User, Password string
	Method, URI    string // of the request, as spelled in it
	// ClientNonce is a text of ours that the server could not know before it made its
	// challenge, without quotes and backslashes; Count is how many requests have been sent
	// for the challenge, this one included. Digest needs both.
	ClientNonce string
	Count       uint32
}

// AppendAuthorization appends the Authorization field that meets the challenge.
func (c *Challenge) AppendAuthorization(dst []byte, a Answer) []byte {
	dst = append(dst, "Authorization: "...)
	if c.Basic {
		dst = append(dst, "Basic "...)
		dst = base64.StdEncoding.AppendEncode(dst, []byte(a.User+":"+a.Password))
		return append(dst, "\r\n"...)
	}
	// Realm and nonce stand first, because some servers read them by their places.
	dst = append(dst, "Digest "...)
	dst = appendQuoted(dst, "username", a.User)
	dst = appendQuoted(append(dst, ", "...), "realm", c.Realm)
	dst = appendQuoted(append(dst, ", "...), "nonce", c.Nonce)
	dst = appendQuoted(append(dst, ", "...), "uri", a.URI)
	dst = appendQuoted(append(dst, ", "...), "response", c.response(&a))
	if c.SHA256 || c.Session {
		dst = append(append(dst, ", algorithm="...), c.algorithm()...)
	}
	if c.opaque {
		dst = appendQuoted(append(dst, ", "...), "opaque", c.Opaque)
	}
	if c.Auth {
		dst = append(append(dst, ", qop=auth, nc="...), countText(a.Count)...)
	}
	if c.Auth || c.Session {
		dst = appendQuoted(append(dst, ", "...), "cnonce", a.ClientNonce)
	}
	return append(dst, "\r\n"...)
}

// response is the proof (RFC 7616, 3.4.1, and RFC 2069, 2.1.2, where there is no qop).
func (c *Challenge) response(a *Answer) string {
	secret := c.hash(a.User + ":" + c.Realm + ":" + a.Password)
	if c.Session {
		secret = c.hash(secret + ":" + c.Nonce + ":" + a.ClientNonce)
	}
	middle := c.Nonce
	if c.Auth {
		middle += ":" + countText(a.Count) + ":" + a.ClientNonce + ":auth"
	}
	return c.hash(secret + ":" + middle + ":" + c.hash(a.Method+":"+a.URI))
}

func (c *Challenge) hash(s string) string {
	if c.SHA256 {
		sum := sha256.Sum256([]byte(s))
		return hex.EncodeToString(sum[:])
	}
	sum := md5.Sum([]byte(s)) //nolint:gosec // see the import
	return hex.EncodeToString(sum[:])
}

func (c *Challenge) algorithm() string {
	name := "MD5"
	if c.SHA256 {
		name = "SHA-256"
	}
	if c.Session {
		name += "-sess"
	}
	return name
}

// countText is a count of requests in its eight digits.
func countText(n uint32) string {
	s := strconv.FormatUint(uint64(n), 16)
	return "00000000"[len(s):] + s
}

// appendQuoted appends a parameter. What [cutQuoted] undoes is done here.
func appendQuoted(dst []byte, name, value string) []byte {
	dst = append(append(dst, name...), `="`...)
	for i := range len(value) {
		if value[i] == '"' || value[i] == '\\' {
			dst = append(dst, '\\')
		}
		dst = append(dst, value[i])
	}
	return append(dst, '"')
}
