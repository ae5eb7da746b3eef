package rtsp

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"

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

// camAnswers is a source's answer to our last request.
func camAnswers(status string, fields ...string) string {
	return camSays("RTSP/1.0 "+status, append([]string{"CSeq: CSEQ"}, fields...)...)
}

func camOK(fields ...string) string { return camAnswers("200 OK", fields...) }

// camDescribes is the answer to DESCRIBE.
func camDescribes(body string, fields ...string) string {
	return camOK(append(fields, "Content-Type: application/sdp", fmt.Sprintf("Content-Length: %d", len(body)))...) + body
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
	o := PullOptions{URL: source("cam", 0, "/live"), User: "u", Password: "p", ClientNonce: func() string { return "cn" }}
	if change != nil {
		change(&o)
	}
	h := &host{sess: NewPull(o), decide: decideForPull}
	h.hello()
	return h
}

// decideForPull is an engine that has ports for whoever asks.
func decideForPull(ev *codec.Event) (v codec.Verdict) {
	if ev.Kind == codec.Setup {
		v.Offer = &codec.Offer{Ports: codec.Ports{40000, 40001, 40002, 40003}, Peer: netip.MustParseAddr("10.0.0.5")}
	}
	return v
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
		{camOK("Public: OPTIONS, DESCRIBE, SETUP, TEARDOWN, PLAY, GET_PARAMETER"), "DESCRIBE rtsp://cam/live"},
		{camDescribes(camSDP, "Content-Base: rtsp://cam/live/"), "SETUP rtsp://cam/live/trackID=1"},
		{camOK(setUp0, sid+";timeout=30"), "SETUP rtsp://cam/live/trackID=2"},
		{camOK(setUp2, sid), "PLAY rtsp://cam/live/"},
		{camOK(sid, "RTP-Info: url=x;seq=1"), ""},
	}
}

// toPlayAnd is toPlay with what follows.
func toPlayAnd(more ...turn) []turn { return append(toPlay(), more...) }

const tearsDown = "TEARDOWN rtsp://cam/live/|Session: 12345678"

// rtpOf and its like are packets: of 16 bytes, with the number that the test looks for.
func rtpOf(n byte) string {
	return "\x80\x60\x00" + string(n) + "\x00\x00\x00\x00\xC0\xFF\xEE\x01GM@\x1e"
}

// byeOf is the goodbye of the sender of these packets.
const byeOf = "\x80\xC9\x00\x01\xC0\xFF\xEE\x01\x81\xCB\x00\x01\xC0\xFF\xEE\x01"

// srOf is a sender's report.
const srOf = "\x80\xC8\x00\x06\xC0\xFF\xEE\x01\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"

func packetEvent(channel int, packet string) string {
	return fmt.Sprintf("Packet %d:%x", channel, packet)
}
