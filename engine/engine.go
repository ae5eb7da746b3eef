package engine

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"streampump/codec"
	"streampump/engine/ring"
)

// Engine carries streams: it owns the sockets, the loops, the streams and the
// clock. Make it with [New], open its doors with [Engine.Listen], start it with
// [Engine.Start] and end it with [Engine.Shutdown].
type Engine struct {
	// Set once.
	cfg       Config
	log       *slog.Logger
	doorLog   *slog.Logger // connections that can not be taken; limited
	peerLog   *slog.Logger // peers that did something wrong; limited
	pushLog   *slog.Logger // encoders that come and go; limited
	protocols []codec.Protocol
	streams   map[string]*stream // by path in lower case
	order     []*stream          // as configured
	loops     []*loop
	epochs    *ring.Epochs
	maxConns  int
	clock     func() int64 // nanoseconds since the engine was made
	began     time.Time
	dial      func(ctx context.Context, network, address string) (net.Conn, error)

	buffers  ring.Buffers
	sessions *sessions
	limits   admission
	stats    engineStats
	nextLoop atomic.Uint32
	wakeup   wakeup
	sweepAt  int64 // when the clock looks through the sessions again; its own

	acceptors []*acceptor
	reactors  []*netReactor
	sources   sync.WaitGroup
	accepting sync.WaitGroup
	ticking   sync.WaitGroup
	stop      context.CancelFunc
	stopped   atomic.Bool
}

// engineStats are counted where no loop is.
type engineStats struct {
	acceptErrors atomic.Uint64
	refused      atomic.Uint64
	refusing     atomic.Int64
}

// New makes an engine for the given streams and protocols; the first protocol
// also speaks for connections that none recognises. Nothing runs, and no
// socket is touched, until Listen and Start.
func New(cfg Config, streams []StreamConfig, protocols []codec.Protocol, log *slog.Logger) (*Engine, error) {
	if len(protocols) == 0 {
		return nil, errors.New("an engine needs a protocol")
	}
	began := time.Now()
	e := &Engine{
		cfg: cfg, log: log, protocols: protocols, began: began,
		streams:  map[string]*stream{},
		clock:    func() int64 { return int64(time.Since(began)) },
		epochs:   ring.NewEpochs(max(1, cfg.Loops)),
		sessions: newSessions(cfg.Limits.Sessions),
		wakeup:   wakeup{alarm: newRuntimeAlarm()},
		dial:     new(net.Dialer).DialContext,
	}
	clock := func() int64 { return e.clock() }
	e.doorLog, e.peerLog, e.pushLog = limit(log, 1, clock), limit(log, 1, clock), limit(log, noticeBurst, clock)
	e.limits.pending = map[netip.Addr]int{}
	e.maxConns = cfg.Limits.Connections
	if e.maxConns == 0 {
		e.maxConns = descriptorLimit() - ReservedDescriptors
	}
	for i := range max(1, cfg.Loops) {
		e.loops = append(e.loops, newLoop(e, i))
	}
	for _, sc := range streams {
		st := newStream(e, sc)
		e.streams[strings.ToLower(sc.Path)] = st
		e.order = append(e.order, st)
	}
	return e, nil
}

// descriptorLimit is how many descriptors this process may have.
func descriptorLimit() int {
	var r unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &r); err != nil || r.Cur > 1<<30 {
		return 1 << 30
	}
	return int(r.Cur)
}

// Listen opens the given addresses ("[::]:8086" takes IPv4 too). Connections
// wait in the kernel until Start.
func (e *Engine) Listen(addresses ...string) error {
	for _, address := range addresses {
		a, err := e.listen(address)
		if err != nil {
			e.closeListeners()
			return err
		}
		e.acceptors = append(e.acceptors, a)
	}
	return nil
}

// Addresses are the addresses that are listened on, with the ports that the
// system chose where none was asked for.
func (e *Engine) Addresses() (out []netip.AddrPort) {
	for _, a := range e.acceptors {
		out = append(out, addrPort(a.listener.Addr()))
	}
	return out
}

// Start runs the loops, the sources and the acceptors.
func (e *Engine) Start() error {
	clock, err := newKernelAlarm()
	if err != nil {
		return err
	}
	e.wakeup.alarm = clock
	ctx, cancel := context.WithCancel(context.Background())
	e.stop = cancel
	for _, l := range e.loops {
		r, err := startReactor(l)
		if err != nil {
			cancel()
			for _, r := range e.reactors {
				r.stop()
			}
			e.reactors, e.stop = nil, nil
			clock.close()
			return err
		}
		e.reactors = append(e.reactors, r)
	}
	e.ticking.Go(func() { e.tick(ctx) })
	for _, st := range e.order {
		switch {
		case st.cfg.Pull != nil:
			e.sources.Go(func() { st.source(ctx, st.pull) })
		case st.cfg.File != nil:
			e.sources.Go(func() { st.source(ctx, st.play) })
		}
	}
	for _, a := range e.acceptors {
		e.accepting.Go(a.run)
	}
	return nil
}

// Shutdown stops accepting, tells every viewer and encoder that it is over,
// gives them until Timeouts.Shutdown to take it, and closes what is left. It
// returns when nothing of the engine runs any more. An engine that was not
// started only gives its listeners back.
func (e *Engine) Shutdown() {
	if e.stopped.Swap(true) {
		return
	}
	e.closeListeners()
	if e.stop == nil {
		return
	}
	e.accepting.Wait()
	for _, l := range e.loops {
		l.post(l.sayGoodbye)
	}
	e.awaitEmpty(e.cfg.Timeouts.Shutdown)
	e.stop()
	e.sources.Wait()
	e.ticking.Wait()
	for _, r := range e.reactors {
		r.stop()
	}
	e.giveBack()
	e.wakeup.alarm.close()
}

