package ring

import (
	"sync/atomic"

	"github.com/valyala/bytebufferpool"
)

// SegmentSize is the bytes of memory that packets share: they lie one behind the
// other in it, so that a reader sends many with one address and one length. At nine
// packets a call that saves the kernel a tenth of its work, and us the walk. It is
// more than a call for a viewer that keeps up usually sends, and what a viewer that
// stops inside a packet keeps from being used again.
const SegmentSize = 64 << 10

// firstSegment is the size of a ring's first segment; each further one is twice as
// large as the one before, up to the usual size. So a programme of a few packets
// takes little more than they need.
const firstSegment = 2 << 10

// segmentsAtLeast bounds the size of segments when memory is short. The history goes
// by whole segments, and one of them with the slots of its packets, however small
// these are, must fit into the part for what is evicted: the writer is often in a
// pass itself, and nothing that it evicts is free before the pass ends.
const segmentsAtLeast = 32

// segment is a buffer that holds packets without gaps. A larger packet has its own.
type segment struct {
	ring *Ring
	buf  *bytebufferpool.ByteBuffer
	// all is the whole buffer. It does not change, so that readers may look at
	// what is written of it.
	all []byte
	// end is the last packet, once the next segment is begun.
	end atomic.Pointer[Slot]

	// Owned by the writer.
	used int // bytes
	kept int // packets that are in the ring
	live int // packets that are not released
	past bool
}

// segmentCost is what a segment takes besides its bytes, in bytes.
const segmentCost = 144

func (g *segment) cost() int64 { return int64(len(g.all)) + segmentCost }

// Room is where the next packet goes: an empty slice, with room for at least size
// bytes, to append to. The result is given to [Ring.Append] before the next call, or
// never, if there is no packet after all. Room is nil when the memory has no room for
// another packet; the newest unit ends then. Writer only.
func (r *Ring) Room(size int) []byte {
	if !r.reserve(size) {
		r.cut()
		return nil
	}
	g := r.segment
	return g.all[g.used:g.used]
}

// reserve takes whatever a packet of the given size needs and does not have yet: room
// in a segment, a slot, a place in the table.
func (r *Ring) reserve(size int) bool {
	if g := r.segment; g == nil || len(g.all)-g.used < size {
		if !r.begin(size) {
			return false
		}
	}
	return (r.free != nil || r.another()) && r.grow()
}

// another makes a free slot.
func (r *Ring) another() bool {
	if !r.memory.take(slotCost) {
		return false
	}
	s := new(Slot)
	s.next.Store(r.free) // taking memory may have freed others
	r.free = s
	r.spare++
	return true
}

// begin makes a segment for a packet of the given size and those that follow.
func (r *Ring) begin(size int) bool {
	m := r.memory
	usual := min(m.buffers.segmentSize(), int(m.grant.Load()/segmentsAtLeast))
	if size < usual {
		size = max(size, min(r.nextSegment, usual))
		r.nextSegment = 2 * size
	}
	if !m.take(int64(size) + segmentCost) {
		return false
	}
	r.seal()
	g := r.idle
	if r.idle = nil; g == nil {
		g = new(segment)
	}
	buf := m.buffers.segment(size)
	g.ring, g.buf, g.all, g.used, g.past = r, buf, buf.B, 0, false
	g.end.Store(nil)
	r.segment = g
	return true
}

// seal closes the segment that packets go to.
func (r *Ring) seal() {
	g := r.segment
	if g == nil {
		return
	}
	g.end.Store(r.newest)
	r.segment = nil
	r.settle(g)
}

// settle notes that a segment holds no packet of the ring any more, or none at all.
// The one that packets go to stays as it is.
func (r *Ring) settle(g *segment) {
	m := r.memory
	switch {
	case g == r.segment || g.kept > 0:
	case g.live > 0 && !g.past:
		g.past = true
		m.past += g.cost()
	case g.live == 0: // no reader knows it any more
		if g.past {
			m.past -= g.cost()
		}
		m.give(g.cost())
		m.buffers.putSegment(g.buf)
		g.buf, g.all = nil, nil
		r.idle = g
	}
}

// place puts a packet behind the others. One that outgrew its room, so that append
// moved it, is copied.
func (r *Ring) place(s *Slot, packet []byte) {
	g := r.segment
	if len(packet) > 0 && &g.all[g.used] != &packet[0] {
		copy(g.all[g.used:], packet)
	}
	s.segment, s.from, s.size = g, uint32(g.used), uint32(len(packet))
	g.used += len(packet)
	g.kept++
	g.live++
}

// Run is the last packet before head that lies in one piece of memory with s.
// Only inside a pass.
func (r *Ring) Run(s *Slot, head uint64) *Slot {
	if t := r.At(head - 1); t != nil && t.segment == s.segment {
		return t
	}
	if t := s.segment.end.Load(); t != nil && t.seq < head {
		return t
	}
	return s // the table is a moment ahead of the segment; the rest goes next time
}

// Through is the primary bytes of s and of all packets up to t, which lies in
// one piece of memory with it.
func (s *Slot) Through(t *Slot) []byte {
	return s.segment.all[s.from : t.from+t.size]
}

// Piece is where bytes lie that are part of a packet's primary form. No piece follows
// the zero value, or is followed by it.
type Piece struct {
	segment  *segment
	from, to int
}

// Piece is where b lies, which is the packet in some variant; the zero value if it is
// not a part of the primary form with all of its capacity.
func (s *Slot) Piece(b []byte) Piece {
	p := s.primary()
	i := cap(p) - cap(b)
	if len(b) == 0 || i < 0 || i >= len(p) || &p[i] != &b[0] {
		return Piece{}
	}
	from := int(s.from) + i
	return Piece{s.segment, from, from + len(b)}
}

// Follows reports whether p begins in memory where q ends, so that both are one piece.
func (p Piece) Follows(q Piece) bool {
	return p.segment != nil && p.segment == q.segment && p.from == q.to
}

// Next is the packet after s, or nil if it has not come yet. Only inside a pass that
// found s; the packet is then valid for as long as s, evicted or not.
func (s *Slot) Next() *Slot { return s.next.Load() }
