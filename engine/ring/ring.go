// Package ring is the backlog of one programme: one writer appends packets,
// readers on every event loop send straight from them.
//
// # What protects a slot
//
// Packets lie one behind the other in segments of [SegmentSize]. A segment is
// recycled when all its packets are free, and a packet only when no reader can
// still send from it.
// Three facts together say so, and none of them is a reference count per
// reader:
//
//   - Reading happens in passes. A loop announces a pass by [Epochs.Enter],
//     which stores the present epoch in the loop's own cell, and ends it by
//     [Epochs.Leave], which clears the cell. Slots that a pass finds in the
//     ring stay whole until the pass ends.
//   - Eviction takes a slot out of the table first, then stamps it with the
//     epoch and moves the epoch on. A pass that could have found the slot
//     therefore announced an epoch not newer than the stamp; the slot rests in
//     limbo until every announced epoch is newer.
//   - A reader that must stop inside a packet pins it ([Slot.Pin]) before its
//     pass ends, and a pinned slot rests in limbo however old it is. So a
//     stopped reader holds one packet, and with it one segment, never a stretch
//     of the backlog.
//
// All of it is sequentially consistent atomics; the model test checks it
// against a plain slice, with recycled buffers overwritten.
//
// # What a reader sees
//
// Sequence numbers start at 0 and grow by one for each packet. A reader keeps
// the number of the packet it wants next. [Ring.At] gives nil for a number
// that was evicted, which is how a reader learns that it fell out; it then
// goes on at [Ring.KeyStart].
//
// # What is kept
//
// The newest packet at which a viewer can start, everything after it, and what
// is younger than Limits.Duration, all within Limits.Bytes. Past the byte cap
// even the key start goes, and KeyStart finds none until the next comes.
package ring

import (
	"sync/atomic"
	"time"
)

// Limits bound what a ring keeps.
type Limits struct {
	Bytes    int64         // hard cap on what is kept, variants included
	Duration time.Duration // age up to which packets before the newest key start are kept
}

// Maker makes a variant of a packet from its primary bytes: out is part of
// primary (alias) or was appended to dst. It may be called by any reader.
type Maker func(dst, primary []byte, v Variant) (out []byte, alias bool)

// initialSlots is the first size of the table; it doubles when it is full.
// 256 packets are about three seconds of a 1 Mbit/s stream.
const initialSlots = 256

// table maps sequence numbers to slots. A full table is replaced by one of
// twice the size; readers that loaded the old one may finish their pass on it.
type table struct {
	mask  uint64
	slots []atomic.Pointer[Slot]
}

func newTable(n int) *table {
	return &table{mask: uint64(n - 1), slots: make([]atomic.Pointer[Slot], n)}
}

func (t *table) at(seq uint64) *atomic.Pointer[Slot] { return &t.slots[seq&t.mask] }

// Ring is the backlog of one programme.
type Ring struct {
	// Set once.
	limits  Limits
	make    Maker
	epochs  *Epochs
	buffers *Buffers

	// Read by anyone.
	head  atomic.Uint64 // the number the next packet will get
	tail  atomic.Uint64 // the oldest packet kept
	key   atomic.Uint64 // 1 + the number of the newest key start; 0: none
	extra atomic.Int64  // bytes of the variants of kept packets, added by readers
	table atomic.Pointer[table]
	over  atomic.Bool

	// Owned by the writer.
	bytes   int64    // primary bytes between tail and head
	segment *segment // that packets go to
	newest  *Slot    // the last one appended, until it is released
	limbo   []*Slot
	hand    int // where the next sweep of limbo begins
	free    []*Slot
	spare   []*segment
}

// New makes an empty ring. Readers must announce their passes in epochs;
// packet buffers come from and go back to buffers.
func New(l Limits, m Maker, e *Epochs, b *Buffers) *Ring {
	r := &Ring{limits: l, make: m, epochs: e, buffers: b}
	r.table.Store(newTable(initialSlots))
	return r
}

// Head is the number that the next packet will get. Any goroutine may call it.
func (r *Ring) Head() uint64 { return r.head.Load() }

// Tail is the number of the oldest packet kept; equal to Head when there is none.
func (r *Ring) Tail() uint64 { return r.tail.Load() }

// Over reports whether the writer has ended the programme: Head is final.
func (r *Ring) Over() bool { return r.over.Load() }

// At is the packet with the given number, or nil if it was evicted or has not
// come yet. Only inside a pass; the slot is good until the pass ends, or longer
// if it is pinned.
func (r *Ring) At(seq uint64) *Slot {
	s := r.table.Load().at(seq).Load()
	if s == nil || s.seq != seq {
		return nil
	}
	return s
}

// KeyStart is the newest packet at which a viewer may start and that came no
// later than the given time; ok is false if the ring holds no key start at
// all. If none is old enough, it is the oldest one that is kept. Only inside a pass.
func (r *Ring) KeyStart(notAfter int64) (seq uint64, ok bool) {
	k := r.key.Load()
	for k != 0 {
		s := r.At(k - 1)
		if s == nil {
			return seq, ok
		}
		seq, ok = s.seq, true
		if s.at <= notAfter {
			return seq, ok
		}
		k = s.prevKey
	}
	return seq, ok
}

