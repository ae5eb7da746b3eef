package mmsh

import (
	"bytes"
	"testing"

	"streampump/codec"
	"streampump/codec/asf"
	"streampump/codec/http1"
)

// benchSize is the packet size of the benchmarks: an encoder's for 1 Mbit/s.
const benchSize = 1400

// benchRun feeds s the bytes in pieces of the given size and counts the packets.
func benchRun(b *testing.B, s codec.Session, in []byte, piece int) (packets int) {
	for len(in) > 0 {
		n, ev := s.Consume(in[:min(piece, len(in))])
		switch ev.Kind {
		case codec.Packet:
			packets++
		case codec.Bad:
			b.Fatal(ev.Err)
		}
		in = in[n:]
	}
	return packets
}

// BenchmarkAccept is a viewer from its connection's first byte to the end of
// the answer: Play, the answer and the stream's head behind it.
func BenchmarkAccept(b *testing.B) {
	proto := NewProtocol(Options{Product: "Stream Pump", Version: "1.2"})
	in := []byte(crlf(ffmpegPlay))
	v := codec.Verdict{Media: mustMedia(b, smallHeader(benchSize).Append(nil)), Session: 7}
	out := make([]byte, 0, 4*benchSize)
	for b.Loop() {
		s := proto.Accept(codec.Peer{})
		_, ev := s.Consume(in)
		if ev.Kind != codec.Play {
			b.Fatalf("%v", ev.Kind)
		}
		var next codec.Next
		if out, next = s.Answer(out[:0], &ev, &v); next != codec.Stream {
			b.Fatalf("next is %v: %s", next, out)
		}
	}
}

func BenchmarkAppendHead(b *testing.B) {
	header := headerBytes(0)
	dst := make([]byte, 0, 2*len(header))
	for b.Loop() {
		dst = AppendHead(dst[:0], header)
	}
}

// BenchmarkDerive makes the forms of a packet that some viewers get.
func BenchmarkDerive(b *testing.B) {
	m := mustMedia(b, smallHeader(benchSize).Append(nil))
	g := m.NewProgramme()
	strip := packets(b, asf.Layout{PacketSize: benchSize, Preroll: 3000, Multiple: true, Strip: true}, object(0, false), object(40, true))
	full := packets(b, asf.Layout{PacketSize: benchSize, Preroll: 3000, Multiple: true}, object(0, false), object(40, true))
	for _, c := range []struct {
		name   string
		packet []byte
		form   codec.Form
		trim   bool
	}{
		{"plain", full[1], codec.Plain, false},
		{"plain_inflated", strip[1], codec.Plain, false},
		{"trimmed", full[1], codec.Framed, true},
	} {
		primary, _, err := g.Append(nil, event(c.packet))
		if err != nil {
			b.Fatal(err)
		}
		b.Run(c.name, func(b *testing.B) {
			dst := make([]byte, 0, 2*benchSize)
			for b.Loop() {
				if out, alias := g.Derive(dst[:0], primary, c.form, c.trim); !alias {
					dst = out
				}
			}
		})
	}
}

func BenchmarkFraming(b *testing.B) {
	b.Run("append", func(b *testing.B) {
		var dst []byte
		for b.Loop() {
			dst = AppendPrefix(dst[:0], IDData, 7, 0, benchSize)
		}
	})
	b.Run("consume", func(b *testing.B) {
		d := pulled(IDData, 7, 0, make([]byte, benchSize))
		for b.Loop() {
			f, n := ConsumeFraming(d)
			if h, k := ConsumeDataHeader(d[n:]); k <= 0 || f.Length != h.Size {
				b.Fatal("a good packet is refused")
			}
		}
	})
}

// BenchmarkPipelined is one of many requests that came in one read, and its
// answer behind the others.
func BenchmarkPipelined(b *testing.B) {
	for _, c := range []struct{ name, request string }{
		{"root", "GET / HTTP/1.1\nHost: h\n\n"},
		{"options", "OPTIONS * HTTP/1.1\nHost: h\n\n"},
		{"log", "POST /streams/x HTTP/1.1\nHost: h\nContent-Type: application/x-wms-LogStats\nContent-Length: 4\n\n<x/>"},
	} {
		b.Run(c.name, func(b *testing.B) {
			proto := NewProtocol(Options{Product: "Stream Pump", Version: "1.2"})
			request := []byte(crlf(c.request))
			const many = 100
			in := bytes.Repeat(request, many)
			out := make([]byte, 0, 512*many)
			s := proto.Accept(codec.Peer{})
			left := in
			for b.Loop() {
				if len(left) == 0 {
					left, out = in, out[:0]
				}
				n, ev := s.Consume(left)
				left = left[n:]
				var next codec.Next
				if out, next = s.Answer(out, &ev, &codec.Verdict{}); next != codec.Keep {
					b.Fatalf("next is %v: %s", next, out)
				}
			}
			b.ReportMetric(float64(len(request)), "request-B")
			b.ReportMetric(float64(len(out))/float64(max((len(in)-len(left))/len(request), 1)), "answer-B")
		})
	}
}

