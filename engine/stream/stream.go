package stream

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"runtime/pprof"
	"sync"
	"sync/atomic"
	"time"

	"streampump/codec"
	"streampump/engine/clock"
	"streampump/engine/notice"
	"streampump/engine/ring"
	"streampump/engine/settings"
)

// Env is what all streams of an engine have in common.
type Env struct {
	Settings *settings.Config
	Log      *slog.Logger
	Clock    *clock.Clock
	Epochs   *ring.Epochs
	Buffers  ring.Buffers
	// Pool is the memory of all streams' backlogs, and Share the bytes of it that each
	// has at all times. Without a pool each has its limit.
	Pool  *ring.Pool
	Share int64
	// Dial connects to the source of a pull.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
	// Ears takes n more descriptors for the datagrams of sources, or gives -n back; false if
	// there are not so many. nil: nobody counts. Any goroutine may call it.
	Ears func(n int) bool
	// Unheard counts the datagrams of pulled sources that could not be received.
	Unheard atomic.Uint64
}

// SourceState is what a stream's source is doing.
type SourceState uint8

// The states of a source.
const (
	SourceDown    SourceState = iota // no source, and no viewers kept for one
	SourceHeld                       // lost; its viewers are kept until it comes back or the hold is over
	SourceUp                         // packets arrive
	SourceDialing                    // a pull is being attempted
)

var sourceStateNames = [...]string{"down", "held", "up", "connecting"}

// String is the state's name in logs and the status.
func (s SourceState) String() string { return sourceStateNames[s] }

// Stream is a live programme with a name: an ingest at one end, viewers on
// every loop at the other.
type Stream struct {
	// Config is set once.
	Config    settings.Stream
	env       *Env
	log       *slog.Logger
	audiences []*Audience // by loop
	cost      func(bits int64, measured bool)

	// Read by anyone.
	cur   atomic.Pointer[Programme] // nil if there is none
	state atomic.Uint32             // SourceState
	stats streamStats

	// Guarded by mu: the writer's side. Readers of the ring never take it.
	mu          sync.Mutex
	lease       uint64 // generation of the ingest that may append
	holder      *Ingest
	lastAt      int64  // arrival of the last packet
	keyless     int64  // since when packets have been left out for want of a key frame; 0 when one has come
	holdUntil   int64  // end of the hold; 0 when there is none
	problem     string // why the source is not up
	lastFailure string
	upSince     int64
	retiring    []*Programme // ended and not yet given back
	memory      *ring.Memory // of all of them
	changes     changes
	usedUpAt    int64 // when the log was told that a time line had come to its end
}

// streamStats are the stream's counters, added to once for each packet of the source,
// or less often.
type streamStats struct {
	packetsIn  atomic.Uint64
	bytesIn    atomic.Uint64
	skippedIn  atomic.Uint64 // packets of the source that were left out
	joins      atomic.Uint64
	splices    atomic.Uint64
	programmes atomic.Uint64
	anywhere   atomic.Uint64 // viewers that were started without a key frame
}

// New makes a stream with its viewers' side on each loop, in the loops' order. cost is
// told how many bits a second a viewer takes, at every change, and whether that was
// measured or only said by the header, with the stream locked.
func New(env *Env, cfg settings.Stream, audiences []*Audience, cost func(bits int64, measured bool)) *Stream {
	st := &Stream{Config: cfg, env: env, audiences: audiences, cost: cost, problem: "the source has not answered yet"}
	st.memory = ring.NewMemory(env.Settings.Backlog.Bytes, env.Share, env.Pool, env.Epochs, &env.Buffers)
	st.log = notice.Limit(env.Log.With("stream", cfg.Path), notice.Burst, func() int64 { return env.Clock.Now() })
	if cfg.Push {
		st.problem = "no encoder has connected yet"
	}
	return st
}

// Log is the stream's log. Its lines carry the stream's path and are limited.
func (st *Stream) Log() *slog.Logger { return st.log }

// Audience is the stream's viewers on the loop with the given number.
func (st *Stream) Audience(loop int) *Audience { return st.audiences[loop] }

// Current is the present programme, nil if there is none. Any goroutine may call it.
func (st *Stream) Current() *Programme { return st.cur.Load() }

// State is what the source is doing. Any goroutine may call it.
func (st *Stream) State() SourceState { return SourceState(st.state.Load()) }

// Joined counts a viewer that has joined.
func (st *Stream) Joined() { st.stats.joins.Add(1) }

// Joinable is the programme that a viewer may join now; nil if the source is
// not up.
func (st *Stream) Joinable() *Programme {
	if SourceState(st.state.Load()) != SourceUp {
		return nil
	}
	return st.cur.Load()
}

