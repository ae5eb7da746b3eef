package rtmp

import (
	"strings"
	"testing"

	"streampump/codec"
)

func TestTarget(t *testing.T) {
	none := codec.Credentials{}
	token := func(s string) codec.Credentials { return codec.Credentials{Token: s} }
	long := strings.Repeat("x", maxPath)
	for _, c := range []struct {
		app, name string
		encoder   bool
		want      string
		brings    codec.Credentials
	}{
		{"live", "", false, "live", none},
		{"live/", "", false, "live", none},
		{"", "live", false, "live", none},
		{"", "/live", false, "live", none},
		{"streams", "live", false, "live", none},
		{"STREAMS", "LIVE", false, "LIVE", none},
		{"streams/live", "", false, "live", none},
		{"streams//live/", "/", false, "live", none},
		{"/streams", "//live", false, "live", none},
		{"streams", "", false, "streams", none},
		{"streams/streams", "", false, "streams", none},
		{"streams", "live.flv", false, "live", none},
		{"streams", "mp4:live", false, "live", none},
		{"streams", "FLV:live", false, "live", none},
		{"streams", "flv:live.flv", false, "live", none},
		{"streams", "live.mp4", false, "/live.mp4", none},
		{"streams", "l%69ve", false, "live", none},
		{"live", "secret", true, "live", token("secret")},
		{"live", "secret", false, "live", token("secret")},
		{"streams", "live/secret", true, "live", token("secret")},
		{"streams", "live_push/a~b~c", true, "live", token("a~b~c")},
		{"streams/live", "a/b", true, "live", token("a/b")},
		{"streams", "live_push", true, "live", none},
		{"streams", "live_PUSH", true, "live", none},
		{"streams", "live_push", false, "live_push", none},
		{"streams", "_push", true, "_push", none},
		{"streams", "live?token=t", false, "live", token("t")},
		{"streams?token=t", "live", false, "live", token("t")},
		{"streams?token=a", "live?token=b", false, "live", token("b")},
		{"streams/live?token=a", "", false, "live", token("a")},
		{"live?token=a", "secret", true, "live", token("a")},
		{"streams", "live?key=k", true, "live", token("k")},
		{"streams", "live?key=k&token=t", true, "live", token("t")},
		{"streams", "live?key=k", false, "live", none},
		{"streams", "live?x=1?token=t", false, "live", token("t")},
		{"streams", "live?token=%61~b", false, "live", token("a~b")},
		{"streams", "live?user=u&pass=p%26q", true, "live", codec.Credentials{User: "u", Password: "p&q", HasPassword: true}},
		{"streams", "live?user=u&password=p", false, "live", codec.Credentials{User: "u", Password: "p", HasPassword: true}},
		{"streams?user=u&pass=%zz", "live", false, "live", codec.Credentials{User: "u", Password: "%zz", HasPassword: true}},
		{"streams", "live?user=u", false, "live", none},
		{"", "", false, "/", none},
		{"streams", "a b", false, "/a b", none},
		{"streams", "a token=secret", false, "/a token=…", none},
		{"a.b", "c", true, "/a.b", token("c")},
		{long, "live", false, "/", none},
		{"live", "?token=" + strings.Repeat("x", maxSecret+1), false, "live", none},
	} {
		got := parseTarget(c.app, c.name, c.encoder)
		brings := none
		if got.credentials != nil {
			brings = *got.credentials
		}
		if got.name != c.want || brings != c.brings || got.credentials != nil && brings == none {
			t.Errorf("%q, %q: %q %+v, want %q %+v", c.app, c.name, got.name, brings, c.want, c.brings)
		}
	}
}

// FuzzTarget: whatever a peer spells, a name is one or is a path that the engine cannot
// find, and neither has what follows the name of a token.
func FuzzTarget(f *testing.F) {
	f.Add("streams?token=x", "mp4:live_push.flv?key=y&user=%&pass=z", true)
	f.Add("live/a%20token=secret", "//", false)
	f.Add("streams/token=", "token%3Dx", true)
	f.Add("streams?authmod=adobe&user=u&challenge=c==&response=r+/=&opaque=o", "live_push", true)
	f.Add("streams?authmod=adobe?authmod=adobe&response=r&response=&&=", "live", true)
	f.Fuzz(func(t *testing.T, app, name string, encoder bool) {
		got := parseTarget(app, name, encoder)
		if c := got.credentials; c != nil && c.Digest != nil && (!encoder || !c.Digest.Salted || c.Digest.Response == "" || !strings.Contains(app, c.Digest.Response)) {
			t.Fatalf("%+v", c.Digest)
		}
		if !isName(got.name) && !strings.HasPrefix(got.name, "/") || len(got.name) > maxPath {
			t.Fatalf("%q", got.name)
		}
		if c := got.credentials; c != nil && (len(c.Token) > maxSecret || len(c.User) > maxSecret || len(c.Password) > maxSecret) {
			t.Fatalf("%+v", c)
		}
	})
}
