package synth

import (
	"bytes"
	"math/rand/v2"
	"testing"
)

// carriers are all there are.
var carriers = []Carrier{Bare, JPEG, PCM, Text}

func TestObjectRoundTrip(t *testing.T) {
	for _, c := range carriers {
		least := c.MinObject()
		for _, m := range []Mark{
			{Carrier: c, Stream: 1},
			{Carrier: c, Stream: 127, Key: true, Epoch: 65535, Sequence: 1<<32 - 1, Stamp: 1<<64 - 1},
			{Carrier: c, Stream: 2, Sequence: 7, Stamp: 5},
		} {
			for _, size := range []int{3, least, least + 1, least + 7, least + 8, 1000, 70_000} {
				b := AppendObject([]byte("before"), m, size)[len("before"):]
				want := max(size, least)
				if c == Text {
					want = least
				}
				got, err := CheckObject(b)
				if err != nil || got != m || len(b) != want {
					t.Errorf("%+v in %d bytes reads as %+v in %d (%v)", m, size, got, len(b), err)
				}
			}
		}
	}
}

// TestEveryByteCounts changes each bit in turn.
func TestEveryByteCounts(t *testing.T) {
	for _, c := range carriers {
		b := AppendObject(nil, Mark{Carrier: c, Stream: 3, Key: true, Sequence: 9, Stamp: 1234}, c.MinObject()+73)
		for i := range len(b) * 8 {
			b[i/8] ^= 1 << (i % 8)
			if m, err := CheckObject(b); err == nil {
				t.Errorf("carrier %d: with bit %d of byte %d changed it reads as %+v", c, i%8, i/8, m)
			}
			b[i/8] ^= 1 << (i % 8)
		}
		for n := range b {
			if _, err := CheckObject(b[:n]); err == nil {
				t.Errorf("carrier %d: cut at %d bytes it passes", c, n)
			}
		}
		if _, err := CheckObject(append(bytes.Clone(b), 0)); err == nil {
			t.Errorf("carrier %d: with a byte more it passes", c)
		}
	}
}

// TestForgedSizesAreRefused: a head with a good checksum may still claim what no
// object of its carrier is.
func TestForgedSizesAreRefused(t *testing.T) {
	for _, c := range []struct {
		carrier Carrier
		size    int
	}{{JPEG, JPEG.MinObject() - 1}, {Text, Text.MinObject() - 1}, {Text, Text.MinObject() + 1}} {
		m := Mark{Carrier: c.carrier, Stream: 1}
		h := m.head(c.size)
		b := m.appendBody(c.carrier.appendHead(nil, &h))
		b = m.appendNoise(b, max(c.size-len(b), 0))[:c.size]
		if m, err := CheckObject(b); err == nil {
			t.Errorf("%d bytes pass as %+v", c.size, m)
		}
	}
}

func TestChecker(t *testing.T) {
	object := func(stream uint8, epoch uint16, sequence uint32) []byte {
		return AppendObject(nil, Mark{Stream: stream, Key: true, Epoch: epoch, Sequence: sequence}, 64)
	}
	steps := []struct {
		name     string
		stream   uint8
		epoch    uint16
		sequence uint32
		loose    bool
		ok       bool
	}{
		{"joins-anywhere", 1, 0, 5, false, true},
		{"follows", 1, 0, 6, false, true},
		{"other-stream", 2, 0, 100, false, true},
		{"comes-again", 1, 0, 6, true, false},
		{"comes-early", 1, 0, 2, true, false},
		{"jumps", 1, 0, 9, false, false},
		{"jumps-at-a-gap", 1, 0, 9, true, true},
		{"follows-after", 1, 0, 10, false, true},
		{"new-run", 1, 1, 0, false, false},
		{"new-run-at-a-splice", 1, 1, 0, true, true},
		{"old-run", 1, 0, 11, true, false},
	}
	var c Checker
	for _, s := range steps {
		err := c.Check(s.stream, true, s.loose, object(s.stream, s.epoch, s.sequence))
		if (err == nil) != s.ok {
			t.Errorf("%s: %v", s.name, err)
		}
	}
	if c.Check(3, true, false, object(1, 1, 1)) == nil || c.Check(1, false, false, object(1, 1, 1)) == nil {
		t.Error("an object passes in another stream, or with another key bit")
	}
}

