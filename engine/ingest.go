package engine

import (
	"errors"
	"sync/atomic"
	"time"

	"streampump/codec"
)

// ingest is one source's right to append to a stream: an encoder's session, a
// pull or a file. It holds the stream's lease from its first valid header
// until another ingest takes it. One goroutine uses it at a time: the loop of
// the encoder's connection, or the goroutine of the pull or file. An encoder's
// session lies idle between requests; who goes on with it, or ends it, claims it.
type ingest struct {
	stream *stream
	key    uint64 // of the ingest session; 0 for pulls and files
	lease  uint64 // the generation it holds; 0 before the first header
	locked bool   // stream.mu is held for the present batch
	dirty  bool   // the batch has something to publish

	claimed atomic.Bool          // somebody uses it
	expires atomic.Int64         // when an unused session is forgotten
	conn    atomic.Pointer[conn] // the encoder's connection, nil between connections
	last    atomic.Pointer[conn] // the connection that used it last; others have lost it
}

// errTaken: another ingest has the lease now.
var errTaken = errors.New("another source took the stream over")

// claim makes the caller the one who uses the session; false if another does.
func (in *ingest) claim() bool { return !in.claimed.Swap(true) }

// release lets others claim the session. The batch must be committed.
func (in *ingest) release() {
	in.conn.Store(nil)
	in.claimed.Store(false)
}

// elsewhere reports whether another connection than c goes on with the session.
func (in *ingest) elsewhere(c *conn) bool {
	now := in.conn.Load()
	return now != nil && now != c
}

// lock begins a batch; the stream stays locked until commit.
func (in *ingest) lock() {
	if !in.locked {
		in.stream.mu.Lock()
		in.locked = true
	}
}

// commit ends a batch: one publish for all its packets.
func (in *ingest) commit() {
	if !in.locked {
		return
	}
	dirty := in.dirty
	in.locked, in.dirty = false, false
	in.stream.mu.Unlock()
	if dirty {
		in.stream.publish()
	}
}

// header starts or continues the programme. The first one takes the lease.
func (in *ingest) header(m codec.Media, now int64) error {
	in.lock()
	st := in.stream
	if in.lease != 0 && in.lease != st.lease {
		return errTaken
	}
	if old := st.takeLocked(in); old != nil {
		// One that was lost is followed, and not pushed aside.
		if SourceState(st.state.Load()) == SourceUp {
			st.log.Warn("source is taken over by another")
		}
		old.taken()
	}
	st.headerLocked(m, now)
	in.dirty = true
	return nil
}

// taken tells an ingest that it lost its lease. Called with the stream locked.
func (in *ingest) taken() {
	if c := in.conn.Load(); c != nil {
		c.loop.post(func() {
			if c.ingest == in {
				c.endIngest(codec.CauseTaken, PushTaken, errTaken.Error())
			}
		})
	}
}

// packet appends one packet; sendTime is its place in the programme's time
// line, if it has one (placed).
func (in *ingest) packet(ev *codec.Event, now int64) (sendTime time.Duration, placed bool, err error) {
	in.lock()
	if in.lease == 0 {
		return 0, false, errNoHeader
	}
	if in.lease != in.stream.lease {
		return 0, false, errTaken
	}
	sendTime, placed, err = in.stream.appendLocked(ev, now)
	in.dirty = true
	return sendTime, placed, err
}

// resume marks the source as present again where its session goes on on a new
// connection without a new header.
func (in *ingest) resume(now int64) {
	in.lock()
	defer in.commit()
	st := in.stream
	if in.lease != 0 && in.lease == st.lease && st.cur.Load() != nil {
		st.holdUntil = 0
		st.setUpLocked(now)
	}
}

// down tells the stream that this source is gone; nothing happens if it does
// not hold the lease.
func (in *ingest) down(ended bool, why string, now int64) {
	in.lock()
	if in.lease != 0 && in.lease == in.stream.lease {
		in.stream.downLocked(ended, why, now)
		in.dirty = true
		if ended {
			// A later header of this session starts anew.
			in.stream.holder = nil
			in.stream.lease++
			in.lease = 0
		}
	}
	in.commit()
}

// media is the header under which the session's packets go on without a new
// one; nil if there is none.
func (in *ingest) media() codec.Media {
	in.lock()
	defer in.commit()
	st := in.stream
	if p := st.cur.Load(); p != nil && in.lease != 0 && in.lease == st.lease {
		return p.media
	}
	return nil
}
