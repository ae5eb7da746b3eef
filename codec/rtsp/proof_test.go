package rtsp

import (
	"crypto/md5"
	"encoding/hex"
	"fmt"
	"strings"
	"testing"

	"streampump/codec"
)

// challenge is what the tests' peers are asked for.
var challenge = codec.Challenge{Realm: "Stream Pump", Nonce: "abc", MD5: true, SHA256: true, Basic: true}

// openGuarded asks everybody who brings nothing for a proof.
func openGuarded(c codec.Challenge) *host {
	h := openServer()
	h.decide = func(ev *codec.Event) codec.Verdict {
		if ev.Kind != codec.Reply && ev.Kind != codec.Bad && ev.Credentials == nil {
			return codec.Verdict{Code: codec.Unproven, Challenge: &c, Reason: "it takes a password"}
		}
		return decide(ev)
	}
	return h
}

const (
	askMD5   = `WWW-Authenticate: Digest realm="Stream Pump", nonce="abc"`
	askBasic = `WWW-Authenticate: Basic realm="Stream Pump"`
)

// What is asked for, and in which order: Digest first, spelled by place for live555
// ; the same for streams that there are and that there are not.
func TestChallenge(t *testing.T) {
	describe := crlf(ask("DESCRIBE", "rtsp://h/live", 2))
	for _, c := range []struct {
		name, in, challenge, hasNot string
		offer                       codec.Challenge
	}{
		{"all", describe, askMD5 + "\r\n" + askBasic, "SHA-256", challenge},
		{"unknown_stream", strings.Replace(describe, "live", "dead", 1), askMD5 + "\r\n" + askBasic, "SHA-256", challenge},
		{"at_SETUP", crlf(ask("SETUP", "rtsp://h/live/trackID=0", 2, tcp)), askMD5 + "\r\n" + askBasic, "Session", challenge},
		{"at_ANNOUNCE", announced("rtsp://h/live", 2, encoderSDP), askMD5 + "\r\n" + askBasic, "Session", challenge},
		{"stale", describe, askMD5 + ", stale=TRUE", "Basic", codec.Challenge{Realm: "Stream Pump", Nonce: "abc", MD5: true, Stale: true}},
		{"only_Basic", describe, askBasic, "Digest", codec.Challenge{Realm: "Stream Pump", Basic: true}},
		{"only_SHA-256", describe, askMD5 + ", algorithm=SHA-256", "Basic", codec.Challenge{Realm: "Stream Pump", Nonce: "abc", SHA256: true}},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := wantAnyCut(t, c.in, func() *host { return openGuarded(c.offer) })
			out := string(h.out)
			if want := crlf(says(2, "401 Unauthorized")) + c.challenge + "\r\n"; !strings.HasPrefix(out, want) || strings.Contains(out, c.hasNot) || strings.Contains(out, "qop") {
				t.Errorf("answer: %q\nwant:   %q", out, want)
			}
			if h.next != codec.Keep || strings.Contains(out, "close") {
				t.Error("the connection does not stay open")
			}
		})
	}
}

// A description is read once its encoder has been let in: until then it may be whatever it
// is. Whoever is asked goes on on the same connection.
func TestDescriptionsOfStrangers(t *testing.T) {
	const basic = "Authorization: Basic YW5uYTpnZWhlaW0="
	for _, body := range []string{encoderSDP, "v=0\n", "\x00\xff" + strings.Repeat("m=", 8000), "x"} {
		h := wantAnyCut(t, announced("rtsp://h/live", 1, body)+announced("rtsp://h/live", 2, encoderSDP, basic), func() *host { return openGuarded(challenge) })
		out := string(h.out)
		if !strings.HasPrefix(out, crlf(says(1, "401 Unauthorized"))) || !strings.Contains(out, crlf(says(2, "200 OK"))) || strings.Count(out, "RTSP/1.0") != 2 {
			t.Errorf("with %.20q: %q", body, out)
		}
		if got, want := h.events(), "Setup live; Setup live; Reply live"; got != want || h.next != codec.Keep {
			t.Errorf("with %.20q: %s, next %d", body, got, h.next)
		}
	}
}

