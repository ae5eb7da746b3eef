package rtp

import (
	"bytes"
	"slices"
	"strings"
	"testing"
)

// FuzzParse: a payload lies in its packet, and other numbers change nothing else.
func FuzzParse(f *testing.F) {
	for _, c := range packets {
		f.Add(unhex(f, c.hex), uint8(97), uint16(7), uint32(1<<31), uint32(9))
	}
	f.Fuzz(func(t *testing.T, b []byte, typ uint8, seq uint16, time, ssrc uint32) {
		was := bytes.Clone(b)
		p, err := Parse(b)
		if err != nil {
			if !same(p, Packet{}) {
				t.Fatalf("%+v, %v", p, err)
			}
			return
		}
		if !bytes.Contains(b[HeaderSize:], p.Payload) {
			t.Fatal("the payload is none of the packet's")
		}
		if again, err := Parse(p.Append(nil)); err != nil || !same(again, p) {
			t.Fatalf("%+v, %v after %+v", again, err, p)
		}
		want := p
		want.Type, want.Seq, want.Time, want.SSRC = typ&typeMask, seq, time, ssrc
		want.Payload = bytes.Clone(p.Payload)
		Rewrite(b, typ, seq, time, ssrc)
		if again, err := Parse(b); err != nil || !same(again, want) {
			t.Fatalf("%+v, %v; want %+v", again, err, want)
		}
		if !bytes.Equal(b[HeaderSize:], was[HeaderSize:]) || b[0] != was[0] || b[1]&markerBit != was[1]&markerBit {
			t.Fatal("more than the numbers is another")
		}
	})
}

// FuzzReport: what was read says the same when it is written again.
func FuzzReport(f *testing.F) {
	for _, hex := range []string{ffmpegReport, gstreamerReport, live555Receiver, ffmpegPunch, goodbye, ffmpegReport + "80cb0000"} {
		f.Add(unhex(f, hex), uint32(0xC0FFEE01))
	}
	f.Fuzz(func(t *testing.T, b []byte, ssrc uint32) {
		r, err := ParseReport(b)
		if !r.HasSender && r.Sender != (SenderReport{}) {
			t.Fatalf("%+v of nobody", r.Sender)
		}
		if r.Ends(ssrc) && !r.Bye {
			t.Fatal("the end of one that nobody said")
		}
		if r.HasSender {
			again, err := ParseReport(AppendSenderReport(nil, r.Sender))
			if err != nil || again.Sender != r.Sender || again.Bye {
				t.Fatalf("%+v, %v after %+v", again, err, r)
			}
		}
		if err != nil {
			return
		}
		// Behind a good report comes another.
		more, err := ParseReport(AppendBye(bytes.Clone(b), ssrc))
		if err != nil || more.Sender != r.Sender || !more.Ends(ssrc) {
			t.Fatalf("%+v, %v behind %+v", more, err, r)
		}
	})
}

// fuzzed are the formats by number, with parameters that matter.
var fuzzed = []struct{ encoding, fmtp string }{
	{"H264", ""}, {"H265", ""}, {"H265", "sprop-max-don-diff=2"}, {"AV1", ""}, {"VP8", ""}, {"VP9", ""},
	{"MP4V-ES", ""}, {"MPV", ""}, {"MP2T", ""}, {"JPEG", ""}, {"MP4A-LATM", ""}, {"OPUS", ""}, {"NONSENSE", ""},
}

// FuzzFormats: two formats that are given the same say the same, of payloads that they
// leave as they are and keep nothing of but bounded parameter sets; and no payload
// allocates once there are buffers for these. Payloads come behind their sizes.
func FuzzFormats(f *testing.F) {
	for i, seed := range [][]string{
		{sps, pps, seiAtOnce, sliceI, "78 0019" + sps + "0004" + pps, "7c 85 88", "00000001" + sps + "000001" + sliceIDR},
		{vps265, sps265, pps265, sei265, pic265, "6001" + sized(pps265, 7) + sized(idr265, 4), "6201 93 af", "6401 2600 af"},
		{"2601 0007 af09", "6001 0007" + sized(vps265, 24) + "00" + sized(idr265, 4), "6201 93 0007 af"},
		{"18 0a0b", "90 32"}, {"10 10", "90 e0 8005 07 40 10"}, {"08 82", "a8 8005 00 07 82", "0a 18 0280 0168 01 0c 010203 82"},
		{"000001b0 f5 000001b6 10"}, {"00003900 000001b3"}, {pat, pmt, videoKey}, {"00 000000 01ff2817 00"}, {"2000"}, {"00"}, {"00"},
	} {
		var b []byte
		for _, hex := range seed {
			p := unhex(f, hex)
			b = append(append(b, byte(len(p))), p...)
		}
		f.Add(uint8(i), b)
	}
	f.Fuzz(func(t *testing.T, kind uint8, b []byte) {
		c := fuzzed[int(kind)%len(fuzzed)]
		one, _, _ := FormatOf(c.encoding, params(c.fmtp))
		other, _, _ := FormatOf(c.encoding, params(c.fmtp))
		was := bytes.Clone(b)
		said := lookAll(one, b)
		if !slices.Equal(said, lookAll(other, bytes.Clone(b))) {
			t.Fatal("the same is not the same")
		}
		if !bytes.Equal(b, was) {
			t.Fatal("payloads are changed")
		}
		checkBounds(t, SetsOf(one))
		if c.encoding == "NONSENSE" && slices.ContainsFunc(said, func(l Look) bool { return l != Other }) {
			t.Fatal("something is known of an unknown format")
		}
		if n := allocations(func() { eachPayload(b, func(p []byte) { one.Look(p) }) }); n != 0 {
			t.Fatalf("%v allocations", n)
		}
	})
}

// allocations is how often f allocates. What others allocate meanwhile is counted too,
// but does not come again.
func allocations(f func()) float64 {
	n := testing.AllocsPerRun(1, f)
	for try := 0; n > 0 && try < 5; try++ {
		n = min(n, testing.AllocsPerRun(1, f))
	}
	return n
}

// eachPayload calls f with the payloads that b holds.
func eachPayload(b []byte, f func(p []byte)) {
	for len(b) > 0 {
		size := min(int(b[0]), len(b)-1)
		f(b[1 : 1+size : 1+size])
		b = b[1+size:]
	}
}

func lookAll(f Format, b []byte) (said []Look) {
	eachPayload(b, func(p []byte) { said = append(said, f.Look(p)) })
	return said
}

func checkBounds(t *testing.T, s *ParameterSets) {
	t.Helper()
	if s == nil {
		return
	}
	all := setsOf(s)
	if len(all) > 2+MaxPPS {
		t.Fatalf("%d sets", len(all))
	}
	for _, nal := range all {
		if len(nal) < 2 || len(nal) > MaxSet {
			t.Fatalf("a set of %d bytes", len(nal))
		}
	}
	if s.Changed() && !s.Complete() {
		t.Fatal("sets that nobody can start with are new")
	}
}

// TestLongPayloadsEnd: a payload of many small units is gone through once.
func TestLongPayloadsEnd(t *testing.T) {
	for _, c := range []struct{ encoding, unit string }{
		{"H264", "0000010680"}, {"H264", "0000010980"}, {"H265", "0000014e0180"}, {"MP4V-ES", "000001b2"},
	} {
		f := format(t, c.encoding, "")
		b := unhex(t, strings.Repeat(c.unit, 65000/len(c.unit)*2))
		if look := f.Look(b); look != Lead {
			t.Errorf("%s: %v", c.encoding, look)
		}
	}
}