// awaitEmpty waits until no connection is open, or the time is over.
func (e *Engine) awaitEmpty(limit time.Duration) {
	deadline := time.NewTimer(limit)
	defer deadline.Stop()
	look := time.NewTicker(shutdownLook)
	defer look.Stop()
	for e.openConnections() > 0 {
		select {
		case <-deadline.C:
			return
		case <-look.C:
		}
	}
}

// shutdownLook is how often a shutdown looks whether everybody has gone.
const shutdownLook = 10 * time.Millisecond

func (e *Engine) openConnections() (n int64) {
	for _, l := range e.loops {
		n += l.stats.connections.Load()
	}
	return n
}

// closeListeners refuses further connections.
func (e *Engine) closeListeners() {
	for _, a := range e.acceptors {
		_ = a.listener.Close()
	}
}

// giveBack ends the programmes that there still are and returns every packet
// buffer, so that what is still out is a leak.
func (e *Engine) giveBack() {
	for _, st := range e.order {
		st.mu.Lock()
		if st.cur.Load() != nil {
			st.endLocked(false, ShuttingDown.Info().Text)
		}
		st.mu.Unlock()
		st.tend(never - 1)
	}
}

// sayGoodbye ends every connection of the loop with its protocol's words.
func (l *loop) sayGoodbye() {
	for _, c := range l.conns {
		switch {
		case c.show != nil:
			c.endView(ShuttingDown)
		case c.ingest != nil && c.ingest.last.Load() == c:
			c.endIngest(codec.CauseShutdown, ShuttingDown, ShuttingDown.Info().Text)
		case c.out != nil || c.phase >= phaseEnding:
			// An answer is on its way; the deadline bounds it.
		case c.sess != nil:
			c.finish(ShuttingDown, c.sess.AppendEnd(c.outgoing().own, codec.CauseShutdown, ""))
		default:
			c.doom(ShuttingDown)
		}
	}
}

// pick chooses the loop for a new connection: one after the other, so that the
// viewers of every stream spread over all loops.
func (e *Engine) pick() *loop {
	return e.loops[int(e.nextLoop.Add(1))%len(e.loops)]
}

// hurry has the clock look at the deadlines at a time, or earlier. The deadline
// must be told before. Any goroutine may call it.
func (e *Engine) hurry(at int64) { e.wakeup.by(at, e.clock) }

// janitorInterval is how often ended programmes and idle sessions are looked after.
const janitorInterval = time.Second

// tick is the engine's one clock: it sleeps to the earliest deadline of all
// loops and streams and wakes those that have one.
func (e *Engine) tick(ctx context.Context) {
	told := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		e.hurry(e.clock())
		close(told)
	})
	defer func() {
		if !stop() {
			<-told // the alarm may be closed when this has returned
		}
	}()
	for {
		e.wakeup.look()
		if ctx.Err() != nil {
			return
		}
		e.hurry(e.due(e.clock()))
		e.wakeup.alarm.wait()
	}
}

// due wakes the loops whose deadline has come, tends streams and sessions, and
// returns the time of the next deadline.
func (e *Engine) due(now int64) int64 {
	next := never
	for _, l := range e.loops {
		next = min(next, l.rouse(now))
	}
	for _, st := range e.order {
		next = min(next, st.tend(now))
	}
	if now >= e.sweepAt {
		e.sweepAt = now + int64(janitorInterval)
		e.sweep(now)
	}
	return min(next, e.sweepAt)
}

// sweep forgets the sessions whose time is over. Strangers can fill their table,
// so this is done once in a while and not whenever the clock looks.
func (e *Engine) sweep(now int64) {
	e.sessions.sweep(now)
	for _, in := range e.sessions.idleIngests(now) {
		// The table held the session's only way back; its stream may be held.
		if in.claim() {
			e.pushLog.Info("an encoder's idle session has expired", "stream", in.stream.cfg.Path)
			if SourceState(in.stream.state.Load()) == SourceUp { // if not, why it was lost is known
				in.down(false, "the encoder did not come back to its session", now)
			}
			in.release()
		}
	}
}

// left does the bookkeeping of a closed connection and writes its log line.
func (e *Engine) left(c *conn) {
	e.uncount(c)
	info := c.reason.Info()
	switch {
	case c.viewed != "":
		e.log.Info("viewer left", "stream", c.viewed, "peer", c.peer, "reason", c.reason.String(),
			"bytes", c.bytes, "seconds", (e.clock()-c.opened)/int64(time.Second), "skips", c.skips, "agent", c.agent)
	case c.reason == BadRequest || c.reason == PushIdle || c.reason == PushRefused || c.reason == PushLost:
		// It was logged, with the particulars, when it happened.
	case info.Error:
		e.complain(c.reason, c.peer, nil)
	}
}

// complain logs what went wrong with a connection, at most once a second.
func (e *Engine) complain(r Reason, peer netip.AddrPort, err error) {
	args := []any{"reason", r.String(), "why", r.Info().Text, "peer", peer}
	if err != nil {
		args = append(args, "error", err)
	}
	e.peerLog.Warn("connection closed", args...)
}