func TestCheckDoesNotAllocate(t *testing.T) {
	for _, c := range carriers {
		b := AppendObject(nil, Mark{Carrier: c, Stream: 1}, 5000)
		if n := testing.AllocsPerRun(100, func() { _, _ = CheckObject(b) }); n != 0 {
			t.Errorf("carrier %d: %v allocations per object", c, n)
		}
	}
}

func FuzzCheckObject(f *testing.F) {
	for _, c := range carriers {
		f.Add(AppendObject(nil, Mark{Carrier: c, Stream: 1, Key: true}, 40))
	}
	f.Add([]byte("SPMO"))
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := CheckObject(b)
		if err != nil {
			return
		}
		if h, _, _ := findHead(b); h[5] > 1 {
			return // a flag that does not exist yet, with a checksum
		}
		if again := AppendObject(nil, m, len(b)); !bytes.Equal(again, b) {
			t.Fatalf("% x passes as %+v, which is % x", b, m, again)
		}
	})
}

func TestNoiseDiffers(t *testing.T) {
	seen := map[uint64]bool{}
	r := rand.New(rand.NewPCG(1, 2))
	for range 1000 {
		m := Mark{Stream: uint8(r.UintN(128)), Epoch: uint16(r.UintN(4)), Sequence: r.Uint32()}
		n := m.noise()
		v := n.next()
		if seen[v] {
			t.Fatal("two objects begin with the same noise")
		}
		seen[v] = true
	}
}

// TestStampsRiseWithDueTimes: StampFrom stamps each object with when it is due,
// in whole milliseconds, and SetStamp ends that.
func TestStampsRiseWithDueTimes(t *testing.T) {
	e, err := New(Spec{Streams: []Stream{Video(1, 30, 100_000, 10)}, PacketSize: 1400})
	if err != nil {
		t.Fatal(err)
	}
	const began = 5_000_000_000
	e.StampFrom(began)
	for _, want := range []uint64{began, began + 33e6, began + 66e6, began + 99e6} {
		if err := e.add(e.earliest()); err != nil {
			t.Fatal(err)
		}
		if m, ok := ReadMark(e.object[:patternHead]); !ok || m.Stamp != want {
			t.Errorf("stamp %d, %v; want %d", m.Stamp, ok, want)
		}
	}
	e.SetStamp(7)
	if err := e.add(e.earliest()); err != nil {
		t.Fatal(err)
	}
	if m, ok := ReadMark(e.object); !ok || m.Stamp != 7 {
		t.Errorf("stamp %d, %v; want 7", m.Stamp, ok)
	}
}

func TestReadMarkWantsTheWholeHead(t *testing.T) {
	for _, c := range carriers {
		want := Mark{Carrier: c, Stream: 3, Key: true, Epoch: 2, Sequence: 9, Stamp: 12345}
		b := AppendObject(nil, want, 100)
		if m, ok := ReadMark(b[:c.headEnd()]); !ok || m != want {
			t.Errorf("%+v, %v", m, ok)
		}
		for n := range c.headEnd() {
			if m, ok := ReadMark(b[:n]); ok {
				t.Errorf("carrier %d: %d bytes are taken for %+v", c, n, m)
			}
		}
		for i := range c.headEnd() {
			b[i] ^= 1
			if m, ok := ReadMark(b); ok {
				t.Errorf("carrier %d: with byte %d changed it is taken for %+v", c, i, m)
			}
			b[i] ^= 1
		}
	}
}
