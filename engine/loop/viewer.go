package loop

import (
	"math"

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
	// pin is the packet it stopped inside, or behind (sent is nothingLeft) if that is
	// inside a unit; nil elsewhere.
	pin *ring.Slot
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
	transport transportKind // the same as conn.transport, or apart
	parked    bool          // the same as conn.parked
	outbox    bool          // conn.out is not nil
	ending    reason.Reason // why it ends at the end of its packet; reason.None: it goes on
}

// viewerMode is facts about a viewer that a sweep does not need.
type viewerMode uint8

const (
	joining    viewerMode = 1 << iota // it waits to join; otherwise it fell out
	movable                           // can be moved to another head and programme
	paced                             // conn.pace is not nil: it has not caught up since it joined
	seeking                           // it starts at the first unit that begins at next or behind it
	atStart                           // next begins a unit: it has had whole ones only
	unsent                            // the last datagrams could not be sent: it goes on at a key start
	parting                           // its last datagrams are in the outbox, or sent
	introduced                        // the outbox has what AppendJoin gave it for next
)

// nothingLeft in viewer.sent says that all of the pinned packet is sent: it is pinned for
// the rest of its unit.
const nothingLeft = math.MaxUint32

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
	from := uint64(0)
	if c.viewed == p {
		from = c.mark
	}
	c.viewed, c.mark = p, 0
	s.viewers = append(s.viewers, viewer{
		conn: c, fd: c.fd, variant: stream.Variant(form, false), transport: c.transport, parked: c.parked, outbox: c.out != nil,
	})
	if c.apart != 0 {
		c.viewer().transport, canMove = apart, false
	}
	if s.behind > 0 {
		s.behind++ // it lies among those that the present sweep still covers
		s.held.joined()
	}
	if c.transport == tlsTCP {
		s.overTLS++
	}
	if c.parked {
		s.away++
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
	c.viewer().enter(p, from)
	c.startPace()
	c.rearm()
}

// showOf is the loop's show of a stream.
func (l *Loop) showOf(st *stream.Stream) *show { return st.Audience(l.id).Show.(*show) }

// enter puts the cursor at the joining point of a programme, or at a later key start: not
// before from, because the viewer has had what comes before that.
func (v *viewer) enter(p *stream.Programme, from uint64) {
	now := v.conn.loop.now
	if v.prog != nil {
		v.prog.Viewers.Add(-1)
	}
	v.prog = p
	p.Viewers.Add(1)
	v.waitEnd, v.mode = 0, v.mode&^seeking|atStart
	v.next, v.conn.left = from, 0
	if from == 0 {
		v.next, v.conn.left = p.Ring.Tail(), hadNone
	}
	seq, ok := p.Start(now)
	if ok && seq < from {
		seq, ok = p.Ring.NewestKey()
	}
	if ok && seq >= from {
		v.place(seq)
		return
	}
	if p.Keyless(now) {
		v.startAnywhere() // others have waited in vain already
		return
	}
	v.wait(v.next, true)
}

// hadNone in Conn.left says that the viewer has had nothing of its programme.
const hadNone = math.MaxUint32

// leaveOut moves the cursor on to seq, and counts what the viewer does not get.
func (v *viewer) leaveOut(seq uint64) {
	c := v.conn
	if !v.mode.has(atStart) {
		c.left = 0
	} // else it has had nothing since the last time
	if c.left != hadNone {
		c.left = uint32(min(uint64(c.left)+seq-v.next, hadNone-1))
	}
	v.next = seq
}

// firstNotHad is the first packet that the viewer has not had; 0 if it has had nothing.
func (v *viewer) firstNotHad() uint64 {
	switch left := v.conn.left; {
	case !v.mode.has(atStart):
		return v.next
	case left == hadNone:
		return 0
	default:
		return v.next - uint64(left)
	}
}

// place puts the cursor at a key start.
func (v *viewer) place(seq uint64) {
	v.leaveOut(seq)
	v.waitEnd, v.trim = 0, false
	v.mode.set(atStart, true)
	if s := v.prog.Ring.At(seq); s != nil {
		_, v.trim = s.Key()
		v.begin(s)
	}
}

// startAnywhere has the viewer start without a key frame, where the next unit begins.
func (v *viewer) startAnywhere() {
	v.prog.StartedAnywhere()
	v.leaveOut(v.prog.Ring.Head())
	v.trim = false
	v.mode.set(seeking, true)
}

// seek moves a viewer that starts anywhere to the first unit that begins behind the
// cursor; false if there is none yet.
func (v *viewer) seek() (found bool) {
	r := v.prog.Ring
	for head := r.Head(); v.next < head; v.next++ {
		if s := r.At(v.next); s != nil && s.Start() {
			v.mode.set(seeking, false)
			v.begin(s)
			return true
		}
	}
	return false
}

// begin notes that the viewer goes on with s, which begins a unit, and puts what it is
// sent before that into its outbox.
func (v *viewer) begin(s *ring.Slot) {
	v.mode.set(atStart, true)
	c := v.conn
	left := uint64(c.left)
	if left == hadNone {
		left = 0
	}
	b := v.prog.AppendJoin(c.loop.joined[:0], v.form(), s.Bytes(primary, nil), left)
	if c.loop.joined = b[:0]; len(b) > 0 {
		o := c.outgoing()
		o.own = append(o.own, b...)
		v.mode.set(introduced, true)
	}
}

// wait has the viewer wait for a key frame at or after from.
func (v *viewer) wait(from uint64, joiner bool) {
	l := v.conn.loop
	v.next = from
	v.mode.set(joining, joiner)
	v.waitEnd = l.now + int64(l.group.cfg.Timeouts.KeyWait)
	v.conn.rearm()
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
	v.startAnywhere()
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
	v.enter(next, 0)
	c.rearm()
}

// form is the contract's form in which the viewer gets packets.
func (v *viewer) form() codec.Form { return codec.Form(v.variant) }

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
		if v == nil || v.ending == reason.None || c.doomed {
			continue // it has left, and may have come again
		}
		cause := codec.CauseEnded
		if v.ending == reason.ShuttingDown {
			cause = codec.CauseShutdown
		}
		if c.apart != 0 && !v.mode.has(parting) {
			l.part(c, cause)
			continue
		}
		if c.apart != 0 {
			c.finish(v.ending, c.outgoing().own)
			continue
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
	c.left = 0
	c.bytes += v.bytes
	c.closeDatagrams()
	if c.away() {
		s.away--
	}
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
