package rtsp

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"streampump/codec"
)

// camSDP is a camera's description, with names for tracks that are relative.
const camSDP = `v=0
o=- 1109162014219182 1 IN IP4 10.0.0.5
s=Media Presentation
c=IN IP4 0.0.0.0
a=control:*
m=video 0 RTP/AVP 96
a=rtpmap:96 H264/90000
a=fmtp:96 packetization-mode=1; sprop-parameter-sets=Z01AHtoCgL/lwEQAAAMABAAAAwDIPFi6gA==,aO88gA==
a=control:trackID=1
m=audio 0 RTP/AVP 8
a=control:trackID=2
`

// soundSDP is that of a source with one track, whose address is the stream's.
const soundSDP = "v=0\nm=audio 0 RTP/AVP 0\n"

// answer is a source's answer to our last request.
func answer(status string, fields ...string) string {
	return camSays("RTSP/1.0 "+status, append([]string{"CSeq: CSEQ"}, fields...)...)
}

func ok(fields ...string) string { return answer("200 OK", fields...) }

// described is the answer to DESCRIBE.
func described(body string, fields ...string) string {
	return ok(append(fields, "Content-Type: application/sdp", fmt.Sprintf("Content-Length: %d", len(body)))...) + body
}

func camSays(first string, fields ...string) string {
	return strings.Join(append([]string{first}, fields...), "\r\n") + "\r\n\r\n"
}

// turn is what a source writes, and what we say to it: the first line of a request
// without its version, and lines that it must have, separated by "|"; nothing if empty.
type turn struct{ in, says string }

// pulled is a pull and what becomes of it.
type pulled struct {
	name   string
	change func(o *PullOptions)
	turns  []turn
	events string // what happens, but for the events that let requests out
	end    string // what is said last
}

// openPull is a pull on its first connection, of the source at rtsp://cam/live.
func openPull(change func(o *PullOptions)) *host {
	o := PullOptions{URL: URL{Host: "cam", Path: "/live"}, User: "u", Password: "p", ClientNonce: func() string { return "cn" }}
	if change != nil {
		change(&o)
	}
	h := &host{sess: NewPull(o), decide: func(*codec.Event) codec.Verdict { return codec.Verdict{} }}
	h.hello()
	return h
}

func (h *host) hello() {
	p := h.sess.(*pull)
	h.out = p.AppendHello(h.out, false)
	h.out, _ = p.Tick(h.out, p.now)
}

// notable are the events so far without the replies.
func (h *host) notable() string {
	var out []string
	for e := range strings.SplitSeq(h.events(), "; ") {
		if e != "Reply" && e != "" {
			out = append(out, e)
		}
	}
	return strings.Join(out, "; ")
}

// wantSaid compares what was said with what a turn wants.
func wantSaid(t *testing.T, got, want string) {
	t.Helper()
	if want == "" {
		if got != "" {
			t.Errorf("said %q, want nothing", got)
		}
		return
	}
	lines := strings.Split(want, "|")
	if !strings.HasPrefix(got, lines[0]+" RTSP/1.0\r\n") && !strings.HasPrefix(got, lines[0]+"\r\n") {
		t.Errorf("said %q\nwant %q", got, lines[0])
	}
	for _, l := range lines[1:] {
		if no, without := strings.CutPrefix(l, "!"); without == strings.Contains(got, "\r\n"+no) {
			t.Errorf("said %q\nwant a line %q", got, l)
		}
	}
}

func (c *pulled) run(t *testing.T) {
	h := openPull(c.change)
	var all strings.Builder
	for _, x := range c.turns {
		was := len(h.out)
		in := strings.ReplaceAll(x.in, "CSEQ", fmt.Sprint(h.sess.(*pull).cseq))
		h.feed([]byte(in))
		all.WriteString(in)
		wantSaid(t, string(h.out[was:]), x.says)
	}
	if h.fail != "" {
		t.Fatal(h.fail)
	}
	if got := h.notable(); got != c.events {
		t.Errorf("events: %s\nwant:   %s", got, c.events)
	}
	was := len(h.out)
	if !h.ended {
		h.out = h.sess.AppendEnd(h.out, codec.CauseShutdown, "")
		wantSaid(t, string(h.out[was:]), c.end)
	}
	cut := wantAnyCut(t, all.String(), func() *host { return openPull(c.change) })
	if !cut.ended {
		cut.out = cut.sess.AppendEnd(cut.out, codec.CauseShutdown, "")
	}
	if cut.transcript() != h.transcript() {
		t.Errorf("at once, it went\n%s\nstep by step, it went\n%s", cut.transcript(), h.transcript())
	}
}

