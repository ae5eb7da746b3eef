package ring

import (
	"bytes"
	"testing"
	"time"
)

// What stalled readers hold costs the history nothing, whatever form they are in.
func TestPinsDoNotShrinkTheHistory(t *testing.T) {
	for _, pins := range []bool{false, true} {
		r := newTestRing(1<<20, time.Hour, 1)
		var pinned []*Slot
		for i := range int64(6000) {
			put(r, i, i%10 == 0)
			if i%50 == 0 {
				audit(t, r.memory, true)
			}
			if pins && i%20 == 0 {
				r.enter(0)
				s := r.At(uint64(i))
				s.Bytes(1, new(Scratch))
				s.Pin()
				pinned = append(pinned, s)
				r.leave(0)
			}
			if len(pinned) > 150 {
				pinned[0].Unpin()
				pinned = pinned[1:]
			}
		}
		if n := r.Head() - r.Tail(); n < 1400 {
			t.Errorf("pins %v: %d packets are kept", pins, n)
		}
		for _, s := range pinned {
			s.Bytes(3, new(Scratch)) // a reader may make one of a packet that has left
			s.Unpin()
		}
		r.End()
		if !r.Drain() || r.memory.Used() != 0 || r.out() != 0 {
			t.Errorf("%d bytes and %d buffers are left", r.memory.Used(), r.out())
		}
	}
}

// inflate is a Maker of large forms, as of packets whose padding was cut off.
func inflate(dst, primary []byte, v Variant) ([]byte, bool) {
	return append(append(dst, primary...), make([]byte, 20000)...), false
}

// A reader of large forms takes their part of the memory and no more: the history is
// as long as without it, the newest packets' forms are kept, and all forms are right.
func TestFormsHaveAPartOfTheirOwn(t *testing.T) {
	var kept [2]uint64
	for i, reads := range []bool{false, true} {
		m := NewMemory(1<<20, 0, nil, NewEpochs(1), new(Buffers))
		r := m.NewRing(time.Hour, inflate, 0)
		scratch := new(Scratch)
		for at := range int64(4000) {
			put(r, at, at == 0)
			if !reads {
				continue
			}
			r.enter(0)
			scratch.Reset()
			newest, oldest := r.At(r.Head()-1), r.At(r.Tail())
			for _, s := range []*Slot{newest, oldest} {
				want, _ := inflate(nil, fill(nil, s.Seq()), 1)
				if got := s.Bytes(1, scratch); !bytes.Equal(got, want) {
					t.Fatalf("packet %d has %d bytes in its other form, want %d", s.Seq(), len(got), len(want))
				}
			}
			if newest.forms.Load() == nil && at > 0 && m.resting.first == nil {
				t.Fatalf("the form of the newest packet, %d, is not kept, %d bytes are", at, m.forms.Load())
			}
			if at%50 == 0 {
				audit(t, m, true)
			}
			r.leave(0)
		}
		kept[i] = r.Head() - r.Tail()
		r.End()
		if !r.Drain() || m.Used() != 0 || r.out() != 0 {
			t.Errorf("%d bytes and %d buffers are left", m.Used(), r.out())
		}
	}
	if kept[0] != kept[1] {
		t.Errorf("%d packets are kept, and %d beside a reader of their other form", kept[0], kept[1])
	}
}

// Slots, tables and the reserve count: the smallest packets make a backlog no larger.
func TestSmallestPacketsAreCounted(t *testing.T) {
	const limit = 4 << 20
	m := NewMemory(limit, 0, nil, NewEpochs(1), new(Buffers))
	r := m.NewRing(time.Hour, variantOf, 0)
	packet := bytes.Repeat([]byte{1}, 24)
	for i := range int64(200000) {
		r.Append(append(r.Room(len(packet)), packet...), i, Mark{Key: i == 0, Start: true})
		if m.Used() > limit {
			t.Fatalf("%d bytes are used after %d packets", m.Used(), i)
		}
	}
	audit(t, m, true)
	if n := r.Head() - r.Tail(); n < limit/4*3/(24+slotCost+24) {
		t.Errorf("%d packets are kept in %d bytes", n, m.Used())
	}
}

