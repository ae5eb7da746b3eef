package ring

import (
	"sync/atomic"

	"github.com/valyala/bytebufferpool"
)

// Variant is one of the forms a packet is sent in. Variant 0 is the primary
// form; the others are made by the ring's [Maker] when a reader first wants
// them, once for all readers, and live as long as the slot.
type Variant uint8

// Variants is how many there are: two forms, each whole and trimmed.
const Variants = 4

// Slot holds one packet. Its fields are written before the slot enters the
// ring and do not change until it is freed.
type Slot struct {
	ring    *Ring
	seq     uint64
	at      int64
	prevKey uint64 // 1 + the key start before this packet; 0: none
	segment *segment
	from    int // where it begins there
	primary []byte
	next    atomic.Pointer[Slot] // the packet after it
	key     bool
	trim    bool

	variants [Variants - 1]atomic.Pointer[made]
	counted  atomic.Int64 // bytes of them that Ring.extra counts
	pins     atomic.Int32

	retired uint64 // epoch of the eviction; writer only
}

// made is a variant that exists. buf is nil where bytes is part of the primary form.
type made struct {
	bytes []byte
	buf   *bytebufferpool.ByteBuffer
}

// Seq is the packet's number.
func (s *Slot) Seq() uint64 { return s.seq }

// At is the packet's time of arrival, in nanoseconds of the engine's clock.
func (s *Slot) At() int64 { return s.at }

// Key reports whether a viewer may start at this packet, and trim whether it
// should then get the trimmed variant.
func (s *Slot) Key() (key, trim bool) { return s.key, s.trim }

// Bytes is the packet in the given variant. The bytes are shared: they must not
// be changed, and are good until the pass ends or the pin is dropped. The
// first call for a variant other than 0 makes it.
func (s *Slot) Bytes(v Variant) []byte {
	if v == 0 {
		return s.primary
	}
	if m := s.variants[v-1].Load(); m != nil {
		return m.bytes
	}
	return s.derive(v)
}

// derive makes a variant and installs it; of two readers that race, one throws
// its copy away.
func (s *Slot) derive(v Variant) []byte {
	r := s.ring
	buf := r.buffers.Get()
	out, alias := r.make(buf.B, s.primary, v)
	m := &made{bytes: out}
	if alias {
		r.buffers.Put(buf)
	} else {
		buf.B, m.buf = out, buf
	}
	if !s.variants[v-1].CompareAndSwap(nil, m) {
		if m.buf != nil {
			r.buffers.Put(m.buf)
		}
		return s.variants[v-1].Load().bytes
	}
	if m.buf != nil && s.seq >= r.tail.Load() {
		// If it is evicted just now, it is counted until it is freed.
		r.extra.Add(int64(len(out)))
		s.counted.Add(int64(len(out)))
	}
	return out
}

// Pin keeps the packet whole beyond the present pass; only inside a pass.
// Unpin drops it, at any time. Any loop may call either.
func (s *Slot) Pin() { s.pins.Add(1) }

// Unpin drops a pin.
func (s *Slot) Unpin() { s.pins.Add(-1) }
