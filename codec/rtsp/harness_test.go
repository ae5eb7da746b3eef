package rtsp

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	"streampump/codec"
	"streampump/codec/sdp"
)

// host plays the engine: it feeds a session as the engine does, answers its events by
// decide, and writes down what happens.
type host struct {
	sess   codec.Session
	decide func(ev *codec.Event) codec.Verdict
	log    []string
	out    []byte // what the peer was sent
	next   codec.Next
	ended  bool          // the session was told of its end
	headed codec.Media   // of the newest Header event
	data   []codec.Event // the Packet events since
	fail   string        // a breach of the contract by the session
}

// feed gives b to the session as one read.
func (h *host) feed(b []byte) {
	for len(b) > 0 && h.next != codec.Close && !h.ended {
		n, ev := h.sess.Consume(b)
		if n < 0 || n > len(b) || ev.Kind == codec.None && n != len(b) {
			h.fail = fmt.Sprintf("took %d of %d bytes with %v", n, len(b), ev.Kind)
			return
		}
		b = b[n:]
		if ev.Kind != codec.None {
			h.event(&ev)
		}
	}
}

// event notes one event and answers it.
func (h *host) event(ev *codec.Event) {
	h.log = append(h.log, line(ev))
	switch ev.Kind {
	case codec.Header:
		h.headed, h.data = ev.Media, nil
	case codec.Packet:
		e := *ev
		e.Data = bytes.Clone(ev.Data)
		h.data = append(h.data, e)
	case codec.Finish:
		h.out, h.ended = h.sess.AppendEnd(h.out, codec.CauseEnded, "the push has ended"), true
	}
	if !ev.Kind.WantsAnswer() {
		return
	}
	v := h.decide(ev)
	h.out, h.next = h.sess.Answer(h.out, ev, &v)
	h.log = append(h.log, fmt.Sprintf("next %d", h.next))
}

// line is an event in one line, everything that the engine may act on.
func line(ev *codec.Event) string {
	s := ev.Kind.String()
	switch ev.Form {
	case codec.Video:
		s += " video"
	case codec.Audio:
		s += " audio"
	}
	if ev.Pump {
		s += " pump"
	}
	if ev.Session != 0 {
		s += fmt.Sprintf(" session=%#x", ev.Session)
	}
	if ev.Path != "" {
		s += " " + ev.Path
	}
	if ev.Ports != nil {
		s += fmt.Sprintf(" to=%d", ev.Ports[:4])
	}
	if ev.Data != nil {
		s += fmt.Sprintf(" %d:%x", ev.Channel, ev.Data)
	}
	if ev.Err != nil {
		s += ": " + ev.Err.Error()
	}
	return s
}

// events are the events so far, without what was answered.
func (h *host) events() string {
	var out []string
	for _, l := range h.log {
		if !strings.HasPrefix(l, "next ") {
			out = append(out, l)
		}
	}
	return strings.Join(out, "; ")
}

// transcript is everything that happened, to compare runs by.
func (h *host) transcript() string {
	return strings.Join(h.log, "\n") + "\n" + string(h.out) + h.fail
}

// wantAnyCut runs the same bytes through fresh sessions, whole, byte by byte and cut at
// random: the transcripts must be the same.
func wantAnyCut(t testing.TB, input string, open func() *host) *host {
	t.Helper()
	whole := open()
	whole.feed([]byte(input))
	if whole.fail != "" {
		t.Fatal(whole.fail)
	}
	want := whole.transcript()
	for seed := range uint64(6) {
		h := open()
		pieces := cuts([]byte(input), seed)
		if seed == 0 {
			pieces = cuts1([]byte(input))
		}
		for _, p := range pieces {
			h.feed(bytes.Clone(p)) // a piece of its own: nothing may be kept of it
		}
		if got := h.transcript(); got != want {
			t.Fatalf("seed %d: cut differently, it went\n%.2000s\nwhole, it went\n%.2000s", seed, got, want)
		}
	}
	return whole
}

// encoderSDP is what ffmpeg announces.
const encoderSDP = `v=0
o=- 0 0 IN IP4 127.0.0.1
s=No Name
c=IN IP4 192.0.2.77
t=0 0
a=tool:libavformat LIBAVFORMAT_VERSION
m=video 0 RTP/AVP 96
b=AS:904
a=rtpmap:96 H264/90000
a=fmtp:96 packetization-mode=1; sprop-parameter-sets=Z01AHtoCgL/lwEQAAAMABAAAAwDIPFi6gA==,aO88gA==; profile-level-id=4D401E
a=control:streamid=0
m=audio 0 RTP/AVP 97
b=AS:128
a=rtpmap:97 MPEG4-GENERIC/48000/2
a=fmtp:97 profile-level-id=1;mode=AAC-hbr;sizelength=13;indexlength=3;indexdeltalength=3; config=119056E500
a=control:streamid=1
`

