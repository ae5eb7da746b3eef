package loop

import (
	"math"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"streampump/engine/clock"
	"streampump/engine/reason"
)

// A viewer that joins begins at a key frame some way back, and is sent what lies
// between that and the newest packet as fast as its pace allows: a start at once, so
// that it has its first pictures, and then some times its stream's rate. Where the
// pump's bandwidth is limited, all who are catching up have, beyond what is reserved
// for each of them, one allowance together: what is reserved for nobody, and at least
// a share of the limit. So a crowd that joins takes nothing from those who play. A
// viewer that has caught up has no pace.
//
//	bytes          ┌─ its stream's newest packet
//	  │        ╱╱╱╱
//	  │   ╱╱╱╱  ╱     joinSpeed × the rate
//	  │╱╱╱   ╱
//	  │     ┊ the start
//	  └─────────────── time

// The start is what usual players want before they show anything, or a window of TCP
// if that is more.
const (
	startTime  = 2 * time.Second
	startBytes = 64 << 10
)

// Datagrams that come faster than a player takes them are lost, so those of a viewer that
// catches up are spread more finely, and never sent all at once.
const (
	datagramStart = 48 << 10
	datagramPace  = int64(20 * time.Millisecond)
	datagramSpeed = 5
)

// paceTurn is the time from one turn of a viewer that catches up at its own pace to the
// next.
const paceTurn = int64(100 * time.Millisecond)

// paceIdle bounds what a viewer may save up of the rate that is reserved for it, while
// its socket takes nothing.
const paceIdle = int64(500 * time.Millisecond)

// pace is how fast a viewer catches up.
type pace struct {
	at   int64   // up to when the allowances are reckoned
	due  int64   // when it has its next turn
	own  float64 // bytes that it may be sent by its own pace; below 0, it was sent more
	live float64 // bytes of those that are reserved for it
}

// joiners is the allowance that all viewers of an engine who are catching up have
// together. Any loop may use it.
type joiners struct {
	usedUntil atomic.Int64
}

// joinersBurst is how much of the allowance may be used at once: the queue in front of
// a thin link is short.
const joinersBurst = int64(50 * time.Millisecond)

// left is how many bytes of an allowance of rate bytes a nanosecond may be used now. A
// loop whose pass began later may have used more than that.
func (j *joiners) left(now int64, rate float64) float64 {
	return float64(max(0, now-max(j.usedUntil.Load(), now-joinersBurst))) * rate
}

// use uses up so many bytes of it.
func (j *joiners) use(now int64, bytes, rate float64) {
	for {
		was := j.usedUntil.Load()
		if j.usedUntil.CompareAndSwap(was, max(was, now-joinersBurst)+int64(bytes/rate)) {
			return
		}
	}
}

// perNano makes bytes a nanosecond of bits a second.
func perNano(bits float64) float64 { return bits / 8 / float64(time.Second) }

// extra is what those who are catching up may be sent together beyond what is reserved
// for them, in bytes a nanosecond; bounded is false if there is no limit.
func (g *Group) extra() (rate float64, bounded bool) {
	spare, all := g.books.Spare()
	if all == 0 {
		return 0, false
	}
	return perNano(max(float64(spare), float64(all)*float64(g.cfg.Limits.JoinShare)/100)), true
}

// startPace gives a viewer that has joined behind the newest packet its pace.
func (c *Conn) startPace() {
	v, l := c.viewer(), c.loop
	rate := v.prog.Demand()
	if rate == 0 || c.joinSpeed() == 0 || v.waitEnd != 0 || v.next == v.prog.Ring.Head() {
		return
	}
	if !c.parked {
		c.show.away++
	}
	c.pace = &pace{at: l.now, due: l.now, own: c.startOf(rate)}
	v.mode.set(paced, true)
}

// away reports whether a viewer takes no part in the turns of its show: its socket is full,
// or it is still catching up.
func (c *Conn) away() bool { return c.parked || c.pace != nil }

// joinSpeed is how many times its stream's rate a viewer catches up with; 0: as fast as it
// takes it, which nobody knows of one with datagrams.
func (c *Conn) joinSpeed() int {
	speed := c.loop.group.cfg.Limits.JoinSpeed
	if speed == 0 && c.apart != 0 {
		return datagramSpeed
	}
	return speed
}

