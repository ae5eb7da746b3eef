package access

import (
	"net/netip"
	"strings"
	"testing"
	"time"
)

var (
	noon = time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)
	home = netip.MustParseAddr("192.0.2.7")
	away = netip.MustParseAddr("2001:db8::7")
	keys = []Key{{"k1", NewSecret("the first secret of this test")}, {"k2", NewSecret("the second secret of this test")}}
)

func ticket() Token {
	return Token{Role: View, Stream: "News", Key: "k1", Expires: noon.Add(time.Hour), Client: "anna.7", Network: netip.MustParsePrefix("192.0.2.0/24")}
}

// The form is documented: other programs make it.
func TestTokenText(t *testing.T) {
	got := ticket().Text(keys[0].Secret)
	const want = "view~news~k1~1780318800~anna.7~192.0.2.0_24~"
	// printf %s TEXT | openssl dgst -sha256 -hmac SECRET -binary | openssl base64 | tr '+/' '-_' | tr -d '='
	const signature = "MpU1cXFW4BpoSZM8jQGoneZHOmvQcSpEYaTXkFyHaHM"
	if got != want+signature {
		t.Errorf("got %s", got)
	}
	for _, x := range []Token{ticket(), {Role: Publish, Stream: "a", Key: "k2", Expires: noon}} {
		again, err := ParseToken(x.Text(keys[0].Secret))
		x.Stream = strings.ToLower(x.Stream)
		if err != nil || again != x {
			t.Errorf("got %+v, %v, want %+v", again, err, x)
		}
	}
}

func TestVerifyToken(t *testing.T) {
	good := ticket().Text(keys[0].Secret)
	other := ticket()
	other.Key = "k2"
	for _, c := range []struct {
		name, token string
		role        Role
		stream      string
		peer        netip.Addr
		at          time.Time
		want        string
	}{
		{"good", good, View, "news", home, noon, ""},
		{"other_letter_case", good, View, "NEWS", home, noon, ""},
		{"second_key", other.Text(keys[1].Secret), View, "news", home, noon, ""},
		{"last_moment", good, View, "news", home, noon.Add(time.Hour - 1), ""},
		{"expired", good, View, "news", home, noon.Add(time.Hour), "the token expired at 2026-06-01T13:00:00Z"},
		{"other_stream", good, View, "sport", home, noon, `the token is for another stream, "news"`},
		{"other_network", good, View, "news", away, noon, "the token is for another network, 192.0.2.0/24"},
		{"other_role", good, Publish, "news", home, noon, "the token is to view, and not to publish"},
		{"changed", strings.Replace(good, "anna", "otto", 1), View, "news", home, noon, `the token is forged or damaged: its signature does not fit the key "k1"`},
		{"changed_and_expired", strings.Replace(good, "1780318800", "1780318801", 1), View, "news", home, noon.Add(time.Hour), `the token is forged or damaged: its signature does not fit the key "k1"`},
		{"cut", good[:len(good)-1], View, "news", home, noon, `the token is forged or damaged: its signature does not fit the key "k1"`},
		{"wrong_key", ticket().Text(keys[1].Secret), View, "news", home, noon, `the token is forged or damaged: its signature does not fit the key "k1"`},
		{"unknown_key", strings.Replace(good, "k1", "k9", 1), View, "news", home, noon, `the token is signed with the key "k9", which is not known here`},
		{"no_token", "1234", View, "news", home, noon, "this is no token: it should have 7 fields with ~ between them, and has 1"},
		{"no_role", strings.Replace(good, "view", "look", 1), View, "news", home, noon, `the token begins with "look", and not with view or publish`},
		{"no_stream", strings.Replace(good, "news", "ne/ws", 1), View, "news", home, noon, `the token's stream is "ne/ws", which is no stream's path`},
		{"no_key", strings.Replace(good, "k1", "", 1), View, "news", home, noon, `the token's key is "", which is no key's id`},
		{"no_time", strings.Replace(good, "17803", "-1", 1), View, "news", home, noon, `the token expires at "-118800", which is no number of seconds since 1970`},
		{"no_client", strings.Replace(good, "anna", "an na", 1), View, "news", home, noon, "the token's client id is bad: a client id has at most 64 letters, digits, dots, _ and -"},
		{"no_network", strings.Replace(good, "_24", "_20", 1), View, "news", home, noon, `the token's network is bad: "192.0.2.0/20" has bits behind its prefix; the network is 192.0.0.0/20`},
		{"too_long", good + strings.Repeat("x", MaxToken), View, "news", home, noon, "the token is longer than 512 bytes"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := VerifyToken(c.token, keys, c.role, c.stream, c.peer, c.at)
			if text(err) != c.want {
				t.Errorf("got %q, want %q", text(err), c.want)
			}
			if err == nil && got.Client != "anna.7" {
				t.Errorf("the client is %q", got.Client)
			}
		})
	}
}

func text(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// Whatever is accepted is what its own fields say, signed with a known key.
func FuzzToken(f *testing.F) {
	f.Add(ticket().Text(keys[0].Secret))
	f.Add("publish~a~k2~1~~~x")
	f.Add("view~news~k1~1780318800~anna~2001:db8::_32~")
	f.Add("~~~~~~")
	f.Fuzz(func(t *testing.T, s string) {
		x, err := ParseToken(s)
		if err != nil {
			if i := strings.LastIndexByte(s, '~'); i > 0 && len(s)-i > 20 && strings.Count(s, "~") == tokenFields-1 && strings.Contains(err.Error(), s[i+1:]) {
				t.Errorf("%q shows the signature of %q", err, s)
			}
			return
		}
		for _, k := range keys {
			signed := x
			signed.Key = k.ID
			got, err := VerifyToken(signed.Text(k.Secret), keys, x.Role, x.Stream, home, noon)
			if refused := !noon.Before(x.Expires) || x.Network.IsValid() && !x.Network.Contains(home); (err != nil) != refused {
				t.Errorf("%+v: %v", got, err)
			}
		}
		if _, err := VerifyToken(s, keys, x.Role, x.Stream, home, noon); err == nil {
			i := strings.LastIndexByte(s, '~')
			if s[i+1:] != sign(s[:i], keys[0].Secret) && s[i+1:] != sign(s[:i], keys[1].Secret) {
				t.Errorf("%q is accepted", s)
			}
		}
	})
}