// mustMedia is the media that a description is of.
func mustMedia(description string) *media {
	d, err := sdp.Parse([]byte(description))
	if err != nil {
		panic(err)
	}
	m, err := newMedia(d)
	if err != nil {
		panic(err)
	}
	return m
}

// Media that the tests' streams have.
var (
	bothMedia  = mustMedia(encoderSDP)
	soundMedia = mustMedia("v=0\nm=audio 0 RTP/AVP 0\na=control:x\n")
)

const viewerKey, ingestKey = 0x4242, 1<<63 | 0x99

// session is what answers say of the viewer's session, and ingest of the encoder's.
const (
	viewerSession = "Session: 0000000000004242;timeout=60"
	ingestSession = "Session: 8000000000000099;timeout=60"
)

// decide is an engine with the stream "live" of pictures and sound, "radio" of sound,
// "down" without a source, "full", "busy" and others.
func decide(ev *codec.Event) codec.Verdict {
	v := codec.Verdict{Session: viewerKey}
	switch ev.Kind {
	case codec.Reply, codec.Bad, codec.Halt, codec.Stop, codec.Pause:
		return codec.Verdict{}
	case codec.Setup, codec.Publish:
		v.Session = ingestKey
	}
	switch strings.ToLower(ev.Path) {
	case "live":
		v.Media = bothMedia
	case "radio":
		v.Media = soundMedia
	case "foreign": // the stream of another protocol
		v.Media = struct{ codec.Media }{}
	case "down":
		return codec.Verdict{Code: codec.NotUp, RetryAfter: 1500 * time.Millisecond}
	case "full":
		return codec.Verdict{Code: codec.Full, RetryAfter: 10 * time.Second, Reason: "the limit on viewers is reached"}
	case "sent":
		return codec.Verdict{Code: codec.Full, RetryAfter: 10 * time.Second, Location: "rtsp://other/sent"}
	case "handed":
		return codec.Verdict{Code: codec.Full, Location: "rtsp://other/sent?token=their~own"}
	case "moved":
		return codec.Verdict{Code: codec.NoStream, Location: "rtsps://other:322/x"}
	case "busy":
		return codec.Verdict{Code: codec.Busy, Reason: "taken by 192.0.2.1"}
	case "refused":
		return codec.Verdict{Code: codec.Refused, Reason: "the stream is not for encoders"}
	default:
		return codec.Verdict{Code: codec.NoStream, Location: "https://example.org/"}
	}
	return v
}

func openServer() *host {
	return &host{sess: NewProtocol(Options{Server: "Stream-Pump"}).Accept(codec.Peer{}), decide: decide}
}

// exchange is a message and what it is answered with. The answer is compared from its
// beginning; has are lines that must be in it, separated by "|".
type exchange struct {
	in, answer, has string
}

// conversation is what a peer writes and what it then reads. hasNot are parts that must
// be in no answer.
type conversation struct {
	name   string
	talk   []exchange
	events string
	hasNot []string
	next   codec.Next
}

func (c *conversation) run(t *testing.T) { c.with(t, openServer) }

// with is the same with a session that open opens.
func (c *conversation) with(t *testing.T, open func() *host) {
	h := open()
	var all strings.Builder
	for i, x := range c.talk {
		was := len(h.out)
		h.feed([]byte(crlf(x.in)))
		all.WriteString(crlf(x.in))
		out := string(h.out[was:])
		if want := crlf(x.answer); want == "" && out != "" || !strings.HasPrefix(out, want) {
			t.Errorf("answer %d: %q\nwant:   %q", i, out, want)
		}
		for l := range strings.SplitSeq(x.has, "|") {
			if l != "" && !strings.Contains(out, "\r\n"+l+"\r\n") {
				t.Errorf("answer %d: no line %q in %q", i, l, out)
			}
		}
	}
	if got := h.events(); got != c.events {
		t.Errorf("events: %s\nwant:   %s", got, c.events)
	}
	for _, l := range c.hasNot {
		if strings.Contains(strings.ToLower(string(h.out)), strings.ToLower(l)) {
			t.Errorf("%q in %q", l, h.out)
		}
	}
	if h.next != c.next {
		t.Errorf("next is %d, want %d", h.next, c.next)
	}
	if cut := wantAnyCut(t, all.String(), open); cut.transcript() != h.transcript() {
		t.Errorf("at once, it went\n%s\nstep by step, it went\n%s", cut.transcript(), h.transcript())
	}
}
