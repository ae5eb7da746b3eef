//go:build e2e

package e2e

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"streampump/bench/player"
	"streampump/bench/synth"
)

// reader is a viewer in the background that proves every byte it gets. It can
// be stopped: then it does not read, as a player that hangs.
type reader struct {
	name string
	conn *player.Conn
	v    *player.Verifier
	tee  io.Writer
	done chan struct{}

	stopped atomic.Bool // read is not to be called
	mu      sync.Mutex
	counts  player.Counts
	resumed sync.Cond // stopped has become false
	err     error     // valid once done is closed
}

// watching says how a reader looks at the stream.
type watching struct {
	name   string
	client player.Client
	opts   player.Options
	dial   dialer
	addr   string
	path   string
	tee    io.Writer // gets the body too; may be nil
}

// startReader joins a stream; the test's end ends it. Media objects are
// checked by the pattern of the synthetic encoder unless opts say otherwise.
func startReader(t testing.TB, w watching) *reader {
	t.Helper()
	if w.client.Name == "" {
		w.client = player.MPlayer()
	}
	if w.opts.Object == nil {
		w.opts.Object = player.Pattern()
	}
	if w.dial == nil {
		w.dial = plainDial
	}
	if w.tee == nil {
		w.tee = io.Discard
	}
	viewer := player.Viewer{Client: w.client, Addr: w.addr, Path: "/streams/" + w.path, Dial: w.dial, Timeout: patience}
	c, _, err := viewer.Play(context.Background())
	if err != nil {
		t.Fatalf("%s cannot join: %v", w.name, err)
	}
	r := &reader{name: w.name, conn: c, v: player.NewVerifier(w.opts), tee: w.tee, done: make(chan struct{})}
	r.resumed.L = &r.mu
	go r.run()
	t.Cleanup(func() {
		r.resume()
		_ = c.Close()
		<-r.done
	})
	return r
}

// run reads until the connection ends or a rule is broken.
func (r *reader) run() {
	defer close(r.done)
	buf := make([]byte, 16<<10)
	for {
		r.mu.Lock()
		for r.stopped.Load() {
			r.resumed.Wait()
		}
		r.mu.Unlock()
		_ = r.conn.SetReadDeadline(time.Now().Add(patience))
		n, readErr := r.conn.Read(buf)
		_, _ = r.tee.Write(buf[:n])
		_, err := r.v.Write(buf[:n])
		r.mu.Lock()
		r.counts = r.v.Counts()
		r.mu.Unlock()
		switch {
		case err != nil:
			r.err = err
			return
		case errors.Is(readErr, io.EOF):
			r.err = r.v.End()
			return
		case readErr != nil:
			r.err = readErr
			return
		}
	}
}

// stop makes the reader not read from now on, after the read it is in.
func (r *reader) stop() { r.stopped.Store(true) }

// resume makes it read again.
func (r *reader) resume() {
	r.mu.Lock()
	r.stopped.Store(false)
	r.mu.Unlock()
	r.resumed.Broadcast()
}

// seen is what the reader has counted so far.
func (r *reader) seen() player.Counts {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.counts
}

// await waits until the reader has seen what ok asks for.
func (r *reader) await(t testing.TB, what string, ok func(player.Counts) bool) player.Counts {
	t.Helper()
	for deadline := time.Now().Add(patience); ; time.Sleep(glance) {
		c := r.seen()
		if ok(c) {
			return c
		}
		select {
		case <-r.done:
			if c = r.seen(); ok(c) { // the last bytes came between the two looks
				return c
			}
			t.Fatalf("%s: it has ended before %s: %v; %+v", r.name, what, r.err, c)
		default:
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s: %s: not so after %v: %+v", r.name, what, patience, c)
		}
	}
}

// more waits for so many packets beyond those seen.
func (r *reader) more(t testing.TB, packets int64) player.Counts {
	t.Helper()
	want := r.seen().Packets + packets
	return r.await(t, fmt.Sprintf("%d packets", want), func(c player.Counts) bool { return c.Packets >= want })
}

// ended waits for the end of the stream and returns what was wrong with it.
func (r *reader) ended(t testing.TB) error {
	t.Helper()
	select {
	case <-r.done:
		return r.err
	case <-time.After(patience):
		t.Fatalf("%s: its stream has not ended after %v: %+v", r.name, patience, r.seen())
		return nil
	}
}

// alive fails the test if the reader has met a fault or an end.
func (r *reader) alive(t testing.TB) {
	t.Helper()
	select {
	case <-r.done:
		t.Errorf("%s: it has ended: %v; %+v", r.name, r.err, r.seen())
	default:
	}
}

// whole fails the test if the reader is not alive or has missed a packet.
func (r *reader) whole(t testing.TB) {
	t.Helper()
	r.alive(t)
	if c := r.seen(); c.Gaps != 0 || c.Cut != 0 {
		t.Errorf("%s: %d gaps with %d packets missing: %+v", r.name, c.Gaps, c.Missing, c)
	}
}

// megabit is a stream of about 1 Mbit/s with a key frame every second.
func megabit() synth.Spec { return synth.Plain(1_000_000) }
