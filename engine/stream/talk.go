package stream

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"time"

	"streampump/codec"
)

const (
	// sayTime is how long a source may take to take what we say: some hundred bytes,
	// for which a system has room unless its program has not read for long.
	sayTime = 5 * time.Second
	// collect is how many bytes of answers are enough for a write.
	collect = 16 << 10
	// partTime is how long the end of a conversation may take.
	partTime = time.Second
)

// interruptible ends what waits for a connection when ctx ends: reads at once, so that
// there can be a last word, and writes soon. The function that it returns is called
// once: after that no deadline of the connection changes any more.
func interruptible(ctx context.Context, conn net.Conn) (release func()) {
	done := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(done)
		now := time.Now()
		_ = conn.SetReadDeadline(now)
		_ = conn.SetWriteDeadline(now.Add(partTime))
	})
	return func() {
		if !stop() {
			<-done
		}
	}
}

// hello says what comes first on a connection. Without that there is no last word.
func (a *attempt) hello(ctx context.Context, proxied bool) error {
	b := a.sess.AppendHello(nil, proxied)
	if t, ok := a.sess.(codec.Ticking); ok {
		b = a.ask(t, b)
	} else {
		a.due = time.Time{}
	}
	err := a.say(ctx, b)
	a.gone = err != nil
	return err
}

// tick has the session say what is due, if anything is.
func (a *attempt) tick(ctx context.Context) error {
	if a.due.IsZero() || time.Now().Before(a.due) {
		return nil
	}
	err := a.say(ctx, a.ask(a.sess.(codec.Ticking), nil))
	a.hearing.knocks()
	return err
}

// ask appends what the session says now.
func (a *attempt) ask(t codec.Ticking, dst []byte) []byte {
	dst, next := t.Tick(dst, time.Since(a.begun))
	a.due = a.begun.Add(next)
	return dst
}

// reply collects what the session answers to ev: many answers are said at once.
func (a *attempt) reply(ctx context.Context, ev *codec.Event, v *codec.Verdict) error {
	a.asks()
	a.said, _ = a.sess.Answer(a.said, ev, v)
	if len(a.said) < collect {
		return nil
	}
	return a.speak(ctx)
}

// speak says what was collected. A source that takes nothing does not hold up the stream.
func (a *attempt) speak(ctx context.Context) error {
	b := a.said
	if len(b) == 0 {
		return nil
	}
	a.said = b[:0]
	a.in.Commit()
	return a.say(ctx, b)
}

// say writes what the session says.
func (a *attempt) say(ctx context.Context, b []byte) error {
	if len(b) == 0 {
		return nil
	}
	_ = a.conn.SetWriteDeadline(a.sayUntil()) // if it fails, so does the write
	if ctx.Err() != nil {                     // as in readUntil
		return ctx.Err()
	}
	if _, err := a.conn.Write(b); err != nil {
		return a.notTaken(err)
	}
	return nil
}

// sayUntil is when the source must have taken what we say now: soon, and before it runs
// out of time. One that has, and is looked at for the last time, gets that long.
func (a *attempt) sayUntil() time.Time {
	now := time.Now()
	until := now.Add(sayTime)
	if a.deadline.Before(until) {
		until = a.deadline
	}
	if least := now.Add(lastLook); until.Before(least) {
		until = least
	}
	return until
}

// notTaken is the operator's sentence for what could not be said. A source that does
// not want us has closed the connection by then, and may have said why.
func (a *attempt) notTaken(err error) error {
	a.gone = true
	if a.tls != nil && !errors.Is(err, os.ErrDeadlineExceeded) {
		if _, said := a.tls.Read(make([]byte, 1)); said != nil {
			if why := a.explain(said); why != nil {
				return why
			}
		}
	}
	return fmt.Errorf("the source took no request: %w", bare(err))
}

// endCause is why we end a conversation that ended with err.
func (a *attempt) endCause(ctx context.Context, err error) codec.Cause {
	switch {
	case ctx.Err() != nil:
		return codec.CauseShutdown
	case a.idle:
		return codec.CauseIdle
	case err != nil && !errors.Is(err, errSourceEnded):
		return codec.CauseRefused
	}
	return codec.CauseEnded
}

// part says the session's last word, if it has one, and sees that it arrives. raw is
// the connection below TLS, of which nobody takes leave: that could take time, and a
// source that has been told needs none.
//
// To close a connection that has bytes which nobody has read resets it, and that may
// overtake the last word. So our half is closed, and the other read to its end, unless
// the source is silent: then there are no such bytes, and most likely no end.
func (a *attempt) part(raw net.Conn, c codec.Cause) {
	b := a.sess.AppendEnd(nil, c, "")
	if len(b) == 0 {
		return
	}
	if err := raw.SetDeadline(time.Now().Add(partTime)); err != nil {
		return
	}
	if _, err := a.conn.Write(b); err != nil || c == codec.CauseIdle {
		return
	}
	if half, ok := raw.(interface{ CloseWrite() error }); ok && half.CloseWrite() == nil {
		_, _ = io.Copy(io.Discard, raw)
	}
}