// RetryAfter is when a refused viewer should try again.
func (st *Stream) RetryAfter() time.Duration {
	if st.Config.Pull != nil {
		return st.env.Settings.Timeouts.PullRetry
	}
	return retryAfterPush
}

// retryAfterPush is what viewers of a pushed stream without an encoder are told:
// nobody knows when one comes, and a try costs little.
const retryAfterPush = 10 * time.Second

// holdTime is how long viewers are kept when the source is gone.
func (st *Stream) holdTime(end End) time.Duration {
	switch {
	case end == Ended:
		return st.env.Settings.Timeouts.EndHold
	case st.Config.Pull != nil:
		return st.env.Settings.Timeouts.PullHold
	default:
		return st.env.Settings.Timeouts.PushHold
	}
}

// takeLocked gives the lease to in and returns the ingest that had it, if any.
func (st *Stream) takeLocked(in *Ingest) (old *Ingest) {
	if st.holder == in {
		return nil
	}
	old = st.holder
	st.lease++
	in.lease = st.lease
	st.holder = in
	return old
}

// headerLocked makes m the header of what is appended from now on: in the present
// programme if it can go on there, otherwise in a new one. pause is how long nothing
// came before a splice.
func (st *Stream) headerLocked(m codec.Media, now int64) (spliced bool, pause time.Duration, err error) {
	if p := st.cur.Load(); p != nil && !p.Ring.Over() {
		if st.lastAt != 0 && st.Config.File == nil {
			pause = time.Duration(max(0, now-st.lastAt))
		}
		if p.codec.Splice(m, pause) {
			st.stats.splices.Add(1)
			return true, pause, nil
		}
	}
	return false, 0, st.replaceLocked(m.NewProgramme(), now)
}

// headedLocked marks the source as present: it has given a header.
func (st *Stream) headedLocked(m codec.Media, spliced bool, pause time.Duration, now int64) {
	st.holdUntil = 0
	st.setUpLocked(now)
	switch {
	case !spliced:
		st.keyless = 0
		st.log.Info("source is up", "media", m.String())
	default:
		level := slog.LevelInfo
		if st.Config.File != nil {
			level = slog.LevelDebug // another round, as it was set up
		}
		st.log.Log(context.Background(), level, "source continues", "media", m.String(), "pause", pause.Round(time.Millisecond))
	}
}

// setUpLocked marks the source as present.
func (st *Stream) setUpLocked(now int64) {
	if SourceState(st.state.Load()) != SourceUp {
		st.upSince = now
	}
	st.problem = ""
	st.state.Store(uint32(SourceUp))
}

// replaceLocked ends the present programme and starts the next.
func (st *Stream) replaceLocked(cp codec.Programme, now int64) error {
	if !st.changes.allow(now) {
		return ErrChanges
	}
	next, old := newProgramme(st, cp), st.cur.Load()
	if next == nil {
		return ErrMemory
	}
	st.cur.Store(next)
	st.cost(next.Demand(), false)
	st.stats.programmes.Add(1)
	if old != nil && !old.Ring.Over() {
		if n := old.Viewers.Load(); n > 0 {
			st.log.Warn("what the source sends differs from before: viewers whose players can follow are switched over, the others are ended",
				"was", old.Media().String(), "is", next.Media().String(), "viewers", n)
		}
		old.Next.Store(next)
		st.sealLocked(old)
	}
	return nil
}

// sealLocked ends a programme. It is given back when its last viewer has left: at
// once, if it has none.
func (st *Stream) sealLocked(p *Programme) {
	p.Ring.End()
	p.ended = st.env.Clock.Now()
	st.retiring = append(st.retiring, p)
	if next := st.giveBackLocked(p.ended); next != clock.Never {
		st.env.Clock.Hurry(next)
	}
}

// giveBackLocked gives back the ended programmes without viewers, and returns when to
// look again. What a loop may be looking at in its present pass, such as the
// encoder's own loop, must wait for the end of the pass.
func (st *Stream) giveBackLocked(now int64) (next int64) {
	next = clock.Never
	keep := st.retiring[:0]
	for _, p := range st.retiring {
		if p.Viewers.Load() > 0 || !p.Ring.Drain() {
			keep = append(keep, p)
			wait := clearInterval
			if p.Viewers.Load() == 0 {
				wait = passInterval
			}
			next = min(next, now+int64(wait))
		}
	}
	clear(st.retiring[len(keep):])
	st.retiring = keep
	return next
}

