package rtsp

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"streampump/codec"
)

// What a source wants to be shown, and what it is shown. The responses are those of
// package http1's tests of the same formula.
func TestPullProvesItself(t *testing.T) {
	const (
		digest = `WWW-Authenticate: Digest realm="lab", nonce="n0"`
		other  = `WWW-Authenticate: Digest realm="lab", nonce="n1"`
		stale  = `WWW-Authenticate: Digest realm="lab", nonce="n1", stale=TRUE`
		qop    = `WWW-Authenticate: Digest realm="lab", nonce="n0", qop="auth", opaque="o"`
		shelly = `WWW-Authenticate: Digest realm="lab", nonce="n0", qop="auth", algorithm=SHA-256`
		basic  = `WWW-Authenticate: Basic realm="lab"`
		shown0 = `Authorization: Digest username="u", realm="lab", nonce="n0", uri="rtsp://cam/live", response="`
		shown1 = `Authorization: Digest username="u", realm="lab", nonce="n1", uri="rtsp://cam/live`
		denied = "Bad: the source answered 401 Unauthorized: the source does not accept the user name and the password"
	)
	no := func(fields ...string) string { return camAnswers("401 Unauthorized", fields...) }
	nobody := func(o *PullOptions) { o.User, o.Password, o.ClientNonce = "", "", nil }
	first := func(more ...turn) []turn { return append(toPlay()[:1], more...) }
	for _, c := range []pulled{
		{name: "digest", turns: first(turn{no(digest), "DESCRIBE rtsp://cam/live|" + shown0},
			turn{camDescribes(camSDP), `SETUP rtsp://cam/live/trackID=1|Authorization: Digest username="u", realm="lab", nonce="n0", uri="rtsp://cam/live/trackID=1"`},
			turn{camOK(setUp0, sid), `SETUP rtsp://cam/live/trackID=2|Authorization: Digest`},
			turn{camOK(setUp2), `PLAY rtsp://cam/live|` + shown0},
			turn{camOK(), ""}), end: "TEARDOWN rtsp://cam/live|" + shown0},
		{name: "options_too", turns: []turn{{no(digest), "OPTIONS rtsp://cam/live|" + shown0}, {camOK(), "DESCRIBE rtsp://cam/live|" + shown0}}},
		{name: "qop", turns: first(turn{no(qop), `DESCRIBE rtsp://cam/live|` + shown0},
			turn{camDescribes(camSDP), `SETUP rtsp://cam/live/trackID=1|Authorization: Digest username="u", realm="lab", nonce="n0", uri="rtsp://cam/live/trackID=1", response="495c487ba753234320303a6cc65365be", opaque="o", qop=auth, nc=00000002, cnonce="cn"`})},
		{name: "shelly", turns: first(turn{no(shelly), `DESCRIBE rtsp://cam/live|` + shown0})},
		{name: "basic", turns: first(turn{no(basic), "DESCRIBE rtsp://cam/live|Authorization: Basic dTpw"})},
		{name: "basic_before_digest", turns: first(turn{no(basic, digest), "DESCRIBE rtsp://cam/live|" + shown0})},
		{name: "only_setup", turns: append(toPlay()[:2], turn{no(digest), `SETUP rtsp://cam/live/trackID=1|Authorization: Digest`}, turn{camOK(setUp0, sid), "SETUP rtsp://cam/live/trackID=2|Authorization"}),
			end: "TEARDOWN rtsp://cam/live/"},
		{name: "tapo", turns: first(turn{no(digest), "DESCRIBE rtsp://cam/live|" + shown0}, turn{no(other), ""}), events: denied},
		{name: "refused_basic", turns: first(turn{no(basic), "DESCRIBE rtsp://cam/live|Authorization: Basic dTpw"}, turn{no(basic), ""}), events: denied},
		{name: "mediamtx", turns: first(turn{no(basic, digest), "DESCRIBE rtsp://cam/live|" + shown0}, turn{no(), ""}), events: denied},
		{name: "stale", turns: first(turn{no(digest), "DESCRIBE rtsp://cam/live|" + shown0}, turn{no(stale), "DESCRIBE rtsp://cam/live|" + shown1}, turn{camDescribes(camSDP), "SETUP rtsp://cam/live/trackID=1|" + shown1})},
		{name: "always_stale", turns: first(turn{no(digest), "DESCRIBE rtsp://cam/live|" + shown0}, turn{no(stale), "DESCRIBE rtsp://cam/live|" + shown1}, turn{no(stale), ""}), events: denied},
		{name: "new_nonce_for_each", turns: first(turn{no(digest), "DESCRIBE rtsp://cam/live|" + shown0}, turn{camDescribes(camSDP), "SETUP rtsp://cam/live/trackID=1|Authorization"}, turn{no(other), "SETUP rtsp://cam/live/trackID=1|" + shown1}, turn{no(other), ""}), events: denied},
		{name: "nobody", change: nobody, turns: first(turn{no(digest), ""}), events: "Bad: the source answered 401 Unauthorized: it wants a user name and a password, and the stream has none"},
		{name: "nobody_asked_at_once", change: nobody, turns: []turn{{no(digest), ""}}, events: "Bad: the source answered 401 Unauthorized: it wants a user name and a password, and the stream has none"},
		{name: "something_else", turns: first(turn{no("WWW-Authenticate: NTLM"), ""}), events: "Bad: the source answered 401 Unauthorized, and wants neither Basic nor Digest with MD5 or SHA-256, which is all that is known here"},
	} {
		t.Run(c.name, c.run)
	}
}

