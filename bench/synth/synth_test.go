package synth_test

import (
	"bytes"
	"errors"
	"io"
	"math"
	"testing"
	"time"

	"streampump/bench/player"
	"streampump/bench/synth"
	"streampump/codec/asf"
)

// shapes are the Specs that every test goes through.
func shapes() map[string]synth.Spec {
	single := synth.Plain(500_000)
	single.Multiple, single.Padding = false, asf.Word
	stripped := single
	stripped.Strip, stripped.Padding = true, asf.None
	explicit := single
	explicit.Length, explicit.Padding = asf.Word, asf.None
	explicitStripped := explicit
	explicitStripped.Strip = true
	strippedMultiple := synth.Plain(500_000)
	strippedMultiple.Strip, strippedMultiple.Padding = true, asf.None
	wrap := synth.Plain(300_000)
	wrap.Start = math.MaxUint32 - 500
	late := synth.Plain(300_000)
	late.Start = 4_000_000_000
	compressed := synth.Sound(64_000)
	compressed.Streams[0] = synth.Audio(1, 64_000, 160)
	compressed.Streams[0].Compressed = true
	mixed := synth.Plain(300_000)
	mixed.Streams[1] = synth.Audio(2, 64_000, 160)
	mixed.Streams[1].Compressed = true
	two := synth.Plain(800_000)
	two.Streams = append(two.Streams, synth.Video(5, 12.5, 100_000, 25), synth.Script(9, time.Second))
	unclean := synth.Plain(300_000)
	unclean.Streams[0].NoCleanPoints = true
	small := synth.Plain(100_000)
	small.PacketSize = 300
	longHeader := synth.Plain(300_000)
	longHeader.HeaderSize = 65_531
	return map[string]synth.Spec{
		"plain": synth.Plain(500_000), "sound": synth.Sound(64_000), "ee4": synth.EE4(60),
		"single": single, "single-stripped": stripped,
		"explicit": explicit, "explicit-stripped": explicitStripped, "stripped": strippedMultiple,
		"wrap": wrap, "late": late, "compressed": compressed, "compressed-mixed": mixed,
		"two-videos": two, "no-clean-points": unclean, "small-packets": small, "long-header": longHeader,
	}
}

func encoder(t *testing.T, s synth.Spec) *synth.Encoder {
	t.Helper()
	e, err := synth.New(s)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// appendChunk appends what a plain viewer gets of a packet.
func appendChunk(t *testing.T, dst, packet []byte, size int) []byte {
	t.Helper()
	dst, err := asf.AppendInflated(dst, packet, size)
	if err != nil {
		t.Fatal(err)
	}
	return dst
}

// TestShapesVerify takes each shape as a file that is played from its start:
// every media object must come out whole, in order, with its bytes.
func TestShapesVerify(t *testing.T) {
	const packets = 250
	for name, s := range shapes() {
		t.Run(name, func(t *testing.T) {
			if name == "wrap" {
				s.Start = 0 // a verifier takes no wrap; the wrap has a test of its own
			}
			e := encoder(t, s)
			v := player.NewVerifier(player.Options{Plain: true, Object: player.Pattern()})
			body := bytes.Clone(e.Header())
			for range packets {
				packet, _, err := e.Next()
				if err != nil {
					t.Fatal(err)
				}
				body = appendChunk(t, body, packet, e.PacketSize())
			}
			if _, err := v.Write(body); err != nil {
				t.Fatal(err)
			}
			c := v.Counts()
			if c.Packets != packets || c.Gaps != 0 || c.Cut != 0 || c.Tails != 0 || c.Objects == 0 {
				t.Errorf("counted %+v", c)
			}
			if !bytes.Equal(v.Header(), e.Header()) {
				t.Error("the header arrived differently")
			}
		})
	}
}

// TestSameSpecSameBytes is what makes a failure found with synth one that can
// be found again.
func TestSameSpecSameBytes(t *testing.T) {
	for name, s := range shapes() {
		a, b := encoder(t, s), encoder(t, s)
		if !bytes.Equal(a.Header(), b.Header()) {
			t.Errorf("%s: two headers of one Spec differ", name)
		}
		for i := range 50 {
			p, at, _ := a.Next()
			q, bt, _ := b.Next()
			if !bytes.Equal(p, q) || at != bt {
				t.Errorf("%s: packets %d of one Spec differ", name, i)
			}
		}
	}
}

func TestPacketForms(t *testing.T) {
	cases := []struct {
		name                         string
		short, single, explicit, key bool
	}{
		{"plain", false, false, false, true},
		{"single", false, true, false, true},
		{"single-stripped", true, true, false, true},
		{"explicit-stripped", true, true, true, true},
		{"stripped", false, false, false, true}, // what fills packets leaves little to strip
		{"ee4", true, false, false, true},
		{"sound", false, false, false, false},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			e := encoder(t, shapes()[c.name])
			h, err := asf.ParseHeader(e.Header())
			if err != nil {
				t.Fatal(err)
			}
			if h.HasVideo() != c.key {
				t.Errorf("HasVideo = %v", h.HasVideo())
			}
			short, keys := 0, 0
			for range 200 {
				b, _, err := e.Next()
				if err != nil {
					t.Fatal(err)
				}
				var p asf.Packet
				if err := p.Parse(b, e.PacketSize()); err != nil {
					t.Fatal(err)
				}
				if len(b) < e.PacketSize() {
					short++
				}
				if c.key && h.StartsKey(&p, b) {
					keys++
				}
				if p.Multiple() == c.single || p.Explicit() != c.explicit {
					t.Fatalf("a packet with several payloads %v, explicit length %v", p.Multiple(), p.Explicit())
				}
			}
			if c.short && short == 0 {
				t.Error("no packet is short")
			}
			if c.key && (keys == 0 || keys > 100) {
				t.Errorf("%d of 200 packets start a key frame", keys)
			}
		})
	}
}