const (
	setUp0 = "Transport: RTP/AVP/TCP;unicast;interleaved=0-1"
	setUp2 = "Transport: RTP/AVP/TCP;unicast;interleaved=2-3"
	sid    = "Session: 12345678"
)

// toPlay are the turns of an ordinary camera up to its packets.
func toPlay() []turn {
	return []turn{
		{ok("Public: OPTIONS, DESCRIBE, SETUP, TEARDOWN, PLAY, GET_PARAMETER"), "DESCRIBE rtsp://cam/live"},
		{described(camSDP, "Content-Base: rtsp://cam/live/"), "SETUP rtsp://cam/live/trackID=1"},
		{ok(setUp0, sid+";timeout=30"), "SETUP rtsp://cam/live/trackID=2"},
		{ok(setUp2, sid), "PLAY rtsp://cam/live/"},
		{ok(sid, "RTP-Info: url=x;seq=1"), ""},
	}
}

// toPlayAnd is toPlay with what follows.
func toPlayAnd(more ...turn) []turn { return append(toPlay(), more...) }

const teardown = "TEARDOWN rtsp://cam/live/|Session: 12345678"

// rtpOf and its like are packets: of 16 bytes, with the number that the test looks for.
func rtpOf(n byte) string {
	return "\x80\x60\x00" + string(n) + "\x00\x00\x00\x00\xC0\xFF\xEE\x01GM@\x1e"
}

// byeOf is the goodbye of the sender of these packets.
const byeOf = "\x80\xC9\x00\x01\xC0\xFF\xEE\x01\x81\xCB\x00\x01\xC0\xFF\xEE\x01"

// srOf is a sender's report.
const srOf = "\x80\xC8\x00\x06\xC0\xFF\xEE\x01\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"

func got(channel int, packet string) string { return fmt.Sprintf("Packet %d:%x", channel, packet) }

// The whole of what is said to an ordinary camera, byte by byte.
func TestPullConversation(t *testing.T) {
	h := openPull(func(o *PullOptions) {
		o.URL = URL{Host: "2001:db8::5", Port: 8554, Path: "/live?a=b"}
		o.Agent = "Test/1"
	})
	if to := h.sess.(codec.Dialled).Target(); to != (codec.Target{Address: "[2001:db8::5]:8554"}) {
		t.Errorf("target %+v", to)
	}
	for _, in := range []string{
		ok(), described(camSDP, "Content-Base: rtsp://[2001:db8::5]:8554/live/"), ok(setUp0, sid), ok(setUp2), ok(),
	} {
		h.feed([]byte(strings.ReplaceAll(in, "CSEQ", fmt.Sprint(h.sess.(*pull).cseq))))
	}
	h.out = h.sess.AppendEnd(h.out, codec.CauseShutdown, "")
	want := crlf(`OPTIONS rtsp://[2001:db8::5]:8554/live?a=b RTSP/1.0
CSeq: 1
User-Agent: Test/1

DESCRIBE rtsp://[2001:db8::5]:8554/live?a=b RTSP/1.0
CSeq: 2
User-Agent: Test/1
Accept: application/sdp

SETUP rtsp://[2001:db8::5]:8554/live/trackID=1 RTSP/1.0
CSeq: 3
User-Agent: Test/1
Transport: RTP/AVP/TCP;unicast;interleaved=0-1

SETUP rtsp://[2001:db8::5]:8554/live/trackID=2 RTSP/1.0
CSeq: 4
User-Agent: Test/1
Session: 12345678
Transport: RTP/AVP/TCP;unicast;interleaved=2-3

PLAY rtsp://[2001:db8::5]:8554/live/ RTSP/1.0
CSeq: 5
User-Agent: Test/1
Session: 12345678
Range: npt=0.000-

TEARDOWN rtsp://[2001:db8::5]:8554/live/ RTSP/1.0
CSeq: 6
User-Agent: Test/1
Session: 12345678

`)
	if got := string(h.out); got != want {
		t.Errorf("said %q\nwant %q", got, want)
	}
}

