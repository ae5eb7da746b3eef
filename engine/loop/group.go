package loop

import (
	"context"
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
	peerLogs  [reason.Count]*slog.Logger // peers that did something wrong; each reason limited
	pushLog   *slog.Logger               // encoders coming and going; limited
	slowLog   *slog.Logger               // encoders that send too fast; limited
	denyLog   *slog.Logger               // encoders that are not let in, who may be anybody; limited
	briefLog  *slog.Logger               // viewers that stayed less than a moment; limited
	loseLog   *slog.Logger               // viewers to whom nothing can be sent; limited
	loadLog   *slog.Logger               // loops that are too slow for their viewers; limited
	accessLog *slog.Logger               // viewers that the rules refuse; limited
	protocols []codec.Protocol
	// packetTime is the time that an encoder has for each packet, in nanoseconds; 0: it
	// has no rate.
	packetTime int64
	streams    map[string]*stream.Stream // by path in lower case
	order      []*stream.Stream          // as configured
	loops      []*Loop
	epochs     *ring.Epochs
	clock      *clock.Clock
	books      *admission.Books
	joiners    joiners
	// spare reports whether another ear may be opened beside so many connections and ears;
	// nil: always.
	spare func(connections, ears int) bool

	// wall is the time of the calendar, for the access rules.
	wall func() time.Time
	// lost counts connections that came to no loop.
	lost [reason.Count]atomic.Uint64
	// ears are the sockets for sources' datagrams that are open.
	ears atomic.Int64
	// heart asks the clock for a sign of life.
	heart heartbeat

	sessions *session.Viewers[*Conn]
	ingests  *session.Ingests

	// Owned by the clock.
	sweepAt  int64 // when it looks through the sessions again
	expected int64 // when it meant to tend streams and sessions
	looked   bool  // it came too late, and has let the loops read meanwhile
}

// Limits are the limits of an engine's books of connections and viewers.
func Limits(cfg *settings.Config, now func() int64) admission.Limits {
	l := &cfg.Limits
	return admission.Limits{
		Now: now, Open: l.Connections, Loose: l.LoosePerAddress,
		Viewers: room(l.Viewers), Memory: l.Memory,
		Connects: admission.Pace(l.Connects), Joins: admission.Pace(l.Joins),
	}
}

func room(r settings.Room) admission.Room {
	return admission.Room{Viewers: r.Viewers, Pumps: r.Pumps, Bandwidth: int64(r.Bandwidth)}
}

// NewGroup makes the loops and the streams. Of the protocols, at most 256, the earlier
// ones are asked first whose a connection is; the last one also speaks for connections
// that none recognises.
func NewGroup(env *stream.Env, books *admission.Books, streams []settings.Stream, protocols []codec.Protocol) *Group {
	cfg := env.Settings
	g := &Group{
		cfg: cfg, log: env.Log, protocols: protocols, epochs: env.Epochs, clock: env.Clock, books: books,
		streams:  map[string]*stream.Stream{},
		wall:     time.Now,
		sessions: session.NewViewers[*Conn](cfg.Limits.Sessions),
		ingests:  session.NewIngests(cfg.Limits.Sessions),
	}
	now := func() int64 { return g.clock.Now() }
	g.loadLog, g.accessLog = notice.Limit(env.Log, notice.Burst, now), notice.Limit(env.Log, notice.Burst, now)
	g.loseLog = notice.Limit(env.Log, notice.Burst, now)
	g.slowLog = notice.Limit(env.Log, notice.Burst, now)
	g.packetTime = stream.PacketTime(cfg.Limits.Packets)
	g.denyLog = notice.Limit(env.Log, notice.Burst, now)
	g.pushLog, g.briefLog = notice.Limit(env.Log, notice.Burst, now), notice.Limit(env.Log, notice.Burst, now)
	for r := range g.peerLogs {
		g.peerLogs[r] = notice.Limit(env.Log, complaints, now)
	}
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
	account := g.books.Account(room(sc.Limits))
	for _, l := range g.loops {
		s := &show{loop: l, account: account, labels: showLabels(l, sc.Path)}
		s.Show = s
		shows, audiences = append(shows, s), append(audiences, &s.Audience)
	}
	st := stream.New(env, sc, audiences, account.Cost)
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

// Spare has sockets for sources' datagrams opened only while spare says that there is a
// descriptor for another one, beside the open connections and such sockets. Spare is called
// before anything runs, and spare by any goroutine.
func (g *Group) Spare(spare func(connections, ears int) bool) { g.spare = spare }

// Ears is the number of sockets for the datagrams of encoders and pulled sources. Any
// goroutine may call it.
func (g *Group) Ears() int { return int(g.ears.Load()) }

// TakeEars counts n more of them, if there are descriptors for them, or -n that are closed.
// Any goroutine may call it.
func (g *Group) TakeEars(n int) bool {
	now := g.ears.Add(int64(n))
	if n > 0 && g.spare != nil && !g.spare(g.books.Open(), int(now)-1) {
		g.ears.Add(-int64(n))
		return false
	}
	return true
}

// Connections is the number open on all loops.
func (g *Group) Connections() (n int64) {
	for _, l := range g.loops {
		n += l.stats.connections.Load()
	}
	return n
}

// Sessions is the number in the tables, of viewers and encoders.
func (g *Group) Sessions() int { return g.sessions.Count() + g.ingests.Count() }

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
		case c.phase >= phaseEnding:
			// Its last word is on its way; the deadline bounds it.
		case c.sess != nil:
			c.finish(reason.ShuttingDown, c.sess.AppendEnd(c.outgoing().own, codec.CauseShutdown, ""))
		default:
			c.doom(reason.ShuttingDown)
		}
	}
}

