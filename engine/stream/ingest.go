package stream

import (
	"errors"
	"sync/atomic"
	"time"

	"streampump/codec"
)

// Ingest is one source's right to append to a stream: an encoder's session, a pull or
// a file. It holds the stream's lease from its first valid header until another
// ingest takes it. One goroutine uses it at a time: the loop of the encoder's
// connection, or the goroutine of the pull or file. An encoder's session lies idle
// between requests; whoever goes on with it, or ends it, claims it.
type Ingest struct {
	// Stream, Key and Client are set once.
	Stream *Stream
	Key    uint64 // of the ingest session; 0 for pulls and files
	Client string // who opened the session, if access rules say; may be empty
	// Expires is when an unused session is forgotten.
	Expires atomic.Int64

	lease   uint64 // the generation it holds; 0 before the first header
	locked  bool   // stream.mu is held for the present batch
	leftOut bool   // the last packet was left out for what it is
	dirty   bool   // the batch has something to publish
	claimed atomic.Bool
	feeder  atomic.Pointer[feeder] // the encoder's connection, nil between connections
	last    atomic.Pointer[feeder] // the last connection to use it; all others have lost it
}

// Feeder is an encoder's connection. Values are compared, so they are pointers.
type Feeder interface {
	// Taken tells the connection that another source now has its session's lease. It is
	// called with the stream locked.
	Taken(in *Ingest)
}

type feeder struct{ Feeder }

// is reports whether f is the connection.
func (f *feeder) is(c Feeder) bool { return f != nil && f.Feeder == c }

// NewIngest makes an ingest that has not begun.
func NewIngest(st *Stream) *Ingest { return &Ingest{Stream: st} }

// ErrTaken says that another ingest has the lease now.
var ErrTaken = errors.New("another source took the stream over")

// Claim makes the caller the session's user; false if it has another.
func (in *Ingest) Claim() bool { return !in.claimed.Swap(true) }

// Release lets others claim the session. The batch must be committed.
func (in *Ingest) Release() {
	in.feeder.Store(nil)
	in.claimed.Store(false)
}

// Attach makes c the connection that goes on with the session. The caller has
// claimed it.
func (in *Ingest) Attach(c Feeder) {
	f := &feeder{c}
	in.feeder.Store(f)
	in.last.Store(f)
}

// Elsewhere reports whether a connection other than c goes on with the session.
func (in *Ingest) Elsewhere(c Feeder) bool {
	now := in.feeder.Load()
	return now != nil && !now.is(c)
}

// Attached reports whether a connection goes on with the session.
func (in *Ingest) Attached() bool { return in.feeder.Load() != nil }

// AttachedTo reports whether c goes on with the session.
func (in *Ingest) AttachedTo(c Feeder) bool { return in.feeder.Load().is(c) }

// LastFeeder is the connection that used the session last; nil if none has.
func (in *Ingest) LastFeeder() Feeder {
	if f := in.last.Load(); f != nil {
		return f.Feeder
	}
	return nil
}

// LastUsedBy reports whether c was the last connection to go on with the session.
func (in *Ingest) LastUsedBy(c Feeder) bool { return in.last.Load().is(c) }

// lock begins a batch; the stream stays locked until Commit.
func (in *Ingest) lock() {
	if in.locked {
		return
	}
	st := in.Stream
	st.mu.Lock()
	in.locked = true
	if len(st.retiring) > 0 {
		st.giveBackLocked(st.env.Clock.Now())
	}
}

// Commit ends a batch: one publish for all its packets.
func (in *Ingest) Commit() {
	if !in.locked {
		return
	}
	dirty := in.dirty
	in.locked, in.dirty = false, false
	in.Stream.relieveLocked()
	in.Stream.mu.Unlock()
	if dirty {
		in.Stream.publish()
	}
}

// Header starts or continues the programme. The first header takes the lease, if the
// stream accepts it: a refused source pushes no other aside.
func (in *Ingest) Header(m codec.Media, now int64) error {
	in.lock()
	st := in.Stream
	if in.lease != 0 && in.lease != st.lease {
		return ErrTaken
	}
	spliced, pause, err := st.headerLocked(m, now)
	if err != nil {
		return err
	}
	if old := st.takeLocked(in); old != nil {
		// One that was lost is followed, and not pushed aside.
		if SourceState(st.state.Load()) == SourceUp {
			st.log.Warn("source is taken over by another")
		}
		old.taken()
	}
	st.headedLocked(m, spliced, pause, now)
	in.dirty = true
	return nil
}

// taken tells an ingest that it lost its lease. Called with the stream locked.
func (in *Ingest) taken() {
	if f := in.feeder.Load(); f != nil {
		f.Taken(in)
	}
}

// Packet appends one packet, whose time of arrival it notes in ev; sendTime is its place
// in the programme's time line, valid if placed.
func (in *Ingest) Packet(ev *codec.Event, now int64) (sendTime time.Duration, placed bool, err error) {
	in.lock()
	if in.lease == 0 {
		return 0, false, errNoHeader
	}
	if in.lease != in.Stream.lease {
		return 0, false, ErrTaken
	}
	sendTime, placed, err = in.Stream.appendLocked(ev, now)
	in.leftOut = errors.Is(err, codec.ErrSkip) && !errors.Is(err, codec.ErrNoKey) && !errors.Is(err, errNoRoom)
	if errors.Is(err, codec.ErrHeld) {
		return sendTime, false, nil // there is nothing to publish yet
	}
	in.dirty = true
	if errors.Is(err, codec.ErrSkip) {
		err = nil
	}
	return sendTime, placed, err
}

// LeftOut reports whether the packet that came last was left out for what it is: it
// cannot be read, is of no track, or came before. A source that sends nothing else is as
// good as silent, and has no more time than one. One whose packets wait for a key frame
// has another time ([codec.Event].Anywhere), and that there is no memory is our affair.
func (in *Ingest) LeftOut() bool { return in.leftOut }

// Resume marks the source as present again when its session continues on a new
// connection without a new header.
func (in *Ingest) Resume(now int64) {
	in.lock()
	defer in.Commit()
	st := in.Stream
	if in.lease != 0 && in.lease == st.lease && st.cur.Load() != nil {
		st.holdUntil = 0
		st.setUpLocked(now)
	}
}

// An End is how a source went.
type End uint8

// The ends.
const (
	Lost    End = iota // cut off, silent or broken: its viewers are held
	Ended              // it said that its stream is over
	Stopped            // this server is shutting down and will end the stream
)

// Down tells the stream that this source is gone; nothing happens if it does
// not hold the lease.
func (in *Ingest) Down(end End, why string, now int64) {
	in.lock()
	if in.lease != 0 && in.lease == in.Stream.lease {
		in.Stream.downLocked(end, why, now)
		in.dirty = true
		if end != Lost {
			// A later header of this session takes the lease again.
			in.Stream.holder = nil
			in.Stream.lease++
			in.lease = 0
		}
	}
	in.Commit()
}

// Media is the header under which the session's packets go on without a new
// one; nil if there is none.
func (in *Ingest) Media() codec.Media {
	in.lock()
	defer in.Commit()
	st := in.Stream
	if p := st.cur.Load(); p != nil && in.lease != 0 && in.lease == st.lease {
		return p.Media()
	}
	return nil
}
