package engine

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"streampump/codec"
	"streampump/engine/admission"
	"streampump/engine/clock"
	"streampump/engine/door"
	"streampump/engine/loop"
	"streampump/engine/notice"
	"streampump/engine/reactor"
	"streampump/engine/reason"
	"streampump/engine/ring"
	"streampump/engine/settings"
	"streampump/engine/stream"
)

// The settings of an engine; see package settings.
type (
	Config       = settings.Config
	Limits       = settings.Limits
	Room         = settings.Room
	Pace         = settings.Pace
	Bits         = settings.Bits
	Timeouts     = settings.Timeouts
	Backlog      = settings.Backlog
	Fanout       = settings.Fanout
	Datagrams    = settings.Datagrams
	StreamConfig = settings.Stream
	PullConfig   = settings.Pull
	FileConfig   = settings.File
)

// Listener is an address to listen on or an inherited socket, and whether with TLS.
type Listener = door.Listener

// Plain are listeners without TLS on the given addresses.
func Plain(addresses ...string) (out []Listener) {
	for _, a := range addresses {
		out = append(out, Listener{Address: a})
	}
	return out
}

// SourceState is what a stream's source is doing.
type SourceState = stream.SourceState

// The states of a source.
const (
	SourceDown    = stream.SourceDown
	SourceHeld    = stream.SourceHeld
	SourceUp      = stream.SourceUp
	SourceDialing = stream.SourceDialing
)

// ReservedDescriptors are kept back from connections, or more: see
// [ReserveDescriptors].
const ReservedDescriptors = settings.ReservedDescriptors

// DefaultConfig is a configuration that needs no change on an ordinary box.
func DefaultConfig() Config { return settings.Default() }

// Turn is the time from one write call for a viewer to the next; see [loop.Turn].
func Turn(viewers int, packetsPerSecond, bursts float64, budget time.Duration) time.Duration {
	return loop.Turn(viewers, packetsPerSecond, bursts, budget)
}

// Engine carries streams: it joins the rooms. Make it with [New], open its listeners
// with [Engine.Listen], start it with [Engine.Start] and end it with
// [Engine.Shutdown].
type Engine struct {
	// Set once.
	cfg   Config
	log   *slog.Logger
	clock *clock.Clock
	env   *stream.Env
	books *admission.Books
	group *loop.Group
	door  *door.Door
	// reserve is the number of descriptors kept back from connections.
	reserve int

	reactors  []*reactor.Reactor         // by loop
	datagrams []*reactor.DatagramSockets // the same; empty if none are sent
	sources   sync.WaitGroup
	ticking   sync.WaitGroup
	stop      context.CancelFunc
	stopped   atomic.Bool
	beating   sync.Mutex // held while the clock is asked: it must not be closed then
}

// New makes an engine for the given streams and protocols. The protocols are asked in
// their order whose a connection is; the last one also speaks for connections that none
// recognises. Nothing runs, and no
// socket is touched, until Listen and Start.
func New(cfg Config, streams []StreamConfig, protocols []codec.Protocol, log *slog.Logger) (*Engine, error) {
	if len(protocols) == 0 {
		return nil, errors.New("an engine needs a protocol")
	}
	e := &Engine{cfg: cfg, clock: clock.New()}
	log = notice.LimitAll(log, func() int64 { return e.clock.Now() })
	e.log = log
	e.reserve = ReserveDescriptors(cfg, streams)
	if err := e.fitDescriptors(streams); err != nil {
		return nil, err
	}
	e.env = &stream.Env{
		Settings: &e.cfg, Log: log, Clock: e.clock,
		Epochs: ring.NewEpochs(max(1, cfg.Loops)),
		Dial:   new(net.Dialer).DialContext,
	}
	if total := cfg.Backlog.Total; total > 0 {
		e.env.Pool, e.env.Share = ring.NewPool(total), total/2/int64(max(1, len(streams)))
	}
	e.books = admission.New(loop.Limits(&e.cfg, func() int64 { return e.clock.Now() }))
	e.group = loop.NewGroup(e.env, e.books, streams, protocols)
	e.group.Spare(e.spareEar)
	e.env.Ears = e.group.TakeEars
	e.door = door.New(door.Config{
		NotSentLowat: cfg.Fanout.NotSentLowat,
		Books:        e.books,
		Log:          notice.Limit(log, 1, func() int64 { return e.clock.Now() }),
		Spare:        e.spare,
		Loops:        len(e.group.Loops()),
		Hand:         e.hand,
		Proxies:      cfg.Proxies, HeaderTime: cfg.Timeouts.Head,
		Handshakes: cfg.Limits.Handshakes, HandshakeTime: cfg.Timeouts.Handshake,
		Lost:    e.group.Lost,
		Refusal: func(c codec.Cause) []byte { return protocols[len(protocols)-1].AppendRefusal(nil, c) },
	})
	return e, nil
}

