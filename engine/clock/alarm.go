package clock

import (
	"fmt"
	"os"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
)

// wakeup is when the clock next looks at the deadlines: at the earliest time that it
// was told since its last look, or before.
type wakeup struct {
	alarm alarm
	// at is that time; never if it was told none. The alarm is set to it, or
	// somebody is about to do so.
	at atomic.Int64
}

// look is called by the clock before it looks at the deadlines: what it was told so
// far, it sees there.
func (w *wakeup) look() { w.at.Store(Never) }

// by has the clock look at the given time, or earlier. The deadline must be where the
// clock looks before by is called. Any goroutine may call it.
func (w *wakeup) by(at int64, clock func() int64) {
	for {
		old := w.at.Load()
		if old <= at {
			return
		}
		if w.at.CompareAndSwap(old, at) {
			break
		}
	}
	for {
		w.alarm.set(time.Duration(at - clock()))
		earlier := w.at.Load()
		if earlier >= at {
			return
		}
		at = earlier // its caller may have set the alarm before us, and been overruled
	}
}

// alarm is what the clock sleeps on.
type alarm interface {
	// set has it ring after a time; at once if the time is not above 0. What was set
	// before is lost, even if it has just rung. Any goroutine may call it.
	set(in time.Duration)
	// wait returns when the alarm rings or has rung. The clock calls it.
	wait()
	// close gives its resources back. Nothing may be called after it.
	close()
}

// runtimeAlarm rings by Go's own timers, and so in virtual time too.
type runtimeAlarm struct{ timer *time.Timer }

func newRuntimeAlarm() runtimeAlarm { return runtimeAlarm{time.NewTimer(0)} }

func (a runtimeAlarm) set(in time.Duration) { a.timer.Reset(in) }
func (a runtimeAlarm) wait()                { <-a.timer.C }
func (a runtimeAlarm) close()               { a.timer.Stop() }

// kernelAlarm rings by a kernel timer. Loops set it after a source's burst: that is
// one system call, where a Go timer has to wake a thread of the scheduler to tell it
// how long to sleep.
type kernelAlarm struct {
	descriptor int
	file       *os.File // of the same; reading it parks the goroutine, not a thread
}

func newKernelAlarm() (*kernelAlarm, error) {
	fd, err := unix.TimerfdCreate(unix.CLOCK_MONOTONIC, unix.TFD_NONBLOCK|unix.TFD_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("no timer for the engine's clock: %w", err)
	}
	a := &kernelAlarm{fd, os.NewFile(uintptr(fd), "the engine's clock")}
	if err := a.file.SetReadDeadline(time.Time{}); err != nil { // a read would not wait
		a.close()
		return nil, fmt.Errorf("the timer of the engine's clock cannot be waited for: %w", err)
	}
	return a, nil
}

func (a *kernelAlarm) set(in time.Duration) {
	at := unix.ItimerSpec{Value: unix.NsecToTimespec(max(int64(in), 1))} // 0 would stop it
	_ = unix.TimerfdSettime(a.descriptor, 0, &at, nil)                   // it fails for a bad descriptor or time only
}

func (a *kernelAlarm) wait() {
	var rings [8]byte
	_, _ = a.file.Read(rings[:]) // how often it rang does not matter
}

func (a *kernelAlarm) close() { _ = a.file.Close() }
