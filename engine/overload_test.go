package engine

import (
	"io"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"streampump/codec"
	"streampump/engine/internal/text"
	"streampump/engine/loop"
	"streampump/engine/stream"
)

// slowKernel takes its time for each write.
type slowKernel struct {
	loop.Kernel
	cost time.Duration
}

func (k slowKernel) Writev(fd int, iov []unix.Iovec) (int, unix.Errno) {
	for began := time.Now(); time.Since(began) < k.cost; {
	}
	return k.Kernel.Writev(fd, iov)
}

// flood publishes packets faster than the loops can carry them, from outside, as a
// pull does, until the test ends.
func flood(t *testing.T, e *Engine) {
	t.Helper()
	in := stream.NewIngest(e.group.Streams()[0])
	if err := in.Header(text.NewMedia("A audio"), e.clock.Now()); err != nil {
		t.Fatal(err)
	}
	over, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		beat := time.NewTicker(2 * time.Millisecond)
		defer beat.Stop()
		ev := codec.Event{Kind: codec.Packet, Data: []byte("x")}
		for {
			select {
			case <-over:
				return
			case <-beat.C:
			}
			_, _, _ = in.Packet(&ev, e.clock.Now())
			in.Commit()
		}
	}()
	t.Cleanup(func() { close(over); <-done })
}

// A loop that cannot keep up with its viewers says so, and still reads: newcomers are
// taken in and answered within some passes, and the engine ends.
func TestOverloadedLoopReads(t *testing.T) {
	e, address := realEngine(t, func(c *Config) { c.Loops, c.Fanout.Budget = 1, 0 })
	l := e.group.Loops()[0]
	l.Post(func() { l.Wrap(func(k loop.Kernel) loop.Kernel { return slowKernel{k, 300 * time.Microsecond} }) })
	flood(t, e)
	var viewers []*client
	for range 60 {
		v := connect(t, address)
		v.say("PLAY live")
		viewers = append(viewers, v)
	}
	for _, v := range viewers {
		v.until('\n', "OK Play")
		go func() { _, _ = io.Copy(io.Discard, v.in) }()
	}
	eventually(t, "the loop is overloaded", func() bool { return e.Snapshot().Overloaded == 1 })
	for range 5 {
		before := e.Snapshot()
		c := connect(t, address)
		if answer := ask(c); answer != "OK Reply\n" {
			t.Fatalf("the answer is %q", answer)
		}
		after := e.Snapshot()
		if n := after.Passes - before.Passes; n > 20 {
			t.Errorf("a request was answered after %d passes", n)
		}
		if after.Yields == before.Yields {
			t.Error("the loop had time for all its work")
		}
	}
}
