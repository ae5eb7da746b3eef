package synth_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
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
	playable := playable(300_000)
	playableSingle := playable
	playableSingle.Multiple, playableSingle.Padding, playableSingle.PacketSize = false, asf.Word, 1400
	playableStripped := playableSingle
	playableStripped.Strip = true
	playableSmall := playable
	playableSmall.PacketSize = playable.MinPacket()
	steady := stripped
	steady.Streams = []synth.Stream{single.Streams[0], single.Streams[1]}
	steady.Streams[0].Steady = true
	longHeader := synth.Plain(300_000)
	longHeader.HeaderSize = 65_531
	return map[string]synth.Spec{
		"plain": synth.Plain(500_000), "sound": synth.Sound(64_000), "ee4": synth.EE4(60),
		"single": single, "single-stripped": stripped,
		"explicit": explicit, "explicit-stripped": explicitStripped, "stripped": strippedMultiple,
		"wrap": wrap, "late": late, "compressed": compressed, "compressed-mixed": mixed,
		"two-videos": two, "no-clean-points": unclean, "small-packets": small, "long-header": longHeader,
		"playable": playable, "playable-single": playableSingle,
		"playable-stripped": playableStripped, "playable-small": playableSmall,
		"steady": steady,
	}
}

// playable is a stream of all kinds that players decode.
func playable(bitrate int) synth.Spec {
	s := synth.Plain(bitrate)
	s.Streams = append(s.Streams, synth.Script(3, time.Second))
	for i := range s.Streams {
		s.Streams[i] = s.Streams[i].Playable()
	}
	return s
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
	for _, c := range []struct {
		spec func(bitrate int) synth.Spec
		want int
	}{{synth.Plain, 100_000}, {synth.Plain, 500_000}, {synth.Plain, 2_000_000}, {playable, 260_000}, {playable, 2_000_000}} {
		want := c.want
		e := encoder(t, c.spec(want))
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
	const longer = ", or fewer a second"
	with := func(change func(s *synth.Spec)) synth.Spec {
		s := playable(300_000)
		change(&s)
		return s
	}
	for _, c := range []struct {
		name, want string
		spec       synth.Spec
	}{
		{"no-streams", "the encoder has no streams", with(func(s *synth.Spec) { s.Streams = nil })},
		{"no-interval", "stream 2 has no interval between its objects", with(func(s *synth.Spec) { s.Streams[1].Interval = 0 })},
		{"small-header", "the encoder's header: the header cannot have 100 bytes", with(func(s *synth.Spec) { s.HeaderSize = 100 })},
		{
			"tiny-objects", "stream 1, video of 58 kbit/s, has 27 bytes for an object and needs 28: that takes 7 kbit/s" + longer,
			with(func(s *synth.Spec) { s.Streams[0].Carrier, s.Streams[0].Size = synth.Bare, 27 }),
		},
		{
			"tiny-pictures", "stream 1, video of 40 kbit/s, has 166 bytes for a picture and needs 238: that takes 58 kbit/s" + longer,
			with(func(s *synth.Spec) { s.Streams[0] = synth.Video(1, 25, 40_000, 25).Playable() }),
		},
		{
			"no-bitrate", "stream 1, video of 0 kbit/s, has 0 bytes for a picture and needs 238: that takes 58 kbit/s" + longer,
			with(func(s *synth.Spec) { s.Streams[0] = synth.Video(1, 25, 0, 25).Playable() }),
		},
		{
			"tiny-key-frames", "stream 1, video of 40 kbit/s, has 198 bytes for a picture and needs 238: that takes 48 kbit/s" + longer,
			with(func(s *synth.Spec) { s.Streams[0] = synth.Video(1, 25, 40_000, 1).Playable() }),
		},
		{
			"slow-sound", "stream 2, sound of 24 kbit/s, has 3000 samples per second; players take 4000 to 352800, which is 32 kbit/s to 2822 kbit/s",
			with(func(s *synth.Spec) { s.Streams[1] = synth.Audio(2, 24_000, 371).Playable() }),
		},
		{
			"fast-sound", "stream 2, sound of 4000 kbit/s, has 500000 samples per second; players",
			with(func(s *synth.Spec) { s.Streams[1] = synth.Audio(2, 4_000_000, 371).Playable() }),
		},
		{"text-as-video", "stream 1 is video, and its objects are each a script command", with(func(s *synth.Spec) { s.Streams[0].Carrier = synth.Text })},
		{
			"small-packets", "packets of 162 bytes cannot hold the beginning of each object in one piece, which takes 163",
			with(func(s *synth.Spec) { s.PacketSize = 162 }),
		},
	} {
		if _, err := synth.New(c.spec); err == nil || !strings.HasPrefix(err.Error(), c.want) {
			t.Errorf("%s: %v, want %s", c.name, err, c.want)
		}
	}
}

// TestPlayersFindTheirCodecs is what the header says of what players decode.
func TestPlayersFindTheirCodecs(t *testing.T) {
	h, err := asf.ParseHeader(encoder(t, playable(300_000)).Header())
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, st := range h.Streams() {
		got = append(got, st.String())
	}
	want := []string{"video 1 MJPG 96x64 262 kb/s", "audio 2 PCM 4.688 kHz mono 38 kb/s", "script 3"}
	if !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}

// TestLeastBitrate: what a refusal asks for is enough, and so small a picture's
// sizes do not vary below what it needs.
func TestLeastBitrate(t *testing.T) {
	for _, gop := range []int{1, 2, 25, 250} {
		bitrate := 10_000
		s := synth.Spec{PacketSize: 1400}
		for ; ; bitrate += 1000 {
			s.Streams = []synth.Stream{synth.Video(1, 25, bitrate, gop).Playable()}
			if s.Check() == nil {
				break
			}
		}
		s.Streams = []synth.Stream{synth.Video(1, 25, bitrate-1000, gop).Playable()}
		if want := fmt.Sprintf("takes %d kbit/s,", bitrate/1000); !strings.Contains(s.Check().Error(), want) {
			t.Errorf("GOP %d: %v, and %d are enough", gop, s.Check(), bitrate)
		}
	}
}

// TestSteadyPicturesHaveOneSize, and key frames another.
func TestSteadyPicturesHaveOneSize(t *testing.T) {
	for steady, want := range map[bool]int{true: 2, false: 10} {
		s := synth.Spec{PacketSize: 8000, Strip: true, Streams: []synth.Stream{synth.Video(1, 25, 300_000, 25)}}
		s.Streams[0].Steady = steady
		e, sizes := encoder(t, s), map[int]bool{}
		for range 75 {
			b, _, err := e.Next()
			if err != nil {
				t.Fatal(err)
			}
			sizes[len(b)] = true
		}
		if steady && len(sizes) != want || len(sizes) < want {
			t.Errorf("steady %v: %d sizes", steady, len(sizes))
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
	for _, spec := range []synth.Spec{synth.Plain(500_000), playable(500_000)} {
		e := encoder(t, spec)
		for range 500 {
			_, _, _ = e.Next()
		}
		if n := testing.AllocsPerRun(200, func() { _, _, _ = e.Next() }); n > 0.1 {
			t.Errorf("%v allocations per packet", n)
		}
	}
}
