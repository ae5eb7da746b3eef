package load

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"time"

	"golang.org/x/sys/unix"

	"streampump/bench/drain"
	"streampump/bench/secure"
)

const (
	// connectMost is how many connections are opened before those that have
	// opened are looked at, so that join times stay true.
	connectMost = 32
	// joinRead is how much of a joining player's stream is read at once.
	joinRead = 64 << 10
	// joinBatch is how many joining sockets one call of epoll tells of.
	joinBatch = 256
)

// state is where a player of a crowd stands.
type state uint8

const (
	stateOut        state = iota // not yet connected, or no longer
	stateConnecting              // connect is under way
	stateJoining                 // asked, and waits for its first packet
	stateDraining
	stateStalled
	stateSlow
)

// member is one player of a crowd.
type member struct {
	seat
	state state
	fd    int
	began time.Time
	join  *joiner
	// secure is its TLS up to its first packet; nil over plain TCP, and afterwards:
	// what comes then is drained as it is.
	secure *secure.Client

	described bool  // it has asked for the header
	sipped    int64 // throttled: what it has read since it connected
}

// crowd is the players of one thread that are not verified. Everything in it
// belongs to the goroutine of run.
type crowd struct {
	o        *Options
	server   netip.AddrPort
	play     []byte // the request
	describe []byte // the one before it; empty if players do without
	tally    *tally

	members []member
	byFD    map[int]*member
	slow    map[int]*member // throttled players that have joined
	next    int             // the first member that has not begun yet
	joining int             // epoll set of those that connect and join
	drained *drain.Set
	events  []unix.EpollEvent
	buf     []byte
	plain   []byte // what a joining player's TLS makes of it

	began, measured time.Time // measured is zero before the measurement
	resumed         bool      // the stalled ones read on
	churned, chair  int       // replacements so far, and who is next
	churn           float64   // this crowd's share of Options.Churn
}

// newCrowd makes a crowd of the given seats.
func newCrowd(o *Options, server netip.AddrPort, y *tally, seats []seat, churn float64) (*crowd, error) {
	joining, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("no epoll set can be made: %w", err)
	}
	client := o.client()
	c := &crowd{
		o: o, server: server, play: client.AppendPlay(nil, o.Path, o.Addr, 0), tally: y,
		byFD: make(map[int]*member, len(seats)), slow: map[int]*member{}, joining: joining, drained: drain.New(),
		events: make([]unix.EpollEvent, joinBatch), buf: make([]byte, joinRead), churn: churn,
	}
	if o.Describe {
		c.describe = client.AppendDescribe(nil, o.Path, o.Addr)
	}
	if o.TLS != nil {
		c.plain = make([]byte, joinRead)
	}
	for _, s := range seats {
		c.members = append(c.members, member{seat: s})
	}
	return c, nil
}

// run plays until ctx ends and closes everything.
func (c *crowd) run(ctx context.Context) error {
	defer c.close()
	c.began = time.Now()
	swept := c.began
	for ctx.Err() == nil {
		now := time.Now()
		c.connectDue(now)
		c.plan(now)
		if err := c.awaitJoins(c.patience(now, swept)); err != nil {
			return err
		}
		if now = time.Now(); now.Sub(swept) >= c.drained.Interval() {
			swept = now
			c.drained.Sweep(c.got)
			c.sip(now)
		}
	}
	return nil
}

func (c *crowd) close() {
	for fd, m := range c.byFD {
		m.unsecure()
		_ = unix.Close(fd)
	}
	_ = unix.Close(c.joining)
}

// patience is how long the crowd may wait for joining players.
func (c *crowd) patience(now, swept time.Time) time.Duration {
	wait := swept.Add(c.drained.Interval()).Sub(now)
	if c.next < len(c.members) {
		wait = min(wait, c.began.Add(c.o.due(c.members[c.next].player)).Sub(now))
	}
	return max(wait, 0)
}

// connectDue opens the connections that are due.
func (c *crowd) connectDue(now time.Time) {
	for range connectMost {
		if c.next == len(c.members) || c.began.Add(c.o.due(c.members[c.next].player)).After(now) {
			return
		}
		c.connect(&c.members[c.next])
		c.next++
	}
}

