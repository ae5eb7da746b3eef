// Package ring is the backlog of one programme: one writer appends packets; readers
// on every event loop send straight from them.
//
// # What protects a slot
//
// Packets lie one behind the other in segments, of [SegmentSize] unless a packet is
// larger. A segment is recycled when all its packets are free, and a packet is free
// only when no reader can still send from it. Three facts together ensure that, and
// none of them is a reference count per reader:
//
//   - Reading happens in passes. A loop announces a pass by [Epochs.Enter],
//     which stores the present epoch in the loop's own cell, and ends it by
//     [Epochs.Leave], which clears the cell. Slots that a pass finds in the
//     ring stay whole until the pass ends.
//   - Eviction takes a slot out of the table first, then stamps it with the
//     epoch and moves the epoch on. A pass that could have found the slot
//     therefore announced an epoch not newer than the stamp; the slot rests in
//     limbo until every announced epoch is newer.
//   - A reader that must stop inside a packet pins it ([Slot.Pin]) before its pass
//     ends, and a unit with a pinned slot rests in limbo however old it is. So a stopped
//     reader holds one unit, and the segments it lies in, never a stretch of the backlog.
//
// A unit is packets that readers take all or nothing of, as those of one picture: it goes
// from a packet with [Mark.Start] up to the next. Where each packet has that mark, each
// is a unit. Units are evicted and freed whole, and the newest, which is not complete
// yet, stays. A unit has a bound; what comes beyond it begins another.
//
// All of it is sequentially consistent atomics; the model test checks it
// against a plain slice, with recycled buffers overwritten.
//
// # What a reader sees
//
// Sequence numbers start at 0 and grow by one for each packet. A reader keeps the
// number of the packet it wants next. [Ring.At] gives nil for a number that was
// evicted, which is how a reader learns that it fell out; it then sends the rest of the
// unit that it is in, which it has pinned ([Slot.Rest]), and goes on at [Ring.NewestKey].
//
// # What is kept
//
// The newest packet at which a viewer can start, everything after it, and everything
// younger than a given age, all within the memory. When that is used up, even the key
// start goes, and KeyStart finds none until the next one comes.
//
// # What it may cost
//
// The rings of a stream, of its present programme and of those that have ended, have
// one [Memory]. It counts everything: whole segments, slots, tables, other forms of
// packets, what rings take besides; evicted or not, until it is free. Whatever is
// made is taken from it first, so that the use is never more than the grant, and all
// grants together are never more than the [Pool]. The parts of a grant:
//
//	                                                    full: what happens
//	history  3/4  segments, slots, tables that          the oldest units go,
//	              readers find                          of ended programmes first
//	forms    1/8  other forms of the newest packets     made for each reader, in
//	         most                                       its loop's [Scratch]
//	evicted  the  what readers still use of those       readers are asked to let go;
//	         rest that went                             then up to two thirds of the
//	                                                    history go, and then there is
//	                                                    no room for another packet
//
// So what readers do costs the history nothing: neither the forms that they want nor
// the packets that they stop inside, if they let go when asked ([Memory.Pressed]).
package ring

import (
	"math"
	"slices"
	"sync/atomic"
	"time"
)

// Maker makes a variant of a packet from its primary bytes: out is part of primary
// (alias) or was appended to dst. Any reader may call it, and it makes the same of a
// packet each time.
type Maker func(dst, primary []byte, v Variant) (out []byte, alias bool)

// initialSlots is the first size of the table; it doubles when it is full.
const initialSlots = 16

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

func (t *table) cost() int64 { return int64(len(t.slots)) * 8 }