// appendLocked puts one packet of the source into the backlog. An error is the
// source's fault and ends its ingest, but for a [codec.ErrSkip] and [codec.ErrHeld];
// placed is false for a packet that was left out or held, which has no send time.
func (st *Stream) appendLocked(ev *codec.Event, now int64) (sendTime time.Duration, placed bool, err error) {
	p := st.cur.Load()
	if p == nil {
		return 0, false, errNoHeader
	}
	ev.At = st.env.Clock.Time(now)
	ev.Anywhere = st.keyless != 0 && now-st.keyless >= int64(st.env.Settings.Timeouts.KeyWait)
	mark, err := st.packetLocked(p, ev, now)
	if errors.Is(err, codec.ErrProgrammeOver) {
		if err := st.replaceLocked(p.codec.Next(), now); err != nil {
			return 0, false, err
		}
		st.usedUp(now)
		mark, err = st.packetLocked(st.cur.Load(), ev, now)
	}
	switch {
	case mark.Key:
		st.keyless = 0
	case errors.Is(err, codec.ErrNoKey) && st.keyless == 0:
		st.keyless = now
	}
	placed = err == nil
	if errors.Is(err, codec.ErrSkip) {
		st.stats.skippedIn.Add(1)
	}
	for _, note := range [...]error{ev.Err, mark.Note} {
		if note != nil {
			st.log.Warn("the source's packets are not as they should be", "why", note.Error())
		}
	}
	return mark.SendTime, placed, err
}

// usedUp logs that a programme's time line has come to its end, at most once an hour:
// the source's clock may be broken.
func (st *Stream) usedUp(now int64) {
	if st.usedUpAt == 0 || now-st.usedUpAt > int64(time.Hour) {
		st.usedUpAt = max(now, 1)
		st.log.Warn("the source's clock is used up; a new programme starts")
	}
}

// packetLocked frames a packet into the backlog, once for all viewers. If there is no
// memory for it, because viewers still hold what was evicted, it is left out.
func (st *Stream) packetLocked(p *Programme, ev *codec.Event, now int64) (codec.Mark, error) {
	room := p.room(len(ev.Data))
	if room == nil {
		p.codec.Miss(ev)
		st.noRoom(p)
		return codec.Mark{}, errCrowded
	}
	packet, mark, err := p.codec.Append(room, ev)
	if errors.Is(err, codec.ErrHeld) {
		st.count(ev, now)
		p.held += len(ev.Data)
	}
	if err != nil {
		return mark, err
	}
	p.gap = false // should this one be left out, the codec must be told again
	p.kept = int64(mark.Kept)
	if !p.Ring.Append(packet, now, ring.Mark{Key: mark.Key, Trim: mark.Trim, Start: mark.Start}) {
		st.noRoom(p)
		return mark, errCrowded
	}
	st.count(ev, now)
	if r, ok := p.meter.add(now, p.held+len(ev.Data), mark.Most); ok {
		p.measured(r)
		st.cost(p.Demand(), true)
	}
	p.held = 0
	if mark.Key || p.lastKey.Load() == 0 {
		p.lastKey.Store(now)
	}
	return mark, nil
}

// count counts a packet of the source that has its place, or will come with a later one.
func (st *Stream) count(ev *codec.Event, now int64) {
	st.stats.packetsIn.Add(1)
	st.stats.bytesIn.Add(uint64(len(ev.Data)))
	st.lastAt = now
}

// noRoom notes that a packet is left out for want of memory. What follows then begins
// with a key frame, as after every gap. It is logged once for each programme.
func (st *Stream) noRoom(p *Programme) {
	if !p.gap {
		p.gap = true
		p.codec.Splice(p.Media(), 1)
	}
	if !p.crowded {
		p.crowded = true
		st.log.Warn("packets are left out: there is no memory for them", "why", errNoRoom)
	}
}

// relieveLocked asks the loops to let go of evicted packets that viewers have
// stopped inside, when these take much of the stream's memory.
func (st *Stream) relieveLocked() {
	if !st.memory.Pressed() {
		return
	}
	for _, a := range st.audiences {
		if a.Count.Load() > 0 && !a.Asked.Swap(true) {
			a.Show.LetGo()
		}
	}
}

// publish wakes every loop that has viewers of the stream, once.
func (st *Stream) publish() {
	now := max(st.env.Clock.Now(), 1)
	for _, a := range st.audiences {
		a.publish(now)
	}
}

