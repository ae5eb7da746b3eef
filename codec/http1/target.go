package http1

import "strings"

// SplitTarget takes a request-target apart. The absolute form that proxies are
// sent ("http://host/path") is accepted by every server (RFC 9112, 3.2.2);
// authority is empty for the ordinary one. The path is as spelled, without the
// query; "*" is a path of its own. ok is false for a target that is neither.
func SplitTarget(target string) (authority, path, query string, ok bool) {
	if scheme, rest, found := strings.Cut(target, "://"); found && isScheme(scheme) {
		authority = rest
		target = "/"
		if i := strings.IndexAny(rest, "/?"); i >= 0 {
			authority, target = rest[:i], rest[i:]
			if target[0] == '?' {
				target = "/" + target
			}
		}
	}
	target, _, _ = strings.Cut(target, "#")
	path, query, _ = strings.Cut(target, "?")
	return authority, path, query, path == "*" || strings.HasPrefix(path, "/")
}

func isScheme(s string) bool {
	for i := range len(s) {
		if c := s[i] | 0x20; c < 'a' || c > 'z' {
			return false
		}
	}
	return s != ""
}

// NormalPath undoes the percent-encoding that means nothing: that of letters, digits
// and "-._~" (RFC 3986, 6.2.2.2). Every other triplet stays as spelled, so an encoded
// slash still separates nothing, and what was encoded twice is still encoded.
func NormalPath(path string) string {
	if !strings.Contains(path, "%") {
		return path
	}
	var b strings.Builder
	b.Grow(len(path))
	for i := 0; i < len(path); i++ {
		c := path[i]
		if x, ok := triplet(path[i:]); ok && isUnreserved(x) {
			c, i = x, i+2
		}
		b.WriteByte(c)
	}
	return b.String()
}

// triplet is the byte that "%" and two hexadecimal digits at the front of s stand for.
func triplet(s string) (x byte, ok bool) {
	if len(s) < 3 || s[0] != '%' {
		return 0, false
	}
	high, ok1 := hexDigit(s[1])
	low, ok2 := hexDigit(s[2])
	return high<<4 | low, ok1 && ok2
}

func hexDigit(c byte) (byte, bool) {
	switch {
	case isDigit(c):
		return c - '0', true
	case 'a' <= c|0x20 && c|0x20 <= 'f':
		return c | 0x20 - 'a' + 10, true
	default:
		return 0, false
	}
}

// isUnreserved is RFC 3986, 2.3.
func isUnreserved(c byte) bool {
	return isDigit(c) || 'a' <= c|0x20 && c|0x20 <= 'z' || strings.IndexByte("-._~", c) >= 0
}