// startOf is the start of a stream's viewer, in bytes: of one with datagrams what the
// socket of any player holds, or what it is due in two turns.
func (c *Conn) startOf(bits int64) float64 {
	if c.apart != 0 {
		return max(datagramStart, perNano(float64(bits))*float64(c.joinSpeed())*float64(2*datagramPace))
	}
	return max(startBytes, perNano(float64(bits))*float64(startTime))
}

// caughtUp takes a viewer's pace off.
func (c *Conn) caughtUp() {
	c.pace = nil
	c.viewer().mode.set(paced, false)
	if !c.parked {
		c.show.away--
	}
	c.rearm()
}

// paceDeadline is when a viewer has its next turn; clock.Never if it has no pace.
func (c *Conn) paceDeadline() int64 {
	if c.pace == nil {
		return clock.Never
	}
	return c.pace.due
}

// allow reckons how many bytes a viewer may be sent now.
func (p *pace) allow(v *viewer) float64 {
	g, now := v.conn.loop.group, v.conn.loop.now
	bits := v.prog.Demand()
	rate, since := perNano(float64(bits)), float64(now-p.at)
	p.at = now
	p.own = min(p.own+since*rate*float64(v.conn.joinSpeed()), v.conn.startOf(bits))
	p.live = min(p.live+since*rate, float64(paceIdle)*rate)
	if extra, bounded := g.extra(); bounded {
		return min(p.own, p.live+g.joiners.left(now, extra))
	}
	return p.own
}

// rest is how long a viewer that may be sent nothing waits for its next turn. If it is
// kept from more by what all have together, that is lost unless somebody uses it in time.
func (p *pace) rest(c *Conn) int64 {
	if c.apart != 0 {
		return datagramPace
	}
	if p.own > 0 {
		return joinersBurst
	}
	return paceTurn
}

// charge counts bytes that a viewer was sent. What is more than all had together is
// its own debt.
func (p *pace) charge(v *viewer, n int) {
	g, now, bytes := v.conn.loop.group, v.conn.loop.now, float64(n)
	p.own -= bytes
	extra, bounded := g.extra()
	if !bounded {
		return
	}
	rest := bytes - max(0, min(bytes, p.live))
	common := max(0, min(rest, g.joiners.left(now, extra)))
	p.live -= bytes - common
	if common > 0 {
		g.joiners.use(now, common, extra)
	}
}

// noHorizon is the horizon of those who may be sent everything.
const noHorizon = math.MaxUint64

// horizon is the number of the first packet that a viewer may not be sent yet, if it
// may be sent so many bytes: the last one that it may be sent can be beyond that.
func (v *viewer) horizon(bytes float64) uint64 {
	r, seq := v.prog.Ring, v.next
	for head := r.Head(); seq < head && bytes > 0; seq++ {
		s := r.At(seq)
		if s == nil {
			break
		}
		bytes -= float64(s.Size())
	}
	return seq
}

// catchUp serves a viewer that has a pace. Its answer goes out in any case.
func (l *Loop) catchUp(v *viewer) {
	c := v.conn
	for range turns {
		if v.outbox && c.out.left() == 0 {
			l.freeOutbox(c)
		}
		at, _ := l.position(v)
		if v.ending != reason.None || v.waitEnd != 0 || (v.pin == nil || v.sent == nothingLeft) && v.next == v.prog.Ring.Head() || v.prog.Demand() == 0 {
			c.caughtUp()
			l.serve(v)
			return
		}
		most := c.pace.allow(v)
		if v.outbox {
			most -= float64(c.out.left())
		}
		l.horizon = v.horizon(most)
		iov, want, _ := l.gather(v, at)
		l.horizon = noHorizon
		if want == 0 && l.body.end == v.next {
			c.pace.due = l.now + c.pace.rest(c)
			c.rearm()
			return
		}
		n, full := 0, false
		if want > 0 {
			var errno unix.Errno
			n, full, errno = l.write(c, v.transport, v.fd, iov, want)
			if errno != 0 {
				l.unwritten(c, errno)
				return
			}
			v.bytes += uint64(n)
		}
		l.advance(v, n, true)
		c.pace.charge(v, n)
		if full {
			l.park(c)
			return
		}
		if c.doomed {
			return
		}
	}
	c.pace.due = l.now
	l.hunger(c)
}