// What passes and pins hold can use up what is for it: then there is no room for a
// packet, and there is again when they let go.
func TestNoRoomWhileReadersHoldEverything(t *testing.T) {
	r := newTestRing(256<<10, time.Hour, 1)
	for i := range int64(2000) {
		put(r, i, i%10 == 0)
	}
	r.enter(0)
	head, refused := r.Head(), 0
	for i := range int64(2000) {
		if !put(r, 2000+i, i%10 == 0) {
			refused++
		}
		audit(t, r.memory, true)
	}
	if refused == 0 || r.Head() < head+50 || !r.memory.Pressed() {
		t.Errorf("%d packets were refused and %d taken in during a pass without end", refused, r.Head()-head)
	}
	if r.Tail() == r.Head() {
		t.Error("the history is gone")
	}
	r.leave(0)
	if !put(r, 5000, true) {
		t.Error("no room after the pass")
	}
	audit(t, r.memory, true)
}

// A programme that gets one tiny packet costs little.
func TestNewRingIsSmall(t *testing.T) {
	r := newTestRing(32<<20, time.Hour, 1)
	put(r, 0, true)
	if n := r.memory.Used(); n > 3<<10 {
		t.Errorf("a ring with a packet takes %d bytes", n)
	}
	audit(t, r.memory, true)
}

// Rings that have ended count, and their packets are the first to go.
func TestEndedRingsGoFirst(t *testing.T) {
	m := NewMemory(1<<20, 0, nil, NewEpochs(1), new(Buffers))
	old := m.NewRing(time.Hour, variantOf, 5000)
	for i := range int64(10000) {
		put(old, i, true)
	}
	old.End()
	r := m.NewRing(time.Hour, variantOf, 5000)
	for i := range int64(500) {
		put(r, i, true)
		audit(t, m, true)
	}
	if r.Tail() != 0 || old.Tail() == old.Head() {
		t.Errorf("the new ring begins at %d, the old one has %d packets", r.Tail(), old.Head()-old.Tail())
	}
	for i := range int64(10000) {
		put(r, i, true)
		if i%50 == 0 {
			audit(t, m, true)
		}
	}
	if old.Tail() != old.Head() || r.Head()-r.Tail() < 1000 {
		t.Errorf("the old ring has %d packets, the new one %d", old.Head()-old.Tail(), r.Head()-r.Tail())
	}
	r.End()
	if !old.Drain() || !r.Drain() || m.Used() != 0 || m.buffers.Out() != 0 {
		t.Errorf("%d bytes and %d buffers are left", m.Used(), m.buffers.Out())
	}
}

// The grants of all streams together are no more than the pool, each stream has its
// floor whatever others have, and one that ends gives back what it took.
func TestStreamsShareThePool(t *testing.T) {
	const size, floor, limit = 8 << 20, 1 << 20, 6 << 20
	p, e, b := NewPool(size), NewEpochs(1), new(Buffers)
	var all []*Memory
	var rings []*Ring
	for range 4 {
		all = append(all, NewMemory(limit, floor, p, e, b))
	}
	for _, m := range all {
		r := m.NewRing(time.Hour, variantOf, 0)
		rings = append(rings, r)
		for i := range int64(20000) {
			put(r, i, true)
			if i%100 == 0 {
				audit(t, m, true)
			}
		}
	}
	for i, want := range []int64{5 << 20, floor, floor, floor} {
		if all[i].Grant() != want || all[i].Used() < want/2 {
			t.Errorf("stream %d has %d bytes and uses %d, want %d", i, all[i].Grant(), all[i].Used(), want)
		}
	}
	rings[0].End()
	if !rings[0].Drain() || all[0].Grant() != floor || p.Left() != size-4*floor {
		t.Errorf("a stream that ended has %d bytes, %d are left", all[0].Grant(), p.Left())
	}
	if r := all[1].NewRing(time.Hour, variantOf, limit); r != nil {
		t.Error("a ring found room for what is more than the limit")
	}
}
