package ring

import (
	"bytes"
	"encoding/binary"
	"math"
	"slices"
	"testing"
	"time"
)

// fill makes a packet whose bytes all follow from its number, so that a reader
// can tell a recycled or torn buffer from a whole one.
func fill(dst []byte, seq uint64) []byte {
	n := 24 + int(seq*37%400)
	dst = binary.LittleEndian.AppendUint64(dst, seq)
	for len(dst) < n {
		dst = append(dst, byte(seq*131+uint64(len(dst))))
	}
	return dst
}

// variantOf is the test's Maker: variant 2 aliases, the others copy.
func variantOf(dst, primary []byte, v Variant) ([]byte, bool) {
	if v == 2 {
		return primary[8:], true
	}
	dst = append(dst, byte(v))
	return append(dst, primary...), false
}

func want(seq uint64, v Variant) []byte {
	p := fill(nil, seq)
	if v == 0 {
		return p
	}
	out, _ := variantOf(nil, p, v)
	return out
}

// put reports whether there was room for a packet that is a unit.
func put(r *Ring, at int64, key bool) bool {
	return putMarked(r, at, Mark{Key: key, Trim: key, Start: true})
}

func putMarked(r *Ring, at int64, m Mark) bool {
	// Now and then a packet outgrows the room it asked for.
	room := 500
	if r.Head()%11 == 0 {
		room = 8
	}
	b := r.Room(room)
	return b != nil && r.Append(fill(b, r.Head()), at, m)
}

// newTestRing is a ring alone in its memory, with segments of some packets each, so
// that they come and go.
func newTestRing(limit int64, age time.Duration, loops int) *Ring {
	m := NewMemory(limit, 0, nil, NewEpochs(loops), &Buffers{Segment: 1000})
	return m.NewRing(age, variantOf, 0)
}

// enter and leave are the passes of a loop.
func (r *Ring) enter(i int) { r.memory.epochs.Enter(i) }
func (r *Ring) leave(i int) { r.memory.epochs.Leave(i) }
func (r *Ring) out() int64  { return r.memory.buffers.Out() }

// audit recounts everything that the rings of a memory hold, and compares it with
// what was taken for it. quiet says that no reader makes forms meanwhile.
func audit(t *testing.T, m *Memory, quiet bool) {
	t.Helper()
	var taken, past, forms int64
	for _, r := range m.rings {
		segments := map[*segment]bool{}
		slot := func(s *Slot, evicted bool) {
			segments[s.segment] = true
			taken += slotCost
			if evicted {
				past += slotCost
			}
			for f := s.forms.Load(); f != nil; f = f.more {
				forms += f.cost()
			}
		}
		for q := r.Tail(); q < r.Head(); q++ {
			slot(r.At(q), false)
		}
		for _, u := range r.limbo {
			for s, last := u.Slot, false; !last; s = s.next.Load() {
				slot(s, true)
				last = s.last
			}
		}
		if r.segment != nil {
			segments[r.segment] = true
		}
		for g := range segments {
			taken += g.cost()
			if g.past {
				past += g.cost()
			}
		}
		for s := r.free; s != nil; s = s.next.Load() {
			taken += slotCost
		}
		taken += r.beside + r.table.Load().cost()
	}
	for f := m.resting.first; f != nil; f = f.behind {
		forms += f.cost()
	}
	if taken != m.taken || past != m.past {
		t.Fatalf("%d bytes are held, %d of them evicted; %d and %d are counted", taken, past, m.taken, m.past)
	}
	if quiet && forms != m.forms.Load() {
		t.Fatalf("%d bytes of other forms are held, %d are counted", forms, m.forms.Load())
	}
	if quiet && (m.Used() != taken+forms || forms > m.formsPart()) {
		t.Fatalf("%d bytes are used, of them %d and %d are held", m.Used(), taken, forms)
	}
	if used := m.Used(); used < taken || used > m.Grant() || m.Grant() > m.limit {
		t.Fatalf("%d bytes are used of a grant of %d, the limit is %d", used, m.Grant(), m.limit)
	}
}

