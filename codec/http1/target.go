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
