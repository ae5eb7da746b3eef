package loop

import (
	"slices"

	"golang.org/x/sys/unix"

	"streampump/codec"
	"streampump/engine/clock"
	"streampump/engine/reason"
	"streampump/engine/ring"
	"streampump/engine/stream"
)

// viewer is what a connection that receives a stream has besides: one cursor into the
// shared backlog. Viewers of a stream on a loop lie side by side in their show, so
// that a sweep walks memory in order. It has all that a sweep needs of a viewer that
// keeps up, in 64 bytes: with thousands of viewers, anything else is not in the
// cache.
type viewer struct {
	conn *Conn
	prog *stream.Programme
	pin  *ring.Slot // the packet it stopped inside, nil between packets
	// next is the packet after pin, or the next to send; while the viewer waits for a
	// key frame, the first packet that will do.
	next      uint64
	waitEnd   int64        // when the wait is over; 0: it does not wait
	bytes     uint64       // sent since it joined; conn.bytes has them when it leaves
	sent      uint32       // bytes of the pinned packet already sent
	fd        int32        // the same as conn.fd
	variant   ring.Variant // the form of the connection
	pinForm   ring.Variant // the form of the pinned packet
	trim      bool         // next is a start and is sent trimmed
	mode      viewerMode
	transport transportKind // the same as conn.transport
	parked    bool          // the same as conn.parked
	outbox    bool          // conn.out is not nil
	ending    reason.Reason // why it ends at the end of its packet; reason.None: it goes on
}

// viewerMode is facts about a viewer that a sweep does not need.
type viewerMode uint8

const (
	joining viewerMode = 1 << iota // it waits to join; otherwise it fell out
	movable                        // can be moved to another head and programme
	paced                          // conn.pace is not nil: it has not caught up since it joined
)

func (m viewerMode) has(f viewerMode) bool { return m&f != 0 }

func (m *viewerMode) set(f viewerMode, on bool) {
	*m &^= f
	if on {
		*m |= f
	}
}

// attach makes the connection a viewer of p. The head is already in its outbox.
func (c *Conn) attach(p *stream.Programme, form codec.Form, canMove bool) {
	s := c.loop.showOf(p.Stream)
	if !s.listed {
		s.listed = true
		c.loop.shows = append(c.loop.shows, s)
	}
	c.show, c.slot = s, int32(len(s.viewers))
	c.viewed = p.Stream
	s.viewers = append(s.viewers, viewer{
		conn: c, fd: c.fd, variant: stream.Variant(form, false), transport: c.transport, parked: c.parked, outbox: c.out != nil,
	})
	if s.behind > 0 {
		s.behind++ // it lies among those that the present sweep still covers
		s.held.joined()
	}
	c.viewer().mode.set(movable, canMove)
	c.phase = phaseView
	c.loop.group.books.Carry(&c.ticket, c.peer.Addr())
	// The count goes up before the head of the ring is read: a packet that is
	// appended after that read sees the count and wakes us.
	s.Count.Add(1)
	c.loop.stats.viewers.Add(1)
	p.Stream.Joined()
	if c.loop.group.tells() {
		p.Stream.Log().Debug("viewer joined", c.about("peer", c.peer, "agent", c.agent)...)
	}
	c.viewer().enter(p)
	c.startPace()
	c.rearm()
}

// showOf is the loop's show of a stream.
func (l *Loop) showOf(st *stream.Stream) *show { return st.Audience(l.id).Show.(*show) }

// enter puts the cursor at the joining point of a programme.
func (v *viewer) enter(p *stream.Programme) {
	now := v.conn.loop.now
	if v.prog != nil {
		v.prog.Viewers.Add(-1)
	}
	v.prog = p
	p.Viewers.Add(1)
	v.waitEnd = 0
	if seq, ok := p.Start(now); ok {
		v.place(seq)
		return
	}
	if p.Keyless(now) {
		p.StartedAnywhere() // others have waited in vain already
		v.next, v.trim = p.Ring.Head(), false
		return
	}
	v.wait(p.Ring.Tail(), true)
}

// place puts the cursor at a key start.
func (v *viewer) place(seq uint64) {
	v.next, v.waitEnd, v.trim = seq, 0, false
	if s := v.prog.Ring.At(seq); s != nil {
		_, v.trim = s.Key()
	}
}

// wait has the viewer wait for a key frame at or after from.
func (v *viewer) wait(from uint64, joiner bool) {
	l := v.conn.loop
	v.next = from
	v.mode.set(joining, joiner)
	v.waitEnd = l.now + int64(l.group.cfg.Timeouts.KeyWait)
	if !v.parked {
		v.conn.setTimer(v.waitEnd)
	}
}

