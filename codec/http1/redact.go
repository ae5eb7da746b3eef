package http1

import "strings"

// TokenName is what a token is called in the query of an address: ?token=T. Nothing
// that is logged or sent to others may have the token itself.
const TokenName = "token"

// Token is the token in a target's query; empty if there is none. Windows Media Player
// puts parameters of its own behind a query, and some say with another question mark.
func Token(query string) string {
	for query != "" {
		pair := query
		if i := strings.IndexAny(query, "&?"); i >= 0 {
			pair, query = query[:i], query[i+1:]
		} else {
			query = ""
		}
		if name, value, _ := strings.Cut(pair, "="); name == TokenName {
			return NormalPath(value)
		}
	}
	return ""
}

// Redact is a text of a peer as it may be logged: what follows the name of a token is
// left out, up to a character that cannot be in one.
func Redact(s string) string {
	const name = TokenName + "="
	if !strings.Contains(s, name) {
		return s
	}
	var b strings.Builder
	for {
		i := strings.Index(s, name)
		if i < 0 {
			b.WriteString(s)
			return b.String()
		}
		b.WriteString(s[:i+len(name)])
		b.WriteString("…")
		s = s[i+len(name):]
		if j := strings.IndexAny(s, "/&? \"'"); j >= 0 {
			s = s[j:]
		} else {
			s = ""
		}
	}
}
