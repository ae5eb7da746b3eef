package player

import (
	"bytes"
	"encoding/hex"
	"strings"
	"testing"

	"streampump/bench/synth"
	"streampump/codec/asf"
)

func unhex(t testing.TB, s string, size int) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	return append(b, make([]byte, size-len(b))...)
}

// TestPacketGolden holds the parser against packets that ffmpeg made, of 3200
// bytes with video in stream 1 and sound in stream 2 [ASF] 5.2.
func TestPacketGolden(t *testing.T) {
	cases := []struct {
		name  string
		hex   string
		size  int
		send  uint32
		first payload
		data  int // bytes of the first payload
	}{
		{
			"single", "82000000 5D 2E000000 0000 8101 DF0A0000 08 172F0000 4A0C0000", 3200, 46,
			payload{stream: 1, key: true, number: 1, offset: 2783, size: 12055, time: 3146}, 3174,
		},
		{
			"padding-word", "82000010 5DF10A 00000000 2E00 02 01 00000000 08 73010000 1C0C0000", 3200, 0,
			payload{stream: 2, number: 1, size: 371, time: 3100}, 371,
		},
		{
			"explicit", "82000050 5D9101 0000 00000000 2E00 02 01 00000000 08 73010000 1C0C0000", 401, 0,
			payload{stream: 2, number: 1, size: 371, time: 3100}, 371,
		},
		{
			"multiple", "820000015D000000002E0081 01 01 00000000 08 73010000 1C0C0000 4000", 3200, 0,
			payload{stream: 1, number: 1, size: 371, time: 3100}, 64,
		},
		{
			"no-error-correction", "005D 2E000000 0000 8101 DF0A0000 08 172F0000 4A0C0000", 3200, 46,
			payload{stream: 1, key: true, number: 1, offset: 2783, size: 12055, time: 3146}, 3177,
		},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			var p dataPacket
			if err := p.parse(unhex(t, c.hex, c.size), 3200); err != nil {
				t.Fatal(err)
			}
			got := p.payloads[0]
			size := len(got.data)
			if p.sendTime != c.send || got.stream != c.first.stream || got.key != c.first.key || got.number != c.first.number ||
				got.offset != c.first.offset || got.size != c.first.size || got.time != c.first.time || size != c.data {
				got.data = nil
				t.Errorf("send time %d, %d bytes, %+v", p.sendTime, size, got)
			}
		})
	}
}

func TestPacketFaults(t *testing.T) {
	for name, s := range map[string]string{
		"empty":               "",
		"error-correction":    "92000000 5D",
		"no-times":            "82000000 5D 0000",
		"length-past-the-end": "82000050 5DFF7F 0000 00000000 0000 0201",
		"padding-eats-all":    "82000010 5DFFFF 00000000 0000 0201 00000000 00",
		"no-payloads":         "82000001 5D 00000000 0000 80",
		"replicated-seven":    "82000000 5D 00000000 0000 0101 00000000 07 00000000000000",
		"payload-past-end":    "82000001 5D 00000000 0000 81 0101 00000000 00 FF7F 00",
	} {
		b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
		if err != nil {
			t.Fatal(err)
		}
		var p dataPacket
		if err := p.parse(b, 3200); err == nil {
			t.Errorf("%s: parses as %+v", name, p)
		}
	}
}

// TestFacts: what is read from a header that another package built.
func TestFacts(t *testing.T) {
	s := spec()
	s.Streams[0].NoCleanPoints = true
	s.Streams = append(s.Streams, synth.Video(7, 10, 100_000, 10))
	e, err := synth.New(s)
	if err != nil {
		t.Fatal(err)
	}
	f, err := parseFacts(e.Header())
	if err != nil {
		t.Fatal(err)
	}
	if f.packetSize != 1400 || !f.broadcast || !f.hasVideo || !f.video[1] || f.video[2] || !f.video[7] ||
		!f.noClean[1] || f.noClean[7] || !f.named[2] || f.named[3] {
		t.Errorf("%+v", f)
	}
	hidden := asf.EE4Header(0)
	hidden.Streams[1].Hidden = true
	if f, err = parseFacts(hidden.Append(nil)); err != nil || !f.video[2] {
		t.Errorf("a stream that is named in an extension only: %v, %+v", err, f)
	}
	for _, cut := range []int{0, 10, 30, 300, len(e.Header()) - 50, len(e.Header()) - 1} {
		if _, err := parseFacts(e.Header()[:cut]); err == nil {
			t.Errorf("a header cut at %d bytes is taken", cut)
		}
	}
}

// FuzzDataPacket holds two parsers of data packets against each other that
// were written apart: what the pump's takes, this one reads alike.
func FuzzDataPacket(f *testing.F) {
	const size = 200
	for _, s := range shapes() {
		if s.EE4 {
			continue
		}
		s.PacketSize = size
		m := take(f, s, 4)
		for _, b := range m.packets {
			f.Add(b)
		}
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		var ours dataPacket
		err := ours.parse(b, size)
		var theirs asf.Packet
		if theirs.Parse(b, size) != nil || theirs.Explicit() && !theirs.SelfDescribing(size) {
			return // the pump mends such a packet before it sends it
		}
		if err != nil {
			t.Fatalf("the pump's parser takes it, this one says: %v", err)
		}
		i := 0
		for it := theirs.Iter(b); it.Next(); i++ {
			if i >= len(ours.payloads) {
				t.Fatalf("the pump's parser sees more than %d payloads", i)
			}
			p := ours.payloads[i]
			if p.stream != it.Stream || p.key != it.Key || p.compressed != it.Compressed || p.number != it.Object ||
				p.time != it.Time || !p.compressed && p.offset != it.Offset || p.size != it.ObjectSize || !bytes.Equal(p.data, it.Data) {
				t.Fatalf("payload %d: the pump's parser reads %+v, this one %+v", i, it.Payload, p)
			}
		}
		if i != len(ours.payloads) || ours.sendTime != theirs.SendTime() || ours.duration != theirs.Duration() {
			t.Fatalf("%d payloads, sent at %d for %d; this one reads %+v", i, theirs.SendTime(), theirs.Duration(), ours)
		}
	})
}
