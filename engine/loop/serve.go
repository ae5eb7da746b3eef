package loop

import (
	"golang.org/x/sys/unix"

	"streampump/engine/reason"
	"streampump/engine/ring"
	"streampump/engine/stream"
)

// turns bounds the writes for one viewer in one pass, so that a joiner with a
// long backlog on a fast network does not hold the loop.
const turns = 4

// serve sends a viewer what there is for it, until its socket is full or its turns
// are used up.
func (l *Loop) serve(v *viewer) {
	if v.mode.has(paced) {
		l.catchUp(v)
		return
	}
	if v.outbox && v.conn.out.left() == 0 {
		l.freeOutbox(v.conn)
	}
	for range turns {
		at, more := l.position(v)
		iov, want, last := l.gather(v, at)
		n, full := 0, false
		if want > 0 {
			var errno unix.Errno
			n, full, errno = l.write(v.conn, v.transport, v.fd, iov, want)
			if errno != 0 {
				l.unwritten(v.conn, errno)
				return
			}
			v.bytes += uint64(n)
		} else if l.body.end == v.next {
			if v.ending != reason.None && !v.outbox {
				l.end(v)
			}
			return
		} // else all that there is is left out of its form
		stops := full || !last || n < want
		if l.advance(v, n, stops); full {
			l.park(v.conn)
			return
		}
		if stops && v.conn.doomed {
			return
		}
		if !more && !stops && v.ending == reason.None && !v.prog.Ring.Over() {
			return // what is appended from here on wakes the loop again
		}
	}
	l.hunger(v.conn)
}

// position decides where the viewer goes on: it is the one place where a cursor moves
// other than past a packet it sent. at is the packet at the cursor, if it has been looked
// at; more says that something may follow even if the ring has nothing now.
func (l *Loop) position(v *viewer) (at *ring.Slot, more bool) {
	r := v.prog.Ring
	if v.ending != reason.None {
		return nil, false
	}
	if v.mode.has(unsent) {
		l.afterLoss(v)
	}
	over := r.Over() // before the head: a sealed ring's head is final
	if v.waitEnd != 0 {
		if seq, ok := r.NewestKey(); ok && seq >= v.next {
			v.place(seq)
			v.conn.rearm()
		} else if over {
			l.nextProgramme(v)
			return nil, true
		}
		return nil, false
	}
	if v.mode.has(seeking) && !v.seek() && !over {
		return nil, false
	}
	if v.next == r.Head() {
		if over {
			l.nextProgramme(v)
			return nil, true
		}
		return nil, false
	}
	s := r.At(v.next)
	if s != nil && l.now-s.At() <= l.lag(v) {
		return s, false
	}
	return nil, l.late(v, s)
}

// lag is how far a viewer may be behind.
func (l *Loop) lag(v *viewer) int64 {
	most := int64(l.group.cfg.Backlog.MaxLag)
	if v.transport == apart && !v.mode.has(paced) {
		return min(most, datagramLag)
	}
	return most
}

// afterLoss has a viewer whose last datagrams could not be sent wait for the next key
// start.
func (l *Loop) afterLoss(v *viewer) {
	v.mode.set(unsent, false)
	if v.pin != nil {
		v.pin.Unpin()
		v.pin = nil
	}
	l.pass.skips++
	v.conn.skips++
	if v.waitEnd == 0 {
		v.wait(v.next, false)
	}
}

// leap is what a viewer that is about to leave packets out is sent before. It is there
// between position and gather only.
type leap struct {
	on   bool
	at   uint64     // no packet from this one on
	rest *ring.Slot // of its unit, if that has been evicted; nil: what is in the ring
}

// late has a viewer that is late leave packets out; s is the packet at its cursor, nil if
// that was evicted. It has whole units only: the rest of the one that it is in comes
// first.
func (l *Loop) late(v *viewer, s *ring.Slot) (more bool) {
	r := v.prog.Ring
	key, ok := r.NewestKey()
	switch {
	case s != nil && (!ok || key <= v.next):
		return false // there is nothing newer to go on at
	case v.mode.has(introduced):
		l.leap = leap{at: v.next, on: true} // what it is sent before its start goes out before it gets another
		return false
	case s != nil && !s.Start():
		l.leap.on = true
		for ; s != nil; s = s.Rest() {
			l.leap.at = s.Seq() + 1
		}
		return false
	case s == nil && l.inside(v):
		return v.ending == reason.None
	case ok && key > v.next:
		l.pass.skips++
		l.pass.skipped += key - v.next
		v.conn.skips++
		v.place(key)
	case ok && key == v.next:
		// Evicted between the two looks; the next look finds a newer state.
		return true
	default:
		l.pass.skips++
		v.conn.skips++
		v.wait(v.next, false)
	}
	return false
}

// body is what gather found in the backlog: whole packets from first on, up to but
// not including the one numbered end.
type body struct {
	first, last *ring.Slot
	end         uint64
	size        int        // bytes
	empty       uint64     // packets that the viewer's form leaves out
	piece       ring.Piece // where the last buffer of the vector lies, if others may be joined to it
}

