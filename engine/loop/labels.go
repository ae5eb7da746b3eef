package loop

import (
	"context"
	"runtime/pprof"
	"strconv"

	"streampump/engine/stream"
)

// The labels that samples of a CPU or goroutine profile carry, so that it says which
// stream costs what, and on which loop. Each loop's goroutine always has the loop's
// number, and the stream's path as well while it works for a stream. The goroutines
// of pulls and files have only the path.
const (
	labelLoop   = "loop"
	labelStream = stream.LabelStream
)

// loopLabels are the labels of a loop that works for no stream.
func loopLabels(id int) context.Context {
	return pprof.WithLabels(context.Background(), pprof.Labels(labelLoop, strconv.Itoa(id)))
}

// showLabels are the labels of a loop that works for a stream.
func showLabels(l *Loop, path string) context.Context {
	return pprof.WithLabels(l.labels, pprof.Labels(labelStream, path))
}

// label says which show the loop works for from now on; nil is none. The labels were
// made with the show, so this stores a pointer, and nothing at all while the show
// stays the same. Call it when going from one stream to the next, never for each
// viewer or packet. leave takes the label off.
func (l *Loop) label(s *show) {
	if s == l.shown {
		return
	}
	l.shown = s
	if s == nil {
		pprof.SetGoroutineLabels(l.labels)
		return
	}
	pprof.SetGoroutineLabels(s.labels)
}

// worksFor is the show that the connection views or feeds, nil if it does neither.
func (c *Conn) worksFor() *show {
	switch {
	case c.show != nil:
		return c.show
	case c.ingest != nil:
		return c.loop.showOf(c.ingest.Stream)
	}
	return nil
}

// StartLabelled calls f; the goroutines that f starts carry the loop's labels for
// life, also in gnet's own work.
func (l *Loop) StartLabelled(f func()) {
	pprof.SetGoroutineLabels(l.labels)
	defer pprof.SetGoroutineLabels(context.Background())
	f()
}