func TestKeepsFromTheNewestKeyStart(t *testing.T) {
	r := newTestRing(1<<20, 5, 1)
	for i := range int64(100) {
		put(r, i, i == 10 || i == 50)
	}
	if r.Tail() != 50 || r.Head() != 100 {
		t.Fatalf("keeps %d..%d, want 50..100", r.Tail(), r.Head())
	}
	if k, ok := r.KeyStart(math.MaxInt64); !ok || k != 50 {
		t.Fatalf("key start %d %v", k, ok)
	}
}

func TestKeepsByDurationBehindTheKeyStart(t *testing.T) {
	r := newTestRing(1<<20, 20, 1)
	for i := range int64(100) {
		put(r, i, i%10 == 0)
	}
	if r.Tail() != 79 {
		t.Fatalf("tail %d, want 79", r.Tail())
	}
	for _, c := range []struct {
		notAfter int64
		want     uint64
	}{{99, 90}, {90, 90}, {89, 80}, {80, 80}, {79, 80}, {0, 80}} {
		if k, ok := r.KeyStart(c.notAfter); !ok || k != c.want {
			t.Errorf("not after %d: key start %d %v, want %d", c.notAfter, k, ok, c.want)
		}
	}
}

func TestMemoryEvictsEvenTheKeyStart(t *testing.T) {
	r := newTestRing(64<<10, time.Hour, 1)
	for i := range int64(2000) {
		put(r, i, i == 0)
		audit(t, r.memory, true)
	}
	if _, ok := r.KeyStart(math.MaxInt64); ok {
		t.Fatal("the key start outlived the memory")
	}
	if n := r.Head() - r.Tail(); n < 80 || r.memory.Used() < 40<<10 {
		t.Fatalf("%d packets are kept in %d bytes of 64 KiB", n, r.memory.Used())
	}
	put(r, 2000, true)
	if k, ok := r.NewestKey(); !ok || k != 2000 {
		t.Fatalf("key start %d %v after a new one came", k, ok)
	}
}

func TestPinnedSlotOutlivesEviction(t *testing.T) {
	r := newTestRing(64<<10, 0, 1)
	put(r, 0, true)
	r.enter(0)
	s := r.At(0)
	s.Pin()
	r.leave(0)
	for i := range int64(1000) {
		put(r, i+1, false)
	}
	if r.At(0) != nil || r.Limbo() != 1 {
		t.Fatalf("packet 0 in ring: %v, %d in limbo; want only the pinned one", r.At(0), r.Limbo())
	}
	if !bytes.Equal(s.Bytes(0, new(Scratch)), want(0, 0)) || !bytes.Equal(s.Bytes(3, new(Scratch)), want(0, 3)) {
		t.Fatal("the pinned packet's bytes changed")
	}
	s.Unpin()
	put(r, 2000, false)
	if r.Limbo() != 0 {
		t.Fatalf("%d in limbo after the pin was dropped", r.Limbo())
	}
}

func TestPassHoldsWhatItFound(t *testing.T) {
	r := newTestRing(1<<20, 0, 2)
	put(r, 0, true)
	r.enter(1)
	s := r.At(0)
	for i := range int64(500) {
		put(r, i+1, false)
	}
	if !bytes.Equal(s.Bytes(0, new(Scratch)), want(0, 0)) {
		t.Fatal("a packet found in a pass was recycled before the pass ended")
	}
	r.leave(1)
	put(r, 600, false)
	if r.Limbo() != 0 {
		t.Fatalf("%d in limbo after the pass", r.Limbo())
	}
}