// gather makes the vector of one write: the rest of the packet the viewer is in, then
// its outbox, then whole packets. at is what position found; last says that the ring has
// nothing further.
func (l *Loop) gather(v *viewer, at *ring.Slot) (iov []unix.Iovec, want int, last bool) {
	iov = l.iov[:0]
	l.body.first, l.body.end, l.body.size, l.body.empty = nil, v.next, 0, 0
	l.scratch.Reset() // the bytes of the last write are sent, or gathered again
	if v.pin != nil {
		if b := l.restOfPacket(v); len(b) > 0 {
			iov, want = appendIov(iov, b), len(b)
		}
	}
	if v.outbox {
		iov = v.conn.out.gather(iov)
		want += v.conn.out.left()
	}
	if v.ending != reason.None || v.waitEnd != 0 || v.mode.has(seeking) {
		return iov, want, true
	}
	if l.leap.on {
		iov = l.gatherBefore(v, iov)
		return iov, want + l.body.size, false
	}
	iov, last = l.gatherBody(v, iov, at)
	return iov, want + l.body.size, last
}

// maxLook is how many packets one write looks at in a form that leaves some out.
const maxLook = 1024

// gatherBody adds whole packets to the vector: in the primary form, those that lie in
// one piece of memory are one buffer. s is the first of them, if it has been found before.
func (l *Loop) gatherBody(v *viewer, iov []unix.Iovec, s *ring.Slot) (_ []unix.Iovec, last bool) {
	r, g := v.prog.Ring, &l.body
	head, form := min(r.Head(), l.horizon), v.nextForm(v.trim)
	if form != primary {
		g.piece = ring.Piece{} // nothing lies before it
	}
	for looks := 0; g.end < head; {
		if s == nil {
			s = r.At(g.end)
		}
		if s == nil || len(iov) == maxIov || g.size >= maxWrite {
			return iov, false
		}
		if g.first == nil {
			g.first = s
		}
		if form == primary {
			last := r.Run(s, head)
			b := s.Through(last)
			iov = appendIov(iov, b)
			g.last, g.size, g.end = last, g.size+len(b), last.Seq()+1
		} else {
			b := s.Bytes(form, &l.scratch)
			if iov = g.add(iov, s, b); len(b) == 0 {
				l.passGap(r, s, form, head)
			}
			if looks++; looks == maxLook {
				return iov, false
			}
		}
		form, s = v.nextForm(false), nil
	}
	return iov, true
}

// add adds one packet to the vector. One that is left out takes no buffer, nor does one
// that lies right behind the one before it.
func (g *body) add(iov []unix.Iovec, s *ring.Slot, b []byte) []unix.Iovec {
	g.last, g.end = s, s.Seq()+1
	if len(b) == 0 {
		g.empty++
		return iov
	}
	g.size += len(b)
	before := g.piece
	if g.piece = s.Piece(b); g.piece.Follows(before) {
		last := &iov[len(iov)-1]
		last.SetLen(int(last.Len) + len(b))
		return iov
	}
	return appendIov(iov, b)
}

// primary is the variant that packets have in the backlog.
const primary = ring.Variant(0)

// nextForm is the variant of the next packet.
func (v *viewer) nextForm(trim bool) ring.Variant {
	if trim {
		return stream.Trimmed(v.variant)
	}
	return v.variant
}

// advance moves the cursor past n bytes, in the order of gather. stops says that the
// viewer may not come to the rest of its unit in this pass.
func (l *Loop) advance(v *viewer, n int, stops bool) {
	if g := &l.body; v.pin == nil && !v.outbox && !stops && n == g.size && g.end != v.next {
		l.pass.packets += g.end - v.next - g.empty
		v.next, v.trim = g.end, false
		v.mode &^= atStart
		return // as for a viewer that keeps up
	}
	l.advanceFrom(v, n, stops)
}

// advanceFrom does the same for a viewer that is inside a packet or has an outbox, or
// whose socket did not take everything.
func (l *Loop) advanceFrom(v *viewer, n int, stops bool) {
	had := v.pin
	if had != nil {
		left := len(l.restOfPacket(v))
		if n < left {
			v.sent += uint32(n)
			l.letGo(v)
			return
		}
		n -= left
		if v.sent != nothingLeft {
			l.pass.packets++
		}
		v.pin = nil
	}
	last := l.pastBody(v, n, had)
	if stops && v.pin == nil {
		l.hold(v, last)
	}
	if had != nil {
		had.Unpin() // not before another packet of its unit is pinned
	}
}

// pastBody moves the cursor past n bytes of the outbox and the body. had is the last packet
// that the viewer has had, as far as that is known; so is the result.
func (l *Loop) pastBody(v *viewer, n int, had *ring.Slot) *ring.Slot {
	if v.outbox {
		if n = v.conn.out.take(n); v.conn.out.left() > 0 {
			return had
		}
		l.freeOutbox(v.conn)
	}
	g := &l.body
	switch {
	case n < g.size:
		return l.stopInside(v, n, had)
	case g.end == v.next:
		return had
	}
	l.pass.packets += g.end - v.next - g.empty
	v.next, v.trim = g.end, false
	v.mode &^= atStart
	return g.last
}

// stopInside moves the cursor past n bytes of the body, and pins the packet in which
// they end. It returns the last one that the viewer has had.
func (l *Loop) stopInside(v *viewer, n int, had *ring.Slot) *ring.Slot {
	// What gather found, not what the ring holds now: the writer may have evicted it
	// since, but it stays whole until the pass ends.
	for s := l.body.first; n > 0; s = s.Next() {
		form := v.nextForm(v.trim)
		size := len(s.Bytes(form, &l.scratch))
		v.next++
		v.trim = false
		v.mode &^= atStart
		if n < size {
			s.Pin()
			v.pin, v.pinForm, v.sent = s, form, uint32(n)
			return s
		}
		n -= size
		if had = s; size > 0 {
			l.pass.packets++
		}
	}
	return had
}
