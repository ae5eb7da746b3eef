package rtmp

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"streampump/codec"
	"streampump/codec/amf"
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
	media  codec.Media   // of the newest Header event
	data   []codec.Event // the Packet events
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
		h.media = ev.Media
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
	if h.next != codec.Keep {
		h.log = append(h.log, nextNames[h.next])
	}
}

var nextNames = [...]string{"keeps", "closes", "streams", "takes"}

// line is an event in one line, everything that the engine may act on.
func line(ev *codec.Event) string {
	s := ev.Kind.String()
	if ev.Partial {
		s += "…"
	}
	if ev.Ahead {
		s += " ahead"
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
	if c := ev.Credentials; c != nil {
		if c.Token != "" || c.Digest == nil {
			s += fmt.Sprintf(" token=%q", c.Token)
		}
		if d := c.Digest; d != nil {
			s += fmt.Sprintf(" digest={%s %s %s %s}", d.User, d.Nonce, d.ClientNonce, d.Response)
		}
		if c.HasPassword {
			s += fmt.Sprintf(" user=%q password=%q", c.User, c.Password)
		}
	}
	if ev.Media != nil {
		s += " " + ev.Media.String()
	}
	if ev.Kind == codec.Packet {
		s += fmt.Sprintf(" %d@%d:%x", ev.Channel, ev.Number, ev.Data[:min(len(ev.Data), 8)])
	}
	if ev.Err != nil {
		s += ": " + ev.Err.Error()
	}
	return s
}

// events are the events so far.
func (h *host) events() string { return strings.Join(h.log, "; ") }

// transcript is everything that happened, to compare runs by.
func (h *host) transcript() string { return h.events() + "\n" + string(h.out) + h.fail }

const viewerKey, ingestKey = 0x4242, 1<<63 | 0x99

// decide is an engine with the stream "live" of pictures and sound, "down" without a
// source, "full", "busy" and others.
func decide(ev *codec.Event) codec.Verdict {
	v := codec.Verdict{Session: viewerKey}
	switch ev.Kind {
	case codec.Play:
	case codec.Publish:
		v.Session = ingestKey
	default:
		return codec.Verdict{}
	}
	switch strings.ToLower(ev.Path) {
	case "live":
		v.Media = bothMedia
	case "foreign": // the stream of another protocol
		v.Media = struct{ codec.Media }{}
	case "down":
		return codec.Verdict{Code: codec.NotUp}
	case "full":
		return codec.Verdict{Code: codec.Full, Reason: "the limit on viewers is reached"}
	case "sent":
		return codec.Verdict{Code: codec.Full, Reason: "the limit on viewers is reached", Location: "rtmp://other/streams/sent"}
	case "handed":
		return codec.Verdict{Code: codec.Full, Reason: "the limit on viewers is reached", Location: "rtmp://other/a/b/sent?token=their~own"}
	case "moved":
		return codec.Verdict{Code: codec.NoStream, Location: "rtmps://other:322/x"}
	case "late":
		return codec.Verdict{Code: codec.NotUp, Location: "rtmp://other/streams/late"}
	case "busy":
		return codec.Verdict{Code: codec.Busy, Reason: "taken by 192.0.2.1"}
	case "private":
		return codec.Verdict{Code: codec.Unproven, Challenge: &codec.Challenge{}}
	case "closed":
		return codec.Verdict{Code: codec.Forbidden, Reason: "not from your network"}
	default:
		return codec.Verdict{Code: codec.NoStream, Location: "https://example.org/"}
	}
	return v
}

func openServer() *host {
	return &host{sess: NewProtocol(Options{}).Accept(codec.Peer{}), decide: decide}
}

// wantAnyCut runs the same bytes through fresh sessions, whole, byte by byte and cut at
// random: the transcripts must be the same.
func wantAnyCut(t testing.TB, input []byte, open func() *host) *host {
	t.Helper()
	whole := open()
	whole.feed(bytes.Clone(input))
	if whole.fail != "" {
		t.Fatal(whole.fail)
	}
	want := whole.transcript()
	for seed := range uint64(6) {
		h := open()
		for _, p := range cuts(input, seed) {
			h.feed(bytes.Clone(p)) // a piece of its own: nothing may be kept of it
		}
		if got := h.transcript(); got != want {
			t.Fatalf("seed %d: cut differently, it went\n%.2000s\nwhole, it went\n%.2000s", seed, got, want)
		}
	}
	return whole
}

// cuts is b in pieces: of one byte for the seed 0, of random sizes otherwise.
func cuts(b []byte, seed uint64) (pieces [][]byte) {
	r := rand.New(rand.NewPCG(seed, 1))
	for len(b) > 0 {
		n := 1
		if seed > 0 {
			n = 1 + r.IntN(int(min(seed*seed*40, 4000)))
		}
		n = min(n, len(b))
		pieces, b = append(pieces, b[:n]), b[n:]
	}
	return pieces
}

// client writes what a client says.
type client struct {
	b    []byte
	size int // of its chunks
}

// dial begins a conversation, up to C2.
func dial() *client {
	c := &client{size: firstChunk}
	c.b = clientHello(c.b)
	c.b = append(c.b, make([]byte, echoSize)...)
	return c
}

// say appends a message.
func (c *client) say(csid, typ uint8, stream, time uint32, body []byte) *client {
	c.b = appendChunked(c.b, c.size, csid, typ, stream, time, body)
	return c
}

// raw appends bytes.
func (c *client) raw(b []byte) *client {
	c.b = append(c.b, b...)
	return c
}

// chunks makes the chunks as long as that.
func (c *client) chunks(size int) *client {
	c.b = append(c.b, resized(size)...)
	c.size = size
	return c
}

// call appends a command with an object of pairs of names and texts, or null, and
// arguments.
func (c *client) call(name string, id float64, object []string, args ...any) *client {
	body := amf.AppendNumber(amf.AppendString(nil, name), id)
	if object == nil {
		body = amf.AppendNull(body)
	} else {
		body = amf.AppendObject(body)
		for i := 0; i < len(object); i += 2 {
			body = amf.AppendString(amf.AppendKey(body, object[i]), object[i+1])
		}
		body = amf.AppendEnd(body)
	}
	for _, a := range args {
		body = appendValue(body, a)
	}
	return c.say(3, typeCommand, 0, 0, body)
}

func appendValue(body []byte, a any) []byte {
	switch a := a.(type) {
	case string:
		return amf.AppendString(body, a)
	case float64:
		return amf.AppendNumber(body, a)
	case int:
		return amf.AppendNumber(body, float64(a))
	case bool:
		return amf.AppendBool(body, a)
	case []byte:
		return append(body, a...)
	default:
		return amf.AppendNull(body)
	}
}

// connect shakes hands and connects to an app.
func connect(app string) *client {
	return dial().call("connect", 1, []string{"app", app, "flashVer", "LNX 9,0,124,2", "tcUrl", "rtmp://h/" + app})
}

// player asks for a stream as ffmpeg does.
func player(app, name string) *client {
	return connect(app).say(2, typeWindow, 0, 0, []byte{0, 0x26, 0x25, 0xA0}).
		call("createStream", 2, nil).call("getStreamLength", 3, nil, name).
		call("play", 4, nil, name, -2000).say(2, typeUserControl, 0, 1, []byte{0, 3, 0, 0, 0, 1, 0, 0, 0x0B, 0xB8})
}

// encoder asks to bring a stream as ffmpeg does.
func encoder(app, name string) *client {
	return connect(app).chunks(ourChunk).call("releaseStream", 2, nil, name).call("FCPublish", 3, nil, name).
		call("createStream", 4, nil).call("publish", 5, nil, name, "live")
}

// told is what the peer was sent, message by message.
func (h *host) told(t testing.TB) []string {
	t.Helper()
	b := h.out
	r := &chunks{limits: wide}
	if len(b) >= helloSize+echoSize {
		b = b[helloSize+echoSize:]
	} else {
		readAll(t, r, appendChunkSize(nil), 100) // it was told that before
	}
	var all []string
	for _, m := range readAll(t, r, b, len(b)) {
		all = append(all, describe(t, &m))
	}
	return all
}

// describe is a message in one line.
func describe(t testing.TB, m *message) string {
	t.Helper()
	switch m.typ {
	case typeCommand, typeData:
		s := ""
		for r := amf.NewReader(m.body); r.More(); {
			v, err := r.Next()
			if err != nil {
				t.Fatalf("%v in %x", err, m.body)
			}
			s += " " + dump(v)
		}
		if m.stream != 0 {
			s += fmt.Sprintf(" on %d", m.stream)
		}
		return s[1:]
	default:
		return fmt.Sprintf("%d@%d %x", m.typ, m.time, m.body)
	}
}

// dump is a value in short.
func dump(v amf.Value) string {
	switch v.Marker {
	case amf.Number:
		return fmt.Sprint(v.Number)
	case amf.Boolean:
		return fmt.Sprint(v.Bool)
	case amf.String, amf.LongString:
		return string(v.Text)
	case amf.Null:
		return "null"
	case amf.Undefined:
		return "undefined"
	default:
		var all []string
		v.Each(func(key []byte, v amf.Value) bool {
			all = append(all, string(key)+":"+dump(v))
			return true
		})
		return "{" + strings.Join(all, ",") + "}"
	}
}
