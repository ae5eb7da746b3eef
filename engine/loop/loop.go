package loop

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"streampump/codec"
	"streampump/engine/clock"
	"streampump/engine/reason"
	"streampump/engine/ring"
)

// Loop is one event loop's share of the engine. Everything below the line "Owned by
// the loop" is touched only while the loop runs one of its entry points (Opened,
// Traffic, HalfClosed, Closed, Run), each of which is one pass.
type Loop struct {
	// Set once.
	id         int
	group      *Group
	kernel     Kernel
	reactor    Reactor
	transports [transports]transport
	labels     context.Context // of its goroutine in profiles, while it works for no stream

	// Any goroutine.
	pending  atomic.Bool  // a wake is on its way
	deadline atomic.Int64 // the earliest timer, for the engine's clock
	mailMu   sync.Mutex
	mail     []func()
	stats    loopStats
	demand   demand
	heart    heartbeat

	// Owned by the loop.
	now     int64 // of the present pass
	depth   int   // entry points nest when closing a connection calls Closed
	conns   map[int32]*Conn
	shows   []*show
	turn    int // the show that the last pass began with
	timers  timers
	doomed  []*Conn // closed when the pass is over
	leaving []*Conn // taken off their shows when the sweep is over
	hungry  []*Conn // have more to send than one turn allows
	fed     []*Conn // the slice that hungry alternates with
	again   bool    // another pass is needed
	yielded bool    // the pass had no time for all its work
	running bool    // within Run
	between bool    // within a Run that came between two reads
	reading int64   // when the first entry since the last Run began; 0: none
	looked  bool    // overslept deadlines wait for this pass
	// turnLeft is how many packets may still be taken of the encoder whose turn it is.
	turnLeft int
	busy     busyness
	flushAt  int64 // when held packets must go on
	pass     passStats
	ev       codec.Event   // scratch: an event passed by pointer would escape
	verdict  codec.Verdict // scratch
	shown    *show         // whose labels the goroutine has; nil: the loop's own
	iov      [maxIov]unix.Iovec
	body     body   // the packets in iov
	horizon  uint64 // no packet from this one on is gathered
	leap     leap
	joined   []byte // scratch: what viewers are sent where they start
	scratch  ring.Scratch
	gaps     [ring.Variants]gaps // by form
	gapped   bool                // there are any
	fds      [128]int32
	spare    []*outbox
	records  records

	datagrams datagrams
}

// maxIov is the most buffers in one write. Packets in their primary form need one for
// each segment of the backlog; in another form each needs its own, and 64 of 1400
// bytes are more than five times what holding brings together of a 1 Mbit/s stream.
const maxIov = 64

// maxWrite is how many bytes are enough for a write: what a socket takes at the
// default TCP_NOTSENT_LOWAT.
const maxWrite = 128 << 10

func newLoop(g *Group, id int) *Loop {
	l := &Loop{id: id, group: g, labels: loopLabels(id), conns: map[int32]*Conn{}, flushAt: clock.Never, horizon: noHorizon}
	l.transports[plainTCP] = plain{l}
	l.transports[tlsTCP] = encrypted{l}
	l.transports[apart] = byDatagrams{l}
	l.datagrams.full, l.datagrams.heard = notFull, map[int32]*Conn{}
	l.deadline.Store(clock.Never)
	return l
}

// ID is the loop's number.
func (l *Loop) ID() int { return l.id }

// Drive gives the loop its sockets and its event loop, before anything else.
func (l *Loop) Drive(k Kernel, r Reactor) { l.kernel, l.reactor = k, r }

// Wrap puts an observer between the loop and its kernel. Only the loop's goroutine
// may call it.
func (l *Loop) Wrap(wrap func(Kernel) Kernel) { l.kernel = wrap(l.kernel) }

// Descriptors are those of the loop's connections. Only the loop's goroutine may
// call it.
func (l *Loop) Descriptors() (fds []int32) {
	for fd := range l.conns {
		fds = append(fds, fd)
	}
	return fds
}

