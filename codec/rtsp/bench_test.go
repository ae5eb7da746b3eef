package rtsp

import (
	"strings"
	"testing"

	"streampump/codec"
)

// A viewer's report, which is all that most players send while they play.
func BenchmarkViewerReport(b *testing.B) {
	h := openServer()
	for _, x := range played() {
		h.feed([]byte(crlf(x.in)))
	}
	report := []byte(frame(1, strings.Repeat("r", 52)))
	b.SetBytes(int64(len(report)))
	b.ReportAllocs()
	for b.Loop() {
		if n, ev := h.sess.Consume(report); n != len(report) || ev.Kind != codec.None {
			b.Fatal(ev.Kind)
		}
	}
}

// What one read brings of an encoder: fifty packets, the last of them cut.
func BenchmarkEncoderRead(b *testing.B) {
	h := openServer()
	h.feed([]byte(pushed() + frame(0, picturePacket)))
	packet := frame(0, rtpPacket(96, 1, strings.Repeat("x", 1200)))
	read := []byte(packet[700:] + strings.Repeat(packet, 49) + packet[:700])
	h.feed([]byte(packet[:700]))
	b.SetBytes(int64(len(read)))
	b.ReportAllocs()
	for b.Loop() {
		for rest := read; len(rest) > 0; {
			n, ev := h.sess.Consume(rest)
			if rest = rest[n:]; ev.Kind != codec.Packet && ev.Kind != codec.None {
				b.Fatal(ev.Kind)
			}
		}
	}
}

// A player that describes, sets two tracks up and plays.
func BenchmarkConversation(b *testing.B) {
	in := []byte(crlf(ffmpegDescribe + ffmpegSetup + ffmpegSetup2 + ffmpegPlay))
	p := NewProtocol(Options{})
	out := make([]byte, 0, 4096)
	var ev codec.Event // the engine's scratch, as is the verdict
	var v codec.Verdict
	b.ReportAllocs()
	for b.Loop() {
		s, next := p.Accept(codec.Peer{}), codec.Keep
		out = out[:0]
		for rest := in; len(rest) > 0; {
			var n int
			n, ev = s.Consume(rest)
			v = decide(&ev)
			out, next = s.Answer(out, &ev, &v)
			rest = rest[n:]
		}
		if next != codec.Stream {
			b.Fatalf("%s", out)
		}
	}
}

// What one read brings of a source that we pull: as much as of an encoder, and each
// beginning is looked at.
func BenchmarkPullRead(b *testing.B) {
	h := playingPull()
	packet := frame(0, rtpOf(1)+strings.Repeat("x", 1200))
	read := []byte(packet[700:] + strings.Repeat(packet, 49) + packet[:700])
	h.feed([]byte(packet + packet[:700]))
	b.SetBytes(int64(len(read)))
	b.ReportAllocs()
	for b.Loop() {
		if n := consume(b, h.sess, read); n != 50 {
			b.Fatal(n)
		}
	}
}