// Cameras and servers, and what each of them does otherwise.
func TestPullOfCameras(t *testing.T) {
	first := func(more ...turn) []turn { return append(toPlay()[:1], more...) }
	second := func(more ...turn) []turn { return append(toPlay()[:2], more...) }
	alone := func(in string) []turn {
		return first(turn{described(soundSDP), "SETUP rtsp://cam/live"}, turn{in, "PLAY rtsp://cam/live"}, turn{ok(), ""})
	}
	for _, c := range []pulled{
		{name: "ordinary", turns: toPlayAnd(
			turn{frame(0, rtpOf(1)) + frame(2, rtpOf(2)) + frame(3, srOf), ""}),
			events: "Header; " + got(0, rtpOf(1)) + "; " + got(2, rtpOf(2)) + "; " + got(3, srOf), end: teardown},
		{name: "silent", turns: toPlayAnd(), end: teardown},
		{name: "report_first", turns: toPlayAnd(turn{frame(1, srOf) + frame(0, rtpOf(1)), ""}),
			events: "Header; " + got(1, srOf) + "; " + got(0, rtpOf(1)), end: teardown},
		{name: "eager", turns: append(toPlay()[:4], turn{frame(0, rtpOf(1)), ""}, turn{ok() + frame(0, rtpOf(2)), ""}),
			events: "Header; " + got(0, rtpOf(1)) + "; " + got(0, rtpOf(2)), end: teardown},
		{name: "too_eager", turns: append(toPlay()[:3], turn{frame(0, rtpOf(1)), ""}), end: "TEARDOWN rtsp://cam/live/|Session: 12345678"},

		// OPTIONS that is not known, or not allowed (Foscam).
		{name: "foscam", turns: []turn{{answer("501 Not Implemented"), "DESCRIBE rtsp://cam/live"}}},
		{name: "no_options", turns: []turn{{answer("405 Method Not Allowed"), "DESCRIBE rtsp://cam/live"}}},
		{name: "options_for_nobody", turns: []turn{{answer("401 Unauthorized"), "DESCRIBE rtsp://cam/live|!Authorization"}}},

		// Channels.
		{name: "other_channels", turns: second(
			turn{ok("Transport: RTP/AVP/TCP;unicast;interleaved=4-5", sid), "SETUP rtsp://cam/live/trackID=2"},
			turn{ok("Transport: RTP/AVP/TCP;interleaved=2-3"), "PLAY rtsp://cam/live/"},
			turn{ok() + frame(4, rtpOf(1)) + frame(0, rtpOf(9)) + frame(5, srOf) + frame(2, rtpOf(2)), ""}),
			events: "Header; " + got(0, rtpOf(1)) + "; " + got(1, srOf) + "; " + got(2, rtpOf(2)), end: teardown},
		{name: "single_channel", turns: append(alone(ok("Transport: RTP/AVP/TCP;unicast;interleaved=7", sid)), turn{frame(7, rtpOf(1)), ""}),
			events: "Header; " + got(0, rtpOf(1)), end: "TEARDOWN rtsp://cam/live|Session: 12345678"},
		{name: "no_channels", turns: append(alone(ok("Transport: RTP/AVP/TCP;unicast", sid)), turn{frame(0, rtpOf(1)), ""}),
			events: "Header; " + got(0, rtpOf(1)), end: "TEARDOWN rtsp://cam/live"},
		{name: "no_transport", turns: append(alone(ok(sid)), turn{frame(0, rtpOf(1)), ""}),
			events: "Header; " + got(0, rtpOf(1)), end: "TEARDOWN rtsp://cam/live"},
		{name: "escam", turns: append(alone(ok("Transport: RTP/AVP;unicast;interleaved=0-1", sid)), turn{frame(0, rtpOf(1)), ""}),
			events: "Header; " + got(0, rtpOf(1)), end: "TEARDOWN rtsp://cam/live"},
		{name: "only_UDP", turns: second(turn{answer("461 Unsupported Transport"), ""}),
			events: "Bad: the source answered 461 Unsupported Transport to SETUP of track 1 (H264, 90000 Hz): it does not send over TCP, and over UDP nothing can be pulled"},
		{name: "UDP_all_the_same", turns: second(turn{ok("Transport: RTP/AVP;unicast;client_port=1-2;server_port=3-4", sid), ""}),
			events: `Bad: the source wants to send over UDP, although TCP was asked for: its Transport is "RTP/AVP;unicast;client_port=1-2;server_port=3-4"`, end: "TEARDOWN rtsp://cam/live/"},
		{name: "one_channel_for_two", turns: second(turn{ok(setUp0, sid), "SETUP rtsp://cam/live/trackID=2"}, turn{ok(setUp0), ""}),
			events: "Bad: the source gives track 2 the channels 0 and 1, and one of them is another track's", end: teardown},

		// Addresses.
		{name: "inner_host", turns: first(turn{described(camSDP, "Content-Base: rtsp://10.0.0.5:554/live/"), "SETUP rtsp://cam/live/trackID=1"})},
		{name: "inner_host_in_tracks", turns: first(turn{described(strings.ReplaceAll(camSDP, "control:track", "control:rtsp://admin:secret@10.0.0.5/x/track")), "SETUP rtsp://cam/x/trackID=1|!Authorization"})},
		{name: "base_without_slash", turns: first(turn{described(camSDP, "Content-Base: rtsp://cam/live"), "SETUP rtsp://cam/live/trackID=1"})},
		{name: "reolink", turns: first(turn{described(camSDP, "Content-Base: rtsp://cam//"), "SETUP rtsp://cam//trackID=1"})},
		{name: "no_base", turns: first(turn{described(camSDP), "SETUP rtsp://cam/live/trackID=1"})},
		{name: "location", turns: first(turn{described(camSDP, "Content-Location: rtsp://cam/y/"), "SETUP rtsp://cam/y/trackID=1"})},
		{name: "base_in_description", turns: first(turn{described(strings.Replace(camSDP, "control:*", "control:rtsp://10.0.0.5/z", 1), "Content-Base: rtsp://cam/live/"), "SETUP rtsp://cam/z/trackID=1"})},
		{name: "query", turns: first(turn{described(strings.ReplaceAll(camSDP, "trackID=", "?ctype="), "Content-Base: rtsp://cam/live"), "SETUP rtsp://cam/live?ctype=1"})},
		{name: "rooted", turns: first(turn{described(strings.ReplaceAll(camSDP, "trackID=", "/trackID="), "Content-Base: rtsp://cam/live/"), "SETUP rtsp://cam/live/trackID=1"})},
		{name: "blanks", turns: first(turn{described(strings.ReplaceAll(camSDP, "trackID=", "track ü "), "Content-Base: rtsp://cam/live/"), "SETUP rtsp://cam/live/track%20%C3%BC%201"})},
		{name: "endless_address", turns: first(turn{described(camSDP, "Content-Base: rtsp://cam/"+strings.Repeat("x", 5000)), ""}),
			events: "Bad: the source gives its stream or a track an address of 5011 bytes"},

		// Tracks that are not wanted.
		{name: "onvif", turns: first(
			turn{described(camSDP + "a=recvonly\nm=application 0 RTP/AVP 107\na=rtpmap:107 vnd.onvif.metadata/90000\na=control:trackID=3\nm=audio 0 RTP/AVP 0\na=control:trackID=4\na=sendonly\n"), "SETUP rtsp://cam/live/trackID=1"},
			turn{ok(setUp0, sid), "SETUP rtsp://cam/live/trackID=2"},
			turn{ok(setUp2, sid), "PLAY rtsp://cam/live"}), end: "TEARDOWN rtsp://cam/live"},
		{name: "metadata_alone", turns: first(turn{described("v=0\nm=application 0 RTP/AVP 107\n"), ""}),
			events: "Bad: the source's description (SDP) has no track to pull: only such as it wants to receive, or of data"},
		{name: "encrypted", turns: first(turn{described("v=0\nm=video 0 RTP/SAVP 96\n"), ""}),
			events: "Bad: track 1 of the description (SDP), video, is encrypted (SRTP), and there is no key to read it with"},
		{name: "nothing_described", turns: first(turn{ok(), ""}), events: "Bad: the source answered DESCRIBE without a description"},
		{name: "no_tracks", turns: first(turn{described("v=0\n"), ""}), events: "Bad: the description (SDP) names no media: it has no m= line"},

		// Sessions.
		{name: "no_session", turns: alone(ok(setUp0)), end: "TEARDOWN rtsp://cam/live|!Session"},
		{name: "session_with_blanks", turns: alone(ok(setUp0, "Session:  ab-c ; timeout = 30 ")), end: "TEARDOWN rtsp://cam/live|Session: ab-c\r\n"},
		{name: "endless_session", turns: second(turn{ok(setUp0, "Session: "+strings.Repeat("x", 300)), ""}),
			events: "Bad: the id of the source's session has 300 bytes"},

		// Refusals.
		{name: "not_found", turns: first(turn{answer("404 Not Found"), ""}), events: "Bad: the source answered 404 Not Found to DESCRIBE"},
		{name: "no_reason", turns: first(turn{answer("503"), ""}), events: "Bad: the source answered 503 to DESCRIBE"},
		{name: "full", turns: append(toPlay()[:4], turn{answer("453 Not Enough Bandwidth"), ""}), events: "Bad: the source answered 453 Not Enough Bandwidth to PLAY", end: teardown},

		// Answers.
		{name: "go2rtc", turns: []turn{{camSays("RTSP/1.0 200 OK", "Cseq: 1"), "DESCRIBE rtsp://cam/live"}}},
		{name: "no_cseq", turns: []turn{{camSays("RTSP/1.0 200 OK"), "DESCRIBE rtsp://cam/live"}}},
		{name: "lone_LF", turns: []turn{{"RTSP/1.0 200 OK\nCSeq: 1\n\n", "DESCRIBE rtsp://cam/live"}}},
		{name: "odd_lines", turns: []turn{{camSays("RTSP/1.0 200 OK", "CSeq: 1", "no field at all", " folded"), "DESCRIBE rtsp://cam/live"}}},
		{name: "interim", turns: []turn{{answer("100 Continue"), ""}, {ok(), "DESCRIBE rtsp://cam/live"}}},
		{name: "only_interim", turns: []turn{{strings.Repeat(answer("100 Continue"), 11), ""}}, events: "Bad: the source has sent 11 interim answers and no final one"},
		{name: "twice", turns: first(turn{camSays("RTSP/1.0 200 OK", "CSeq: 1"), ""}, turn{described(camSDP), "SETUP rtsp://cam/live/trackID=1"})},
		{name: "not_RTSP", turns: []turn{{"SSH-2.0-OpenSSH\r\n\r\n", ""}}, events: `Bad: the source's answer is not RTSP: the first line is not a request: "SSH-2.0-OpenSSH"`},
		{name: "TLS", turns: []turn{{"\x15\x03\x01", ""}}, events: "Bad: the source speaks TLS on this port: its address must begin with rtsps://"},

		// Ends.
		{name: "goodbye", turns: toPlayAnd(turn{frame(0, rtpOf(1)) + frame(2, rtpOf(2)) + frame(1, byeOf), ""}, turn{frame(3, byeOf), teardown}),
			events: "Header; " + got(0, rtpOf(1)) + "; " + got(2, rtpOf(2)) + "; Finish"},
		{name: "teardown", turns: toPlayAnd(turn{camSays("TEARDOWN rtsp://cam/live RTSP/1.0", "CSeq: 1"), teardown}), events: "Finish"},

		// Requests of the source.
		{name: "asks", turns: toPlayAnd(
			turn{camSays("OPTIONS * RTSP/1.0", "CSeq: 77"), "RTSP/1.0 200 OK|CSeq: 77"},
			turn{frame(0, rtpOf(1)) + camSays("GET_PARAMETER rtsp://cam/live RTSP/1.0", "CSeq: 78", "Content-Length: 3") + "abc" + frame(0, rtpOf(2)), "RTSP/1.0 200 OK|CSeq: 78"},
			turn{camSays("ANNOUNCE rtsp://cam/live RTSP/1.0", "CSeq: 79", "Content-Length: 0"), "RTSP/1.0 501 Not Implemented|CSeq: 79"}),
			events: "Header; " + got(0, rtpOf(1)) + "; " + got(0, rtpOf(2)), end: teardown},
		{name: "sends_on_later", turns: toPlayAnd(turn{camSays("REDIRECT rtsp://cam/live RTSP/1.0", "CSeq: 1", "Location: rtsp://other/live"), ""}), events: "Redial", end: teardown},
	} {
		t.Run(c.name, c.run)
	}
}

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
	no := func(fields ...string) string { return answer("401 Unauthorized", fields...) }
	nobody := func(o *PullOptions) { o.User, o.Password, o.ClientNonce = "", "", nil }
	first := func(more ...turn) []turn { return append(toPlay()[:1], more...) }
	for _, c := range []pulled{
		{name: "digest", turns: first(turn{no(digest), "DESCRIBE rtsp://cam/live|" + shown0},
			turn{described(camSDP), `SETUP rtsp://cam/live/trackID=1|Authorization: Digest username="u", realm="lab", nonce="n0", uri="rtsp://cam/live/trackID=1"`},
			turn{ok(setUp0, sid), `SETUP rtsp://cam/live/trackID=2|Authorization: Digest`},
			turn{ok(setUp2), `PLAY rtsp://cam/live|` + shown0},
			turn{ok(), ""}), end: "TEARDOWN rtsp://cam/live|" + shown0},
		{name: "options_too", turns: []turn{{no(digest), "OPTIONS rtsp://cam/live|" + shown0}, {ok(), "DESCRIBE rtsp://cam/live|" + shown0}}},
		{name: "qop", turns: first(turn{no(qop), `DESCRIBE rtsp://cam/live|` + shown0},
			turn{described(camSDP), `SETUP rtsp://cam/live/trackID=1|Authorization: Digest username="u", realm="lab", nonce="n0", uri="rtsp://cam/live/trackID=1", response="495c487ba753234320303a6cc65365be", opaque="o", qop=auth, nc=00000002, cnonce="cn"`})},
		{name: "shelly", turns: first(turn{no(shelly), `DESCRIBE rtsp://cam/live|` + shown0})},
		{name: "basic", turns: first(turn{no(basic), "DESCRIBE rtsp://cam/live|Authorization: Basic dTpw"})},
		{name: "basic_before_digest", turns: first(turn{no(basic, digest), "DESCRIBE rtsp://cam/live|" + shown0})},
		{name: "only_setup", turns: append(toPlay()[:2], turn{no(digest), `SETUP rtsp://cam/live/trackID=1|Authorization: Digest`}, turn{ok(setUp0, sid), "SETUP rtsp://cam/live/trackID=2|Authorization"}),
			end: "TEARDOWN rtsp://cam/live/"},
		{name: "tapo", turns: first(turn{no(digest), "DESCRIBE rtsp://cam/live|" + shown0}, turn{no(other), ""}), events: denied},
		{name: "refused_basic", turns: first(turn{no(basic), "DESCRIBE rtsp://cam/live|Authorization: Basic dTpw"}, turn{no(basic), ""}), events: denied},
		{name: "mediamtx", turns: first(turn{no(basic, digest), "DESCRIBE rtsp://cam/live|" + shown0}, turn{no(), ""}), events: denied},
		{name: "stale", turns: first(turn{no(digest), "DESCRIBE rtsp://cam/live|" + shown0}, turn{no(stale), "DESCRIBE rtsp://cam/live|" + shown1}, turn{described(camSDP), "SETUP rtsp://cam/live/trackID=1|" + shown1})},
		{name: "always_stale", turns: first(turn{no(digest), "DESCRIBE rtsp://cam/live|" + shown0}, turn{no(stale), "DESCRIBE rtsp://cam/live|" + shown1}, turn{no(stale), ""}), events: denied},
		{name: "new_nonce_for_each", turns: first(turn{no(digest), "DESCRIBE rtsp://cam/live|" + shown0}, turn{described(camSDP), "SETUP rtsp://cam/live/trackID=1|Authorization"}, turn{no(other), "SETUP rtsp://cam/live/trackID=1|" + shown1}, turn{no(other), ""}), events: denied},
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
		if got := strings.Contains(fmt.Sprint(ev.Err), codec.ErrDenied.Error()); ev.Kind != codec.Bad || got != want {
			t.Errorf("%q: %v %v", user, ev.Kind, ev.Err)
		}
	}
}