// downLocked notes that the source is gone. An end or a loss without a hold ends the
// programme now; otherwise its viewers are kept until the hold is over.
func (st *Stream) downLocked(end End, why string, now int64) {
	if SourceState(st.state.Load()) == SourceDown {
		return
	}
	if end == Stopped {
		return // each loop tells its viewers by itself, and Close ends the stream
	}
	hold := st.holdTime(end)
	st.problem = why
	if hold > 0 && st.cur.Load() != nil {
		until := now + int64(hold)
		if st.holdUntil != 0 {
			// Already held: a further failure does not buy it more time.
			st.holdUntil = min(st.holdUntil, until)
			st.env.Clock.Hurry(st.holdUntil)
			return
		}
		st.state.Store(uint32(SourceHeld))
		st.holdUntil = until
		st.log.Warn("source is gone, its viewers are held", "why", why, "hold", hold)
		st.env.Clock.Hurry(until)
		return
	}
	st.endLocked(end == Lost, why)
}

// endLocked ends the programme for its viewers.
func (st *Stream) endLocked(lost bool, why string) {
	st.holdUntil = 0
	st.state.Store(uint32(SourceDown))
	p := st.cur.Load()
	st.cur.Store(nil)
	if p != nil && !p.Ring.Over() {
		p.Lost.Store(lost)
		st.sealLocked(p)
	}
	level := slog.LevelInfo
	if lost {
		level = slog.LevelWarn
	}
	st.log.Log(context.Background(), level, "stream is over", "why", why, "viewers", st.viewers())
}

// Tend does what is due for the stream at the given time: the end of a hold,
// and giving ended programmes back. It returns the time of the next deadline.
func (st *Stream) Tend(now int64) (next int64) {
	st.mu.Lock()
	defer st.mu.Unlock()
	next = clock.Never
	if st.holdUntil != 0 && st.holdUntil <= now {
		st.endLocked(true, "the source did not come back in time: "+st.problem)
		st.publish()
	} else if st.holdUntil != 0 {
		next = st.holdUntil
	}
	next = min(next, st.giveBackLocked(now))
	patience := int64(st.env.Settings.Backlog.MaxLag + st.env.Settings.Timeouts.Stall)
	for _, p := range st.retiring {
		if now-p.ended > patience {
			st.clearOut(p)
		}
	}
	return next
}

// clearOut closes the viewers that still have not taken the rest of an ended
// programme. Nothing newer comes there to move them to, and sockets that take a byte
// now and then would keep the whole programme for hours.
func (st *Stream) clearOut(p *Programme) {
	for _, a := range st.audiences {
		a.Show.ClearOut(p)
	}
}

// How often ended programmes are tended: those that have viewers, and those that only
// a loop's present pass keeps.
const (
	clearInterval = time.Second
	passInterval  = 5 * time.Millisecond
)

// viewers is the number of viewers on all loops.
func (st *Stream) viewers() (n int64) {
	for _, a := range st.audiences {
		n += a.Count.Load()
	}
	return n
}

// Close ends the present programme, if any, and gives every packet buffer back, so
// that what is still out is a leak. Call it when no loop and no source runs any more.
func (st *Stream) Close(why string) {
	st.mu.Lock()
	if st.cur.Load() != nil {
		st.endLocked(false, why)
	}
	st.mu.Unlock()
	st.Tend(clock.Never - 1)
}

// Run keeps a stream that we pull or play up until ctx ends; for a pushed one it
// returns at once. Its goroutine carries the stream's path as a label.
func (st *Stream) Run(ctx context.Context) {
	run := st.play
	switch {
	case st.Config.Push:
		return
	case st.Config.Pull != nil:
		run = st.pull
	}
	pprof.Do(ctx, pprof.Labels(LabelStream, st.Config.Path), run)
}

// LabelStream is the profiler's label with the path of the stream that a
// goroutine works for.
const LabelStream = "stream"

// Why a stream refuses a source's header or packet.
var (
	// ErrChanges says that the source begins one programme after another.
	ErrChanges = fmt.Errorf("its header or its clock begins a new programme too often: %d at once are allowed, then one a second", changesAtOnce)
	// ErrMemory says that there is no memory for another programme.
	ErrMemory = errors.New("there is no memory for another programme of the stream: viewers have not taken the last ones yet, or backlog.total is used up by other streams")
	errNoRoom = errors.New("viewers still hold too much of what has left the backlog; backlog.bytes is too small for this stream, or backlog.total for all streams")
	// errCrowded is a packet that is left out for that.
	errCrowded = fmt.Errorf("%w: %w", codec.ErrSkip, errNoRoom)
)

// errNoHeader says that a source sent packets before any header.
var errNoHeader = errors.New("a packet came before the stream's header")

// Programmes are the present programme, if any, and those that have ended and are not
// yet given back. Any goroutine may call it.
func (st *Stream) Programmes() (all []*Programme) {
	st.mu.Lock()
	defer st.mu.Unlock()
	if p := st.cur.Load(); p != nil {
		all = append(all, p)
	}
	return append(all, st.retiring...)
}
