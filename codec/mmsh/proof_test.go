package mmsh

import (
	"fmt"
	"strings"
	"testing"

	"streampump/codec"
)

// challenge is what the tests' peers are asked for.
var challenge = codec.Challenge{Realm: "Stream Pump", Nonce: "abc", MD5: true, SHA256: true, Basic: true}

// openGuarded asks everybody who brings nothing for a proof, and says what the others
// bring.
func openGuarded(c codec.Challenge) *host {
	h := openServer()
	h.decide = func(ev *codec.Event) codec.Verdict {
		switch {
		case ev.Kind == codec.Reply:
			return codec.Verdict{}
		case ev.Credentials != nil:
			return decide(ev)
		}
		return codec.Verdict{Code: codec.Unproven, Challenge: &c, Reason: "it takes a password to view this stream"}
	}
	return h
}

const (
	askSHA   = `WWW-Authenticate: Digest realm="Stream Pump", nonce="abc", qop="auth", algorithm=SHA-256, stale=false`
	askMD5   = `WWW-Authenticate: Digest realm="Stream Pump", nonce="abc", qop="auth", algorithm=MD5, stale=false`
	askBasic = `WWW-Authenticate: Basic realm="Stream Pump"`
)

// The answer to a request without credentials, by what the peer says it knows.
func TestChallenge(t *testing.T) {
	const get, post = "GET /streams/x HTTP/1.1\r\nHost: h\r\n", "POST /streams/x_push HTTP/1.1\r\nHost: h\r\n"
	const setup = post + "Content-Type: application/x-wms-pushsetup\r\n"
	for _, c := range []struct {
		name, in, has, hasNot string
		offer                 codec.Challenge
		next                  codec.Next
	}{
		{"all", get + "\r\n", "HTTP/1.0 401 Unauthorized|Connection: Keep-Alive|" + askSHA + "|" + askMD5 + "|" + askBasic, "", challenge, codec.Keep},
		{"only_Basic", get + "\r\n", askBasic, "Digest", codec.Challenge{Realm: "Stream Pump", Basic: true}, codec.Keep},
		{"knows_Digest", get + "X-Accept-Authentication: Negotiate, NTLM, Digest\r\n\r\n", askMD5, "Basic", challenge, codec.Keep},
		{"knows_Basic", get + "X-Accept-Authentication: Basic, NTLM\r\n\r\n", askBasic, "Digest", challenge, codec.Keep},
		{"knows_none", get + "X-Accept-Authentication: NTLM\r\n\r\n", askMD5 + "|" + askBasic, "", challenge, codec.Keep},
		{"knows_what_is_not_offered", setup + "Content-Length: 0\r\nX-Accept-Authentication: Negotiate, NTLM, Digest\r\n\r\n", askBasic, "Digest",
			codec.Challenge{Realm: "Stream Pump", Basic: true}, codec.Keep},
		{"stale", get + "\r\n", strings.Replace(askMD5, "false", "true", 1), "", codec.Challenge{Realm: "Stream Pump", Nonce: "abc", MD5: true, Stale: true}, codec.Keep},
		{"closes", "GET /streams/x HTTP/1.0\r\n\r\n", "Connection: close|" + askMD5, "", challenge, codec.Close},
		{"head", "HEAD /streams/x HTTP/1.1\r\nHost: h\r\n\r\n", "HTTP/1.0 401 Unauthorized|" + askMD5, "takes a password", challenge, codec.Keep},
		{"playlist", "GET /streams/x.asx HTTP/1.1\r\nHost: h\r\n\r\n", "HTTP/1.0 401 Unauthorized|" + askMD5, "ASX", challenge, codec.Keep},
		{"player", get + "User-Agent: NSPlayer/12.0\r\nPragma: xPlayStrm=1\r\n\r\n", "HTTP/1.0 401 Unauthorized|Server: Rex/12.0.7600.16385", "client-id", challenge, codec.Keep},
		{"setup", setup + "Content-Length: 16\r\n\r\nAutoDestroy: 1\r\n", "HTTP/1.1 401 Unauthorized|Server: Cougar/9.6.7600.16564|Connection: Keep-Alive|" + askMD5, "push-id", challenge, codec.Keep},
		{"setup_old", strings.Replace(setup, "1.1", "1.0", 1) + "Connection: Keep-Alive\r\nContent-Length: 0\r\n\r\n", "Connection: Keep-Alive|" + askMD5, "", challenge, codec.Keep},
		{"start", post + "Content-Type: application/x-wms-pushstart\r\nContent-Length: 2147483647\r\n\r\n", "HTTP/1.1 401 Unauthorized|Connection: close|" + askMD5, "", challenge, codec.Close},
		{"upload", post + "Transfer-Encoding: chunked\r\nExpect: 100-continue\r\n\r\n", "HTTP/1.1 401 Unauthorized|Connection: close|" + askMD5, "100", challenge, codec.Close},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := wantAnyCut(t, []byte(c.in), func() *host { return openGuarded(c.offer) })
			out := string(h.out)
			for line := range strings.SplitSeq(c.has, "|") {
				if !strings.HasPrefix(out, line+"\r\n") && !strings.Contains(out, "\r\n"+line+"\r\n") {
					t.Errorf("no line %q in %q", line, out)
				}
			}
			if c.hasNot != "" && strings.Contains(out, c.hasNot) || h.next != c.next {
				t.Errorf("%q in %q, or next is %d", c.hasNot, out, h.next)
			}
		})
	}
}

