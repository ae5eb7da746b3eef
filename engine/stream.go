package engine

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"streampump/codec"
)

// SourceState is what a stream's source is doing.
type SourceState uint8

// The states of a source.
const (
	SourceDown    SourceState = iota // no source, and no viewer is kept for one
	SourceHeld                       // lost; its viewers are kept until it is back or the hold is over
	SourceUp                         // packets arrive
	SourceDialing                    // a pull is being made
)

var sourceStateNames = [...]string{"down", "held", "up", "connecting"}

// String is the state's name in logs and the status.
func (s SourceState) String() string { return sourceStateNames[s] }

// stream is a live programme with a name: an ingest at one end, viewers on
// every loop at the other.
type stream struct {
	// Set once.
	eng   *Engine
	cfg   StreamConfig
	log   *slog.Logger
	shows []*show // by loop

	// Read by anyone.
	cur   atomic.Pointer[programme] // nil while there is none to join
	state atomic.Uint32             // SourceState
	stats streamStats

	// Guarded by mu: the writer's side. Readers of the ring never take it.
	mu          sync.Mutex
	lease       uint64 // generation of the ingest that may append
	holder      *ingest
	lastAt      int64  // arrival of the last packet
	keyless     int64  // since when packets are left out for want of a key frame; 0 when one has come
	holdUntil   int64  // end of the hold; 0 when there is none
	problem     string // why the source is not up
	lastFailure string
	upSince     int64
	retiring    []*programme // ended, not yet given back
}

// streamStats are the stream's counters, added to at rates far below a
// packet's, or once for each batch.
type streamStats struct {
	packetsIn  atomic.Uint64
	bytesIn    atomic.Uint64
	skippedIn  atomic.Uint64 // packets of the source that were left out
	joins      atomic.Uint64
	splices    atomic.Uint64
	programmes atomic.Uint64
	anywhere   atomic.Uint64 // joiners that were started without a key frame
}

func newStream(e *Engine, cfg StreamConfig) *stream {
	st := &stream{eng: e, cfg: cfg, problem: "the source has not answered yet"}
	st.log = limit(e.log.With("stream", cfg.Path), noticeBurst, func() int64 { return e.clock() })
	if cfg.Push {
		st.problem = "no encoder has connected yet"
	}
	for _, l := range e.loops {
		st.shows = append(st.shows, &show{stream: st, loop: l, labels: showLabels(l, cfg.Path)})
	}
	return st
}

// joinable is the programme that a viewer may join now; nil if the source is
// not up.
func (st *stream) joinable() *programme {
	if SourceState(st.state.Load()) != SourceUp {
		return nil
	}
	return st.cur.Load()
}

// retryAfter is when a refused viewer should try again.
func (st *stream) retryAfter() time.Duration {
	if st.cfg.Pull != nil {
		return st.eng.cfg.Timeouts.PullRetry
	}
	return retryAfterPush
}

// retryAfterPush is what viewers of a pushed stream without an encoder are
// told: nobody knows when it comes, and a try costs little.
const retryAfterPush = 10 * time.Second

// holdTime is how long viewers are kept after a loss.
func (st *stream) holdTime() time.Duration {
	switch {
	case st.cfg.Pull != nil:
		return st.eng.cfg.Timeouts.PullHold
	default:
		return st.eng.cfg.Timeouts.PushHold
	}
}

// takeLocked gives the lease to in and returns the ingest that had it, if any.
func (st *stream) takeLocked(in *ingest) (old *ingest) {
	if st.holder == in {
		return nil
	}
	old = st.holder
	st.lease++
	in.lease = st.lease
	st.holder = in
	return old
}

// headerLocked makes m the header of what in appends from now on: in the
// present programme if it can go on there, in a new one otherwise.
func (st *stream) headerLocked(m codec.Media, now int64) {
	st.holdUntil = 0
	p := st.cur.Load()
	if p != nil && !p.ring.Over() {
		pause := time.Duration(0)
		if st.lastAt != 0 && st.cfg.File == nil {
			pause = time.Duration(max(0, now-st.lastAt))
		}
		if p.codec.Splice(m, pause) {
			st.stats.splices.Add(1)
			st.setUpLocked(now)
			level := slog.LevelInfo
			if st.cfg.File != nil {
				level = slog.LevelDebug // another round, as it was set up
			}
			st.log.Log(context.Background(), level, "source continues", "media", m.String(), "pause", pause.Round(time.Millisecond))
			return
		}
	}
	st.replaceLocked(m.NewProgramme())
	st.keyless = 0
	st.setUpLocked(now)
	st.log.Info("source is up", "media", m.String())
}

// setUpLocked marks the source as present.
func (st *stream) setUpLocked(now int64) {
	if SourceState(st.state.Load()) != SourceUp {
		st.upSince = now
	}
	st.problem = ""
	st.state.Store(uint32(SourceUp))
}

// replaceLocked ends the present programme and starts the next.
func (st *stream) replaceLocked(cp codec.Programme) {
	next, old := newProgramme(st, cp), st.cur.Load()
	st.cur.Store(next)
	st.stats.programmes.Add(1)
	if old != nil && !old.ring.Over() {
		old.next.Store(next)
		st.sealLocked(old)
	}
}

// sealLocked ends a programme; the janitor gives it back when its last viewer left.
func (st *stream) sealLocked(p *programme) {
	p.ring.End()
	p.ended = st.eng.clock()
	st.retiring = append(st.retiring, p)
}

