package rtp

import (
	"bytes"
	"testing"
)

// trackPayloads is one group of pictures at 1 Mbit/s as encoders send it: parameter sets
// together, and pictures in fragments of 1,400 bytes.
func trackPayloads(t testing.TB, head, start, middle string) [][]byte {
	payloads := [][]byte{unhex(t, head)}
	for picture := range 25 {
		for part := range 4 {
			p := unhex(t, middle)
			if picture == 0 && part == 0 {
				p = unhex(t, start)
			}
			payloads = append(payloads, append(p, bytes.Repeat([]byte{0xA5}, 1400)...))
		}
	}
	return payloads
}

// tracks are what the hot path is measured with.
func tracks(t testing.TB) map[string][][]byte {
	sets := sized(vps265, 24) + sized(sps265, 24) + sized(pps265, 7)
	stream := unhex(t, pat+pmt+videoKey+video+video+video+video)
	return map[string][][]byte{
		"H264": trackPayloads(t, "78 0019"+sps+"0004"+pps, "7c 85 88", "5c 01 98"),
		"H265": trackPayloads(t, "6001"+sets, "6201 93 af", "6201 01 d0"),
		"AV1":  trackPayloads(t, "18 0a0b", "10 32", "90 32"),
		"VP8":  trackPayloads(t, "90 e0 8005 07 40 10", "80 80 05", "80 80 05"),
		"VP9":  trackPayloads(t, "0a 30 0140 00b4 0280 0168 82", "80 05", "c0 05"),
		"MP2T": {stream, unhex(t, video+video+video+video+video+video+video)},
	}
}

// TestNoAllocations holds what runs for every packet to none at all.
func TestNoAllocations(t *testing.T) {
	for encoding, payloads := range tracks(t) {
		f := format(t, encoding, "")
		keys, i := 0, 0
		next := func() {
			if f.Look(payloads[i%len(payloads)]) == Key {
				keys++
			}
			i++
		}
		for range payloads {
			next() // the parameter sets have their buffers then
		}
		if n := testing.AllocsPerRun(2*len(payloads), next); n != 0 {
			t.Errorf("%s: %v allocations", encoding, n)
		}
		if keys == 0 {
			t.Errorf("%s: no keys: the test shows nothing", encoding)
		}
	}
	packet, report := benchPacket(t), unhex(t, ffmpegReport+goodbye)
	dst := make([]byte, 0, 2048)
	if n := testing.AllocsPerRun(100, func() {
		p, err := Parse(packet)
		if err != nil {
			t.Fatal(err)
		}
		Rewrite(packet, 97, p.Seq+1, p.Time+3600, p.SSRC)
		r, err := ParseReport(report)
		if err != nil || !r.Ends(0xC0FFEE01) {
			t.Fatal("a good report is refused")
		}
		dst = AppendBye(AppendSenderReport(p.Append(dst[:0]), r.Sender), p.SSRC)
	}); n != 0 {
		t.Errorf("packets and reports: %v allocations", n)
	}
}

func benchPacket(t testing.TB) []byte {
	return append(unhex(t, "8060 0001 00000e10 c0ffee01 5c01"), bytes.Repeat([]byte{0xA5}, 1400)...)
}

// BenchmarkPacket is what happens to the head of each packet that comes in.
func BenchmarkPacket(b *testing.B) {
	packet := benchPacket(b)
	b.Run("parse", func(b *testing.B) {
		for b.Loop() {
			if _, err := Parse(packet); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("rewrite", func(b *testing.B) {
		seq := uint16(0)
		for b.Loop() {
			Rewrite(packet, 97, seq, 3600, 7)
			seq++
		}
	})
}

// BenchmarkLook is what the stream must know of each payload.
func BenchmarkLook(b *testing.B) {
	for _, encoding := range []string{"AV1", "H264", "H265", "MP2T", "VP8", "VP9"} {
		payloads := tracks(b)[encoding]
		b.Run(encoding, func(b *testing.B) {
			f := format(b, encoding, "")
			keys := 0
			for i := 0; b.Loop(); i++ {
				if f.Look(payloads[i%len(payloads)]) == Key {
					keys++
				}
			}
		})
	}
}

func BenchmarkReport(b *testing.B) {
	report := unhex(b, gstreamerReport)
	for b.Loop() {
		if r, err := ParseReport(report); err != nil || !r.HasSender {
			b.Fatal("a good report is refused")
		}
	}
}
