package http1

import (
	"strconv"
	"strings"
)

// CheckHost is the [*Error] of a request that does not name its host exactly once;
// nil for one that does (RFC 9112, 3.2). HTTP/1.0 need not name it.
//
// A Host is judged by its characters, not by its shape: players put the zone of a
// link-local address into it, and some an IPv6 address without brackets.
func (r *Request) CheckHost() error {
	n := 0
	for v := range r.Fields.All("Host") {
		if n++; n > 1 {
			return &Error{400, "two Host fields", -1}
		}
		if !IsAuthority(v) {
			return &Error{400, "Host " + strconv.Quote(Clip(v)) + " is not a host", -1}
		}
	}
	if n == 0 && (r.Major > 1 || r.Minor >= 1) {
		return &Error{400, "no Host field, which HTTP/1.1 asks for", -1}
	}
	return nil
}

// IsAuthority reports whether a text has only characters that a host and port can have.
func IsAuthority(s string) bool { return strings.IndexFunc(s, notInAuthority) < 0 }

// notInAuthority finds what no host and port can contain (RFC 3986, 3.2.2).
func notInAuthority(c rune) bool {
	return c >= 0x80 || !isUnreserved(byte(c)) && !strings.ContainsRune("!$&'()*+,;=:[]%", c)
}