// NewestKey is the newest key start. Only inside a pass.
func (r *Ring) NewestKey() (seq uint64, ok bool) {
	k := r.key.Load()
	return k - 1, k != 0
}

// Append adds a packet that was made in [Ring.Room]; one made elsewhere is
// copied. at is the time of arrival in nanoseconds of the engine's clock. Writer
// only.
func (r *Ring) Append(packet []byte, at int64, key, trim bool) {
	seq := r.head.Load()
	s := r.slot()
	s.ring, s.seq, s.at = r, seq, at
	s.key, s.trim, s.prevKey = key, trim, r.key.Load()
	s.next.Store(nil)
	r.place(s, packet)
	r.grow(seq)
	r.table.Load().at(seq).Store(s)
	if r.newest != nil {
		r.newest.next.Store(s)
	}
	r.newest = s
	r.bytes += int64(len(s.primary))
	if key {
		r.key.Store(seq + 1)
	}
	r.head.Store(seq + 1)
	r.trimTo(at)
}

// End seals the ring: no packet follows. Writer only.
func (r *Ring) End() { r.over.Store(true) }

// Bytes is what the kept packets take, with their variants. Evicted ones that a
// stopped reader pins are not counted: it must not take the backlog from the
// others. Writer only.
func (r *Ring) Bytes() int64 { return r.bytes + r.extra.Load() }

// grow makes room for seq by doubling a full table.
func (r *Ring) grow(seq uint64) {
	t, tail := r.table.Load(), r.tail.Load()
	if seq-tail < uint64(len(t.slots)) {
		return
	}
	n := newTable(2 * len(t.slots))
	for q := tail; q < seq; q++ {
		n.at(q).Store(t.at(q).Load())
	}
	r.table.Store(n)
}

// trimTo evicts what the limits no longer allow at the given time.
func (r *Ring) trimTo(now int64) {
	oldest := now - int64(r.limits.Duration)
	head, evicted := r.head.Load(), false
	for tail := r.tail.Load(); tail < head-1; tail++ {
		s := r.At(tail)
		over := r.Bytes() > r.limits.Bytes
		if !over && (s.at >= oldest || tail >= r.key.Load()-1) {
			break
		}
		r.evict(s)
		evicted = true
	}
	r.sweep(evicted, sweepMost)
}

// evict takes the oldest slot out of the table; it rests in limbo from then on.
func (r *Ring) evict(s *Slot) {
	r.tail.Store(s.seq + 1) // first, so that whoever misses the slot also sees why
	if r.key.Load() == s.seq+1 {
		r.key.Store(0)
	}
	r.table.Load().at(s.seq).Store(nil)
	r.bytes -= int64(len(s.primary))
	r.extra.Add(-s.counted.Swap(0))
	s.retired = r.epochs.now()
	r.limbo = append(r.limbo, s)
}

// sweepMost bounds how many slots an append looks at in vain: those that
// thousands of stalled readers pin must not cost each packet a walk.
const sweepMost = 64

// sweep goes on through limbo where it stopped and frees the slots that nobody
// can reach any more, until it has met as many others as most says.
func (r *Ring) sweep(evicted bool, most int) {
	if evicted {
		r.epochs.advance()
	}
	oldest := r.epochs.oldest()
	for kept := 0; kept < min(most, len(r.limbo)); {
		last := len(r.limbo) - 1
		if r.hand > last {
			r.hand = 0
		}
		s := r.limbo[r.hand]
		if s.retired >= oldest || s.pins.Load() != 0 {
			r.hand++
			kept++
			continue
		}
		r.release(s)
		r.limbo[r.hand] = r.limbo[last]
		r.limbo[last] = nil
		r.limbo = r.limbo[:last]
	}
}

// Drain evicts everything and reports whether all of it could be freed; call it
// again until it is. Writer only, after End and after the last reader left.
func (r *Ring) Drain() bool {
	evicted := false
	for head, tail := r.head.Load(), r.tail.Load(); tail < head; tail++ {
		r.evict(r.At(tail))
		evicted = true
	}
	r.sweep(evicted, len(r.limbo))
	if g := r.segment; g != nil {
		r.segment = nil // nothing follows; its last packet takes it along
		if g.live == 0 {
			r.retire(g)
		}
	}
	return len(r.limbo) == 0
}

// Limbo is the number of evicted packets that are not yet free. Writer only.
func (r *Ring) Limbo() int { return len(r.limbo) }

// slot takes a slot from the free list, or a new one.
func (r *Ring) slot() *Slot {
	if n := len(r.free); n > 0 {
		s := r.free[n-1]
		r.free[n-1] = nil
		r.free = r.free[:n-1]
		return s
	}
	return new(Slot)
}

// release gives the slot's buffers back.
func (r *Ring) release(s *Slot) {
	r.leave(s.segment)
	r.extra.Add(-s.counted.Swap(0))
	for i := range s.variants {
		if v := s.variants[i].Swap(nil); v != nil && v.buf != nil {
			r.buffers.Put(v.buf)
		}
	}
	if r.newest == s {
		r.newest = nil
	}
	s.segment, s.primary = nil, nil
	r.free = append(r.free, s)
}