// Ring is the backlog of one programme.
type Ring struct {
	// Set once.
	age    int64 // up to which packets before the newest key start are kept, in nanoseconds
	make   Maker
	memory *Memory

	// Read by anyone.
	head  atomic.Uint64 // the number the next packet will get
	tail  atomic.Uint64 // the oldest packet kept
	key   atomic.Uint64 // 1 + the number of the newest key start; 0: none
	forms atomic.Uint64 // other forms of packets before this one are not kept
	table atomic.Pointer[table]
	over  atomic.Bool
	units atomic.Bool // some have more than one packet

	// Owned by the writer.
	beside      int64    // bytes that the memory counts for the ring itself and what goes with it
	kept        int64    // of them, by Keep
	segment     *segment // that packets go to
	nextSegment int      // how large the next one is
	idle        *segment // without a buffer
	newest      *Slot    // the last one appended, until it is released
	unit        unit     // that it belongs to
	limbo       []resting
	hand        int   // where the next sweep of limbo begins
	free        *Slot // a list, by next
	spare       int   // how long it is
	drained     bool
}

// resting is an evicted unit that is not yet free: its first slot, with the epoch of its
// eviction.
type resting struct {
	*Slot
	retired uint64
}

// ringCost is what a ring takes before its first packet, without its table, in bytes.
const ringCost = 384

// NewRing makes an empty ring that keeps packets of the given age. Readers must
// announce their passes in the memory's epochs. beside is the bytes that go with the
// ring and are counted with it. NewRing is nil when there is no memory for it. Writer
// only.
func (m *Memory) NewRing(age time.Duration, mk Maker, beside int64) *Ring {
	r := &Ring{age: int64(age), make: mk, memory: m, beside: beside + ringCost, nextSegment: firstSegment}
	t := newTable(initialSlots)
	if !m.take(r.beside + t.cost()) {
		return nil
	}
	r.table.Store(t)
	m.rings = append(m.rings, r)
	return r
}

