// Package notice limits how often a log repeats itself.
package notice

import (
	"context"
	"log/slog"
	"sync"
	"time"
)

// Burst is how many lines of one kind are written at once before they are let through
// at one a second: a fleet that comes back after a power cut is logged in full, and a
// stranger who asks again and again does not fill a disk.
const Burst = 100

// limiter lets a burst of messages of one kind through, and then one a second.
type limiter struct {
	burst int // 0 means 1

	mu      sync.Mutex
	spent   int   // of the burst
	last    int64 // when the last of it was given back
	skipped int
}

// allow reports whether a message may be logged now, and how many have been skipped
// since the last that was.
func (m *limiter) allow(now int64) (ok bool, skipped int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if back := (now - m.last) / int64(time.Second); m.spent > 0 && back > 0 {
		m.spent -= int(min(back, int64(m.spent)))
		m.last += back * int64(time.Second)
	}
	if m.spent >= max(m.burst, 1) {
		m.skipped++
		return false, 0
	}
	if m.spent == 0 {
		m.last = now
	}
	m.spent++
	skipped, m.skipped = m.skipped, 0
	return true, skipped
}

// limited is a log whose lines are limited; the first one after a gap says how many
// are missing. Debug lines are not limited: whoever asks for them wants all.
type limited struct {
	slog.Handler
	limiter *limiter
	clock   func() int64
}

// Limit gives a log its own limit. clock is in nanoseconds.
func Limit(log *slog.Logger, burst int, clock func() int64) *slog.Logger {
	return slog.New(limited{log.Handler(), &limiter{burst: burst}, clock})
}

// Handle implements [slog.Handler].
func (h limited) Handle(ctx context.Context, r slog.Record) error {
	if r.Level < slog.LevelInfo {
		return h.Handler.Handle(ctx, r)
	}
	ok, skipped := h.limiter.allow(h.clock())
	if !ok {
		return nil
	}
	if skipped > 0 {
		r.AddAttrs(slog.Int("not_logged", skipped))
	}
	return h.Handler.Handle(ctx, r)
}

// WithAttrs implements [slog.Handler]; the limit is shared.
func (h limited) WithAttrs(attrs []slog.Attr) slog.Handler {
	return limited{h.Handler.WithAttrs(attrs), h.limiter, h.clock}
}

// WithGroup implements [slog.Handler]; the limit is shared.
func (h limited) WithGroup(name string) slog.Handler {
	return limited{h.Handler.WithGroup(name), h.limiter, h.clock}
}