// Wake makes the loop run soon; all calls until then count as one. Any goroutine may
// call it.
func (l *Loop) Wake() {
	if !l.pending.Swap(true) {
		l.stats.wakes.Add(1)
		l.reactor.Wake()
	}
}

// Post makes the loop call f on its own goroutine. Any goroutine may call it.
func (l *Loop) Post(f func()) {
	l.mailMu.Lock()
	l.mail = append(l.mail, f)
	l.mailMu.Unlock()
	l.Wake()
}

// enter begins a pass; every entry point is enter, work, leave.
func (l *Loop) enter() {
	l.depth++
	if l.depth == 1 {
		l.now = l.group.clock.Now()
		if l.reading == 0 {
			l.reading = l.now
		}
		l.turnLeft = packetTurn
		l.group.epochs.Enter(l.id)
	}
}

// leave ends the pass. Connections are taken off their shows and closed only
// here, when nothing walks the viewers any more.
func (l *Loop) leave() {
	if l.depth > 1 {
		l.depth--
		return
	}
	l.label(nil)
	l.settle()
	l.forgetGaps()
	l.group.epochs.Leave(l.id)
	for len(l.doomed) > 0 {
		c := l.doomed[len(l.doomed)-1]
		l.doomed = l.doomed[:len(l.doomed)-1]
		if c.phase != phaseClosed {
			l.reactor.Close(c)
		}
	}
	l.depth = 0
	l.pass.flush(&l.stats)
	l.arm()
	if !l.running && l.now-l.reading > yieldAfter && l.pending.Load() {
		l.between = true
		l.Run() // whoever waits for it does not wait for all who want to be read
		l.between = false
	}
}

// Run is one pass after a wake: mail, sockets that take bytes again, timers, and the
// fan-out of what was published. The event loop calls it when it has tended
// everything that was ready before the wake ([Reactor.Wake]), so reading and fan-out
// take turns; when reading takes long, leave calls it between two connections.
func (l *Loop) Run() {
	l.pending.Store(false)
	l.running, l.yielded = true, false
	l.enter()
	l.readMail()
	all := l.unpark()
	if !l.overslept() {
		l.expire(all)
	}
	l.feed()
	l.label(nil)
	l.fanout()
	l.judge()
	l.leave()
	l.running, l.reading = false, 0
}

// yield leaves the rest of the work to the next pass.
func (l *Loop) yield() { l.again, l.yielded = true, true }

// feed gives connections with more to send another turn. Those that it does not reach
// come first in the next pass.
func (l *Loop) feed() {
	hungry, began := l.hungry, l.group.clock.Now()
	l.hungry, l.fed = l.fed[:0], hungry
	for i, c := range hungry {
		if l.group.clock.Now()-began > yieldAfter {
			l.hungry = slices.Insert(l.hungry, 0, hungry[i:]...)
			l.yield()
			return
		}
		c.hungry = false
		l.label(c.worksFor())
		c.resume()
		c.hear()
		l.send(c)
	}
}

// hunger gives a connection another turn, in this pass if feed is yet to come.
func (l *Loop) hunger(c *Conn) {
	if !c.hungry {
		c.hungry = true
		l.hungry = append(l.hungry, c)
	}
}

// readMail runs the functions posted since the last pass.
func (l *Loop) readMail() {
	l.mailMu.Lock()
	mail := l.mail
	l.mail = nil
	l.mailMu.Unlock()
	for _, f := range mail {
		f()
	}
}

// unpark goes on with the connections whose sockets take bytes again, and with encoders
// whose datagrams have come. The kernel remembers those for which there is no time; false
// if there may be some.
func (l *Loop) unpark() (all bool) {
	if l.stats.parked.Load() == 0 && l.datagrams.full == notFull && len(l.datagrams.heard) == 0 {
		return true
	}
	for began := l.group.clock.Now(); ; {
		if l.group.clock.Now()-began > yieldAfter {
			l.yield()
			l.label(nil)
			return false
		}
		n := l.kernel.Ready(l.fds[:])
		for _, fd := range l.fds[:n] {
			if int(fd) == l.datagrams.full {
				l.datagramsAgain()
			} else if c := l.datagrams.heard[fd]; c != nil {
				c.rings(fd)
			} else if c := l.conns[fd]; c != nil && c.parked {
				c.unpark()
				l.label(c.worksFor())
				l.send(c)
			}
		}
		if n < len(l.fds) {
			l.label(nil)
			return true
		}
	}
}