// keyDeadline is the deadline of a viewer that is not parked.
func (v *viewer) keyDeadline() int64 {
	if v.waitEnd == 0 {
		return clock.Never
	}
	return v.waitEnd
}

// keyWaitOver ends a wait: a joiner starts anywhere, a viewer that fell out is
// closed.
func (v *viewer) keyWaitOver() {
	if v.waitEnd == 0 || v.waitEnd > v.conn.loop.now {
		return
	}
	v.waitEnd = 0
	if !v.mode.has(joining) {
		v.ending = reason.ViewerNoKeyFrame
		return
	}
	v.prog.StartedAnywhere()
	v.next, v.trim = v.prog.Ring.Head(), false
}

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
		more := l.position(v)
		iov, want, last := l.gather(v)
		if len(iov) == 0 {
			if v.ending != reason.None && !v.outbox {
				l.end(v)
			}
			return
		}
		n, full, errno := l.write(v.conn, v.transport, v.fd, iov, want)
		if errno != 0 {
			l.unwritten(v.conn, errno)
			return
		}
		v.bytes += uint64(n)
		l.advance(v, n)
		if full {
			l.park(v.conn)
			return
		}
		if !more && last && n == want && v.ending == reason.None && !v.prog.Ring.Over() {
			return // what is appended from here on wakes the loop again
		}
	}
	l.hunger(v.conn)
}

// position decides where the viewer goes on: it is the one place where a cursor moves
// other than past a packet it sent. more says that something may follow even if the
// ring has nothing now.
func (l *Loop) position(v *viewer) (more bool) {
	r := v.prog.Ring
	if v.ending != reason.None {
		return false
	}
	over := r.Over() // before the head: a sealed ring's head is final
	if v.waitEnd != 0 {
		if seq, ok := r.NewestKey(); ok && seq >= v.next {
			v.place(seq)
			v.conn.rearm()
		} else if over {
			l.nextProgramme(v)
			return true
		}
		return false
	}
	if v.next == r.Head() {
		if over {
			l.nextProgramme(v)
			return true
		}
		return false
	}
	s := r.At(v.next)
	if s != nil && l.now-s.At() <= int64(l.group.cfg.Backlog.MaxLag) {
		return false
	}
	switch key, ok := r.NewestKey(); {
	case ok && key > v.next:
		l.pass.skips++
		l.pass.skipped += key - v.next
		v.conn.skips++
		v.place(key)
	case s == nil && ok && key == v.next:
		// Evicted between the two looks; the next look finds a newer state.
		return true
	case s == nil:
		l.pass.skips++
		v.conn.skips++
		v.wait(v.next, false)
	}
	return false
}

// nextProgramme moves a viewer that has sent the last packet of its programme:
// to the next one, if there is one and its player can follow, or to its end.
func (l *Loop) nextProgramme(v *viewer) {
	c, next := v.conn, v.prog.Next.Load()
	if next == nil || !v.mode.has(movable) {
		v.ending, v.waitEnd = reason.StreamEnded, 0
		if v.prog.Lost.Load() {
			v.ending = reason.StreamLost
		}
		return
	}
	o := c.outgoing()
	o.own = c.sess.AppendEnd(o.own, codec.CauseSwitch, "")
	o.shared = next.Heads[v.form()]
	o.then = thenPackets
	v.enter(next)
	c.rearm()
}

// form is the contract's form in which the viewer gets packets.
func (v *viewer) form() codec.Form { return codec.Form(v.variant) }

// body is what gather found in the backlog: whole packets from first on, up to but
// not including the one numbered end.
type body struct {
	first *ring.Slot
	end   uint64
	size  int // bytes
}

// gather makes the vector of one write: the rest of the packet the viewer is in, then
// its outbox, then whole packets. last says that the ring has nothing further.
func (l *Loop) gather(v *viewer) (iov []unix.Iovec, want int, last bool) {
	iov, l.body = l.iov[:0], body{end: v.next}
	l.scratch.Reset() // the bytes of the last write are sent, or gathered again
	if v.pin != nil {
		b := v.pin.Bytes(v.pinForm, &l.scratch)[v.sent:]
		iov, want = appendIov(iov, b), len(b)
	}
	if v.outbox {
		iov = v.conn.out.gather(iov)
		want += v.conn.out.left()
	}
	if v.ending != reason.None || v.waitEnd != 0 {
		return iov, want, true
	}
	iov, last = l.gatherBody(v, iov)
	return iov, want + l.body.size, last
}

