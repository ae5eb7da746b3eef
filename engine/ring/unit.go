package ring

// Mark is what readers must know of a packet.
type Mark struct {
	Key   bool // a viewer may start here
	Trim  bool // and should then get the trimmed variant
	Start bool // it begins a unit, as each key start does
}

// unit is the newest unit.
type unit struct {
	first   *Slot // nil: the next packet begins one
	packets int
	bytes   int
}

// unitPackets and unitBytes bound a unit, so that a source that never begins another
// does not have all its packets kept for one reader. They are more than the largest
// pictures have; and no unit is more than an eighth of what its stream may hold.
const (
	unitPackets = 1024
	unitBytes   = 1 << 20
)

// begins reports whether a packet begins a unit, and counts it.
func (r *Ring) begins(size int, marked bool) bool {
	u := &r.unit
	most := min(unitBytes, int(r.memory.limit/8))
	start := marked || u.first == nil || u.packets == unitPackets || u.bytes+size > most
	if start {
		u.packets, u.bytes = 0, 0
	} else if !r.units.Load() {
		r.units.Store(true)
	}
	u.packets++
	u.bytes += size
	return start
}

// cut ends the newest unit where a packet finds no room: it will not be whole, and must
// not keep its memory for itself.
func (r *Ring) cut() { r.unit = unit{} }

// Units reports whether the ring has, or had, units of more than one packet.
func (r *Ring) Units() bool { return r.units.Load() }

// Start reports whether the packet begins a unit.
func (s *Slot) Start() bool { return s.start }

// Rest is the packet behind s in its unit; nil if s is the last one, or none has come
// behind it yet. Only in a pass that found s, or with s pinned. It is then valid for as
// long as s, evicted or not.
func (s *Slot) Rest() *Slot {
	if s.Evicted() {
		if s.last {
			return nil
		}
		return s.next.Load()
	}
	if n := s.next.Load(); n != nil && !n.start {
		return n
	}
	return nil
}

// Evicted reports whether the packet has left the ring. Only in a pass that found s, or
// with s pinned.
func (s *Slot) Evicted() bool { return s.segment.ring.At(s.seq) != s }

// evict takes the oldest unit, which s begins, out of the table; from then on it rests
// in limbo.
func (r *Ring) evict(s *Slot) {
	last := s
	for n := s.next.Load(); n != nil && !n.start; n = n.next.Load() {
		last = n
	}
	last.last = true           // before it is missed, so that readers know where the unit ends
	r.tail.Store(last.seq + 1) // first, so that whoever misses a slot also sees why
	if r.key.Load() == s.seq+1 {
		r.key.Store(0)
	}
	m, t := r.memory, r.table.Load()
	for q := s; ; q = q.next.Load() {
		t.at(q.seq).Store(nil)
		r.strip(q)
		m.past += slotCost
		q.segment.kept--
		r.settle(q.segment)
		if q == last {
			break
		}
	}
	r.limbo = append(r.limbo, resting{s, m.epochs.now()})
	m.evicted = true
}

// releaseUnit frees the slots of the unit that s begins.
func (r *Ring) releaseUnit(s *Slot) {
	for last := false; !last; {
		next := s.next.Load()
		last = s.last
		r.release(s)
		s = next
	}
}

// pinned reports whether a packet of the evicted unit that s begins is pinned, after a
// look at so many of them. Readers pin forwards, and this looks forwards: so it misses
// none that goes on to another packet meanwhile.
func (s *Slot) pinned() (yes bool, looks int) {
	for q := s; ; q = q.next.Load() {
		looks++
		if q.pins.Load() != 0 {
			return true, looks
		}
		if q.last {
			return false, looks
		}
	}
}
