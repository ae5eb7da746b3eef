package rtmp

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"streampump/codec"
	"streampump/codec/amf"
)

// puller plays the engine for a pull: it feeds it as the engine does, answers its events,
// and writes down what happens.
type puller struct {
	sess codec.Dialled
	log  []string // what happened, but for what only lets calls out
	out  []byte   // what the source was told on the present connection
	over bool     // nothing more is fed
	err  error    // of a Bad
	fail string   // a breach of the contract by the session
}

// openPull is a pull on its first connection, of rtmp://origin/live/x.
func openPull(change func(o *PullOptions)) *puller {
	o := PullOptions{URL: source("origin", "/live/x")}
	if change != nil {
		change(&o)
	}
	h := &puller{sess: NewPull(o)}
	h.dial()
	return h
}

func (h *puller) dial() {
	to := h.sess.Target()
	h.log = append(h.log, fmt.Sprintf("dial %s%s", to.Address, map[bool]string{true: " TLS"}[to.TLS]))
	h.out = h.sess.AppendHello(nil, false)
}

// feed gives b to the session as one read. What it was given is overwritten behind it.
func (h *puller) feed(b []byte) {
	all := bytes.Clone(b)
	defer clear(all)
	for b := all; len(b) > 0 && !h.over; {
		n, ev := h.sess.Consume(b)
		if n < 0 || n > len(b) || ev.Kind == codec.None && n != len(b) {
			h.fail = fmt.Sprintf("took %d of %d bytes with %v", n, len(b), ev.Kind)
			return
		}
		b = b[n:]
		h.event(&ev)
	}
}

func (h *puller) event(ev *codec.Event) {
	line := ev.Kind.String()
	switch ev.Kind {
	case codec.Header:
		line += " " + ev.Media.String()
	case codec.Packet:
		line += fmt.Sprintf(" %d@%d:%x", ev.Channel, ev.Number, ev.Data)
	case codec.Bad:
		h.err = ev.Err
		line += ": " + ev.Err.Error()
	}
	if ev.Kind != codec.None && ev.Kind != codec.Reply {
		h.log = append(h.log, line)
	}
	if ev.Kind.WantsAnswer() {
		h.out, _ = h.sess.Answer(h.out, ev, &codec.Verdict{})
	}
	h.over = ev.Kind == codec.Bad || ev.Kind == codec.Finish || ev.Kind == codec.Redial
}

// transcript is all that happened, to compare runs by.
func (h *puller) transcript() string {
	return strings.Join(h.log, "\n") + "\n" + hex.EncodeToString(h.out) + h.fail
}

// wantAnyPull feeds the same bytes whole, byte by byte and cut at random: it must go the
// same way.
func wantAnyPull(t testing.TB, input string, open func() *puller) {
	t.Helper()
	whole := open()
	whole.feed([]byte(input))
	if whole.fail != "" {
		t.Fatal(whole.fail)
	}
	for seed := range uint64(6) {
		h := open()
		r := rand.New(rand.NewPCG(seed, 1))
		for rest := []byte(input); len(rest) > 0; {
			n := 1
			if seed > 0 {
				n = min(1+r.IntN(1<<(2*seed)), len(rest))
			}
			h.feed(rest[:n])
			rest = rest[n:]
		}
		if got, want := h.transcript(), whole.transcript(); got != want {
			t.Fatalf("seed %d: cut differently, it went\n%.3000s\nwhole, it went\n%.3000s", seed, got, want)
		}
	}
}

// turn is what a source writes, and the messages that we answer, in the words of heard.
type turn struct{ in, says string }

// pulled is a pull, and what becomes of it.
type pulled struct {
	name   string
	change func(o *PullOptions)
	turns  []turn
	events string // what happens, but for what only lets calls out, and without the first dial
	end    string // what is said last
}

func (c *pulled) run(t *testing.T) {
	h := openPull(c.change)
	var all strings.Builder
	said := len(h.out)
	for i, x := range c.turns {
		h.feed([]byte(x.in))
		all.WriteString(x.in)
		if got := heard(t, h.out[said:]); got != x.says {
			t.Errorf("turn %d: said %s\nwant %s", i, got, x.says)
		}
		said = len(h.out)
	}
	if h.fail != "" {
		t.Fatal(h.fail)
	}
	if got := strings.Join(h.log[1:], "; "); got != c.events {
		t.Errorf("events: %s\nwant:   %s", got, c.events)
	}
	h.out = h.sess.AppendEnd(h.out, codec.CauseShutdown, "")
	if got := heard(t, h.out[said:]); got != c.end {
		t.Errorf("said last %s\nwant %s", got, c.end)
	}
	wantAnyPull(t, all.String(), func() *puller { return openPull(c.change) })
}

