package main

import (
	"bytes"
	"context"
	"os"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"streampump/cmd/internal/cli"
	"streampump/config"
	"streampump/engine"
)

// watched is a service that is watched over and does nothing; exits are the codes
// with which its process would have ended.
type watched struct {
	*going
	ctx   context.Context
	log   *bytes.Buffer
	exits chan int
}

func watchNothing(foreground bool) *watched {
	w := &watched{log: &bytes.Buffer{}, exits: make(chan int, 9)}
	e := env{stderr: w.log, exit: func(code int) { w.exits <- code }}
	ctx, end := context.WithCancel(context.Background())
	w.ctx = ctx
	c := config.Default()
	w.going = e.watch(ctx, end, service{
		Config: c, log: e.textLog(c.Log), signals: newSignals(make(chan os.Signal)), foreground: foreground,
	})
	return w
}

// send sends a signal and waits until it has had its effect.
func (w *watched) send(s os.Signal) {
	w.signals.heard <- s
	synctest.Wait()
}

// end ends the watch, and checks how.
func (w *watched) end(t *testing.T, exits int, said ...string) {
	t.Helper()
	w.done()
	w.service.log.Close(time.Second)
	synctest.Wait()
	if len(w.exits) != exits || exits > 0 && <-w.exits != cli.ExitFailed {
		t.Errorf("the process ended by force %d times, want %d", len(w.exits), exits)
	}
	for _, part := range said {
		if !strings.Contains(w.log.String(), part) {
			t.Errorf("no %q in the log:\n%s", part, w.log.String())
		}
	}
}

// Whatever is stuck, the process ends.
func TestHardEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := watchNothing(false)
		shutdown := engine.DefaultConfig().Timeouts.Shutdown
		w.send(syscall.SIGTERM)
		if w.ctx.Err() == nil {
			t.Fatal("SIGTERM does not ask for the end")
		}
		time.Sleep(shutdown + lastTime - time.Millisecond)
		synctest.Wait()
		if len(w.exits) > 0 {
			t.Fatal("it ended by force before its time was over")
		}
		time.Sleep(time.Millisecond)
		synctest.Wait()
		w.end(t, 1, "ending by force", "something is stuck")
	})
}

// The time at the end is enough for all that comes after the viewers.
func TestHardEndLeavesTime(t *testing.T) {
	if lastTime <= adminTime+logTime+forcedLogTime {
		t.Errorf("%v are less than what the admin listener (%v) and the log (%v) may take", lastTime, adminTime, logTime)
	}
}

// An end in peace is not disturbed.
func TestEndInTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := watchNothing(false)
		w.send(syscall.SIGTERM)
		w.end(t, 0)
		time.Sleep(time.Hour)
		synctest.Wait()
		if len(w.exits) > 0 {
			t.Error("it ended by force afterwards")
		}
	})
}

// A second signal waits for the viewers; a third one does not.
func TestSecondAndThirdSignal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := watchNothing(false)
		w.send(syscall.SIGTERM)
		time.Sleep(2 * time.Second)
		w.send(os.Interrupt)
		if len(w.exits) > 0 {
			t.Fatal("the second signal ended the process")
		}
		w.send(syscall.SIGTERM)
		w.end(t, 1, "still going down; a third signal ends the pump at once", "within=3s", "a third signal asked")
	})
}

// SIGHUP and SIGPIPE harm nothing; a demo goes with its terminal.
func TestHangup(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := watchNothing(false)
		for range 3 {
			w.send(syscall.SIGHUP)
			w.send(syscall.SIGPIPE)
		}
		if w.ctx.Err() != nil {
			t.Error("it asked for the end")
		}
		if n := len(w.signals.reloads); n != 1 {
			t.Errorf("%d reloads wait, of three", n)
		}
		w.end(t, 0)

		w = watchNothing(true)
		w.send(syscall.SIGHUP)
		if w.ctx.Err() == nil {
			t.Error("a demo stays when its terminal goes")
		}
		w.end(t, 0)
	})
}
