// Package notice limits how often a log repeats itself, and how long it lets others
// speak.
//
// A kind of line is its message: the limit of one is not used up by another, so a
// stranger who has one thing said again and again hides nothing else.
package notice

import (
	"context"
	"log/slog"
	"sync"
	"time"
	"unicode/utf8"
)

// Burst is how many lines of one kind are written at once before they are let through
// at one a second: a fleet that comes back after a power cut is logged in full, and a
// stranger who asks again and again does not fill a disk.
const Burst = 100

// The bounds of what nothing else limits, such as a line for each viewer: all viewers of
// a large pump may leave at once.
const (
	MostBurst  = 10_000
	MostSecond = 100
)

// longest is the most bytes of what others say in a line: their TLS errors, and the
// paths that they ask for, can have kilobytes.
const longest = 256

// Brief is a text of others, cut to a length for the log.
func Brief(s string) string {
	if len(s) <= longest {
		return s
	}
	end := longest
	for end > longest-utf8.UTFMax && !utf8.RuneStart(s[end]) {
		end--
	}
	return s[:end] + "…"
}

// limiter lets a burst of messages of one kind through, and then some a second.
type limiter struct {
	spent   int   // of the burst
	last    int64 // when the last of it was given back
	skipped int
}

// allow reports whether a message may be logged now, and how many have been skipped
// since the last that was.
func (m *limiter) allow(now int64, b *bounds) (ok bool, skipped int) {
	if back := (now - m.last) / b.each; m.spent > 0 && back > 0 {
		m.spent -= int(min(back, int64(m.spent)))
		m.last += back * b.each
	}
	if m.spent >= b.burst {
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

// maxKinds is how many kinds of lines have a limit each; more share one. Messages are
// constants, but for those of libraries.
const maxKinds = 64

// bounds are the limits of a log's kinds.
type bounds struct {
	burst int
	each  int64 // time for which one of the burst is given back
	clock func() int64

	mu    sync.Mutex
	kinds map[string]*limiter
}

// allow asks the limiter of a kind.
func (b *bounds) allow(kind string) (ok bool, skipped int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	m := b.kinds[kind]
	if m == nil {
		if len(b.kinds) >= maxKinds {
			kind = ""
		}
		if m = b.kinds[kind]; m == nil {
			m = new(limiter)
			b.kinds[kind] = m
		}
	}
	return m.allow(b.clock(), b)
}

// limited is a log whose lines are limited; the first one after a gap says how many
// are missing. Debug lines are not limited: whoever asks for them wants all.
type limited struct {
	slog.Handler
	bounds *bounds
}

// Limit gives a log limits of its own: of each kind, a burst at once and then one
// line a second. clock is in nanoseconds.
func Limit(log *slog.Logger, burst int, clock func() int64) *slog.Logger {
	return limit(log, burst, 1, clock)
}

// LimitAll gives a log the bounds of what nothing else limits.
func LimitAll(log *slog.Logger, clock func() int64) *slog.Logger {
	return limit(log, MostBurst, MostSecond, clock)
}

func limit(log *slog.Logger, burst, second int, clock func() int64) *slog.Logger {
	return slog.New(limited{log.Handler(), &bounds{
		burst: max(burst, 1), each: int64(time.Second) / int64(second), clock: clock, kinds: map[string]*limiter{},
	}})
}

// Handle implements [slog.Handler].
func (h limited) Handle(ctx context.Context, r slog.Record) error {
	if r.Level < slog.LevelInfo {
		return h.Handler.Handle(ctx, r)
	}
	ok, skipped := h.bounds.allow(r.Message)
	if !ok {
		return nil
	}
	if skipped > 0 {
		r.AddAttrs(slog.Int("not_logged", skipped))
	}
	return h.Handler.Handle(ctx, r)
}

// WithAttrs implements [slog.Handler]; the limits are shared.
func (h limited) WithAttrs(attrs []slog.Attr) slog.Handler {
	return limited{h.Handler.WithAttrs(attrs), h.bounds}
}

// WithGroup implements [slog.Handler]; the limits are shared.
func (h limited) WithGroup(name string) slog.Handler {
	return limited{h.Handler.WithGroup(name), h.bounds}
}
