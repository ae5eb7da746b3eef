package rtmp

import (
	"testing"
	"time"

	"streampump/codec"
)

// What a second of a stream costs of an encoder that sends chunks as long as ours: 25
// pictures of 4 KiB and 43 pieces of sound, in one read.
func BenchmarkEncoderRead(b *testing.B) {
	h := openServer()
	h.feed(pushed(1).b)
	body := append(videoFrame(false, 1), make([]byte, 4<<10)...)
	var read []byte
	for i := range uint32(68) {
		if i < 25 {
			read = appendMedia(read, typeVideo, i, body)
		} else {
			read = appendMedia(read, typeAudio, i, body[:300])
		}
	}
	b.SetBytes(int64(len(read)))
	b.ReportAllocs()
	var ev codec.Event // the engine's scratch
	for b.Loop() {
		for rest := read; len(rest) > 0; {
			var n int
			n, ev = h.sess.Consume(rest)
			if rest = rest[n:]; ev.Kind == codec.Reply {
				h.event(&ev)
				h.out, h.log = h.out[:0], h.log[:0]
			}
		}
	}
}

// A picture of 4 KiB that goes into the backlog.
func BenchmarkAppend(b *testing.B) {
	g := bothMedia.NewProgramme()
	ev := packet(typeVideo, 0, append(videoFrame(true, 0), make([]byte, 4<<10)...))
	ev.At = began
	room := make([]byte, 0, 5<<10)
	b.SetBytes(int64(len(ev.Data)))
	b.ReportAllocs()
	for b.Loop() {
		if _, _, err := g.Append(room, &ev); err != nil {
			b.Fatal(err)
		}
		ev.Number++
		ev.At = ev.At.Add(time.Millisecond)
	}
}

// A viewer that joins where headers have changed as often as they may.
func BenchmarkJoin(b *testing.B) {
	g := bothMedia.NewProgramme()
	var first []byte
	for i := range uint32(maxHeads - 1) {
		for _, body := range [][]byte{header(videoKind, i), videoFrame(true, i)} {
			ev := packet(typeVideo, i*40, body)
			ev.At = began.Add(time.Duration(i) * 40 * time.Millisecond)
			if out, _, err := g.Append(nil, &ev); err == nil && first == nil {
				first = out
			}
		}
	}
	room := make([]byte, 0, 1<<10)
	b.ReportAllocs()
	for b.Loop() {
		if len(g.AppendJoin(room, codec.Framed, first, 0)) == 0 {
			b.Fatal("nothing")
		}
	}
}

// A player that shakes hands, connects and plays.
func BenchmarkConversation(b *testing.B) {
	in := player("streams", "live").b
	p := NewProtocol(Options{})
	out := make([]byte, 0, 8<<10)
	b.ReportAllocs()
	for b.Loop() {
		h := host{sess: p.Accept(codec.Peer{}), decide: decide, out: out}
		h.feed(in)
		if h.next != codec.Stream && h.next != codec.Keep {
			b.Fatal(h.next)
		}
	}
}