// Only a refused password is one: what wants a password and gets none is tried again as
// ever.
func TestPullIsDenied(t *testing.T) {
	for user, want := range map[string]bool{"u": true, "": false} {
		h := openPull(func(o *PullOptions) { o.User = user })
		basic := camSays("RTSP/1.0 401 Unauthorized", "WWW-Authenticate: Basic")
		_, ev := h.sess.Consume([]byte(basic))
		if ev.Kind == codec.Reply {
			h.sess.Answer(nil, &ev, &codec.Verdict{})
			_, ev = h.sess.Consume([]byte(basic))
		}
		if got := errors.Is(ev.Err, codec.ErrDenied); ev.Kind != codec.Bad || got != want {
			t.Errorf("%q: %v %v", user, ev.Kind, ev.Err)
		}
	}
}

// Where redirects lead. Each turn but the last is on a connection of its own.
func TestPullIsRedirected(t *testing.T) {
	tls := func(o *PullOptions) { o.URL.TLS = true }
	to := func(status, location string) string { return camAnswers(status, "Location: "+location) }
	for _, c := range []struct {
		name   string
		change func(o *PullOptions)
		in     []string
		target string
		events string
	}{
		{"302", nil, []string{to("302 Found", "rtsp://other:99/y")}, "{other:99 false true} rtsp://other:99/y", "Redial"},
		{"301", nil, []string{to("301 Moved Permanently", "rtsp://other/y?z=1")}, "{other:554 false true} rtsp://other/y?z=1", "Redial"},
		{"relative", nil, []string{to("302 Found", "/new")}, "{cam:554 false true} rtsp://cam/new", "Redial"},
		{"to_TLS", nil, []string{to("302 Found", "rtsps://other/y")}, "{other:322 true true} rtsps://other/y", "Redial"},
		{"from_TLS", tls, []string{to("302 Found", "rtsp://other/y")}, "{cam:322 true true} rtsps://cam/live", `Bad: the source redirects us from TLS to "rtsp://other/y", which is without, so we do not follow`},
		{"with_a_password", nil, []string{to("302 Found", "rtsp://a:b@other/y")}, "{other:554 false true} rtsp://other/y", "Redial"},
		{"twice", nil, []string{to("302 Found", "rtsp://b/"), to("302 Found", "rtsp://c/")}, "{c:554 false true} rtsp://c/", "Redial; Redial"},
		{"nowhere", nil, []string{camAnswers("302 Found")}, "{cam:554 false true} rtsp://cam/live", "Bad: the source answered 302 Found without a place to go"},
		{"elsewhere", nil, []string{to("302 Found", "http://a:secret@other/")}, "{cam:554 false true} rtsp://cam/live", `Bad: the source redirects us: the address "http://…@other/" must begin with rtsp://, or for TLS with rtsps://`},
		{"use_proxy", nil, []string{to("305 Use Proxy", "rtsp://proxy/")}, "{cam:554 false true} rtsp://cam/live", "Bad: the source answered 305 Use Proxy to DESCRIBE"},
		{"for_ever", nil, []string{to("302 Found", "rtsp://a/"), to("302 Found", "rtsp://b/"), to("302 Found", "rtsp://a/"), to("302 Found", "rtsp://b/"), to("302 Found", "rtsp://a/"), to("302 Found", "rtsp://b/?token=secret")},
			"{a:554 false true} rtsp://a/", `Redial; Redial; Redial; Redial; Redial; Bad: the source redirects us too often, last to "rtsp://b/?token=…"`},
		{"password_stays_here", nil, []string{to("302 Found", "rtsp://other/"), camAnswers("401 Unauthorized", "WWW-Authenticate: Basic")}, "{other:554 false true} rtsp://other/",
			"Redial; Bad: the source answered 401 Unauthorized: it wants a user name and a password, and ours are only for cam:554, which has redirected us"},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := openPull(c.change)
			p := h.sess.(*pull)
			for i, in := range c.in {
				if i > 0 {
					h.hello()
				}
				h.feed([]byte(strings.ReplaceAll(camOK()+in, "CSEQ", "9")))
			}
			if got := h.notable(); got != c.events {
				t.Errorf("events: %s\nwant:   %s", got, c.events)
			}
			if got := fmt.Sprint(p.Target(), " ", p.url); got != c.target {
				t.Errorf("target %s, want %s", got, c.target)
			}
		})
	}
}
