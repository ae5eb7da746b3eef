package main

import (
	"context"
	"os"
	"os/signal"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"streampump/cmd/internal/cli"
)

// What the end may take beyond the time that viewers have for it.
const (
	// adminTime is how long requests at the admin listener may take at the end.
	adminTime = time.Second
	// lastTime is how long after timeouts.shutdown the process ends by force. It
	// is more than adminTime and logTime together, and less than what the systemd
	// unit adds.
	lastTime = 3 * time.Second
	// forcedLogTime is how long the last line is waited for then.
	forcedLogTime = 100 * time.Millisecond
)

// signals are those that a running pump hears. SIGQUIT keeps Go's meaning: it
// ends the process at once and prints what each goroutine does; so does SIGABRT, by
// which a watchdog ends it.
type signals struct {
	heard chan os.Signal
	// reloads has an element if a reload is wanted that has not begun; several are one.
	reloads chan struct{}
}

func newSignals(heard chan os.Signal) *signals { return &signals{heard, make(chan struct{}, 1)} }

// catch begins to hear signals; from here on none of them ends the process by
// itself. Of SIGPIPE nothing more is wanted: Go ends a program that writes to a
// standard error whose reader is gone, and for us that is a lost line.
func catch() *signals {
	s := newSignals(make(chan os.Signal, 8))
	signal.Notify(s.heard, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGPIPE)
	return s
}

func (s *signals) release() { signal.Stop(s.heard) }

// reload asks for a reload, which comes once the pump serves.
func (s *signals) reload() {
	select {
	case s.reloads <- struct{}{}:
	default:
	}
}

// going watches over a service from its beginning to its end.
type going struct {
	service
	exit     func(code int)
	over     chan struct{} // closed when the service has ended
	deadline atomic.Int64  // of the viewers' time, in nanoseconds of the epoch; 0 before the end is asked for
	watching sync.WaitGroup
	asked    int // how often, for the end; of the goroutine that hears
}

// watch hears signals until the service is done; end asks for its end. Once that
// is asked for, by a signal or by ctx, the process ends in a bounded time,
// whatever is stuck: an event loop, a log that nobody reads, a terminal.
func (e env) watch(ctx context.Context, end context.CancelFunc, s service) *going {
	g := &going{service: s, exit: e.exit, over: make(chan struct{})}
	shutdown := s.Engine.Timeouts.Shutdown
	g.watching.Go(func() {
		select {
		case <-g.over:
			return
		case <-ctx.Done():
		}
		g.deadline.Store(time.Now().Add(shutdown).UnixNano())
		late := time.NewTimer(shutdown + lastTime)
		defer late.Stop()
		select {
		case <-g.over:
		case <-late.C:
			g.abandon("something is stuck, and the time for going down is over")
		}
	})
	g.watching.Go(func() {
		for {
			select {
			case <-g.over:
				return
			case sig := <-s.signals.heard:
				g.hear(sig, end)
			}
		}
	})
	return g
}

// done ends the watch.
func (g *going) done() {
	close(g.over)
	g.watching.Wait()
}

// hear acts on a signal.
func (g *going) hear(sig os.Signal, end context.CancelFunc) {
	switch {
	case sig == syscall.SIGPIPE:
	case sig == syscall.SIGHUP && !g.foreground:
		g.signals.reload()
	default:
		g.ask(end)
	}
}

// ask counts the wishes for an end. The first is granted in peace. The second may
// come from a supervisor that is impatient, while viewers are still being told;
// only a third one means it.
func (g *going) ask(end context.CancelFunc) {
	g.asked++
	switch g.asked {
	case 1:
		end()
	case 2:
		g.log.Warn("still going down; a third signal ends the pump at once", "within", g.left())
	default:
		g.abandon("a third signal asked to end at once")
	}
}

// left is how long viewers still have.
func (g *going) left() time.Duration {
	at := g.deadline.Load()
	if at == 0 {
		return g.Engine.Timeouts.Shutdown
	}
	return max(0, time.Until(time.Unix(0, at))).Round(time.Millisecond)
}

// abandon ends the process, whatever it is at.
func (g *going) abandon(why string) {
	g.log.Error("ending by force", "why", why)
	g.log.Close(forcedLogTime)
	g.exit(cli.ExitFailed)
}
