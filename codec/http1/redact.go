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
// left out, up to a character that ends one. Names that are nearly right count too: who
// wrote them meant a token.
func Redact(s string) string {
	i := tokenEnd(s)
	if i < 0 {
		return s
	}
	var b strings.Builder
	for ; i >= 0; i = tokenEnd(s) {
		b.WriteString(s[:i])
		b.WriteString("…")
		s = s[i:]
		if j := strings.IndexAny(s, "&? "); j >= 0 {
			s = s[j:]
		} else {
			s = ""
		}
	}
	b.WriteString(s)
	return b.String()
}

// tokenEnd is where the first name of a token, in any letter case and with its "=" as it
// is or encoded, ends; -1 if there is none.
func tokenEnd(s string) int {
	for i := 0; i+len(TokenName) < len(s); i++ {
		end := i + len(TokenName)
		if !strings.EqualFold(s[i:end], TokenName) {
			continue
		}
		if s[end] == '=' {
			return end + 1
		}
		if x, ok := triplet(s[end:]); ok && x == '=' {
			return end + len("%3D")
		}
	}
	return -1
}
