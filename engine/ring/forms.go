package ring

// form is a packet in a form other than the primary one. Readers share it; the first
// that wants it makes it and hangs it off the slot.
type form struct {
	variant Variant
	bytes   []byte
	more    *form // the slot's other forms; does not change while readers can see it

	// Owned by the writer once it is off its slot.
	behind  *form
	retired uint64
}

// formCost is what a form takes besides its bytes, in bytes.
const formCost = 80

func (f *form) cost() int64 { return int64(cap(f.bytes)) + formCost }

// find looks for a variant among a slot's forms.
func (f *form) find(v Variant) *form {
	for ; f != nil; f = f.more {
		if f.variant == v {
			return f
		}
	}
	return nil
}

// Scratch is where a reader makes the forms that are not kept: those of older
// packets, which few still want, and all forms once the memory's part for them is
// used up. Each loop has one, as large as what one write call takes.
type Scratch struct {
	buf  []byte
	want int // what all forms since the last Reset would have needed
}

// scratchMost is how large a scratch grows: what one write call takes, of the largest
// packets. What does not fit is made elsewhere and left to the garbage collector.
const scratchMost = 4 * SegmentSize

// Reset makes room again: what was given out before must not be used after it.
func (sc *Scratch) Reset() {
	if sc.want > 0 { // which is rare, and a write call is frequent
		sc.renew()
	}
}

func (sc *Scratch) renew() {
	poison(sc.buf)
	if want := min(sc.want, scratchMost); want > cap(sc.buf) {
		sc.buf = make([]byte, 0, want)
	}
	sc.buf, sc.want = sc.buf[:0], 0
}

// Size is how much memory the scratch has.
func (sc *Scratch) Size() int { return cap(sc.buf) }

// give hands out a form that was appended to the scratch; one that did not fit is
// elsewhere.
func (sc *Scratch) give(out []byte) []byte {
	used := len(sc.buf)
	if sc.want += len(out); used+len(out) <= cap(sc.buf) {
		sc.buf = sc.buf[:used+len(out)]
	}
	return out
}

// derive makes a variant, and keeps it for other readers if it may.
func (s *Slot) derive(v Variant, sc *Scratch) []byte {
	r := s.segment.ring
	out, alias := r.make(sc.buf[len(sc.buf):], s.primary(), v)
	if alias || len(out) == 0 {
		return out // it costs nothing, so nothing is kept
	}
	if s.seq >= r.forms.Load() && s.seq >= r.tail.Load() {
		if f := r.keep(s, v, out); f != nil {
			sc.want = max(sc.want, len(out))
			return f.bytes
		}
	}
	return sc.give(out)
}

// keep gives the slot a copy of a form; nil if there is no memory for it. Of two
// readers that race, one gets the other's.
func (r *Ring) keep(s *Slot, v Variant, b []byte) *form {
	m := r.memory
	if m.forms.Load()+int64(len(b)) > m.formsPart() {
		return nil
	}
	f := m.buffers.form(b)
	f.variant = v
	cost := f.cost()
	if !m.takeForm(cost) {
		m.buffers.putForm(f)
		return nil
	}
	for {
		f.more = s.forms.Load()
		if other := f.more.find(v); other != nil {
			m.giveForm(cost)
			m.buffers.putForm(f)
			return other
		}
		if s.forms.CompareAndSwap(f.more, f) {
			return f
		}
	}
}

// formQueue is forms that were taken off their slots, oldest first.
type formQueue struct{ first, last *form }

// strip takes the forms off a slot. They rest until no pass can be looking at them.
func (r *Ring) strip(s *Slot) {
	if s.forms.Load() == nil {
		return
	}
	m := r.memory
	for f := s.forms.Swap(nil); f != nil; f = f.more {
		f.retired = m.epochs.now()
		if m.resting.last == nil {
			m.resting.first = f
		} else {
			m.resting.last.behind = f
		}
		m.resting.last = f
		m.pastForms += f.cost()
		m.evicted = true
	}
}

// ageForms takes the oldest packets' forms away when forms have nearly filled their
// part of the memory, so that the newest packets, which most readers want, have
// theirs.
func (r *Ring) ageForms() {
	m := r.memory
	most := m.formsPart() / 4 * 3
	if m.forms.Load()-m.pastForms <= most {
		return
	}
	q, head := max(r.forms.Load(), r.tail.Load()), r.head.Load()
	for ; q < head && m.forms.Load()-m.pastForms > most; q++ {
		r.forms.Store(q + 1) // first, so that none is made behind our back
		r.strip(r.At(q))
	}
}

// freeForms frees the forms that no pass can be looking at; oldest is the oldest
// pass's epoch.
func (m *Memory) freeForms(oldest uint64) {
	for f := m.resting.first; f != nil && f.retired < oldest; f = m.resting.first {
		if m.resting.first = f.behind; f.behind == nil {
			m.resting.last = nil
		}
		cost := f.cost()
		m.pastForms -= cost
		m.giveForm(cost)
		f.more, f.behind = nil, nil
		m.buffers.putForm(f)
	}
}