// plan does what is due in the measurement.
func (c *crowd) plan(now time.Time) {
	if c.measured.IsZero() {
		if !c.tally.measuring.Load() {
			return
		}
		c.measured = now
		c.stall(stateDraining, stateStalled)
	}
	if !c.resumed && now.Sub(c.measured) >= c.o.Stall.For {
		c.resumed = true
		c.weigh()
		c.stall(stateStalled, stateDraining)
	}
	if !c.tally.measuring.Load() {
		return // it is over
	}
	for due := int(now.Sub(c.measured).Seconds() * c.churn); c.churned < due; c.churned++ {
		c.replace()
	}
}

// replace has the next member that is served leave and come back.
func (c *crowd) replace() {
	for range c.members {
		m := &c.members[c.chair]
		c.chair = (c.chair + 1) % len(c.members)
		if m.state != stateDraining {
			continue
		}
		c.leave(m)
		c.tally.change(func(n *Counts) { n.Held--; n.Replaced++ })
		c.connect(m)
		return
	}
}

// leave closes a member's connection.
func (c *crowd) leave(m *member) {
	delete(c.byFD, m.fd)
	delete(c.slow, m.fd)
	c.drained.Remove(m.fd)
	_ = unix.Close(m.fd)
	m.unsecure()
	m.state, m.join, m.described = stateOut, nil, false
}

// unsecure lets a member's TLS go.
func (m *member) unsecure() {
	if m.secure != nil {
		m.secure.Stop()
		m.secure = nil
	}
}

// lose takes a member out that failed.
func (c *crowd) lose(m *member, err error) {
	held := m.state == stateDraining || m.state == stateStalled || m.state == stateSlow
	if m.state != stateOut {
		c.leave(m)
	}
	c.tally.lost(held, err)
}

// connect begins a member's connection.
func (c *crowd) connect(m *member) {
	c.tally.change(func(n *Counts) { n.Started++ })
	m.began = time.Now()
	c.dial(m)
}

// dial begins a player's connection.
func (c *crowd) dial(m *member) {
	fd, err := open(c.server, sourceOf(m.player, c.server.Addr()), c.o.Segment)
	if err != nil {
		c.lose(m, err)
		return
	}
	m.fd, m.state, c.byFD[fd] = fd, stateConnecting, m
	// Over loopback the connection is there already, and the request can go.
	ev := unix.EpollEvent{Events: unix.EPOLLIN, Fd: int32(fd)}
	if err := c.sendNext(m); errors.Is(err, unix.EAGAIN) || errors.Is(err, unix.ENOTCONN) {
		ev.Events = unix.EPOLLOUT
	} else if err != nil {
		c.lose(m, err)
		return
	}
	if err := unix.EpollCtl(c.joining, unix.EPOLL_CTL_ADD, fd, &ev); err != nil {
		c.lose(m, err)
	}
}

// awaitJoins waits until something happens to those who connect and join, and
// deals with it.
func (c *crowd) awaitJoins(patience time.Duration) error {
	ms := int((patience + time.Millisecond - 1) / time.Millisecond)
	n, err := unix.EpollWait(c.joining, c.events, ms)
	if errors.Is(err, unix.EINTR) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("waiting for sockets: %w", err)
	}
	for i := range c.events[:n] {
		m := c.byFD[int(c.events[i].Fd)]
		if m == nil {
			continue
		}
		if m.state == stateConnecting {
			err = c.ask(m)
		} else {
			err = c.read(m)
		}
		if err != nil {
			c.lose(m, err)
		}
	}
	return nil
}

// ask sends the request on a connection that has opened, or failed to.
func (c *crowd) ask(m *member) error {
	errno, err := unix.GetsockoptInt(m.fd, unix.SOL_SOCKET, unix.SO_ERROR)
	if err != nil {
		return err
	}
	if errno != 0 {
		return unix.Errno(errno)
	}
	if err := c.sendNext(m); err != nil {
		return err
	}
	ev := unix.EpollEvent{Events: unix.EPOLLIN, Fd: int32(m.fd)}
	return unix.EpollCtl(c.joining, unix.EPOLL_CTL_MOD, m.fd, &ev)
}