// Where redirects lead. Each turn but the last is on a connection of its own.
func TestPullIsRedirected(t *testing.T) {
	tls := func(o *PullOptions) { o.URL.TLS = true }
	to := func(status, location string) string { return answer(status, "Location: "+location) }
	for _, c := range []struct {
		name   string
		change func(o *PullOptions)
		in     []string
		target string
		events string
	}{
		{"302", nil, []string{to("302 Found", "rtsp://other:99/y")}, "{other:99 false} rtsp://other:99/y", "Redial"},
		{"301", nil, []string{to("301 Moved Permanently", "rtsp://other/y?z=1")}, "{other:554 false} rtsp://other/y?z=1", "Redial"},
		{"relative", nil, []string{to("302 Found", "/new")}, "{cam:554 false} rtsp://cam/new", "Redial"},
		{"to_TLS", nil, []string{to("302 Found", "rtsps://other/y")}, "{other:322 true} rtsps://other/y", "Redial"},
		{"from_TLS", tls, []string{to("302 Found", "rtsp://other/y")}, "{cam:322 true} rtsps://cam/live", `Bad: the source redirects us from TLS to "rtsp://other/y", which is without, so we do not follow`},
		{"with_a_password", nil, []string{to("302 Found", "rtsp://a:b@other/y")}, "{other:554 false} rtsp://other/y", "Redial"},
		{"twice", nil, []string{to("302 Found", "rtsp://b/"), to("302 Found", "rtsp://c/")}, "{c:554 false} rtsp://c/", "Redial; Redial"},
		{"nowhere", nil, []string{answer("302 Found")}, "{cam:554 false} rtsp://cam/live", "Bad: the source answered 302 Found without a place to go"},
		{"elsewhere", nil, []string{to("302 Found", "http://a:secret@other/")}, "{cam:554 false} rtsp://cam/live", `Bad: the source redirects us: the address "http://…@other/" must begin with rtsp://, or for TLS with rtsps://`},
		{"use_proxy", nil, []string{to("305 Use Proxy", "rtsp://proxy/")}, "{cam:554 false} rtsp://cam/live", "Bad: the source answered 305 Use Proxy to DESCRIBE"},
		{"for_ever", nil, []string{to("302 Found", "rtsp://a/"), to("302 Found", "rtsp://b/"), to("302 Found", "rtsp://a/"), to("302 Found", "rtsp://b/"), to("302 Found", "rtsp://a/"), to("302 Found", "rtsp://b/?token=secret")},
			"{a:554 false} rtsp://a/", `Redial; Redial; Redial; Redial; Redial; Bad: the source redirects us too often, last to "rtsp://b/?token=…"`},
		{"password_stays_here", nil, []string{to("302 Found", "rtsp://other/"), answer("401 Unauthorized", "WWW-Authenticate: Basic")}, "{other:554 false} rtsp://other/",
			"Redial; Bad: the source answered 401 Unauthorized: it wants a user name and a password, and ours are only for cam:554, which has redirected us"},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := openPull(c.change)
			p := h.sess.(*pull)
			for i, in := range c.in {
				if i > 0 {
					h.hello()
				}
				h.feed([]byte(strings.ReplaceAll(ok()+in, "CSEQ", "9")))
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

// Keep-alives come before the session's time is over, whether they are answered or not.
func TestPullKeepsAlive(t *testing.T) {
	const params, options = "GET_PARAMETER rtsp://cam/live/|Session: 12345678", "OPTIONS rtsp://cam/live/|Session: 12345678"
	type due struct {
		at   int // seconds since the answer to PLAY
		in   string
		says string // at that time, before in comes
	}
	for _, c := range []struct {
		name, public, session string
		dues                  []due
	}{
		{"minute", "OPTIONS, GET_PARAMETER", sid, []due{{54, "", ""}, {55, ok(), params}, {109, "", ""}, {110, ok(), params}}},
		{"thirty", "GET_PARAMETER", sid + ";timeout=30", []due{{24, "", ""}, {25, ok("Content-Length: 3") + "abc", params}, {50, ok(), params}}},
		{"six", "GET_PARAMETER", sid + ";timeout=6", []due{{2, "", ""}, {3, ok(), params}, {6, ok(), params}}},
		{"only_options", "OPTIONS, DESCRIBE", sid, []due{{55, ok(), options}}},
		{"hipcam", "GET_PARAMETER", sid, []due{{55, "", params}, {110, "", options}, {165, "", options}}},
		{"does_not_know_it", "GET_PARAMETER", sid, []due{{55, answer("501 Not Implemented"), params}, {110, ok(), options}}},
		{"answers_late", "GET_PARAMETER", sid, []due{{55, frame(0, rtpOf(1)) + frame(2, rtpOf(2)) + ok() + frame(0, rtpOf(3)), params}, {110, ok(), params}}},
		{"lost_session", "GET_PARAMETER", sid, []due{{55, answer("454 Session Not Found"), params}, {110, ok(), params}}},
		{"zero", "GET_PARAMETER", sid + ";timeout=0", []due{{55, ok(), params}}},
		{"nonsense", "GET_PARAMETER", sid + ";timeout=x", []due{{55, ok(), params}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := openPull(nil)
			p := h.sess.(*pull)
			feed := func(in string) { h.feed([]byte(strings.ReplaceAll(in, "CSEQ", fmt.Sprint(p.cseq)))) }
			for _, in := range []string{ok("Public: " + c.public), described(camSDP, "Content-Base: rtsp://cam/live/"), ok(setUp0, c.session), ok(setUp2, c.session), ok()} {
				feed(in)
			}
			next := p.now
			for _, d := range c.dues {
				now := time.Duration(d.at) * time.Second
				said := []byte(nil)
				for next <= now {
					said, next = p.Tick(said, next)
				}
				wantSaid(t, string(said), d.says)
				feed(d.in)
			}
			if strings.Contains(h.events(), "Bad") {
				t.Error(h.events())
			}
		})
	}
}

// A camera that closes the connection instead of answering GET_PARAMETER is asked with
// OPTIONS at the next attempt.
func TestPullRemembersHipcam(t *testing.T) {
	past := &Past{}
	for i, want := range []string{"GET_PARAMETER rtsp://cam/live/", "OPTIONS rtsp://cam/live/", "OPTIONS rtsp://cam/live/"} {
		h := openPull(func(o *PullOptions) { o.Past = past })
		for _, x := range toPlay() {
			h.feed([]byte(strings.ReplaceAll(x.in, "CSEQ", fmt.Sprint(h.sess.(*pull).cseq))))
		}
		said, _ := h.sess.(*pull).Tick(nil, time.Minute)
		t.Run(fmt.Sprint("attempt_", i), func(t *testing.T) { wantSaid(t, string(said), want) })
	}
}

// A keep-alive whose proof has become too old goes out once more at once: the next would
// be too late.
func TestPullKeepsAliveWithANewNonce(t *testing.T) {
	h := openPull(nil)
	p := h.sess.(*pull)
	feed := func(in string) string {
		was := len(h.out)
		h.feed([]byte(strings.ReplaceAll(in, "CSEQ", fmt.Sprint(p.cseq))))
		return string(h.out[was:])
	}
	feed(answer("401 Unauthorized", `WWW-Authenticate: Digest realm="lab", nonce="n0"`))
	for _, x := range toPlay() {
		feed(x.in)
	}
	h.out, _ = p.Tick(h.out, time.Minute)
	wantSaid(t, feed(answer("401 Unauthorized", `WWW-Authenticate: Digest realm="lab", nonce="n1"`)),
		`GET_PARAMETER rtsp://cam/live/|Authorization: Digest username="u", realm="lab", nonce="n1"`)
	if got := feed(ok()); got != "" || strings.Contains(h.events(), "Bad") {
		t.Errorf("said %q: %s", got, h.events())
	}
}
