package asf

import (
	"bytes"
	"io"
	"math/rand/v2"
	"runtime"
	"slices"
	"testing"
)

// FuzzHeader: no header takes more memory than its size accounts for, and what
// is accepted has a live form that says the same.
func FuzzHeader(f *testing.F) {
	hidden := avSpec()
	hidden.Streams[0].Hidden, hidden.Streams[0].NoCleanPoints = true, true
	small := EE4Header(0)
	small.Padding = 0
	for _, s := range []HeaderSpec{avSpec(), hidden, small, joinSpec()} {
		f.Add(s.Append(nil))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		h, err := ParseHeader(b)
		runtime.ReadMemStats(&after)
		// Twice the bytes for the copy, and the streams with what finds them.
		if used := after.TotalAlloc - before.TotalAlloc; used > uint64(2*len(b)+256<<10) {
			t.Errorf("%d bytes allocated for a header of %d", used, len(b))
		}
		_ = DumpHeader(io.Discard, b)
		if err != nil {
			return
		}
		again, err := ParseHeader(h.Live())
		if err != nil {
			t.Fatalf("the live form is refused: %v", err)
		}
		if !Equivalent(h, h) || !Equivalent(h, again) || !Equivalent(again, h) {
			t.Error("the live form is not equivalent")
		}
		if h.String() != again.String() || !bytes.Equal(again.Live(), h.Live()) {
			t.Errorf("the live form says %s, not %s", again, h)
		}
		// Spare bytes are left out.
		if size, ok := HeaderSize(b); !ok || size < len(h.Live()) {
			t.Errorf("HeaderSize %d, %t", size, ok)
		}
		if size, ok := HeaderSize(h.Live()); !ok || size != len(h.Live()) {
			t.Errorf("HeaderSize %d, %t", size, ok)
		}
	})
}

// FuzzPacket: whatever is accepted says the same after each of the things that
// are done to packets.
func FuzzPacket(f *testing.F) {
	for _, c := range golden {
		b := full(f, c.hex, c.size)
		copy(b[min(400, len(b)):], unhex(f, c.at400))
		f.Add(b, uint16(3200), uint32(1000))
	}
	f.Add(handmade(0, piece{1, 1, false, 9, false, "d"}, piece{2, 1, true, 3, true, "A"}, piece{1, 2, true, 0, false, "K"}), uint16(1000), ^uint32(0))
	for padding := None; padding <= DWord; padding++ {
		f.Add(lone(padding, 0, 60), uint16(100), uint32(1<<31))
	}
	h := parseSpec(f, joinSpec())
	f.Fuzz(func(t *testing.T, b []byte, size uint16, delta uint32) {
		packetSize := max(int(size), PacketSizeMin)
		var p Packet
		if err := p.Parse(b, packetSize); err != nil {
			return
		}
		fuzzForms(t, b, packetSize)
		fuzzShift(t, b, packetSize, delta)
		if len(b) <= h.PacketSize() && p.Parse(b, h.PacketSize()) == nil {
			fuzzTrim(t, h, &p, b)
		}
	})
}

func fuzzForms(t *testing.T, b []byte, packetSize int) {
	said := payloads(t, b, packetSize)
	repaired, did, err := AppendRepaired(nil, b, packetSize)
	if err != nil || !slices.Equal(payloads(t, repaired, packetSize), said) {
		t.Fatalf("repaired %t, %v", did, err)
	}
	if !did && !bytes.Equal(repaired, b) {
		t.Fatal("changed without need")
	}
	if !slices.Equal(payloads(t, zeroFill(repaired, packetSize), packetSize), said) {
		t.Fatal("a repaired packet depends on its own length")
	}
	for _, from := range [][]byte{b, repaired} {
		inflated, err := AppendInflated(nil, from, packetSize)
		if err != nil || len(inflated) != packetSize || !slices.Equal(payloads(t, inflated, packetSize), said) {
			t.Fatalf("inflated to %d bytes, %v", len(inflated), err)
		}
	}
}

func fuzzShift(t *testing.T, b []byte, packetSize int, delta uint32) {
	shifted := bytes.Clone(b)
	if err := ShiftTimes(shifted, packetSize, delta); err != nil {
		t.Fatal(err)
	}
	was, is := parsePacket(t, b, packetSize), parsePacket(t, shifted, packetSize)
	if is.SendTime() != was.SendTime()+delta {
		t.Fatalf("send time %d after %d", is.SendTime(), was.SendTime())
	}
	it, want := is.Iter(shifted), was.Iter(b)
	for it.Next() && want.Next() {
		timed := want.Compressed || len(want.Replicated) > 0
		if timed && it.Time != want.Time+delta || !bytes.Equal(it.Data, want.Data) {
			t.Fatalf("payload %+v after %+v", it.Payload, want.Payload)
		}
	}
	if err := ShiftTimes(shifted, packetSize, -delta); err != nil || !bytes.Equal(shifted, b) {
		t.Fatalf("there and back is elsewhere, %v", err)
	}
}

func fuzzTrim(t *testing.T, h *Header, p *Packet, b []byte) {
	out, err := h.AppendTrimmed(nil, b)
	if (err == nil) != h.StartsKey(p, b) {
		t.Fatalf("trimmed, %v", err)
	}
	if err != nil {
		return
	}
	if !h.NeedsTrim(p, b) {
		if !bytes.Equal(out, b) {
			t.Fatal("trimmed without need")
		}
		return
	}
	checkTrimmedForm(t, h, b, out)
	first := parsePacket(t, out, h.PacketSize()).Iter(out)
	for first.Next() {
		if h.keys[first.Stream] != neverKey {
			if !h.startsKey(&first.Payload) {
				t.Fatalf("the first video payload is %+v", first.Payload)
			}
			return
		}
	}
	t.Fatal("no video is left")
}

// FuzzReader: the cuts between pieces change nothing.
func FuzzReader(f *testing.F) {
	_, _, all := file(f, 3, false)
	f.Add(all, uint64(1))
	_, _, all = file(f, 3, true)
	f.Add(all, uint64(2))
	f.Add([]byte("not a file of this kind"), uint64(3))
	f.Fuzz(func(t *testing.T, b []byte, seed uint64) {
		var whole, pieces Reader
		h1, p1, err1 := readAll(&whole, [][]byte{b})
		h2, p2, err2 := readAll(&pieces, cut(rand.New(rand.NewPCG(seed, 0)), b))
		if (err1 == nil) != (err2 == nil) || err1 != nil && err1.Error() != err2.Error() {
			t.Fatalf("errors %v and %v", err1, err2)
		}
		if len(h1) != len(h2) || len(h1) > 1 || !slices.EqualFunc(h1, h2, bytes.Equal) || !slices.EqualFunc(p1, p2, bytes.Equal) {
			t.Fatalf("%d and %d headers, %d and %d packets", len(h1), len(h2), len(p1), len(p2))
		}
		if len(h1) == 0 && len(p1) > 0 {
			t.Fatal("packets before the header")
		}
		for _, p := range p1 {
			if len(p) != whole.Header().PacketSize() {
				t.Fatalf("a packet of %d bytes", len(p))
			}
		}
	})
}
