package ring

import (
	"bytes"
	"math"
	"testing"
	"time"
)

// Units are evicted whole, by age and for want of memory, and the newest one stays.
func TestUnitsAreEvictedWhole(t *testing.T) {
	for name, c := range map[string]struct {
		limit int64
		age   time.Duration
	}{"by_age": {1 << 20, 30}, "for_memory": {48 << 10, time.Hour}} {
		t.Run(name, func(t *testing.T) {
			r := newTestRing(c.limit, c.age, 1)
			begins := func(q uint64) bool { return q%13 == 0 || q%7 == 0 }
			newest := uint64(0)
			for i := range int64(3000) {
				q := r.Head()
				if begins(q) {
					newest = q
				}
				if !putMarked(r, i, Mark{Key: q%91 == 0, Start: begins(q)}) {
					t.Fatalf("there is no room for packet %d", q)
				}
				audit(t, r.memory, true)
				if s := r.At(r.Tail()); !s.Start() || !begins(s.Seq()) || s.Seq() > newest {
					t.Fatalf("behind packet %d the ring begins with %d, the newest unit with %d", q, s.Seq(), newest)
				}
			}
			if r.Tail() < 2000 {
				t.Fatalf("%d packets are kept", r.Head()-r.Tail())
			}
		})
	}
}

// A reader that is inside a unit keeps the rest of it, and nothing else, however far the
// ring has gone on; also while it goes on from packet to packet.
func TestPinKeepsTheWholeUnit(t *testing.T) {
	const size = 9
	for stop := range uint64(size) {
		r := newTestRing(256<<10, 0, 1)
		for i := range int64(2 * size) {
			putMarked(r, i, Mark{Key: i == 0, Start: i%size == 0})
		}
		r.enter(0)
		s := r.At(stop)
		s.Pin()
		r.leave(0)
		for i := range int64(500) {
			putMarked(r, 100+i, Mark{Start: true})
			audit(t, r.memory, true)
		}
		if !s.Evicted() || r.Limbo() != 1 {
			t.Fatalf("evicted: %v, %d units in limbo, want only the pinned one", s.Evicted(), r.Limbo())
		}
		for q := stop; ; q++ {
			if got := s.Bytes(0, nil); s.Seq() != q || !bytes.Equal(got, want(q, 0)) {
				t.Fatalf("stopped in %d: the rest has %d in place of %d, or it is not whole", stop, s.Seq(), q)
			}
			n := s.Rest()
			if n == nil {
				if q != size-1 {
					t.Errorf("stopped in %d: the rest ends with %d", stop, q)
				}
				break
			}
			n.Pin()
			s.Unpin()
			s = n
			putMarked(r, 700, Mark{Start: true})
		}
		s.Unpin()
		putMarked(r, 701, Mark{Start: true})
		if r.Limbo() != 0 {
			t.Errorf("stopped in %d: %d units in limbo after the pin was dropped", stop, r.Limbo())
		}
	}
}

// The rest of a unit that is still in the ring ends before the next one, or with what
// has come.
func TestRestOfAUnitInTheRing(t *testing.T) {
	r := newTestRing(1<<20, time.Hour, 1)
	for i := range int64(6) {
		putMarked(r, i, Mark{Start: i%4 == 0})
	}
	r.enter(0)
	defer r.leave(0)
	for q, rest := range []uint64{1, 2, 3, 0, 5, 0} {
		got := uint64(0)
		if n := r.At(uint64(q)).Rest(); n != nil {
			got = n.Seq()
		}
		if got != rest {
			t.Errorf("behind %d in its unit comes %d, want %d", q, got, rest)
		}
	}
}

// A source that never begins another unit is bounded in packets and in bytes.
func TestUnitsAreBounded(t *testing.T) {
	for _, c := range []struct {
		name  string
		limit int64
		size  int
		most  uint64
	}{
		{"packets", 64 << 20, 10, unitPackets},
		{"bytes", 64 << 20, 60 << 10, unitBytes / (60 << 10)},
		{"part_of_the_memory", 64 << 10, 1000, 8},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := newTestRing(c.limit, time.Hour, 1)
			packet := make([]byte, c.size)
			for i := range int64(3 * c.most) {
				b := r.Room(c.size)
				if b == nil || !r.Append(append(b, packet...), i, Mark{}) {
					t.Fatalf("there is no room for packet %d", i)
				}
				if i%64 == 0 {
					audit(t, r.memory, true)
				}
				if s, want := r.At(r.Head()-1), uint64(i)%c.most == 0; s.Start() != want {
					t.Fatalf("packet %d begins a unit: %v, the bound is %d", i, s.Start(), c.most)
				}
			}
		})
	}
	if r := newTestRing(1<<20, 0, 1); r.Units() || !putMarked(r, 0, Mark{}) || r.Units() || !putMarked(r, 1, Mark{}) || !r.Units() {
		t.Error("a ring does not know whether packets belong together")
	}
}

// Where the newest unit alone has all the memory that there is, or a larger table finds
// none, a packet has no room, and the unit ends there: none of it is evicted before, and
// all of it for the next one.
func TestNewestUnitStaysWithoutMemory(t *testing.T) {
	for size := 0; size < 400; size += 7 {
		const all = 32 << 10
		m := NewMemory(1<<20, all, NewPool(all), NewEpochs(1), &Buffers{Segment: 1000})
		r := m.NewRing(10, variantOf, 0)
		put := func() bool {
			b := r.Room(size)
			return b != nil && r.Append(append(b, make([]byte, size)...), 1, Mark{})
		}
		for put() {
			audit(t, m, true)
			if r.Tail() != 0 || r.Head() > unitPackets {
				t.Fatalf("packets of %d bytes: the newest unit lost its first one when it had %d", size, r.Head())
			}
		}
		whole := r.Head()
		if !put() || r.At(whole) == nil || !r.At(whole).Start() || r.At(0) != nil {
			t.Errorf("packets of %d bytes: behind a unit of %d that was cut there is no room for another", size, whole)
		}
		audit(t, m, true)
		r.End()
		if !r.Drain() || m.Used() != 0 {
			t.Errorf("packets of %d bytes: %d bytes are used at the end", size, m.Used())
		}
	}
}

// However long the units are that stalled readers pin, an append looks at no more than
// some of their packets.
func TestAppendLooksAtSomePinnedUnits(t *testing.T) {
	r := newTestRing(32<<20, 5, 1)
	const size = 40
	for i := range int64(200 * size) {
		putMarked(r, i, Mark{Start: i%size == 0})
		if i%size == size-1 { // the last one of each: the dearest to find
			r.enter(0)
			r.At(uint64(i)).Pin()
			r.leave(0)
		}
	}
	for i := range int64(1000) {
		before := r.hand
		putMarked(r, math.MaxInt32+i, Mark{Start: true})
		if n := (r.hand - before) * size; n > sweepMost+size {
			t.Fatalf("an append looked at %d slots", n)
		}
	}
}