// Keep counts n bytes as what goes with the ring from now on, beside what NewRing was told,
// instead of those of the last call. It is false if there is no memory for that: then it is as
// it was. Writer only.
func (r *Ring) Keep(n int64) bool {
	more := n - r.kept
	switch {
	case more > 0 && !r.memory.take(more):
		return false
	case more < 0:
		r.memory.give(-more)
	}
	r.beside += more
	r.kept = n
	return true
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

// KeyStart is the newest packet at which a viewer may start and which came no later
// than the given time; if none is old enough, the oldest one kept. ok is false if the
// ring holds no key start at all. Only inside a pass.
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

// Append adds a packet that was made in [Ring.Room]; one made elsewhere is copied. at
// is the time of arrival in nanoseconds of the engine's clock. Append is false if the
// packet outgrew its room and there is no memory for it. Writer only.
func (r *Ring) Append(packet []byte, at int64, m Mark) bool {
	if !r.reserve(len(packet)) {
		r.cut()
		return false
	}
	seq, s := r.head.Load(), r.slot()
	s.seq, s.at = seq, at
	s.key, s.trim, s.prevKey = m.Key, m.Trim, r.key.Load()
	s.start, s.last = r.begins(len(packet), m.Start || m.Key), false
	if s.start {
		r.unit.first = s
	}
	r.place(s, packet)
	r.table.Load().at(seq).Store(s)
	if r.newest != nil {
		r.newest.next.Store(s)
	}
	r.newest = s
	if m.Key {
		r.key.Store(seq + 1)
	}
	r.head.Store(seq + 1)
	r.trimTo(at)
	return true
}

// End seals the ring: no packet follows. Its other forms make way for those of the
// next programme. Writer only.
func (r *Ring) End() {
	r.over.Store(true)
	r.seal()
	r.forms.Store(r.head.Load())
	if r.memory.forms.Load() > 0 {
		for q, head := r.tail.Load(), r.head.Load(); q < head; q++ {
			r.strip(r.At(q))
		}
	}
}

// grow makes a place in the table for the next packet: a full table is replaced by
// one of twice the size, or its oldest unit goes, if it would have to go for the
// larger table anyway. False if neither can be.
func (r *Ring) grow() bool {
	old, m := r.table.Load(), r.memory
	tail, head := r.tail.Load(), r.head.Load()
	if head-tail < uint64(len(old.slots)) {
		return true
	}
	cost := 2 * old.cost()
	oldest := r.At(tail)
	may := oldest != r.unit.first
	if may && m.rings[0] == r && m.kept()+cost > m.history() && !m.grow() || !m.take(cost) {
		if r.tail.Load() != tail {
			return true // what went for the memory has made a place
		}
		if may {
			r.evict(oldest)
		}
		return may
	}
	n := newTable(2 * len(old.slots))
	for q := r.tail.Load(); q < head; q++ {
		n.at(q).Store(old.at(q).Load())
	}
	r.table.Store(n)
	m.give(old.cost())
	return true
}

// trimTo evicts what is too old at the given time, and frees what can be freed.
func (r *Ring) trimTo(now int64) {
	oldest := now - r.age
	for {
		s := r.At(r.tail.Load())
		if s == r.unit.first || s.at >= oldest || s.seq >= r.key.Load()-1 {
			break
		}
		r.evict(s)
	}
	r.ageForms()
	r.sweep(sweepMost)
}

// sweepMost bounds how many slots an append looks at in vain, but for the last unit:
// what thousands of stalled readers pin must not cost each packet a walk. sweepHard is
// the bound when there is otherwise no room for a packet.
const (
	sweepMost = 64
	sweepHard = 512
)

// sweep goes on through limbo from where it stopped and frees the units that nobody
// can reach any more, until it has looked at most slots in vain.
func (r *Ring) sweep(most int) {
	m := r.memory
	m.advance()
	if len(r.limbo) == 0 && m.resting.first == nil {
		return
	}
	oldest := m.epochs.oldest()
	for kept, looked := 0, 0; kept < len(r.limbo) && looked < most; {
		last := len(r.limbo) - 1
		if r.hand > last {
			r.hand = 0
		}
		s := r.limbo[r.hand]
		held, looks := s.retired >= oldest || s.pins.Load() != 0, 1
		if !held && !s.last {
			held, looks = s.pinned()
		}
		if held {
			r.hand++
			kept++
			looked += looks
			continue
		}
		r.releaseUnit(s.Slot)
		r.limbo[r.hand] = r.limbo[last]
		r.limbo[last] = resting{}
		r.limbo = r.limbo[:last]
	}
	m.freeForms(oldest)
}

// Drain evicts everything and reports whether all of it could be given back; call it
// again until it has been. Writer only, after End and after the last reader has left.
func (r *Ring) Drain() bool {
	if r.drained {
		return true
	}
	for tail := r.tail.Load(); tail < r.head.Load(); tail = r.tail.Load() {
		r.evict(r.At(tail))
	}
	r.sweep(math.MaxInt)
	m := r.memory
	if len(r.limbo) > 0 || len(m.rings) == 1 && m.resting.first != nil {
		return false
	}
	r.drained = true
	m.give(r.beside + r.table.Load().cost() + int64(r.spare)*slotCost)
	r.free, r.spare, r.limbo = nil, 0, nil
	m.rings = slices.DeleteFunc(m.rings, func(o *Ring) bool { return o == r })
	m.shrink()
	return true
}

// Limbo is the number of evicted units that are not yet free. Writer only.
func (r *Ring) Limbo() int { return len(r.limbo) }

// slot takes the reserved slot.
func (r *Ring) slot() *Slot {
	s := r.free
	r.free = s.next.Load()
	r.spare--
	s.next.Store(nil)
	return s
}

// spareSlots is how many free slots a ring keeps, or an eighth of those in use.
const spareSlots = 64

// release frees a slot, and its segment if it was the last one there.
func (r *Ring) release(s *Slot) {
	r.strip(s)
	m := r.memory
	m.past -= slotCost
	s.segment.live--
	r.settle(s.segment)
	if r.newest == s {
		r.newest, r.unit = nil, unit{}
	}
	s.segment = nil
	if r.spare >= max(spareSlots, int(r.head.Load()-r.tail.Load())/8) {
		m.give(slotCost)
		return
	}
	s.next.Store(r.free)
	r.free = s
	r.spare++
}