// sendNext sends the player's next request.
func (c *crowd) sendNext(m *member) error {
	request, j := c.play, &joiner{plain: c.o.Plain || c.o.Marks}
	if c.o.Feed != nil {
		j.feeds = c.o.Feed.Join(c.o.place())
		request = j.feeds.Next()
	}
	if len(c.describe) > 0 && !m.described {
		request, j.describes = c.describe, true
	}
	if c.o.TLS != nil {
		return c.greet(m, j, request)
	}
	if err := m.say(request); err != nil {
		return err
	}
	m.state, m.join = stateJoining, j
	return nil
}

// say sends a request of some hundred bytes, or a handshake, which a connection takes whole where the one
// before was answered.
func (m *member) say(request []byte) error {
	if n, err := unix.Write(m.fd, request); err != nil || n < len(request) {
		return errors.Join(err, errors.New("the request could not be sent"))
	}
	return nil
}

// greet begins a player's TLS, behind which its request goes.
func (c *crowd) greet(m *member, j *joiner, request []byte) error {
	if m.secure == nil { // otherwise the connection had not opened
		m.join = j
		m.secure = secure.NewClient(c.o.TLS, request, c.plain, m.take)
		if _, err := m.secure.Feed(nil); err != nil {
			return err
		}
	}
	if err := m.flush(); err != nil {
		return err
	}
	m.state = stateJoining
	return nil
}

// take takes what TLS has made of what came.
func (m *member) take(b []byte) (done bool, err error) { return m.join.feed(b) }

// flush writes what a player's TLS has to say: some kilobytes at most, which a socket
// takes whole.
func (m *member) flush() error {
	b := m.secure.Out()
	if len(b) == 0 {
		return nil
	}
	n, err := unix.Write(m.fd, b)
	if err == nil && n < len(b) {
		err = errors.New("the TLS handshake could not be sent")
	}
	if err != nil {
		return err
	}
	m.secure.Wrote(n)
	return nil
}

// read reads what has come for a joining member.
func (c *crowd) read(m *member) error {
	n, err := unix.Read(m.fd, c.buf)
	switch {
	case errors.Is(err, unix.EAGAIN), errors.Is(err, unix.EINTR):
		return nil
	case err != nil:
		return err
	case n == 0:
		return io.EOF
	}
	answered := m.join.answered
	done, err := c.understand(m, c.buf[:n])
	if m.join.answered && !answered && !m.join.describes {
		c.tally.change(func(n *Counts) { n.Connected++ })
	}
	if err == nil && m.join.feeds != nil {
		if request := m.join.feeds.Next(); len(request) > 0 {
			err = m.say(request)
		}
	}
	if err != nil || !done {
		return err
	}
	if m.join.describes {
		c.leave(m)
		m.described = true
		c.dial(m)
		return nil
	}
	return c.joined(m)
}

// understand takes what came for a joining member, and says what TLS has to say to it.
func (c *crowd) understand(m *member, b []byte) (done bool, err error) {
	if m.secure == nil {
		return m.join.feed(b)
	}
	shaken := m.secure.State() != nil
	done, err = m.secure.Feed(b)
	if s := m.secure.State(); s != nil && !shaken {
		c.tally.shook(s)
	}
	if err != nil {
		_ = m.flush() // why, for the server
		return done, err
	}
	return done, m.flush()
}

// joined lets a player that has its first packet take what comes.
func (c *crowd) joined(m *member) error {
	c.tally.bytes.Add(m.join.bytes)
	m.sipped = m.join.bytes
	if err := unix.EpollCtl(c.joining, unix.EPOLL_CTL_DEL, m.fd, nil); err != nil {
		return err
	}
	m.unsecure()
	m.state, m.join = stateDraining, nil
	if m.throttle {
		m.state, c.slow[m.fd] = stateSlow, m
	} else {
		c.drained.Add(m.fd)
	}
	c.tally.joined(time.Since(m.began))
	return nil
}

// got counts what a sweep took from a member.
func (c *crowd) got(fd int, n int64, err error) {
	c.tally.bytes.Add(n)
	if m := c.byFD[fd]; m != nil && err != nil {
		c.lose(m, err)
	}
}