// gatherBody adds whole packets to the vector: in the primary form, those that lie in
// one piece of memory are one buffer; any other packet is a buffer by itself.
func (l *Loop) gatherBody(v *viewer, iov []unix.Iovec) (_ []unix.Iovec, last bool) {
	r, g := v.prog.Ring, &l.body
	head, form := min(r.Head(), l.horizon), v.nextForm(v.trim)
	for g.end < head {
		s := r.At(g.end)
		if s == nil || len(iov) == maxIov || g.size >= maxWrite {
			return iov, false
		}
		if g.first == nil {
			g.first = s
		}
		t := s
		var b []byte
		if form == primary {
			t = r.Run(s, head)
			b = s.Through(t)
		} else {
			b = s.Bytes(form, &l.scratch)
		}
		iov = appendIov(iov, b)
		g.size += len(b)
		g.end = t.Seq() + 1
		form = v.nextForm(false)
	}
	return iov, true
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

// advance moves the cursor past n bytes, in the order of gather.
func (l *Loop) advance(v *viewer, n int) {
	if v.pin != nil {
		left := len(v.pin.Bytes(v.pinForm, &l.scratch)) - int(v.sent)
		if n < left {
			v.sent += uint32(n)
			l.letGo(v)
			return
		}
		n -= left
		v.pin.Unpin()
		v.pin = nil
		l.pass.packets++
	}
	if v.outbox {
		if n = v.conn.out.take(n); v.conn.out.left() > 0 {
			return
		}
		l.freeOutbox(v.conn)
	}
	if n == l.body.size {
		l.pass.packets += l.body.end - v.next
		v.trim = v.trim && l.body.end == v.next
		v.next = l.body.end
		return
	}
	l.stopInside(v, n)
}

// stopInside moves the cursor past n bytes of the body, and pins the packet in which
// they end.
func (l *Loop) stopInside(v *viewer, n int) {
	// What gather found, not what the ring holds now: the writer may have evicted it
	// since, but it stays whole until the pass ends.
	for s := l.body.first; n > 0; s = s.Next() {
		form := v.nextForm(v.trim)
		size := len(s.Bytes(form, &l.scratch))
		v.next++
		v.trim = false
		if n < size {
			s.Pin()
			v.pin, v.pinForm, v.sent = s, form, uint32(n)
			return
		}
		n -= size
		l.pass.packets++
	}
}

// letGo unpins a packet that a viewer has been in for too long. A socket that takes a
// byte now and then is never stalled, and a pin keeps a whole segment: so no segment
// is kept for longer than MaxLag and Timeouts.Stall together, whatever viewers do,
// and no more than a packet for each viewer.
func (l *Loop) letGo(v *viewer) {
	if l.now-v.pin.At() > int64(l.group.cfg.Backlog.MaxLag) {
		l.keepRest(v)
	}
}

// keepRest unpins the packet that a viewer is in, and keeps the rest of it for that
// viewer.
func (l *Loop) keepRest(v *viewer) {
	if !v.outbox {
		v.conn.outgoing().then = thenPackets
	}
	o := v.conn.outgoing()
	o.own = slices.Concat(v.pin.Bytes(v.pinForm, &l.scratch)[v.sent:], o.own)
	v.pin.Unpin()
	v.pin = nil
	l.pass.packets++ // from here on nothing tells when it has been sent
}

// end has a viewer that is between packets leave when the sweep is over.
func (l *Loop) end(v *viewer) {
	v.parked = true // it is not served again
	l.leaving = append(l.leaving, v.conn)
}

// settle ends the viewers noted by end, outside a sweep: taking a viewer off moves
// another into its place.
func (l *Loop) settle() {
	for len(l.leaving) > 0 {
		c := l.leaving[len(l.leaving)-1]
		l.leaving = l.leaving[:len(l.leaving)-1]
		v := c.viewer()
		if v == nil || c.doomed {
			continue
		}
		cause := codec.CauseEnded
		if v.ending == reason.ShuttingDown {
			cause = codec.CauseShutdown
		}
		c.finish(v.ending, c.sess.AppendEnd(c.outgoing().own, cause, ""))
	}
}

// detach takes the connection off its show.
func (c *Conn) detach() {
	s := c.show
	if s == nil {
		return
	}
	v := c.viewer()
	if v.pin != nil {
		v.pin.Unpin()
	}
	v.prog.Viewers.Add(-1)
	c.bytes += v.bytes
	c.pace = nil
	s.remove(int(c.slot))
	c.show = nil
	s.Count.Add(-1)
	l := c.loop
	if len(s.viewers) == 0 {
		l.again = true // nothing is published to it any more, but the other loops still count its demand
	}
	l.stats.viewers.Add(-1)
	c.releaseKey()
	c.leaveRoom()
}

// releaseKey makes the connection's viewer session idle again.
func (c *Conn) releaseKey() {
	if c.key != 0 {
		c.loop.group.sessions.Release(c.key, c, c.loop.now, int64(c.loop.group.cfg.Timeouts.Session))
		c.key = 0
	}
}
