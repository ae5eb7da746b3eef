package ring

import (
	"bytes"
	"math"
	"math/rand/v2"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
)

// reader is the model's viewer: a cursor that passes over the ring, stops
// inside packets, falls out and goes on at the key start.
type reader struct {
	next    uint64
	pinned  *Slot
	v       Variant
	scratch Scratch
	begins  []atomic.Bool // which packets begin a unit
}

// letGo drops the pin of a packet that was evicted, as a viewer does that keeps
// the rest of it.
func (v *reader) letGo(r *Ring) {
	if v.pinned != nil && v.pinned.Seq() < r.Tail() {
		v.next = v.pinned.Seq() + 1
		v.pinned.Unpin()
		v.pinned = nil
	}
}

func (v *reader) pass(t *testing.T, r *Ring, rnd *rand.Rand) {
	if v.pinned != nil {
		if !bytes.Equal(v.pinned.Bytes(v.v, &v.scratch), want(v.pinned.Seq(), v.v)) {
			t.Errorf("pinned packet %d is not whole", v.pinned.Seq())
		}
		v.walk(t)
		if rnd.IntN(3) > 0 {
			return
		}
		v.next = v.pinned.Seq() + 1
		v.pinned.Unpin()
		v.pinned = nil
	}
	for n := rnd.IntN(40); n > 0 && v.next < r.Head(); n-- {
		s := r.At(v.next)
		if s == nil {
			if v.next >= r.Tail() {
				t.Errorf("packet %d is missing between %d and %d", v.next, r.Tail(), r.Head())
			}
			k, ok := r.KeyStart(math.MaxInt64)
			if !ok {
				return
			}
			if k < v.next {
				t.Errorf("key start %d lies before the cursor %d, which fell out", k, v.next)
			}
			v.next = k
			continue
		}
		if !bytes.Equal(s.Bytes(v.v, &v.scratch), want(v.next, v.v)) {
			t.Errorf("packet %d variant %d is not whole", v.next, v.v)
		}
		if v.v == 0 {
			checkRun(t, r, s, r.Head())
		}
		if rnd.IntN(10) == 0 {
			v.pinned = s
			s.Pin()
			return
		}
		v.next++
	}
}

// walk goes through the rest of the unit that the reader is in, and at times on to its
// next packet: it is all there, and it ends where the next unit begins.
func (v *reader) walk(t *testing.T) {
	for s := v.pinned; ; {
		n := s.Rest()
		switch {
		case n == nil && s.Evicted() && !v.begins[s.Seq()+1].Load():
			t.Errorf("the rest of a unit ends with packet %d, and the next begins none", s.Seq())
			return
		case n == nil:
			return
		case n.Seq() != s.Seq()+1 || v.begins[n.Seq()].Load():
			t.Errorf("behind packet %d its unit goes on with %d", s.Seq(), n.Seq())
			return
		case !bytes.Equal(n.Bytes(v.v, &v.scratch), want(n.Seq(), v.v)):
			t.Errorf("packet %d of a pinned unit is not whole", n.Seq())
			return
		}
		if n.Seq()%3 == 0 {
			n.Pin()
			v.pinned.Unpin()
			v.pinned = n
		}
		s = n
	}
}

// checkRun looks at the packets that lie in one piece with s, all at once.
func checkRun(t *testing.T, r *Ring, s *Slot, head uint64) {
	last := r.Run(s, head)
	if last.Seq() < s.Seq() || last.Seq() >= head {
		t.Errorf("a run from %d below %d ends at %d", s.Seq(), head, last.Seq())
	}
	all, whole := s.Through(last), 0
	for q := s; ; q = q.Next() {
		p := want(q.Seq(), 0)
		if whole += len(p); whole > len(all) || !bytes.Equal(all[whole-len(p):whole], p) {
			t.Errorf("packet %d is not whole in the run %d to %d", q.Seq(), s.Seq(), last.Seq())
			return
		}
		if q == last {
			break
		}
	}
	if whole != len(all) {
		t.Errorf("the run %d to %d has %d bytes, its packets %d", s.Seq(), last.Seq(), len(all), whole)
	}
}

// checkRuns goes from run to run up to the head of the pass's beginning, as a
// reader does that stopped inside a packet: however much of it was evicted since,
// it is all there.
func checkRuns(t *testing.T, r *Ring, s *Slot, head uint64) {
	for s != nil && s.Seq() < head {
		checkRun(t, r, s, head)
		last := r.Run(s, head)
		if s = last.Next(); s == nil && last.Seq() < head-1 {
			t.Errorf("nothing follows packet %d of %d", last.Seq(), head)
		}
	}
}

// TestModel runs one writer against readers on several loops with random operations;
// every byte read must follow from its packet's number. Under the race detector
// recycled buffers are also overwritten. After every step the memory is recounted.
// Readers let go of what was evicted when they are asked to, and not when they are
// not: so there are times without room for a packet. Some packets are units, and some
// belong together.
func TestModel(t *testing.T) {
	const loops, packets = 3, 8000
	r := newTestRing(96<<10, 60, loops)
	var stop, letGo atomic.Bool
	begins := make([]atomic.Bool, packets+1)
	var wg sync.WaitGroup
	for l := range loops {
		wg.Go(func() {
			rnd := rand.New(rand.NewPCG(uint64(l), 7))
			readers := make([]reader, 12)
			for i := range readers {
				readers[i].v, readers[i].begins = Variant(rnd.IntN(Variants)), begins
			}
			for !stop.Load() && !t.Failed() {
				r.enter(l)
				head := r.Head()
				first := r.At(head - min(head, 1+rnd.Uint64N(30)))
				for i := range readers {
					readers[i].scratch.Reset()
					readers[i].pass(t, r, rnd)
				}
				checkRuns(t, r, first, head)
				r.leave(l)
				if letGo.Load() {
					for i := range readers {
						readers[i].letGo(r)
					}
				}
			}
			for i := range readers {
				if readers[i].pinned != nil {
					readers[i].pinned.Unpin()
				}
			}
		})
	}
	rnd := rand.New(rand.NewPCG(1, 1))
	model := []uint64{} // numbers of key starts, the plain slice the ring is held against
	for i := int64(0); r.Head() < packets; i++ {
		letGo.Store(r.memory.Pressed() && i%8 != 0)
		key, seq := rnd.IntN(50) == 0, r.Head()
		start := key || r.unit.first == nil || rnd.IntN(4) == 0
		begins[seq].Store(start)
		switch placed := putMarked(r, i, Mark{Key: key, Trim: key, Start: start}); {
		case placed && key:
			model = append(model, seq)
		case !placed && r.memory.past == 0:
			t.Fatal("there was no room although nothing evicted is held")
		case !placed:
			runtime.Gosched() // to the readers, who hold it
		}
		audit(t, r.memory, false)
		if k, ok := r.NewestKey(); ok && k != model[len(model)-1] {
			t.Fatalf("newest key start %d, the model has %d", k, model[len(model)-1])
		}
	}
	stop.Store(true)
	wg.Wait()
	audit(t, r.memory, true)
	r.End()
	if !r.Drain() || r.out() != 0 || r.memory.Used() != 0 {
		t.Fatalf("%d in limbo, %d buffers out and %d bytes used at the end", r.Limbo(), r.out(), r.memory.Used())
	}
}