func BenchmarkPragma(b *testing.B) {
	f := lines("no-cache,rate=1.000000,stream-time=0,stream-offset=4294967295:4294967295,request-context=2,max-duration=0",
		"xPlayStrm=1", "xClientGUID={0xbabac001-0xde29-0x5150-0x519ce2ec8b030018}", "stream-switch-count=2",
		"stream-switch-entry=ffff:1:0 ffff:2:0")
	for b.Loop() {
		if p := readPragma(f); !p.play {
			b.Fatal("xPlayStrm was not seen")
		}
	}
}

// BenchmarkProgramme is what is done once with each packet that comes in.
func BenchmarkProgramme(b *testing.B) {
	m := mustMedia(b, smallHeader(benchSize).Append(nil))
	full := packets(b, asf.Layout{PacketSize: benchSize, Preroll: 3000, Multiple: true}, object(40, true))[0]
	short := packets(b, asf.Layout{PacketSize: benchSize, Preroll: 3000, Strip: true}, object(40, true))[0]
	for _, c := range []struct {
		name   string
		packet []byte
		shift  bool
	}{
		{"as_it_comes", full, false},
		{"repaired", short, false},
		{"shifted", full, true},
	} {
		b.Run(c.name, func(b *testing.B) {
			g := m.NewProgramme()
			ev := event(c.packet)
			dst, _, err := g.Append(make([]byte, 0, 2*benchSize), ev)
			if err == nil && c.shift {
				g.Splice(m, 7*second)
				dst, _, err = g.Append(dst[:0], ev) // this one is trimmed
			}
			for b.Loop() && err == nil {
				dst, _, err = g.Append(dst[:0], ev)
			}
			if err != nil {
				b.Fatal(err)
			}
		})
	}
}

// BenchmarkPull is a source's packets as we read them.
func BenchmarkPull(b *testing.B) {
	h := playing()
	h.feed(join([]byte(crlf(okHead)), AppendHead(nil, smallHeader(benchSize).Append(nil))))
	in := pulled(IDData, 0, 0, make([]byte, benchSize))
	for b.Loop() {
		if benchRun(b, h.sess, in, len(in)) != 1 {
			b.Fatal("no packet")
		}
	}
}

// BenchmarkPush is an encoder's body: eight packets, whole in one read or cut
// by the network's segments.
func BenchmarkPush(b *testing.B) {
	var in []byte
	for range 8 {
		in = append(in, pushed(IDData, make([]byte, benchSize))...)
	}
	for _, c := range []struct {
		name  string
		piece int
	}{{"pieces", 1000}, {"whole", len(in)}} {
		b.Run(c.name, func(b *testing.B) {
			h := pushing(bodyLength)
			h.feed(pushed(IDHeader, smallHeader(benchSize).Append(nil)))
			benchRun(b, h.sess, in, c.piece) // its buffer has its size then
			for b.Loop() {
				if n := benchRun(b, h.sess, in, c.piece); n != 8 {
					b.Fatalf("%d packets", n)
				}
			}
		})
	}
}

func BenchmarkRequest(b *testing.B) {
	for _, c := range []struct {
		name, head string
		want       codec.Kind
	}{
		{"ffmpeg_play", ffmpegPlay, codec.Play},
		{"vlc_describe", vlcDescribe, codec.Describe},
		{"wmp_play", wmpPlay, codec.Play},
	} {
		b.Run(c.name, func(b *testing.B) {
			r, err := http1.ParseRequest([]byte(crlf(c.head)), nil)
			if err != nil {
				b.Fatal(err)
			}
			for b.Loop() {
				if q := classify(&r); q.event.Kind != c.want {
					b.Fatalf("%v", q.event.Kind)
				}
			}
		})
	}
}

// BenchmarkUnframe takes packets out of a stream of bytes.
func BenchmarkUnframe(b *testing.B) {
	in := join(pushed(IDData, make([]byte, benchSize)), pushed(IDFiller, make([]byte, 200)), pushed(IDData, make([]byte, benchSize)))
	for _, c := range []struct {
		name  string
		piece int
	}{{"pieces", 1000}, {"whole", len(in)}} {
		b.Run(c.name, func(b *testing.B) {
			var u unframer
			unframe := func() {
				for d := in; len(d) > 0; {
					n, _, _, err := u.next(d[:min(c.piece, len(d))])
					if err != nil {
						b.Fatal(err)
					}
					d = d[n:]
				}
			}
			unframe() // its buffer has its size then
			for b.Loop() {
				unframe()
			}
		})
	}
}
