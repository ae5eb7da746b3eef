package loop

import "streampump/engine/ring"

// gap is a run of packets that a form leaves out.
type gap struct {
	from uint64
	last *ring.Slot // the newest of them; nil: there is no gap
}

// gaps are the newest gaps of one form, as viewers in that form have found them in the
// present pass. The others need not look at each of their packets again: a source may
// send hundreds of thousands that half of a stream's viewers get nothing of.
type gaps struct {
	ring   *ring.Ring
	list   [maxGaps]gap
	newest int
}

// maxGaps is how many are remembered. Viewers of a stream lie close together, and long
// gaps, which alone are dear, are few.
const maxGaps = 8

// note notes a packet that is left out. One that comes before the newest gap was passed
// by a viewer that is behind the others, who do not need it.
func (m *gaps) note(r *ring.Ring, s *ring.Slot) {
	if m.ring != r {
		*m = gaps{ring: r}
	}
	switch g := &m.list[m.newest]; {
	case g.last == nil:
		*g = gap{s.Seq(), s}
	case s.Seq() == g.last.Seq()+1:
		g.last = s
	case s.Seq() > g.last.Seq():
		m.newest = (m.newest + 1) % maxGaps
		m.list[m.newest] = gap{s.Seq(), s}
	}
}

// past is the newest packet of the gap that a packet lies in, if all of that comes before
// end; nil if there is none.
func (m *gaps) past(r *ring.Ring, seq, end uint64) *ring.Slot {
	if m.ring != r {
		return nil
	}
	for i := range m.list {
		if g := &m.list[i]; g.last != nil && seq >= g.from && seq <= g.last.Seq() {
			if g.last.Seq() < end {
				return g.last
			}
			return nil
		}
	}
	return nil
}

// forgetGaps forgets what the last pass found: its packets may be gone.
func (l *Loop) forgetGaps() {
	if l.gapped {
		l.gaps, l.gapped = [ring.Variants]gaps{}, false
	}
}

// passGap goes on behind a packet that the form leaves out, and behind all that are known
// to be left out from there on.
func (l *Loop) passGap(r *ring.Ring, s *ring.Slot, form ring.Variant, end uint64) {
	g, m := &l.body, &l.gaps[form]
	if last := m.past(r, s.Seq(), end); last != nil {
		g.empty += last.Seq() + 1 - g.end
		g.last, g.end = last, last.Seq()+1
		return
	}
	m.note(r, s)
	l.gapped = true
}
