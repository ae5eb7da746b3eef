package ring

import (
	"sync/atomic"

	"github.com/valyala/bytebufferpool"
)

// SegmentSize is how much memory packets share: they lie one behind the other
// in it, so that a reader sends many with one address and one length. Per call
// that saves the kernel a tenth of its work at nine packets, and us the walk.
// It is what one call sends at most in practice, and what a viewer that stops
// inside a packet keeps from being used again.
const SegmentSize = 64 << 10

// segment is a pooled buffer that holds packets without gaps. Larger packets
// have one of their own.
type segment struct {
	buf *bytebufferpool.ByteBuffer
	// all is the whole buffer. It does not change, so that readers may look at
	// what is written of it.
	all []byte
	// end is the last packet, once the next segment is begun.
	end atomic.Pointer[Slot]

	// Owned by the writer.
	used int // bytes
	live int // packets that are not released
}

// Room is where the next packet goes: an empty slice, with room for size bytes
// at least, to append to. What comes of it is given to [Ring.Append] before the
// next call; or never, if there is no packet after all. Writer only.
func (r *Ring) Room(size int) []byte {
	if g := r.segment; g != nil && len(g.all)-g.used >= size {
		return g.all[g.used:g.used]
	}
	r.begin(r.buffers.segment(size))
	return r.segment.all[:0]
}

// begin makes g the segment that packets go to.
func (r *Ring) begin(buf *bytebufferpool.ByteBuffer) {
	if old := r.segment; old != nil {
		old.end.Store(r.newest)
		if old.live == 0 {
			r.retire(old)
		}
	}
	var g *segment
	if n := len(r.spare); n > 0 {
		g, r.spare = r.spare[n-1], r.spare[:n-1]
	} else {
		g = new(segment)
	}
	g.buf, g.all, g.used = buf, buf.B, 0
	g.end.Store(nil)
	r.segment = g
}

// retire gives a segment's memory back. No reader knows it any more.
func (r *Ring) retire(g *segment) {
	r.buffers.putSegment(g.buf)
	g.buf, g.all = nil, nil
	r.spare = append(r.spare, g)
}

// place puts a packet behind the others. One that outgrew its room, so that
// append moved it elsewhere, is copied.
func (r *Ring) place(s *Slot, packet []byte) {
	g := r.segment
	if g == nil || len(packet) == 0 || len(g.all)-g.used < len(packet) || &g.all[g.used] != &packet[0] {
		r.Room(len(packet))
		g = r.segment
		copy(g.all[g.used:], packet)
	}
	s.segment, s.from = g, g.used
	g.used += len(packet)
	g.live++
	s.primary = g.all[s.from:g.used:g.used]
}

// leave takes a released packet off its segment.
func (r *Ring) leave(g *segment) {
	if g.live--; g.live == 0 && g != r.segment {
		r.retire(g)
	}
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
	return s.segment.all[s.from : t.from+len(t.primary)]
}

// Next is the packet after s, or nil if it has not come yet. Only inside a pass
// that found s; it is as good as s then, evicted or not.
func (s *Slot) Next() *Slot { return s.next.Load() }
