package supervisor

import (
	"context"
	"log/slog"
	"strings"
	"time"
)

const (
	// reportEvery is how often what is shown of the service is looked at.
	reportEvery = 5 * time.Second
	// feeds is how often in the watchdog's time it is fed, and looks how often it is
	// looked whether the service is back, once it has shown no life.
	feeds = 3
	looks = 12
)

// Report keeps what is shown of the service fresh until ctx ends: the text is asked for
// every few seconds, and sent if it has changed.
func (m *Manager) Report(ctx context.Context, text func() string) {
	if !m.Present() {
		return
	}
	tick := time.NewTicker(reportEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			m.Status(text())
		}
	}
}

// Life is what the watchdog watches.
type Life struct {
	// Beat names the parts of the service that have shown no life since it was called
	// before, for the log.
	Beat func() (silent []string)
	// Ending is closed when the end of the service begins. From then on the watchdog is
	// fed in any case: the service must bound its end itself.
	Ending <-chan struct{}
	Log    *slog.Logger
}

// Watch feeds the manager's watchdog while the service shows life, until ctx ends. If a
// part of it does not, nothing is sent, and in the end the manager kills the process.
func (m *Manager) Watch(ctx context.Context, l Life) {
	if m.watchdog == 0 || !m.Present() {
		return
	}
	l.Log.Info("the service manager wants signs of life", "within", m.watchdog)
	w := &watch{Manager: m, Life: l, fed: time.Now()}
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
			timer.Reset(w.look())
		}
	}
}

// watch is a watchdog and what it knows.
type watch struct {
	*Manager
	Life
	fed    time.Time // when it was fed last
	silent string    // who shows no life, as the log says
}

// look feeds the watchdog if the service shows life, and returns when to look again.
func (w *watch) look() (again time.Duration) {
	var silent []string
	select {
	case <-w.Ending:
	default:
		silent = w.Beat()
	}
	w.note(strings.Join(silent, ", "))
	if len(silent) > 0 || !w.Alive() {
		return w.watchdog / looks
	}
	w.fed = time.Now()
	return w.watchdog / feeds
}

// note logs that somebody shows no life, and when all do again.
func (w *watch) note(silent string) {
	switch {
	case silent == w.silent:
	case w.silent == "":
		w.Log.Error("no sign of life: unless it comes back, the service manager ends the process",
			"of", silent, "in", (w.watchdog - time.Since(w.fed)).Round(time.Millisecond))
	case silent == "":
		w.Log.Info("all show signs of life again", "after", time.Since(w.fed).Round(time.Millisecond))
	}
	w.silent = silent
}
