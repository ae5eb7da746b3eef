package ring

import "sync/atomic"

// Variant is one of the forms a packet is sent in. Variant 0 is the primary
// form; the others are made by the ring's [Maker] when a reader first wants
// them, and kept for the other readers while there is room.
type Variant uint8

// Variants is the number of variants: four forms, each whole and trimmed.
const Variants = 8

// Slot holds one packet. Its fields are written before the slot enters the ring and
// do not change until it is freed, except where they are atomic. It is as large as a
// cache line: a walk over packets touches one for each, and the smallest packets cost
// little more than a slot.
type Slot struct {
	segment *segment
	next    atomic.Pointer[Slot] // the packet after it; once it is free, the next free one
	forms   atomic.Pointer[form]
	seq     uint64
	at      int64
	prevKey uint64 // 1 + the key start before this packet; 0: none
	from    uint32 // where it begins in its segment
	size    uint32
	pins    atomic.Int32
	key     bool
	trim    bool
	start   bool // it begins a unit
	last    bool // of its unit; set when that is evicted, before a reader can miss it
}

// slotCost is what a packet takes besides its bytes, in bytes: a slot, its place in
// limbo, and what lists have in reserve.
const slotCost = 64 + 32

// Seq is the packet's number.
func (s *Slot) Seq() uint64 { return s.seq }

// At is the packet's time of arrival, in nanoseconds of the engine's clock.
func (s *Slot) At() int64 { return s.at }

// Size is the size of the primary form in bytes.
func (s *Slot) Size() int { return int(s.size) }

// Key reports whether a viewer may start at this packet, and trim whether it
// should then get the trimmed variant.
func (s *Slot) Key() (key, trim bool) { return s.key, s.trim }

// Bytes is the packet in the given variant. The bytes are shared: they must not be
// changed, and are valid until the pass ends or the scratch is reset, and those of
// variant 0 also while the slot is pinned. A variant that is not kept is made in the
// scratch; the same bytes come out each time.
func (s *Slot) Bytes(v Variant, sc *Scratch) []byte {
	if v == 0 {
		return s.primary()
	}
	if f := s.forms.Load().find(v); f != nil {
		return f.bytes
	}
	return s.derive(v, sc)
}

func (s *Slot) primary() []byte {
	end := s.from + s.size
	return s.segment.all[s.from:end:end]
}

// Pin keeps the packet, and with it its whole unit, beyond the present pass, until
// Unpin. Only inside a pass that found s, or with a packet before it in its unit pinned;
// any loop may call it. Whoever goes on to a later packet of the unit pins that one
// before it unpins the other.
func (s *Slot) Pin() { s.pins.Add(1) }

// Unpin drops a pin. Any loop may call it, at any time.
func (s *Slot) Unpin() { s.pins.Add(-1) }