func TestEE4Shape(t *testing.T) {
	e := encoder(t, synth.EE4(60))
	h, err := asf.ParseHeader(e.Header())
	if err != nil {
		t.Fatal(err)
	}
	if h.PacketSize() != 8223 || h.Preroll() != 3*time.Second || len(e.Header()) != 5487 {
		t.Errorf("packets of %d bytes, preroll %v, header of %d bytes", h.PacketSize(), h.Preroll(), len(e.Header()))
	}
	seen := map[uint8]int{}
	for range 100 {
		b, _, err := e.Next()
		if err != nil {
			t.Fatal(err)
		}
		var p asf.Packet
		if err := p.Parse(b, 8223); err != nil {
			t.Fatal(err)
		}
		for it := p.Iter(b); it.Next(); {
			seen[it.Stream] = len(it.Replicated)
		}
	}
	if len(seen) != 3 || seen[1] != 8 || seen[2] != 12 || seen[4] != 8 {
		t.Errorf("replicated data of streams: %v, want 8 of 1, 12 of 2, 8 of 4", seen)
	}
}

func TestSendTimes(t *testing.T) {
	for _, start := range []uint32{0, 4_000_000_000, math.MaxUint32 - 500} {
		s := synth.Plain(500_000)
		s.Start = start
		e := encoder(t, s)
		last := start
		for i := range 300 {
			_, at, err := e.Next()
			if err != nil {
				t.Fatal(err)
			}
			if i == 0 && at != start || at-last > 1000 {
				t.Fatalf("start %d: packet %d is sent at %d after %d", start, i, at, last)
			}
			last = at
		}
		if last-start < 5000 {
			t.Errorf("start %d: 300 packets last %d ms", start, last-start)
		}
	}
}

func TestBitrate(t *testing.T) {
	for _, want := range []int{100_000, 500_000, 2_000_000} {
		e := encoder(t, synth.Plain(want))
		bytes, last := 0, uint32(0)
		for last < 20_000 {
			b, at, err := e.Next()
			if err != nil {
				t.Fatal(err)
			}
			bytes += len(b)
			last = at
		}
		got := bytes * 8 / 20
		if got < want*9/10 || got > want*12/10 {
			t.Errorf("asked for %d bits per second, got %d", want, got)
		}
	}
}

func TestRestarts(t *testing.T) {
	for _, name := range []string{"plain", "ee4", "sound", "two-videos"} {
		s := shapes()[name]
		first := encoder(t, s)
		h1, err := asf.ParseHeader(first.Header())
		if err != nil {
			t.Fatal(err)
		}
		again := encoder(t, s.Again())
		h2, err := asf.ParseHeader(again.Header())
		if err != nil {
			t.Fatal(err)
		}
		if bytes.Equal(first.Header(), again.Header()) || !asf.Equivalent(h1, h2) {
			t.Errorf("%s: the header of an encoder started anew is the same, or not equivalent", name)
		}
		h3, err := asf.ParseHeader(encoder(t, s.Other()).Header())
		if err != nil {
			t.Fatal(err)
		}
		if asf.Equivalent(h1, h3) {
			t.Errorf("%s: the header of another encoder is equivalent", name)
		}
	}
}

func TestHeaderSize(t *testing.T) {
	for _, size := range []int{5000, 65_527, 65_528, 65_531, 100_000} {
		s := synth.Plain(300_000)
		s.HeaderSize = size
		if e := encoder(t, s); len(e.Header()) != size {
			t.Errorf("a header of %d bytes was asked for, got %d", size, len(e.Header()))
		}
	}
}

func TestRefusals(t *testing.T) {
	none := synth.Plain(1)
	none.Streams = nil
	tiny := synth.Plain(300_000)
	tiny.Streams[0].Size = synth.MinObject - 1
	still := synth.Plain(300_000)
	still.Streams[1].Interval = 0
	squeezed := synth.Plain(300_000)
	squeezed.HeaderSize = 100
	for name, s := range map[string]synth.Spec{"no-streams": none, "tiny-objects": tiny, "no-interval": still, "small-header": squeezed} {
		if _, err := synth.New(s); err == nil {
			t.Errorf("%s: an encoder was made", name)
		}
	}
}

func TestPacketsLimit(t *testing.T) {
	s := synth.Plain(300_000)
	s.Packets = 3
	e := encoder(t, s)
	for i := range 5 {
		_, _, err := e.Next()
		if (i < 3) != (err == nil) || i >= 3 && !errors.Is(err, io.EOF) {
			t.Errorf("packet %d: %v", i, err)
		}
	}
}

func TestNextDoesNotAllocate(t *testing.T) {
	e := encoder(t, synth.Plain(500_000))
	for range 200 {
		_, _, _ = e.Next()
	}
	if n := testing.AllocsPerRun(200, func() { _, _, _ = e.Next() }); n > 0.1 {
		t.Errorf("%v allocations per packet", n)
	}
}
