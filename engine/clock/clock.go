// Package clock is the engine's one clock: it tells the time and sleeps until the
// next deadline. It does not know what is due; a function tells it ([Clock.Run]).
package clock

import (
	"context"
	"time"
)

// Never is the deadline of what does not expire by itself.
const Never = int64(1<<63 - 1)

// Clock tells the time and sleeps until the earliest deadline that it is told.
type Clock struct {
	// Now is the time in nanoseconds since the clock was made. Any goroutine may call
	// it. Tests replace it with a number before anything runs.
	Now func() int64
	// Began is what the system's clock said when the clock was made: the time at which
	// Now was 0. Tests set it, together with Now.
	Began  time.Time
	wakeup wakeup
}

// New makes a clock that sleeps on Go's timers, until [Clock.UseKernel].
func New() *Clock {
	began := time.Now()
	return &Clock{
		Now:    func() int64 { return int64(time.Since(began)) },
		Began:  began.Round(0),
		wakeup: wakeup{alarm: newRuntimeAlarm()},
	}
}

// Time is the time of the calendar at now, a time of the clock. The system's clock is not
// asked again: what is set there later makes no step here. Any goroutine may call it.
func (c *Clock) Time(now int64) time.Time { return c.Began.Add(time.Duration(now)) }

// At is the clock's time at t, which is one that Time gave or is reckoned from one. Any
// goroutine may call it.
func (c *Clock) At(t time.Time) int64 { return int64(t.Sub(c.Began)) }

// UseKernel has the clock sleep on a kernel timer, which loops can set with one
// system call. Call it before Run only.
func (c *Clock) UseKernel() error {
	a, err := newKernelAlarm()
	if err != nil {
		return err
	}
	c.wakeup.alarm = a
	return nil
}

// Close gives the timer back. Nothing may be called after it.
func (c *Clock) Close() { c.wakeup.alarm.close() }

// Hurry has the clock look at the deadlines at the given time, or earlier. The
// deadline must be where due looks before Hurry is called. Any goroutine may call it.
func (c *Clock) Hurry(at int64) { c.wakeup.by(at, c.Now) }

// Next is the time of the clock's next look; Never if it was told none.
func (c *Clock) Next() int64 { return c.wakeup.at.Load() }

// Look calls due once with the present time and notes the deadline that it returns.
// Run does the same until it ends; tests step through time with Look.
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
