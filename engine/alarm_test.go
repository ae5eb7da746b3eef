package engine

import (
	"context"
	"log/slog"
	"sync"
	"testing"
	"time"

	"streampump/codec"
)

// The alarm rings when it was last told to, whoever told it, and a ring that
// nobody waited for is not lost.
func TestAlarmOfTheKernel(t *testing.T) {
	a, err := newKernelAlarm()
	if err != nil {
		t.Fatal(err)
	}
	defer a.close()
	for _, in := range []time.Duration{0, -time.Second, 2 * time.Millisecond} {
		began := time.Now()
		a.set(in)
		a.wait()
		if took := time.Since(began); took < in {
			t.Errorf("set to %v, it rang after %v", in, took)
		}
	}
	a.set(time.Hour)
	waited := make(chan struct{})
	go func() {
		a.wait()
		close(waited)
	}()
	a.set(0)
	<-waited
}

// Whoever hurries the clock while it goes to sleep is not overruled by what the
// clock sets then.
func TestClockIsNotOverruled(t *testing.T) {
	e, err := New(labConfig(), nil, []codec.Protocol{textProtocol{}}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	a, err := newKernelAlarm()
	if err != nil {
		t.Fatal(err)
	}
	e.alarm = a
	defer a.close()
	loop := e.loops[0]
	roused := make(chan struct{}, 1)
	loop.reactor = rousedReactor(roused)
	loop.deadline.Store(never)
	ctx, end := context.WithCancel(t.Context())
	var ticking sync.WaitGroup
	ticking.Go(func() { e.tick(ctx) })
	for range 20_000 {
		// As a loop does at the end of a pass, in [loop.arm].
		at := e.clock()
		loop.pending.Store(false)
		loop.deadline.Store(at)
		e.hurry(time.Duration(at - e.clock()))
		select {
		case <-roused:
		case <-time.After(janitorInterval / 2):
			t.Fatal("the clock sleeps")
		}
	}
	end()
	ticking.Wait()
}

// rousedReactor tells that its loop was woken.
type rousedReactor chan struct{}

func (r rousedReactor) wake()       { r <- struct{}{} }
func (r rousedReactor) close(*conn) {}