func TestDrainGivesEveryBufferBack(t *testing.T) {
	r := newTestRing(1<<20, time.Hour, 1)
	for i := range int64(300) {
		put(r, i, i%30 == 0)
	}
	for v := range Variant(Variants) {
		r.At(60).Bytes(v, new(Scratch))
	}
	r.At(61).Pin()
	held := r.At(61)
	r.End()
	if r.Drain() || r.out() != 1 {
		t.Fatalf("%d buffers out with one pin, want 1", r.out())
	}
	held.Unpin()
	if !r.Drain() || r.out() != 0 || r.memory.Used() != 0 {
		t.Fatalf("%d buffers out, %d bytes after the drain", r.out(), r.memory.Used())
	}
}

// Packets lie without gaps: a run goes to the end of their segment.
func TestRunsAreAsLongAsTheirSegment(t *testing.T) {
	r := newTestRing(1<<20, time.Hour, 1)
	packet := bytes.Repeat([]byte{1}, 90) // eleven in a segment
	for i := range int64(100) {
		r.Append(append(r.Room(len(packet)), packet...), i, Mark{Key: i == 0, Start: true})
	}
	r.enter(0)
	var runs []uint64
	for q := uint64(0); q < r.Head(); {
		last := r.Run(r.At(q), r.Head())
		runs = append(runs, last.Seq()-q+1)
		q = last.Seq() + 1
	}
	r.leave(0)
	if want := []uint64{11, 11, 11, 11, 11, 11, 11, 11, 11, 1}; !slices.Equal(runs, want) {
		t.Errorf("runs of %v packets, want %v", runs, want)
	}
	if last := r.Run(r.At(3), 7); last.Seq() != 6 {
		t.Errorf("a run below 7 ends at %d", last.Seq())
	}
}

func TestAppendAndReadDoNotAllocate(t *testing.T) {
	r := NewMemory(1<<20, 0, nil, NewEpochs(1), new(Buffers)).NewRing(0, variantOf, 0)
	pkt := make([]byte, 1400)
	var at int64
	scratch := new(Scratch)
	step := func() {
		r.Append(append(r.Room(len(pkt)), pkt...), at, Mark{Key: at%10 == 0, Start: true})
		at++
		r.enter(0)
		for q := r.Tail(); q < r.Head(); q++ {
			scratch.Reset()
			_ = r.At(q).Bytes(0, scratch)
			_ = r.At(q).Bytes(1, scratch)
		}
		r.leave(0)
	}
	for range 2000 {
		step()
	}
	// The race detector counts its own allocations; there the steps just run.
	if n := testing.AllocsPerRun(500, step); n != 0 && !invariants {
		t.Fatalf("%v allocations for one packet appended and read", n)
	}
}

// However many packets stalled readers pin, an append looks at some of them
// only, and what nobody pins is freed all the same.
func TestAppendLooksAtSomePinnedSlots(t *testing.T) {
	r := newTestRing(32<<20, 5, 1)
	const pinned = 5000
	for i := range int64(pinned) {
		put(r, i, false)
		r.enter(0)
		r.At(uint64(i)).Pin()
		r.leave(0)
	}
	for i := range int64(3 * pinned) {
		before := r.hand
		put(r, pinned+i, false)
		if n := r.hand - before; n > sweepMost {
			t.Fatalf("an append looked at %d slots", n)
		}
		if n := r.Limbo(); n > pinned+pinned/sweepMost*2 {
			t.Fatalf("%d evicted packets are not free after %d more, %d are pinned", n, i, pinned)
		}
	}
}

// Where a larger table finds no memory, packets that went for it may have made a place
// already. A pass that lasts holds what was evicted; with some of the amounts that is
// just so much.
func TestPlaceInAFullTableWhereMemoryIsHeld(t *testing.T) {
	for _, size := range []int{20, 60, 150} {
		for evicted := range int64(400) {
			r := newTestRing(96<<10, 10, 1)
			add := func(at int64) bool {
				b := r.Room(size)
				return b != nil && r.Append(append(b, make([]byte, size)...), at, Mark{Start: true})
			}
			r.enter(0)
			for i := range evicted {
				add(100 * i)
			}
			for r.Head() < 2000 && add(100*evicted) {
			}
			audit(t, r.memory, false)
			r.leave(0)
		}
	}
}