// What is brought comes to the engine, and stays good for the addresses that we gave.
func TestCredentials(t *testing.T) {
	digest := func(uri string) string {
		return `Authorization: Digest username="anna", realm="r", nonce="n", uri="` + uri + `", response="00"`
	}
	for _, c := range []struct{ name, in, want string }{
		{"nothing", ask("DESCRIBE", "rtsp://h/live", 1), "nothing"},
		{"Basic", ask("DESCRIBE", "rtsp://h/live", 1, "Authorization: Basic YW5uYTpnZWhlaW0="), "anna geheim"},
		{"Digest_of_ffmpeg", ask("SETUP", "rtsp://h/live/trackID=0", 1, tcp, digest("rtsp://h/live/trackID=0")), "digest of anna for SETUP rtsp://h/live/trackID=0"},
		{"Digest_of_live555", ask("SETUP", "rtsp://h/live/trackID=0", 1, tcp, digest("rtsp://h/live/")), "digest of anna for SETUP rtsp://h/live/"},
		{"Digest_of_a_path", ask("DESCRIBE", "rtsp://h/live", 1, digest("/live")), "digest of anna for DESCRIBE /live"},
		{"Digest_of_another_stream", ask("DESCRIBE", "rtsp://h/live", 1, digest("rtsp://h/radio")), "the request's Digest Authorization is for another address"},
		{"another_scheme", ask("DESCRIBE", "rtsp://h/live", 1, "Authorization: NTLM TlRMTVNT"), "the request's Authorization is of the scheme NTLM, and only Digest and Basic are known here"},
		{"token", ask("DESCRIBE", "rtsp://h/live?a=1&token=view~x", 1), "token=view~x"},
		{"token_and_more", ask("DESCRIBE", "rtsp://h/live?token=view~x", 1, digest("rtsp://h/live")), "token=view~x digest of anna for DESCRIBE rtsp://h/live"},
		{"token_behind_a_query", ask("SETUP", "rtsp://h/live?token=view~x/trackID=0", 1, tcp), "token=view~x"},
		{"token_of_DESCRIBE", ask("DESCRIBE", "rtsp://h/live?token=view~x", 1) + ask("SETUP", "rtsp://h/live/trackID=0", 2, tcp) + ask("SETUP", "rtsp://h/live/trackID=1", 3, tcp) + ask("PLAY", "rtsp://h/live", 4), "token=view~x, token=view~x, token=view~x, token=view~x"},
		{"token_of_SETUP", ask("SETUP", "rtsp://h/live/trackID=0?token=view~y", 2, tcp) + ask("PLAY", "rtsp://h/live/trackID=0", 4) + ask("PAUSE", "rtsp://h/live", 5) + ask("PLAY", "rtsp://h/live", 6), "token=view~y, token=view~y, nothing, token=view~y"},
		{"token_of_another_stream", ask("DESCRIBE", "rtsp://h/radio?token=view~x", 1) + ask("DESCRIBE", "rtsp://h/live", 2), "token=view~x, nothing"},
		{"a_later_token", ask("DESCRIBE", "rtsp://h/live?token=view~x", 1) + ask("DESCRIBE", "rtsp://h/live?token=view~y", 2) + ask("SETUP", "rtsp://h/live", 3, tcp), "token=view~x, token=view~y, token=view~y"},
		{"not_for_OPTIONS", ask("OPTIONS", "rtsp://h/live?token=x", 1, "Authorization: Basic YW5uYTpnZWhlaW0="), "nothing"},
	} {
		h, got := openServer(), []string(nil)
		h.decide = func(ev *codec.Event) codec.Verdict { got = append(got, brought(ev)); return decide(ev) }
		h.feed([]byte(crlf(c.in)))
		if all := strings.Join(got, ", "); all != c.want {
			t.Errorf("%s: brought %s, want %s", c.name, all, c.want)
		}
	}
	h, got := openServer(), []string(nil)
	h.decide = func(ev *codec.Event) codec.Verdict { got = append(got, brought(ev)); return decide(ev) }
	h.feed([]byte(announced("rtsp://h/live?token=publish~x", 1, "m=audio 0 RTP/AVP 0\na=control:streamid=0\n") + crlf(ask("SETUP", "rtsp://h/live?token=publish~x/streamid=0", 2, tcp)+ask("RECORD", "rtsp://h/live", 3))))
	if all := strings.Join(got, ", "); all != "token=publish~x, nothing, nothing, token=publish~x" || h.next != codec.Ingest {
		t.Errorf("an encoder brought %s; next %d", all, h.next)
	}
}

