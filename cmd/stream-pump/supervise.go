package main

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	"streampump/cmd/internal/supervisor"
	"streampump/engine"
)

// supervision joins a pump that serves to the manager that started it: what is shown of
// the pump, the watchdog, and reloads. Without a manager only the reloads are left.
type supervision struct {
	service
	eng  *engine.Engine
	sec  *security
	open *openings

	began time.Time
	where string

	mu      sync.Mutex
	pending string // what the last reload found of the configuration
}

// begin tells the manager that the pump serves, and keeps in touch with it; stop ends
// that. When ctx ends, so has the pump to.
func (u *supervision) begin(ctx context.Context) (stop func()) {
	u.began, u.where = time.Now(), u.listening()
	u.manager.Ready(u.text())
	fed, starve := context.WithCancel(context.WithoutCancel(ctx))
	var running sync.WaitGroup
	running.Go(func() { u.manager.Report(ctx, u.text) })
	running.Go(func() {
		// To the very end, which [going] bounds.
		u.manager.Watch(fed, supervisor.Life{Beat: u.eng.Beat, Ending: ctx.Done(), Log: u.log.Logger})
	})
	go u.reloads(ctx) // not waited for: a file on a dead file system holds it
	return func() {
		starve()
		running.Wait()
		if n := u.manager.Lost(); n > 0 {
			u.log.Warn("the service manager did not take all that it was told", "messages", n)
		}
	}
}

// end tells the manager that the pump ends, and how long that may take.
func (u *supervision) end() {
	t := u.Engine.Timeouts.Shutdown
	u.manager.Stopping(fmt.Sprintf("going down: viewers have %v to take the end in", t), t+lastTime+logTime)
}

// mostShown is how many addresses are shown to the manager.
const mostShown = 4

// listening are the addresses, as people read them.
func (u *supervision) listening() string {
	var out []string
	for i, a := range u.eng.Addresses() {
		if i == mostShown {
			out = append(out, fmt.Sprintf("%d more", len(u.eng.Addresses())-i))
			break
		}
		text := a.String()
		if u.open.streams[i].TLS != nil {
			text += " (TLS)"
		}
		out = append(out, text)
	}
	return strings.Join(out, ", ")
}

// text is what is shown of a pump that serves.
func (u *supervision) text() string {
	s, up := u.eng.Snapshot(), 0
	for _, st := range s.Streams {
		if st.State == engine.SourceUp.String() {
			up++
		}
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	return fmt.Sprintf("%s, %d of %s up; on %s since %s%s", count(int(s.Viewers), "viewer"), up, count(len(s.Streams), "stream"),
		u.where, u.began.Format("2006-01-02 15:04:05 MST"), u.pending)
}
