// Package clock is the engine's one clock: what time it is, and who is woken
// when a deadline comes. It knows nothing of what is due; that is asked of a
// function ([Clock.Run]).
package clock

import (
	"context"
	"time"
)

// Never is the deadline of what does not expire by itself.
const Never = int64(1<<63 - 1)

// Clock tells the time and sleeps to the earliest deadline that it is told of.
type Clock struct {
	// Now is the time in nanoseconds since the clock was made. Any goroutine may
	// call it. Tests put a number in its place before anything runs.
	Now    func() int64
	wakeup wakeup
}

// New makes a clock that sleeps on Go's timers, until [Clock.UseKernel].
func New() *Clock {
	began := time.Now()
	return &Clock{
		Now:    func() int64 { return int64(time.Since(began)) },
		wakeup: wakeup{alarm: newRuntimeAlarm()},
	}
}

// UseKernel has the clock sleep on a timer of the kernel's, which loops can set
// with one system call. Before Run only.
func (c *Clock) UseKernel() error {
	a, err := newKernelAlarm()
	if err != nil {
		return err
	}
	c.wakeup.alarm = a
	return nil
}

// Close gives the timer back. Nothing else may be called then.
func (c *Clock) Close() { c.wakeup.alarm.close() }

// Hurry has the clock look at the deadlines at a time, or earlier. The deadline
// must be where due looks before this is called. Any goroutine may call it.
func (c *Clock) Hurry(at int64) { c.wakeup.by(at, c.Now) }

// Next is the time at which the clock looks next; Never if it was told none.
func (c *Clock) Next() int64 { return c.wakeup.at.Load() }

// Look calls due once with the present time and notes the deadline that it
// returns. Run does so for as long as it runs; tests walk by it.
func (c *Clock) Look(due func(now int64) (next int64)) {
	c.wakeup.look()
	c.Hurry(due(c.Now()))
}

// Run calls due at each deadline until ctx ends. due acts on what has come and
// returns the next deadline.
func (c *Clock) Run(ctx context.Context, due func(now int64) (next int64)) {
	told := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		c.Hurry(c.Now())
		close(told)
	})
	defer func() {
		if !stop() {
			<-told // the alarm may be closed when this has returned
		}
	}()
	for {
		c.wakeup.look()
		if ctx.Err() != nil {
			return
		}
		c.Hurry(due(c.Now()))
		c.wakeup.alarm.wait()
	}
}
