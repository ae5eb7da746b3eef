package stream

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"time"

	"streampump/codec"
)

// pullBuffer is the read buffer of a pull: two of the largest packets that a
// 16-bit length allows.
const pullBuffer = 128 << 10

// errSourceEnded: the source said that its stream is over.
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

// failed notes why a pull or a file does not work, once for each new reason.
// Without a wait, an older file is played on.
func (st *Stream) failed(err error, wait time.Duration) {
	st.mu.Lock()
	known := st.lastFailure == err.Error()
	st.lastFailure, st.problem = err.Error(), err.Error()
	st.mu.Unlock()
	switch {
	case known:
	case wait == 0:
		st.log.Warn("the file can not be replaced", "why", err)
	case errors.Is(err, errSourceEnded):
		st.log.Info("source has ended, trying again", "in", wait.Round(time.Millisecond))
	default:
		st.log.Warn("source failed, trying again", "why", err, "in", wait.Round(time.Millisecond))
	}
}

// pullOnce makes one attempt: some connections of one conversation, until the
// source ends or is lost.
func (st *Stream) pullOnce(ctx context.Context, in *Ingest) error {
	if st.state.CompareAndSwap(uint32(SourceDown), uint32(SourceDialing)) {
		defer st.state.CompareAndSwap(uint32(SourceDialing), uint32(SourceDown))
	}
	sess := st.Config.Pull.Open()
	for {
		again, err := st.pullConn(ctx, in, sess)
		if err != nil || !again {
			return err
		}
	}
}

// pullConn makes one connection and reads it. again says that the conversation
// goes on on another.
func (st *Stream) pullConn(ctx context.Context, in *Ingest, sess codec.Dialled) (again bool, err error) {
	t := &st.env.Settings.Timeouts
	dialCtx, cancel := context.WithTimeout(ctx, t.PullConnect)
	defer cancel()
	target, proxied := sess.Target(), false
	addr := target
	if route := st.Config.Pull.Route; route != nil {
		if addr, proxied, err = route(dialCtx, target); err != nil {
			return false, err
		}
	}
	conn, err := st.env.Dial(dialCtx, "tcp", addr)
	if err != nil {
		return false, fmt.Errorf("%s can not be reached: %w", way(addr, target, proxied), bare(err))
	}
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	defer func() {
		stop()
		_ = conn.Close()
	}()
	if err := conn.SetDeadline(time.Now().Add(t.PullConnect)); err != nil {
		return false, err
	}
	if _, err := conn.Write(sess.AppendHello(nil, proxied)); err != nil {
		return false, fmt.Errorf("%s took no request: %w", way(addr, target, proxied), bare(err))
	}
	again, err = st.pullRead(conn, in, sess)
	if err != nil && !errors.Is(err, errSourceEnded) {
		err = fmt.Errorf("%w (%s)", err, way(addr, target, proxied))
	}
	return again, err
}

// way names the address that was dialled, and what was wanted there.
func way(addr, target string, proxied bool) string {
	if proxied {
		return fmt.Sprintf("the proxy %s for %s", addr, target)
	}
	return addr
}

// bare takes off what the standard library puts in front of the cause: the
// name of a system call, and addresses that our sentence has already.
func bare(err error) error {
	var call *os.SyscallError
	var name *net.DNSError
	switch {
	case errors.As(err, &name) && name.IsNotFound:
		return errors.New("the name is not known")
	case errors.As(err, &name):
		return fmt.Errorf("the name can not be looked up: %s", name.Err)
	case errors.As(err, &call):
		return call.Err
	case errors.Is(err, os.ErrDeadlineExceeded) || errors.Is(err, context.DeadlineExceeded):
		return errors.New("no answer in the time allowed")
	}
	return err
}

// pullRead reads one connection to its end.
func (st *Stream) pullRead(conn net.Conn, in *Ingest, sess codec.Session) (again bool, err error) {
	t := &st.env.Settings.Timeouts
	buf := make([]byte, pullBuffer)
	up, wait := false, t.PullConnect // until the header is there
	for {
		n, readErr := conn.Read(buf)
		headed, again, err := st.pullBytes(in, sess, buf[:n])
		in.Commit()
		up = up || headed
		if err != nil || again {
			return again, err
		}
		if readErr != nil {
			return false, pullError(readErr, wait, up)
		}
		if up && wait != t.PullSilence {
			wait = t.PullSilence
		}
		if err := conn.SetReadDeadline(time.Now().Add(wait)); err != nil {
			return false, err
		}
	}
}

// pullError is the operator's sentence for a failed read. up says that the
// source's header had come.
func pullError(err error, wait time.Duration, up bool) error {
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded):
		return fmt.Errorf("the source sent nothing for %v", wait)
	case errors.Is(err, io.EOF) && !up:
		return errors.New("the source closed the connection before its stream began")
	case errors.Is(err, io.EOF):
		return errors.New("the source closed the connection")
	default:
		return fmt.Errorf("the source's connection broke: %w", bare(err))
	}
}

// pullBytes feeds the session. headed says that the source's header was in b.
func (st *Stream) pullBytes(in *Ingest, sess codec.Session, b []byte) (headed, again bool, err error) {
	var ev codec.Event
	for len(b) > 0 {
		var n int
		n, ev = sess.Consume(b)
		b = b[n:]
		switch ev.Kind {
		case codec.None:
			return headed, false, nil
		case codec.Header:
			headed = true
			err = in.Header(ev.Media, st.env.Clock.Now())
		case codec.Packet:
			_, _, err = in.Packet(&ev, st.env.Clock.Now())
		case codec.Finish:
			err = errSourceEnded
		case codec.Redial:
			return false, true, nil
		case codec.Bad:
			err = ev.Err
		}
		if err != nil {
			return headed, false, err
		}
	}
	return headed, false, nil
}

// endOf is how a source went whose connection ended with err.
func endOf(err error) End {
	if errors.Is(err, errSourceEnded) {
		return Ended
	}
	return Lost
}
