package mmsh

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"streampump/codec"
	"streampump/codec/asf"
)

// host plays the engine: it feeds a session as the engine does, answers its
// events by decide, and writes down what happens.
type host struct {
	sess   codec.Session
	decide func(ev *codec.Event) codec.Verdict
	log    []string
	out    []byte // what the peer was sent
	next   codec.Next
	headed []codec.Media // of the Header events
	data   [][]byte      // of the Packet events
	fail   string        // a breach of the contract by the session
}

// feed gives b to the session as one read.
func (h *host) feed(b []byte) {
	for len(b) > 0 && h.next != codec.Close {
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
		h.headed = append(h.headed, ev.Media)
	case codec.Packet:
		h.data = append(h.data, bytes.Clone(ev.Data))
	}
	if !ev.Kind.WantsAnswer() {
		return
	}
	var v codec.Verdict
	if h.decide != nil {
		v = h.decide(ev)
	}
	was := len(h.out)
	h.out, h.next = h.sess.Answer(h.out, ev, &v)
	h.log = append(h.log, fmt.Sprintf("next %d, %d bytes", h.next, len(h.out)-was))
}

// line is an event in one line, everything that the engine may act on.
func line(ev *codec.Event) string {
	s := ev.Kind.String()
	if ev.Form != codec.Framed {
		s += " plain"
	}
	if ev.Switch {
		s += " switch"
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
	if ev.Numbered {
		s += fmt.Sprintf(" #%d", ev.Number)
	}
	if ev.Data != nil {
		s += fmt.Sprintf(" %d bytes", len(ev.Data))
	}
	if ev.Media != nil {
		s += " " + ev.Media.String()
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
	var b strings.Builder
	for _, l := range h.log {
		b.WriteString(l + "\n")
	}
	for _, d := range h.data {
		fmt.Fprintf(&b, "%x\n", d)
	}
	b.Write(h.out)
	return b.String() + h.fail
}

// pieces of b, cut at random; small ones are likelier.
func cuts(b []byte, seed uint64) [][]byte {
	r := rand.New(rand.NewPCG(seed, 7))
	var out [][]byte
	for len(b) > 0 {
		n := 1 + r.IntN(min(len(b), 1<<r.IntN(13)))
		out = append(out, b[:n])
		b = b[n:]
	}
	return out
}

// wantAnyCut runs the same bytes through fresh sessions, whole, byte by byte
// and cut at random: the transcripts must be the same.
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
		parts := cuts(input, seed)
		if seed == 0 && len(input) < 1<<16 {
			parts = cuts1(input)
		}
		for _, p := range parts {
			h.feed(bytes.Clone(p)) // a piece of its own: nothing may be kept of it
		}
		if got := h.transcript(); got != want {
			t.Fatalf("seed %d: cut differently, it went\n%.2000s\nwhole, it went\n%.2000s", seed, got, want)
		}
	}
	return whole
}

func cuts1(b []byte) (out [][]byte) {
	for i := range b {
		out = append(out, b[i:i+1])
	}
	return out
}

// crlf writes a request as in a book.
func crlf(s string) string { return strings.ReplaceAll(s, "\n", "\r\n") }

// headerBytes is a header of Expression Encoder 4's shape.
func headerBytes(variant int) []byte { return asf.EE4Header(variant).Append(nil) }

// smallHeader is a video stream 1 and an audio stream 2 in packets of size bytes.
func smallHeader(size int) asf.HeaderSpec {
	return asf.HeaderSpec{PacketSize: size, Preroll: 3e9, Live: true, Streams: []asf.StreamSpec{
		{Number: 1, Kind: asf.Video, Bitrate: 100000, FourCC: "WMV2", Width: 64, Height: 48},
		{Number: 2, Kind: asf.Audio, Bitrate: 32000, FormatTag: 0x161, SampleRate: 44100, Channels: 1, BlockAlign: 100},
	}}
}

// audioHeader is audio alone.
func audioHeader(size int) asf.HeaderSpec {
	s := smallHeader(size)
	s.Streams = s.Streams[1:]
	return s
}

func mustMedia(t testing.TB, b []byte) *media {
	t.Helper()
	m, err := newMedia(b)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// packets lays objects out, one packet for each object.
func packets(t testing.TB, l asf.Layout, objects ...asf.Object) (out [][]byte) {
	t.Helper()
	b := asf.NewBuilder(l)
	for _, o := range objects {
		if err := b.Add(o); err != nil {
			t.Fatal(err)
		}
		out = append(out, drain(b)...)
		b.Flush()
		out = append(out, drain(b)...)
	}
	return out
}

func drain(b *asf.Builder) (out [][]byte) {
	for {
		p, ok := b.Next()
		if !ok {
			return out
		}
		out = append(out, bytes.Clone(p))
	}
}

// object is a media object of video stream 1, presented at ms without preroll.
func object(ms uint32, key bool) asf.Object {
	return asf.Object{Stream: 1, Key: key, Time: ms + 3000, Data: bytes.Repeat([]byte{byte(ms), 0xA5}, 40)}
}

// pushed frames a packet as an encoder does.
func pushed(id byte, body []byte) []byte {
	return append(AppendFraming(nil, id, len(body)), body...)
}

// pulled frames a packet as a server does.
func pulled(id byte, location uint32, flags byte, body []byte) []byte {
	return append(AppendPrefix(nil, id, location, flags, len(body)), body...)
}

func join(parts ...[]byte) []byte { return bytes.Join(parts, nil) }