// hand gives an accepted connection to a loop.
func (e *Engine) hand(number int, a door.Arrival) error {
	c := loop.NewConn(e.group.Loops()[number], a.Peer, a.Ticket, a.Refused)
	if a.TLS != nil {
		c.Encrypt(a.TLS)
	}
	err := e.reactors[number].Enroll(a.TCP, c)
	if err != nil {
		e.books.Leave(&a.Ticket, a.Peer.Addr())
	}
	return err
}

// Listen opens the given listeners. Connections wait in the kernel until Start.
func (e *Engine) Listen(listeners ...Listener) error {
	for _, l := range listeners {
		if err := e.door.Listen(l); err != nil {
			e.door.Close()
			return err
		}
	}
	e.openDatagrams()
	return nil
}

// openDatagrams opens the sockets for datagrams, if some are to be sent. Without them
// viewers have a connection's packets, which all players can do with.
func (e *Engine) openDatagrams() {
	first := e.cfg.Datagrams.First
	if first == 0 || len(e.datagrams) > 0 {
		return
	}
	var err error
	if e.datagrams, err = reactor.OpenDatagrams(first, len(e.group.Loops())); err != nil {
		e.log.Error("no packets are sent over UDP: viewers get them over their connections", "why", err)
		return
	}
	to := "this machine and private networks"
	if e.cfg.Datagrams.Anyone {
		to = "anywhere"
	}
	if why := reactor.Tight(e.datagrams); why != "" {
		e.log.Warn("the system has little room for packets over UDP", "why", why)
	}
	e.log.Info("packets are sent over UDP too", "first_port", first, "last_port", int(first)+2*len(e.datagrams)-1, "to", to)
}

// Addresses are the addresses that are listened on, with the ports that the
// system chose where none was asked for.
func (e *Engine) Addresses() []netip.AddrPort { return e.door.Addresses() }

// Listeners are the open listeners, in the order in which Listen got them. They are the
// engine's: only their descriptors may be copied, which keeps what waits in them when
// the engine ends.
func (e *Engine) Listeners() []*net.TCPListener { return e.door.Listeners() }

// Start runs the clock, the loops and the sources, and begins to accept.
func (e *Engine) Start() error {
	if err := e.clock.UseKernel(); err != nil {
		return err
	}
	if err := e.startLoops(); err != nil {
		e.clock.Close()
		return err
	}
	ctx, cancel := context.WithCancel(context.Background())
	e.stop = cancel
	e.ticking.Go(func() { e.clock.Run(ctx, e.group.Due) })
	for _, st := range e.group.Streams() {
		e.sources.Go(func() { st.Run(ctx) })
	}
	e.door.Open()
	return nil
}

// startLoops starts every event loop, or none.
func (e *Engine) startLoops() error {
	cfg := reactor.Config{ReadBuffer: e.cfg.ReadBuffer, Processors: e.cfg.Processors, Datagrams: e.datagrams, Log: notice.Limit(e.log, notice.Burst, func() int64 { return e.clock.Now() })}
	for _, l := range e.group.Loops() {
		r, err := reactor.Start(l, cfg)
		if err != nil {
			for _, r := range e.reactors {
				r.Stop()
			}
			e.reactors = nil
			return err
		}
		e.reactors = append(e.reactors, r)
	}
	return nil
}

// Shutdown stops accepting, tells every viewer and encoder that the stream is over,
// gives them Timeouts.Shutdown to take that in, and closes what is left. It returns
// when no part of the engine runs any more. An engine that was not started only
// closes its listeners.
func (e *Engine) Shutdown() {
	if e.stopped.Swap(true) {
		return
	}
	e.door.Close()
	if e.stop == nil {
		reactor.CloseDatagrams(e.datagrams)
		return
	}
	began, limit := time.Now(), e.cfg.Timeouts.Shutdown
	e.door.Wait(limit)
	e.group.SayGoodbye()
	e.awaitEmpty(limit - time.Since(began))
	e.stop()
	e.sources.Wait()
	e.ticking.Wait()
	for _, r := range e.reactors {
		r.Stop()
	}
	reactor.CloseDatagrams(e.datagrams)
	for _, st := range e.group.Streams() {
		st.Close(reason.ShuttingDown.Info().Text)
	}
	e.beating.Lock()
	defer e.beating.Unlock()
	e.clock.Close()
}

// Beat asks every event loop and the clock for a sign of life, and names those that
// have not given the one before: nobody at the first call. A watchdog calls it now and
// then; each call costs a loop one pass at most. It may be called from Start on, by any
// goroutine; when the end has begun it asks nobody.
func (e *Engine) Beat() (silent []string) {
	e.beating.Lock()
	defer e.beating.Unlock()
	if e.stopped.Load() {
		return nil
	}
	return e.group.Beat()
}

// awaitEmpty waits until no connection is open, or the time is over.
func (e *Engine) awaitEmpty(limit time.Duration) {
	deadline := time.NewTimer(limit)
	defer deadline.Stop()
	look := time.NewTicker(shutdownLook)
	defer look.Stop()
	for e.group.Connections() > 0 {
		select {
		case <-deadline.C:
			return
		case <-look.C:
		}
	}
}

// shutdownLook is how often a shutdown checks whether everybody has gone.
const shutdownLook = 10 * time.Millisecond