// A player that is asked goes on on the same connection with what it is asked for, whose
// proof is that of RFC 2069.
func TestAskedAndProven(t *testing.T) {
	sum := func(s string) string {
		b := md5.Sum([]byte(s))
		return hex.EncodeToString(b[:])
	}
	h := openServer()
	h.decide = func(ev *codec.Event) codec.Verdict {
		if ev.Kind == codec.Reply {
			return codec.Verdict{}
		}
		if c := ev.Credentials; c != nil && c.Digest != nil {
			d := c.Digest
			if d.Response == sum(sum("u:lab:p")+":"+d.Nonce+":"+sum(d.Method+":"+d.URI)) && !d.Auth {
				return decide(ev)
			}
		}
		return codec.Verdict{Code: codec.Unproven, Challenge: &codec.Challenge{Realm: "lab", Nonce: "n0", MD5: true}}
	}
	describe := func(cseq int, more string) {
		h.feed([]byte(fmt.Sprintf("DESCRIBE rtsp://h/live RTSP/1.0\r\nCSeq: %d\r\n%s\r\n", cseq, more)))
	}
	describe(1, "")
	describe(2, `Authorization: Digest username="u", realm="lab", nonce="n0", uri="rtsp://h/live", response="6928ba9e1885fbb8681dd033be88ad02"`+"\r\n")
	if out := string(h.out); !strings.HasPrefix(out, "RTSP/1.0 401") || !strings.Contains(out, "RTSP/1.0 200 OK\r\nCSeq: 2\r\n") {
		t.Errorf("%s", out)
	}
}

// A refusal for good ends the connection, in words.
func TestForbidden(t *testing.T) {
	for code, want := range map[codec.Code]string{codec.Forbidden: "403 Forbidden", codec.Slowed: "503 Service Unavailable", codec.Undecided: "503 Service Unavailable", codec.Busy: "403 Forbidden"} {
		h := openServer()
		h.decide = func(*codec.Event) codec.Verdict {
			return codec.Verdict{Code: code, RetryAfter: 2e9, Reason: "not you"}
		}
		h.feed([]byte(crlf(ask("DESCRIBE", "rtsp://h/live", 1))))
		out := string(h.out)
		if !strings.HasPrefix(out, "RTSP/1.0 "+want+"\r\n") || !strings.HasSuffix(out, "\r\n\r\nnot you\n") || !strings.Contains(out, "Retry-After: 2\r\n") || h.next != codec.Close {
			t.Errorf("%v: %q, next %d", code, out, h.next)
		}
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
// refused; another pump gets it from the player that sent it.
func TestTokensStayPrivate(t *testing.T) {
	for _, in := range []string{
		ask("DESCRIBE", "rtsp://h/live?token=geheim", 1),
		ask("DESCRIBE", "rtsp://h/nothing?token=geheim", 1),
		ask("DESCRIBE", "rtsp://h/live%3ftoken=geheim", 1),
		ask("DESCRIBE", "rtsp://h/live/token%3Dgeheim", 1),
		ask("DESCRIBE", "http://h/live?token=geheim", 1),
		ask("DESCRIBE", "live?token=geheim", 1),
		ask("DESCRIBE", "rtsp://h\"/live?token=geheim", 1),
		ask("SETUP", "rtsp://h/live?token=geheim/trackID=0", 1),
		ask("SETUP", "rtsp://h/live?token=geheim/trackID=0", 1, tcp),
		ask("FLY", "rtsp://h/live?token=geheim", 1),
		"DESCRIBE rtsp://h/live?token=geheim RTSP/1.0\n\n",
		"DESCRIBE rtsp://h/live?token=geheim RTSP/1.0 \nCSeq: 1\n\n",
		"DESCRIBE rtsp://h/live?token=geheim HTTP/1.1\n\n",
		"DESCRIBE rtsp://h/live?token=geheim RTSP/2.0\nCSeq: 1\n\n",
		"DESCRIBE rtsp://h/live?token=geheim\n\n",
		ask("DESCRIBE", "rtsp://u:geheim@h/live", 1),
		ask("DESCRIBE", "rtsp://u:geheim@/live", 1),
	} {
		h := openServer()
		h.feed([]byte(crlf(in)))
		if all := h.transcript(); strings.Contains(all, "geheim") || len(h.log) == 0 {
			t.Errorf("%q: %s", in, all)
		}
	}
}