// sweepInterval is how often the sessions are swept.
const sweepInterval = time.Second

// Due wakes the loops whose deadline has come, tends streams and sessions, and
// returns the time of the next deadline. The clock calls it.
func (g *Group) Due(now int64) int64 {
	defer g.heart.answer()
	next := clock.Never
	for _, l := range g.loops {
		next = min(next, l.rouse(now))
	}
	if !g.overslept(now) {
		g.expected = g.tend(now)
	}
	return min(next, g.expected)
}

// overslept reports whether the process stood still, as Loop.overslept does: an
// encoder may have come back meanwhile, and the loops are given a breath to take it
// in before its stream or session is given up.
func (g *Group) overslept(now int64) bool {
	switch {
	case g.looked && now < g.expected:
		return true // it is here for the loops' deadlines, and the breath lasts
	case g.looked || g.expected == 0 || now-g.expected <= slack:
		g.looked = false
		return false
	}
	g.looked, g.expected = true, now+breath
	return true
}

// breath is how long loops may read after the process stood still.
const breath = int64(time.Second)

// tend tends streams and sessions and returns when to do so next.
func (g *Group) tend(now int64) int64 {
	next := clock.Never
	for _, st := range g.order {
		next = min(next, st.Tend(now))
	}
	if now >= g.sweepAt {
		g.sweepAt = now + int64(sweepInterval)
		g.sweep(now)
	}
	return min(next, g.sweepAt)
}

// sweep forgets the sessions whose time is over. Strangers can fill their table, so
// this is done once a second and not whenever the clock looks.
func (g *Group) sweep(now int64) {
	g.sessions.Sweep(now)
	for _, in := range g.ingests.Expired(now) {
		g.bury(in, "an encoder's idle session has expired", now)
	}
}

// bury ends a session that the table has forgotten. Its encoder cannot come back to
// it; its stream may be held for it.
func (g *Group) bury(in *stream.Ingest, what string, now int64) {
	if !in.Claim() {
		return
	}
	g.pushLog.Info(what, "stream", in.Stream.Config.Path)
	if in.Stream.State() == stream.SourceUp { // otherwise the reason of its loss is known
		in.Down(stream.Lost, "the encoder did not come back to its session", now)
	}
	in.Release()
}

// left does the bookkeeping of a closed connection and writes its log line.
func (g *Group) left(c *Conn) {
	g.books.Leave(&c.ticket, c.peer.Addr())
	info := c.reason.Info()
	switch {
	case c.viewed != nil:
		g.viewerLeft(c)
	case c.tls != nil && (c.reason == reason.TLSBroken || c.reason == reason.TLSRefused),
		c.reason.NoRoom(), c.reason == reason.BadRequest || c.reason == reason.PushIdle || c.reason == reason.PushRefused || c.reason == reason.PushLost || c.reason == reason.PushChanges:
		// It was logged in detail when it happened.
	case info.Error:
		g.complain(c.reason, c.peer, c.agent, nil)
	case g.tells():
		g.log.Debug("connection closed", "reason", c.reason.String(), "peer", c.peer, "bytes", c.bytes)
	}
}

// moment is how long a viewer must stay to get a line in any case: of viewers that
// come and go in a tight loop only some are logged.
const moment = int64(time.Second)

// viewerLeft writes a viewer's line.
func (g *Group) viewerLeft(c *Conn) {
	stayed, log := g.clock.Now()-c.opened, g.log
	if stayed < moment {
		log = g.briefLog
	}
	log.Info("viewer left", c.about("stream", c.viewed.Stream.Config.Path, "peer", c.peer, "reason", c.reason.String(),
		"bytes", c.bytes, "seconds", stayed/int64(time.Second), "skips", c.skips, "agent", c.agent)...)
}

// about is the attributes of a line about the connection, with who it is if that is
// known.
func (c *Conn) about(args ...any) []any {
	if c.client != "" {
		args = append(args, "client", c.client)
	}
	return args
}

// denied are the attributes of the line about a request that is refused.
func (c *Conn) denied(why string) []any {
	args := []any{"path", notice.Brief(c.loop.ev.Path), "peer", c.peer, "why", why}
	if c.agent != "" {
		args = append(args, "agent", c.agent)
	}
	return c.about(args...)
}

// tells reports whether the log wants everything: each request, and who joins.
func (g *Group) tells() bool { return g.log.Enabled(context.Background(), slog.LevelDebug) }

// complaints is how many lines about one kind of fault are written at once; then one
// a second.
const complaints = 10

// Lost counts and logs a connection that ended before it came to a loop. Any goroutine
// may call it.
func (g *Group) Lost(r reason.Reason, peer netip.AddrPort, err error) {
	g.lost[r].Add(1)
	if r.Info().Error {
		g.complain(r, peer, "", err)
	}
}

// complain logs what went wrong with a connection.
func (g *Group) complain(r reason.Reason, peer netip.AddrPort, agent string, err error) {
	args := []any{"reason", r.String(), "why", r.Info().Text, "peer", peer}
	if err != nil {
		args = append(args, "error", notice.Brief(err.Error()))
	}
	if agent != "" {
		args = append(args, "agent", agent)
	}
	g.peerLogs[r].Log(context.Background(), levelOf(r), "connection closed", args...)
}

// levelOf is how loud a complaint is.
func levelOf(r reason.Reason) slog.Level {
	if r.Strangers() {
		return slog.LevelInfo
	}
	return slog.LevelWarn
}
