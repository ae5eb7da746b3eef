package stream

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"time"

	"streampump/codec"
	"streampump/engine/trust"
)

// pullBuffer is the read buffer of a pull: two of the largest packets that a
// 16-bit length allows.
const pullBuffer = 128 << 10

// errSourceEnded says that the source said its stream is over.
var errSourceEnded = errors.New("the source ended its stream")

// pull keeps a pulled stream up for as long as ctx lives: it dials, reads, and
// after a loss tries again, quickly once and then at intervals.
func (st *Stream) pull(ctx context.Context) {
	in := NewIngest(st)
	for quick := true; ctx.Err() == nil; {
		packets := st.stats.packetsIn.Load()
		err := st.pullOnce(ctx, in)
		if ctx.Err() != nil {
			return
		}
		in.Down(endOf(err), err.Error(), st.env.Clock.Now())
		if st.stats.packetsIn.Load() > packets {
			quick = true
		}
		wait := st.pullWait(quick)
		quick = false
		st.failed(err, wait)
		rest(ctx, wait)
	}
}

// pullWait is the pause before the next attempt. The jitter keeps the children
// of a source that restarts from coming back all at once.
func (st *Stream) pullWait(quick bool) time.Duration {
	t := &st.env.Settings.Timeouts
	if quick {
		return t.PullFirst
	}
	jitter := time.Duration(0)
	if t.PullJitter > 0 {
		jitter = rand.N(t.PullJitter)
	}
	return t.PullRetry + jitter
}

// failed notes why a pull or a file does not work, once for each new reason. Without
// a wait, an older file plays on.
func (st *Stream) failed(err error, wait time.Duration) {
	st.mu.Lock()
	known := st.lastFailure == err.Error()
	st.lastFailure, st.problem = err.Error(), err.Error()
	st.mu.Unlock()
	switch {
	case known:
		st.log.Debug("source failed again", "why", err, "in", wait.Round(time.Millisecond))
	case wait == 0:
		st.log.Warn("the file cannot be replaced", "why", err)
	case errors.Is(err, errSourceEnded):
		st.log.Info("source has ended, trying again", "in", wait.Round(time.Millisecond))
	default:
		st.log.Warn("source failed, trying again", "why", err, "in", wait.Round(time.Millisecond))
	}
}

// attempt is one attempt to get a pulled stream: some connections of one
// conversation.
type attempt struct {
	st   *Stream
	in   *Ingest
	sess codec.Dialled
	// first is the configured target; the source may have sent us on since.
	first codec.Target
	tls   *trust.Conn // the present connection, if it has TLS
	up    bool        // the source's header has come
	// fresh says that what was read last gives the source time for its next packet.
	fresh bool
	// deadline is when the header must have come, counted from the first dial, and
	// after the header, the next packet. Nothing else that a source sends moves it.
	deadline time.Time
	entitled int64 // up to when its packets have used up their rate
	slowed   bool  // it has been held to its rate, and has not been within it since
}

// pullOnce makes one attempt, until the source ends or is lost.
func (st *Stream) pullOnce(ctx context.Context, in *Ingest) error {
	if st.state.CompareAndSwap(uint32(SourceDown), uint32(SourceDialing)) {
		defer st.state.CompareAndSwap(uint32(SourceDialing), uint32(SourceDown))
	}
	sess := st.Config.Pull.Open()
	a := &attempt{
		st: st, in: in, sess: sess, first: sess.Target(),
		deadline: time.Now().Add(st.env.Settings.Timeouts.PullConnect),
	}
	for {
		again, err := a.connect(ctx)
		if err != nil || !again {
			return err
		}
	}
}

// lastLook is how long a source that has run out of time is read once more: it may
// have sent something while we ourselves were stopped.
const lastLook = 20 * time.Millisecond

// read reads one connection to its end.
func (a *attempt) read(ctx context.Context, conn net.Conn) (again bool, err error) {
	buf := make([]byte, pullBuffer)
	for {
		_ = conn.SetReadDeadline(a.deadline) // if it fails, so does the read
		n, readErr := conn.Read(buf)
		if n == 0 && errors.Is(readErr, os.ErrDeadlineExceeded) {
			_ = conn.SetReadDeadline(time.Now().Add(lastLook))
			n, readErr = conn.Read(buf)
		}
		a.arrives()
		again, err := a.take(buf[:n])
		a.in.Commit()
		if err != nil {
			return false, err
		}
		if again {
			a.extend()
			return true, nil
		}
		if readErr != nil && !errors.Is(readErr, os.ErrDeadlineExceeded) {
			return false, a.broken(readErr)
		}
		a.hold(ctx)
		if !a.extend() && !time.Now().Before(a.deadline) {
			return false, a.late()
		}
	}
}

// extend gives the source time for its next packet, if it has sent one.
func (a *attempt) extend() bool {
	if !a.fresh {
		return false
	}
	a.fresh, a.deadline = false, time.Now().Add(a.st.env.Settings.Timeouts.PullSilence)
	return true
}

// late is the operator's sentence for a source that has run out of time.
func (a *attempt) late() error {
	t := &a.st.env.Settings.Timeouts
	if a.up {
		return fmt.Errorf("the source sent no packet for %v", t.PullSilence)
	}
	return fmt.Errorf("the source's stream did not begin within %v", t.PullConnect)
}

// broken is the operator's sentence for a failed read.
func (a *attempt) broken(err error) error {
	switch {
	case closed(err) && !a.up:
		return errors.New("the source closed the connection before its stream began")
	case closed(err):
		return errors.New("the source closed the connection")
	}
	if why := a.explain(err); why != nil {
		return why
	}
	return fmt.Errorf("the source's connection broke: %w", bare(err))
}

// take feeds the session.
func (a *attempt) take(b []byte) (again bool, err error) {
	var ev codec.Event
	for all := len(b); len(b) > 0; {
		var n int
		n, ev = a.sess.Consume(b)
		a.brought(n, ev.Kind == codec.None && len(b) < all)
		b = b[n:]
		switch ev.Kind {
		case codec.None:
			return false, nil
		case codec.Header:
			a.fresh = a.fresh || !a.up
			a.up = true
			err = a.in.Header(ev.Media, a.st.env.Clock.Now())
		case codec.Packet:
			_, _, err = a.in.Packet(&ev, a.st.env.Clock.Now())
			a.fresh = a.fresh || !a.in.Broken()
		case codec.Finish:
			err = errSourceEnded
		case codec.Redial:
			return true, nil
		case codec.Bad:
			err = ev.Err
		}
		if err != nil {
			return false, err
		}
	}
	return false, nil
}

// endOf is how a source went if its connection ended with err.
func endOf(err error) End {
	if errors.Is(err, errSourceEnded) {
		return Ended
	}
	return Lost
}