// heard is what a source hears, message by message. C2 is by its size alone.
func heard(t testing.TB, b []byte) string {
	t.Helper()
	var all []string
	if len(b) >= echoSize {
		all, b = append(all, "C2"), b[echoSize:]
	}
	in := chunks{limits: wide}
	in.reading = &reading{size: ourChunk, current: none, given: none}
	for len(b) > 0 {
		n, found, err := in.next(b)
		if err != nil {
			t.Fatalf("what we say cannot be read: %v in %x", err, b)
		}
		if b = b[n:]; found {
			all = append(all, inWords(&in.msg))
		}
	}
	return strings.Join(all, "; ")
}

// inWords is a message as tests have it.
func inWords(m *message) string {
	switch m.typ {
	case typeCommand:
		s := ""
		for r := amf.NewReader(m.body); r.More(); {
			v, err := r.Next()
			if err != nil {
				return err.Error()
			}
			s += valueInWords(v) + " "
		}
		return fmt.Sprintf("%son %d", s, m.stream)
	default:
		return fmt.Sprintf("%d:%x", m.typ, m.body)
	}
}

func valueInWords(v amf.Value) string {
	switch v.Marker {
	case amf.Null:
		return "null"
	case amf.Undefined:
		return "undefined"
	case amf.Number:
		return fmt.Sprint(v.Number)
	case amf.Boolean:
		return fmt.Sprint(v.Bool)
	case amf.String:
		return fmt.Sprintf("%q", v.Text)
	}
	var parts []string
	v.Each(func(key []byte, v amf.Value) bool {
		parts = append(parts, strings.TrimPrefix(string(key)+":", ":")+valueInWords(v))
		return true
	})
	return "{" + strings.Join(parts, " ") + "}"
}

// A source's messages are put together here in its own way, apart from the code that is
// tested.

// sized is a chunk size.
type sized int

// says is a message in chunks of the size: format 0, and 3 for what follows.
func (size sized) says(csid byte, typ byte, stream byte, time uint32, body string) string {
	n := len(body)
	s := string([]byte{csid, byte(time >> 16), byte(time >> 8), byte(time), byte(n >> 16), byte(n >> 8), byte(n), typ, stream, 0, 0, 0})
	for len(body) > int(size) {
		s += body[:size] + string([]byte{0xC0 | csid})
		body = body[size:]
	}
	return s + body
}

// o is an AMF object: keys and values in turn.
type o []any

// amfs are values one behind the other.
func amfs(values ...any) string {
	var b []byte
	for _, v := range values {
		switch v := v.(type) {
		case nil:
			b = amf.AppendNull(b)
		case string:
			b = amf.AppendString(b, v)
		case int:
			b = amf.AppendNumber(b, float64(v))
		case float64:
			b = amf.AppendNumber(b, v)
		case bool:
			b = amf.AppendBool(b, v)
		case o:
			b = amf.AppendObject(b)
			for i := 0; i < len(v); i += 2 {
				b = append(amf.AppendKey(b, v[i].(string)), amfs(v[i+1])...)
			}
			b = amf.AppendEnd(b)
		}
	}
	return string(b)
}

// invokes is a command on a stream.
func (size sized) invokes(stream byte, values ...any) string {
	return size.says(3, typeCommand, stream, 0, amfs(values...))
}

// reports is an onStatus.
func (size sized) reports(level, code, description string) string {
	return size.says(5, typeCommand, 1, 0, amfs("onStatus", 0, nil, o{"level", level, "code", code, "description", description}))
}

// u32s are numbers of 32 bits.
func u32s(values ...uint32) string {
	s := ""
	for _, v := range values {
		s += string([]byte{byte(v >> 24), byte(v >> 16), byte(v >> 8), byte(v)})
	}
	return s
}

// user is a user control message.
func (size sized) user(event byte, values ...uint32) string {
	return size.says(2, typeUserControl, 0, 0, "\x00"+string([]byte{event})+u32s(values...))
}

// Bodies of tags.
const (
	pictureHeader = "\x17\x00\x00\x00\x00\x01\x64\x00\x0c\xff\xe1\x00\x0a\x67\x64\x00\x0c\xac\xb4\x0a\x0c\xfc\xf8\x01\x00\x04\x68\xee\x3c\xb0"
	pictureKey    = "\x17\x01\x00\x00\x50\x00\x00\x00\x01\x65"
	pictureInter  = "\x27\x01\x00\x00\x00\x00\x00\x00\x01\x41"
	pictureEnd    = "\x17\x02\x00\x00\x00"
	soundHeader   = "\xaf\x00\x12\x10"
	sound         = "\xaf\x01\x21"
)

// s0s1s2 is what a source answers to our hello.
var s0s1s2 = "\x03" + u32s(0, 0) + strings.Repeat("\x5A", 1528) + strings.Repeat("\xA5", 1536)