// appendLocked puts one packet of the source into the backlog. An error is the
// source's fault and ends its ingest; placed is false for a packet that was
// passed over, which has no send time.
func (st *stream) appendLocked(ev *codec.Event, now int64) (sendTime time.Duration, placed bool, err error) {
	p := st.cur.Load()
	if p == nil {
		return 0, false, errNoHeader
	}
	ev.Anywhere = st.keyless != 0 && now-st.keyless >= int64(st.eng.cfg.Timeouts.KeyWait)
	mark, err := st.packetLocked(p, ev, now)
	if errors.Is(err, codec.ErrProgrammeOver) {
		st.log.Warn("the source's clock is used up, a new programme starts")
		st.replaceLocked(p.codec.Next())
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
		err = nil
	}
	if mark.Note != nil {
		st.log.Warn("packets of the source are not as they should be", "why", mark.Note.Error())
	}
	return mark.SendTime, placed, err
}

// framing is more than any protocol puts around a packet or adds to it; one that
// grows by more is copied into the backlog.
const framing = 64

// packetLocked frames a packet into the backlog, once for all viewers.
func (st *stream) packetLocked(p *programme, ev *codec.Event, now int64) (codec.Mark, error) {
	packet, mark, err := p.codec.Append(p.ring.Room(len(ev.Data)+framing), ev)
	if err != nil {
		return mark, err
	}
	st.stats.packetsIn.Add(1)
	st.stats.bytesIn.Add(uint64(len(ev.Data)))
	if rate, ok := p.meter.add(now); ok {
		p.rate.Store(rate)
	}
	st.lastAt = now
	p.ring.Append(packet, now, mark.Key, mark.Trim)
	return mark, nil
}

// publish wakes every loop that has viewers of the stream, once.
func (st *stream) publish() {
	now := max(st.eng.clock(), 1)
	for _, s := range st.shows {
		if s.count.Load() > 0 {
			s.fresh.CompareAndSwap(0, now)
			if !s.asleep.Load() {
				s.loop.wake()
			}
		}
	}
}

// downLocked: the source is gone. A proper end, and a loss that is not held,
// end the programme now; otherwise its viewers are kept until the hold is over.
func (st *stream) downLocked(ended bool, why string, now int64) {
	if SourceState(st.state.Load()) == SourceDown {
		return
	}
	hold := st.holdTime()
	if ended {
		hold = st.eng.cfg.Timeouts.EndHold
	}
	st.problem = why
	if hold > 0 && st.cur.Load() != nil {
		until := now + int64(hold)
		if st.holdUntil != 0 {
			// Already held: a further failure does not buy it more time.
			st.holdUntil = min(st.holdUntil, until)
			st.eng.hurry(st.holdUntil)
			return
		}
		st.state.Store(uint32(SourceHeld))
		st.holdUntil = until
		st.log.Warn("source is gone, its viewers are held", "why", why, "hold", hold)
		st.eng.hurry(until)
		return
	}
	st.endLocked(!ended, why)
}

// endLocked ends the programme for its viewers.
func (st *stream) endLocked(lost bool, why string) {
	st.holdUntil = 0
	st.state.Store(uint32(SourceDown))
	p := st.cur.Load()
	st.cur.Store(nil)
	if p != nil && !p.ring.Over() {
		p.lost.Store(lost)
		st.sealLocked(p)
	}
	level := slog.LevelInfo
	if lost {
		level = slog.LevelWarn
	}
	st.log.Log(context.Background(), level, "stream is over", "why", why, "viewers", st.viewers())
}

// tend does what is due for the stream at the given time: the end of a hold,
// and giving ended programmes back. It returns the time of the next deadline.
func (st *stream) tend(now int64) (next int64) {
	st.mu.Lock()
	defer st.mu.Unlock()
	next = never
	if st.holdUntil != 0 && st.holdUntil <= now {
		st.endLocked(true, "the source did not come back in time: "+st.problem)
		st.publish()
	} else if st.holdUntil != 0 {
		next = st.holdUntil
	}
	keep := st.retiring[:0]
	patience := int64(st.eng.cfg.Backlog.MaxLag + st.eng.cfg.Timeouts.Stall)
	for _, p := range st.retiring {
		if p.viewers.Load() > 0 || !p.ring.Drain() {
			keep = append(keep, p)
			if now-p.ended > patience {
				st.clearOut(p)
			}
		}
	}
	clear(st.retiring[len(keep):])
	st.retiring = keep
	if len(keep) > 0 {
		next = min(next, now+int64(janitorInterval))
	}
	return next
}

// clearOut closes the viewers that still have not taken the rest of an ended
// programme. Nothing newer comes there that they could be moved to, and sockets
// that take a byte now and then would keep the whole of it for hours.
func (st *stream) clearOut(p *programme) {
	for _, s := range st.shows {
		s.loop.post(func() {
			for i := range s.viewers {
				if v := &s.viewers[i]; v.prog == p {
					v.conn.doom(ViewerStalled)
				}
			}
		})
	}
}

// viewers is the number of viewers on all loops.
func (st *stream) viewers() (n int64) {
	for _, s := range st.shows {
		n += s.count.Load()
	}
	return n
}

// errNoHeader: a source sent packets before any header.
var errNoHeader = errors.New("a packet came before the stream's header")
