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
		wait := st.pullWait(quick, err)
		quick = false
		st.failed(err, wait)
		rest(ctx, wait)
	}
}

// pullWait is the pause before the next attempt. The jitter keeps the children
// of a source that restarts from coming back all at once.
func (st *Stream) pullWait(quick bool, err error) time.Duration {
	t := &st.env.Settings.Timeouts
	wait := t.PullRetry
	switch {
	case errors.Is(err, codec.ErrDenied):
		wait = t.PullDenied
	case quick:
		return t.PullFirst
	}
	jitter := time.Duration(0)
	if t.PullJitter > 0 {
		jitter = rand.N(t.PullJitter)
	}
	return wait + jitter
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
	begun time.Time // what the session's ticks count from
	up    bool      // the source's header has come
	// fresh says that what was read last gives the source time for its next packet.
	fresh bool
	// deadline is when the header must have come, counted from the first dial, and
	// after the header, the next packet. Nothing else that a source sends moves it.
	deadline time.Time

	entitled int64 // up to when its packets and requests have used up their rate
	slowed   bool  // it has been held to its rate, and has not been within it since
	asked    bool  // what was read last has requests

	// Of the present connection.
	conn    net.Conn    // what is spoken on
	said    []byte      // answers that are still to be said
	tls     *trust.Conn // the same, if it has TLS
	proxied bool        // it goes through a proxy
	hearing *hearing    // of datagrams; nil: all comes over it
	due     time.Time   // when the session ticks; zero if it does not
	gone    bool        // nothing more can be said on it
	idle    bool        // it is left for its silence
}

// pullOnce makes one attempt, until the source ends or is lost.
func (st *Stream) pullOnce(ctx context.Context, in *Ingest) error {
	if st.state.CompareAndSwap(uint32(SourceDown), uint32(SourceDialing)) {
		defer st.state.CompareAndSwap(uint32(SourceDialing), uint32(SourceDown))
	}
	sess := st.Config.Pull.Open()
	a := &attempt{st: st, in: in, sess: sess, first: sess.Target(), begun: time.Now()}
	a.deadline = a.begun.Add(st.env.Settings.Timeouts.PullConnect)
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

// read reads the present connection to its end.
func (a *attempt) read(ctx context.Context) (again bool, err error) {
	buf := make([]byte, pullBuffer)
	for {
		n, readErr := a.receive(ctx, buf)
		if ctx.Err() != nil {
			return false, ctx.Err()
		}
		a.arrives()
		again := false
		if err = a.hear(ctx); err == nil {
			again, err = a.take(ctx, buf[:n])
		}
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
		if err := a.hold(ctx); err != nil {
			return false, err
		}
		a.extend()
		if a.overdue() {
			return false, a.late()
		}
		if err := a.tick(ctx); err != nil {
			return false, err
		}
	}
}

// receive reads once, until something comes, the session ticks, or the source has run
// out of time. What has come as datagrams is read later: see hear.
func (a *attempt) receive(ctx context.Context, buf []byte) (n int, err error) {
	until := a.deadline
	if !a.due.IsZero() && a.due.Before(until) {
		until = a.due
	}
	if n, err = a.readUntil(ctx, buf, until); n > 0 || !errors.Is(err, os.ErrDeadlineExceeded) {
		return n, err
	}
	if now := time.Now(); !now.Before(a.deadline) {
		return a.readUntil(ctx, buf, now.Add(lastLook))
	}
	return n, err
}

// readUntil reads once. The deadline is for writes too: in the middle of a read TLS may
// want to write (an update of keys, RFC 8446, 4.6.3). It comes first, and ctx is asked
// then, because whoever ends ctx sets another deadline after that: see [interruptible].
func (a *attempt) readUntil(ctx context.Context, buf []byte, until time.Time) (int, error) {
	if a.hearing != nil {
		if conn, err := a.wait(ctx, until); err != nil || !conn {
			return 0, err
		}
		until = time.Now().Add(lastLook) // for what is there already
	}
	_ = a.conn.SetDeadline(until) // if it fails, so does the read
	if ctx.Err() != nil {
		return 0, ctx.Err()
	}
	return a.conn.Read(buf)
}

// overdue reports whether the source has run out of time.
func (a *attempt) overdue() bool { return !a.fresh && !time.Now().Before(a.deadline) }

// extend gives the source time for its next packet, if it has sent one.
func (a *attempt) extend() {
	if a.fresh {
		a.fresh, a.deadline = false, time.Now().Add(a.st.env.Settings.Timeouts.PullSilence)
	}
}

// late is the operator's sentence for a source that has run out of time.
func (a *attempt) late() error {
	t := &a.st.env.Settings.Timeouts
	a.idle = true
	switch h := a.hearing; {
	case a.up && a.in.LeftOut():
		return fmt.Errorf("the source sent no packet for %v that can be carried", t.PullSilence)
	case h != nil && h.joined && !h.any:
		return fmt.Errorf("nothing of the source's stream came over UDP within %v; a firewall on the way may keep it out", t.PullConnect)
	case a.up && h != nil:
		return fmt.Errorf("the source sent no packet for %v over UDP", t.PullSilence)
	case a.up:
		return fmt.Errorf("the source sent no packet for %v", t.PullSilence)
	}
	return fmt.Errorf("the source's stream did not begin within %v", t.PullConnect)
}

// broken is the operator's sentence for a failed read.
func (a *attempt) broken(err error) error {
	a.gone = true
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

// take feeds the session at the source's rate, and says what it answers.
func (a *attempt) take(ctx context.Context, b []byte) (again bool, err error) {
	for {
		n, again, err := a.feed(ctx, b)
		if said := a.speak(ctx); err == nil {
			err = said
		}
		b = b[n:]
		if err != nil || again || len(b) == 0 {
			return again && err == nil, err
		}
		a.in.Commit()
		a.extend()
		if err := a.hold(ctx); err != nil {
			return false, err
		}
	}
}

// feed feeds the session until it has taken all, which is n bytes then, or the source is
// ahead of its rate.
func (a *attempt) feed(ctx context.Context, b []byte) (n int, again bool, err error) {
	var ev codec.Event
	for n < len(b) && (n == 0 || !a.ahead()) {
		var k int
		k, ev = a.sess.Consume(b[n:])
		a.brought(k, ev.Kind == codec.None && n > 0)
		n += k
		if ev.Kind == codec.None {
			return n, false, nil
		}
		if again, err = a.event(ctx, &ev); again || err != nil {
			return n, again, err
		}
	}
	return n, false, nil
}

// event acts on what the session yields. again says that the conversation goes on, on another
// connection.
func (a *attempt) event(ctx context.Context, ev *codec.Event) (again bool, err error) {
	switch ev.Kind {
	case codec.Header:
		a.fresh = a.fresh || !a.up
		a.up = true
		return false, a.in.Header(ev.Media, a.st.env.Clock.Now())
	case codec.Packet:
		_, _, err = a.in.Packet(ev, a.st.env.Clock.Now())
		a.fresh = a.fresh || !a.in.LeftOut()
		return false, err
	case codec.Reply:
		return false, a.reply(ctx, ev, &codec.Verdict{})
	case codec.Setup:
		return false, a.offer(ctx, ev)
	case codec.Publish:
		return false, a.join(ctx, ev)
	case codec.Finish:
		return false, errSourceEnded
	case codec.Redial:
		return true, nil
	case codec.Bad:
		return false, ev.Err
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
