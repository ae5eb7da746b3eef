package loop

import (
	"log/slog"
	"net/netip"
	"strings"
	"sync/atomic"
	"time"

	"streampump/codec"
	"streampump/engine/admission"
	"streampump/engine/clock"
	"streampump/engine/notice"
	"streampump/engine/reason"
	"streampump/engine/ring"
	"streampump/engine/session"
	"streampump/engine/settings"
	"streampump/engine/stream"
)

// Group is the loops of one engine and what they share: the streams, the
// sessions, the books of connections, the protocols and the clock. It opens no
// socket and starts nothing.
type Group struct {
	// Set once.
	cfg       *settings.Config
	log       *slog.Logger
	peerLog   *slog.Logger // peers that did something wrong; limited
	pushLog   *slog.Logger // encoders that come and go; limited
	protocols []codec.Protocol
	streams   map[string]*stream.Stream // by path in lower case
	order     []*stream.Stream          // as configured
	loops     []*Loop
	epochs    *ring.Epochs
	clock     *clock.Clock
	books     *admission.Books

	sessions *session.Table[*Conn]
	nextLoop atomic.Uint32
	sweepAt  int64 // when the clock looks through the sessions again; its own
}

// NewGroup makes the loops and the streams. The first protocol also speaks for
// connections that none recognises.
func NewGroup(env *stream.Env, books *admission.Books, streams []settings.Stream, protocols []codec.Protocol) *Group {
	cfg := env.Settings
	g := &Group{
		cfg: cfg, log: env.Log, protocols: protocols, epochs: env.Epochs, clock: env.Clock, books: books,
		streams:  map[string]*stream.Stream{},
		sessions: session.New[*Conn](cfg.Limits.Sessions),
	}
	now := func() int64 { return g.clock.Now() }
	g.peerLog, g.pushLog = notice.Limit(env.Log, 1, now), notice.Limit(env.Log, notice.Burst, now)
	for i := range max(1, cfg.Loops) {
		g.loops = append(g.loops, newLoop(g, i))
	}
	for _, sc := range streams {
		g.add(env, sc)
	}
	return g
}

// add makes a stream with a show on each loop.
func (g *Group) add(env *stream.Env, sc settings.Stream) {
	var shows []*show
	var audiences []*stream.Audience
	for _, l := range g.loops {
		s := &show{loop: l, labels: showLabels(l, sc.Path)}
		s.Show = s
		shows, audiences = append(shows, s), append(audiences, &s.Audience)
	}
	st := stream.New(env, sc, audiences)
	for _, s := range shows {
		s.stream = st
	}
	g.streams[strings.ToLower(sc.Path)] = st
	g.order = append(g.order, st)
}

// Loops are the loops, by number.
func (g *Group) Loops() []*Loop { return g.loops }

// Streams are the streams as configured.
func (g *Group) Streams() []*stream.Stream { return g.order }

// Connections is how many are open on all loops.
func (g *Group) Connections() (n int64) {
	for _, l := range g.loops {
		n += l.stats.connections.Load()
	}
	return n
}

// Sessions is how many the table holds, of viewers and encoders.
func (g *Group) Sessions() int {
	viewers, ingests := g.sessions.Count()
	return viewers + ingests
}

// Pick chooses the loop for a new connection: one after the other, so that the
// viewers of every stream spread over all loops.
func (g *Group) Pick() *Loop {
	return g.loops[int(g.nextLoop.Add(1))%len(g.loops)]
}

// SayGoodbye has every loop end its connections with their protocols' words.
func (g *Group) SayGoodbye() {
	for _, l := range g.loops {
		l.Post(l.sayGoodbye)
	}
}

// sayGoodbye ends every connection of the loop.
func (l *Loop) sayGoodbye() {
	for _, c := range l.conns {
		switch {
		case c.show != nil:
			c.endView(reason.ShuttingDown)
		case c.ingest != nil && c.ingest.LastUsedBy(c):
			c.endIngest(codec.CauseShutdown, reason.ShuttingDown, reason.ShuttingDown.Info().Text)
		case c.out != nil || c.phase >= phaseEnding:
			// An answer is on its way; the deadline bounds it.
		case c.sess != nil:
			c.finish(reason.ShuttingDown, c.sess.AppendEnd(c.outgoing().own, codec.CauseShutdown, ""))
		default:
			c.doom(reason.ShuttingDown)
		}
	}
}

// sweepInterval is how often idle sessions are looked after.
const sweepInterval = time.Second

// Due wakes the loops whose deadline has come, tends streams and sessions, and
// returns the time of the next deadline. The clock calls it.
func (g *Group) Due(now int64) int64 {
	next := clock.Never
	for _, l := range g.loops {
		next = min(next, l.rouse(now))
	}
	for _, st := range g.order {
		next = min(next, st.Tend(now))
	}
	if now >= g.sweepAt {
		g.sweepAt = now + int64(sweepInterval)
		g.sweep(now)
	}
	return min(next, g.sweepAt)
}

// sweep forgets the sessions whose time is over. Strangers can fill their table,
// so this is done once in a while and not whenever the clock looks.
func (g *Group) sweep(now int64) {
	g.sessions.Sweep(now)
	for _, in := range g.sessions.IdleIngests(now) {
		// The table held the session's only way back; its stream may be held.
		if in.Claim() {
			g.pushLog.Info("an encoder's idle session has expired", "stream", in.Stream.Config.Path)
			if in.Stream.State() == stream.SourceUp { // if not, why it was lost is known
				in.Down(false, "the encoder did not come back to its session", now)
			}
			in.Release()
		}
	}
}

// left does the bookkeeping of a closed connection and writes its log line.
func (g *Group) left(c *Conn) {
	g.books.Leave(&c.ticket, c.peer.Addr())
	info := c.reason.Info()
	switch {
	case c.viewed != "":
		g.log.Info("viewer left", "stream", c.viewed, "peer", c.peer, "reason", c.reason.String(),
			"bytes", c.bytes, "seconds", (g.clock.Now()-c.opened)/int64(time.Second), "skips", c.skips, "agent", c.agent)
	case c.reason == reason.BadRequest || c.reason == reason.PushIdle || c.reason == reason.PushRefused || c.reason == reason.PushLost || c.reason == reason.PushChanges:
		// It was logged, with the particulars, when it happened.
	case info.Error:
		g.complain(c.reason, c.peer, nil)
	}
}

// complain logs what went wrong with a connection, at most once a second.
func (g *Group) complain(r reason.Reason, peer netip.AddrPort, err error) {
	args := []any{"reason", r.String(), "why", r.Info().Text, "peer", peer}
	if err != nil {
		args = append(args, "error", err)
	}
	g.peerLog.Warn("connection closed", args...)
}