// A refusal for good ends the connection, in words.
func TestForbidden(t *testing.T) {
	for code, want := range map[codec.Code]string{codec.Forbidden: "403 Forbidden", codec.Slowed: "429 Too Many Requests", codec.Undecided: "503 Service Unavailable"} {
		h := openServer()
		h.decide = func(*codec.Event) codec.Verdict { return codec.Verdict{Code: code, RetryAfter: 2e9, Reason: "not you"} }
		h.feed([]byte("GET /streams/x HTTP/1.1\r\nHost: h\r\n\r\n"))
		out := string(h.out)
		if !strings.HasPrefix(out, "HTTP/1.0 "+want+"\r\n") || !strings.HasSuffix(out, "\r\n\r\nnot you\n") || !strings.Contains(out, "Retry-After: 2\r\n") || h.next != codec.Close {
			t.Errorf("%v: %q, next %d", code, out, h.next)
		}
	}
}

// What is brought comes to the engine, and the answer to a challenge on the same
// connection.
func TestCredentials(t *testing.T) {
	const head = "GET /streams/x?a=1&token=view~x~k1~1~~~s HTTP/1.1\r\nHost: h\r\n"
	const digest = "Authorization: Digest username=\"anna\", realm=\"r\", nonce=\"n\", uri=\"/streams/x\", response=\"00\", qop=auth, nc=01, cnonce=\"c\"\r\n"
	for in, want := range map[string]string{
		head + "\r\n": "token=view~x~k1~1~~~s",
		head + "Authorization: Basic YW5uYTpnZWhlaW0=\r\n\r\n":                                   "token=view~x~k1~1~~~s anna geheim",
		head + digest + "\r\n":                                                                   "token=view~x~k1~1~~~s digest of anna for GET /streams/x",
		"GET /streams/x HTTP/1.1\r\nHost: h\r\n\r\n":                                             "nothing",
		"GET /streams/y HTTP/1.1\r\nHost: h\r\n" + digest + "\r\n":                               "the request's Digest Authorization is for another address",
		"GET /streams/x HTTP/1.1\r\nHost: h\r\nAuthorization: NTLM TlRMTVNT\r\n\r\n":             "the request's Authorization is of the scheme NTLM, and only Digest and Basic are known here",
		"OPTIONS * HTTP/1.1\r\nHost: h\r\nAuthorization: Basic YW5uYTpnZWhlaW0=\r\n\r\n":         "nothing",
		"POST /streams/x_push?token=t HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n": "token=t",
	} {
		h, got := openServer(), ""
		h.decide = func(ev *codec.Event) codec.Verdict { got = brought(ev); return decide(ev) }
		h.feed([]byte(in))
		if got != want {
			t.Errorf("%q:\ngot  %s\nwant %s", in, got, want)
		}
	}
	// Nothing is brought, nothing is allocated for it.
	h := openServer()
	h.feed([]byte("GET /streams/x HTTP/1.1\r\nHost: h\r\n\r\n"))
	if strings.Contains(h.events(), "token") {
		t.Error(h.events())
	}
	// The same connection goes on.
	h = openGuarded(challenge)
	h.feed([]byte(strings.Repeat("POST /streams/x_push HTTP/1.1\r\nHost: h\r\nContent-Type: application/x-wms-pushsetup\r\nContent-Length: 0\r\n\r\n", 2)))
	h.feed([]byte("POST /streams/x_push HTTP/1.1\r\nHost: h\r\nContent-Type: application/x-wms-pushsetup\r\nAuthorization: Basic YW5uYTpnZWhlaW0=\r\nContent-Length: 16\r\n\r\nAutoDestroy: 1\r\n"))
	if out := string(h.out); strings.Count(out, "HTTP/1.1 401") != 2 || strings.Count(out, "HTTP/1.1 204") != 1 {
		t.Errorf("%s", out)
	}
}