// park leaves a connection until its socket takes bytes again.
func (l *Loop) park(c *Conn) {
	if c.parked || c.doomed {
		return
	}
	if to := c.destination(); to != nil {
		l.datagrams.await(c, to)
	} else if !c.watched {
		if err := l.kernel.Watch(int(c.fd)); err != nil {
			l.group.loadLog.Error("a full socket cannot be watched", "why", err)
			c.doom(reason.WriteFailed)
			return
		}
		c.watched = true
	}
	c.parked = true
	l.stats.parked.Add(1)
	l.pass.full++
	if v := c.viewer(); v != nil {
		v.parked = true
		if c.pace == nil {
			c.show.away++
		}
		l.hold(v, nil)
	}
	c.setTimer(l.now + int64(l.group.cfg.Timeouts.Stall))
}

// unpark lets a connection be written to again.
func (c *Conn) unpark() {
	if !c.parked {
		return
	}
	c.parked = false
	c.loop.stats.parked.Add(-1)
	if v := c.viewer(); v != nil {
		v.parked = false
		if c.pace == nil {
			c.show.away--
		}
	}
	c.rearm()
}

// expire acts on the deadlines that have come. looked says that all sockets that take
// bytes again have been seen. Without it, full sockets wait for the next pass: nobody
// is given up for a socket that has not been looked at.
func (l *Loop) expire(looked bool) {
	for c := l.timers.due(l.now); c != nil; c = l.timers.due(l.now) {
		if c.parked && !looked {
			c.setTimer(l.now + yieldAfter)
			continue
		}
		c.expired()
	}
}

// overslept reports whether the earliest deadline passed so long ago that the process
// must have stood still: stopped, moved to another machine, swapped out. What the
// peers sent meanwhile lies unread in their sockets, and counts first: the loop wakes
// itself, which lets the event loop read them, and acts on deadlines in the pass
// after that. A pass that comes between two reads is too early.
func (l *Loop) overslept() bool {
	if l.looked && l.between {
		l.again = true
		return true
	}
	if l.looked || l.now-l.timers.earliest() <= slack {
		l.looked = false
		return false
	}
	l.looked, l.again = true, true
	return true
}

// slack is how late a pass may come to a deadline without anything being wrong: a
// busy loop is some passes late.
const slack = int64(100 * time.Millisecond)

// arm tells the engine's clock when the loop must run next.
func (l *Loop) arm() {
	next := min(l.timers.earliest(), l.flushAt)
	if l.again || len(l.hungry) > 0 {
		l.again = false
		l.Wake()
	}
	if old := l.deadline.Swap(next); next < old {
		l.group.clock.Hurry(next)
	}
}

// rouse wakes a loop whose deadline has come and returns its present one: Never until
// the end of its pass, when the loop sets the next and tells the clock. The clock
// calls it.
func (l *Loop) rouse(now int64) int64 {
	d := l.deadline.Load()
	if d > now {
		return d
	}
	l.Wake()
	if l.deadline.CompareAndSwap(d, clock.Never) {
		return clock.Never
	}
	return l.deadline.Load() // the loop set it just now, and saw the old one
}

// yieldAfter is how long a pass may serve viewers before the loop's other connections
// get their turn; the rest of the sweep follows in the next pass. The same bound
// holds for sockets that take bytes again, and for connections with more to send, so
// a pass lasts at most three times as long, whoever joins. It is also how long
// reading may keep a pass waiting.
const yieldAfter = int64(5 * time.Millisecond)

// yieldCheck is the number of viewers served between two looks at the clock.
const yieldCheck = 32
