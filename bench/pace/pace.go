// Package pace sends what a synthetic source makes when it is due, for encoders in tests.
package pace

import (
	"context"
	"time"
)

// Next makes what comes next: when it is due, from a beginning that is always the same, and
// how it is sent.
type Next func() (due time.Duration, send func() error)

// Send sends as next is due, the first at once, until the context ends, which is no error, or
// until enough says so.
func Send(ctx context.Context, next Next, enough func() bool) error {
	began := time.Now()
	var first time.Duration = -1
	for !enough() {
		due, send := next()
		if first < 0 {
			first = due
		}
		if !Sleep(ctx, time.Until(began.Add(due-first))) {
			return nil
		}
		if err := send(); err != nil {
			return err
		}
	}
	return nil
}

// Sleep waits. It reports false if ctx ended first.
func Sleep(ctx context.Context, d time.Duration) bool {
	if d <= 0 {
		return ctx.Err() == nil
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}
