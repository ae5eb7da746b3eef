package loop

import (
	"slices"

	"golang.org/x/sys/unix"

	"streampump/engine/reason"
	"streampump/engine/ring"
)

// A viewer has whole units ([ring.Ring]), whatever it leaves out. One whose socket is
// full inside a unit, or that has had its turns, keeps the rest of it: it pins the packet
// that it is in, or the one that it is behind. When it comes back late, it is sent that
// rest, evicted or not, and goes on at a key start then. It keeps a unit that was evicted
// no longer than a packet: what is left is copied for it, if that is not much, or it is
// closed. Viewers that have had everything pin nothing.

// maxRest is how many bytes of a unit, behind the packet that it is in, are copied for a
// viewer: with the largest packet, about what a socket holds for it.
const maxRest = 64 << 10

// restOfPacket is what is not sent yet of the packet that the viewer is in.
func (l *Loop) restOfPacket(v *viewer) []byte {
	if v.sent == nothingLeft {
		return nil
	}
	return v.pin.Bytes(v.pinForm, &l.scratch)[v.sent:]
}

// inside reports whether a viewer whose next packet was evicted is inside a unit: then
// it goes on with the rest of that, or ends, if it did not keep it.
func (l *Loop) inside(v *viewer) bool {
	if v.pin != nil {
		l.leap.rest = v.pin.Rest()
		l.leap.on = l.leap.rest != nil
		return l.leap.on
	}
	if v.mode.has(atStart) || !v.prog.Ring.Units() {
		return false
	}
	v.ending = reason.ViewerTooSlow
	return true
}

// gatherBefore adds to the vector what a viewer is sent before it leaves packets out.
func (l *Loop) gatherBefore(v *viewer, iov []unix.Iovec) []unix.Iovec {
	before := l.leap
	l.leap = leap{}
	if before.rest == nil {
		horizon := l.horizon
		l.horizon = min(horizon, before.at)
		iov, _ = l.gatherBody(v, iov, nil)
		l.horizon = horizon
		return iov
	}
	l.body.first, l.body.piece = before.rest, ring.Piece{}
	for s := before.rest; s != nil && len(iov) < maxIov && l.body.size < maxWrite; s = s.Rest() {
		iov = l.body.add(iov, s, s.Bytes(v.variant, &l.scratch))
	}
	return iov
}

// hold keeps the rest of the unit that a viewer is in, if it is in one. had is the last
// packet that it has had, as far as that is known.
func (l *Loop) hold(v *viewer, had *ring.Slot) {
	r := v.prog.Ring
	if v.pin != nil || v.waitEnd != 0 || v.mode.has(atStart|seeking) || !r.Units() {
		return
	}
	if had == nil {
		had = r.At(v.next - 1)
	}
	s := r.At(v.next)
	switch {
	case s != nil && s.Start() || had != nil && had.Evicted() && had.Rest() == nil:
		v.stopAtStart()
	case had != nil:
		had.Pin()
		v.pin, v.sent = had, nothingLeft
		l.letGo(v)
	}
}

// stopAtStart notes that the viewer has had its unit to the end, if that is news.
func (v *viewer) stopAtStart() {
	if !v.mode.has(atStart) {
		v.mode.set(atStart, true)
		v.conn.left = 0
	}
}

// letGo unpins a packet that a viewer has been in for too long. A socket that takes a
// byte now and then is never stalled, and a pin keeps whole segments: so no segment
// is kept for longer than MaxLag and Timeouts.Stall together, or twice Stall for those
// that need more than maxRest, whatever viewers do, and no more than a unit for each
// viewer. A unit that is still in the ring costs nothing.
func (l *Loop) letGo(v *viewer) {
	cfg := l.group.cfg
	age, patience := l.now-v.pin.At(), int64(cfg.Backlog.MaxLag)
	if age <= patience {
		return
	}
	if v.pin.Rest() != nil || v.sent == nothingLeft {
		if !v.pin.Evicted() || age <= patience+int64(cfg.Timeouts.Stall) && l.muchLeft(v) {
			return
		}
	}
	l.keepRest(v)
}

// muchLeft reports whether more is left of the viewer's unit than is copied.
func (l *Loop) muchLeft(v *viewer) bool {
	size := 0
	for s := v.pin.Rest(); s != nil && size <= maxRest; s = s.Rest() {
		size += len(s.Bytes(v.variant, &l.scratch))
	}
	return size > maxRest
}

// keepRest unpins the packet that a viewer is in, and keeps the rest of it, and of its
// unit, for that viewer, in the order of gather: some of the outbox may have been sent.
// A viewer that would have to keep too much is closed.
func (l *Loop) keepRest(v *viewer) {
	if l.muchLeft(v) {
		v.conn.doom(reason.ViewerTooSlow)
		return
	}
	if !v.outbox {
		v.conn.outgoing().then = thenPackets
	}
	o := v.conn.outgoing()
	if v.sent != nothingLeft {
		o.own = slices.Concat(l.restOfPacket(v), o.own)
		l.pass.packets++ // from here on nothing tells when it has been sent
	}
	for s := v.pin.Rest(); s != nil; s = s.Rest() {
		b := s.Bytes(v.variant, &l.scratch)
		o.own = append(o.own, b...)
		v.next = s.Seq() + 1
		if len(b) > 0 {
			l.pass.packets++
		}
	}
	if v.pin.Evicted() {
		v.stopAtStart()
	}
	v.pin.Unpin()
	v.pin = nil
}