// brought is what an event brings, for a test.
func brought(ev *codec.Event) string {
	c := ev.Credentials
	if c == nil {
		return "nothing"
	}
	var s []string
	if c.Token != "" {
		s = append(s, "token="+c.Token)
	}
	if c.HasPassword {
		s = append(s, c.User, c.Password)
	}
	if d := c.Digest; d != nil {
		s = append(s, fmt.Sprintf("digest of %s for %s %s", d.User, d.Method, d.URI))
	}
	if c.Odd != nil {
		s = append(s, c.Odd.Error())
	}
	return strings.Join(s, " ")
}

// A token is in nothing that is logged or sent to others, however the request is
// refused; a playlist hands it on to the player that sent it.
func TestTokensStayPrivate(t *testing.T) {
	for _, in := range []string{
		"GET /streams/x?token=geheim HTTP/1.1\r\nHost: h\r\n\r\n",
		"GET /streams/x?token=geheim HTTP/2.0\r\nHost: h\r\n\r\n",
		"GET /streams/x?token=geheim HTTP/1.1\r\n\r\n",
		"GET streams/x?token=geheim HTTP/1.1\r\nHost: h\r\n\r\n",
		"PUT /streams/x_push?token=geheim HTTP/1.1\r\nHost: h\r\n\r\n",
		"POST /streams/x_push?token=geheim HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n",
		"GET /streams/x?token=geheim HTTP/1.1 \r\nHost: h\r\n\r\n",
		"GET /streams/x?token=geheim\r\n\r\n",
		"GET /nothing/x?token=geheim HTTP/1.1\r\nHost: h\r\n\r\n",
	} {
		h := openServer()
		h.feed([]byte(in))
		if all := h.transcript(); strings.Contains(all, "geheim") || len(h.log) == 0 {
			t.Errorf("%q: %s", in, all)
		}
	}
	for path, want := range map[string]string{"x": "\r\nLocation: http://second.example/streams/x?token=geheim\r\n", "nothing": "\r\nLocation: http://second.example/streams/x\r\n"} {
		h := openServer()
		h.decide = func(ev *codec.Event) codec.Verdict {
			v := codec.Verdict{Code: codec.Full, Location: "http://second.example/streams/x"}
			if ev.Path != "x" {
				v.Code = codec.NoStream // that is a web site
			}
			return v
		}
		h.feed([]byte("GET /streams/" + path + "?token=geheim HTTP/1.1\r\nHost: h\r\n\r\n"))
		if out := string(h.out); !strings.Contains(out, want) {
			t.Errorf("%s: %s", path, out)
		}
	}
	for token, want := range map[string]string{
		"view~x~k1~1~~2001:db8::_32~s": "/streams/x.asf?token=view~x~k1~1~~2001:db8::_32~s\"/>",
		"a%22b":                        "/streams/x.asf\"/>",
	} {
		h := openServer()
		h.feed([]byte("GET /streams/x.asx?token=" + token + " HTTP/1.1\r\nHost: h:1\r\n\r\n"))
		if out := string(h.out); strings.Count(out, want) != 2 {
			t.Errorf("%s: %s", token, out)
		}
	}
}

// A token that its sender has encoded into the path is asked for nothing, and shown to
// nobody.
func TestTokenInThePath(t *testing.T) {
	for _, path := range []string{"/streams/x%3ftoken=geheim", "/streams/x%3FTOKEN%3Dgeheim", "/token=geheim", "/streams/x_push%3Ftoken%3dgeheim"} {
		for _, head := range []string{"GET " + path, "POST " + path} {
			q := requestOf([]byte(head + " HTTP/1.1\r\nHost: h\r\nContent-Type: application/x-wms-pushsetup\r\n\r\n"))
			if strings.Contains(q.event.Path, "geheim") || !strings.HasPrefix(q.event.Path, "/") {
				t.Errorf("%s: the path is %q", head, q.event.Path)
			}
		}
	}
}
