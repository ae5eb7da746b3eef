package tuning

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"

	"golang.org/x/sys/unix"
)

// TimerSlack is by how much the kernel may wake the process's threads late, in
// nanoseconds. While the program works, Go's monitor thread wakes every 20
// microseconds to look after the others, and each time it takes the processor
// from a loop that writes; the pump's own timers are whole milliseconds. More for
// that thread alone can not be had: a thread inherits the slack of the one that
// starts it, and the monitor starts some of those that keep the pump's time, which
// may be late by what the engine spares of the latency budget (2 ms) and no more.
const TimerSlack = 1_000_000

// RelaxTimers sets the timer slack of all threads that the process has; those
// that start later inherit it. For threads other than the caller's own the
// kernel wants CAP_SYS_NICE; the error says so where it is missing.
func RelaxTimers() error {
	if has, err := unix.PrctlRetInt(unix.PR_GET_TIMERSLACK, 0, 0, 0, 0); err == nil && has >= TimerSlack {
		return nil // the unit's TimerSlackNSec, which all threads have inherited
	}
	if err := unix.Prctl(unix.PR_SET_TIMERSLACK, TimerSlack, 0, 0, 0); err != nil {
		return fmt.Errorf("the timer slack can not be set: %w", err)
	}
	tasks, err := filepath.Glob("/proc/self/task/*")
	if err != nil || len(tasks) == 0 {
		return errors.New("the timer slack can not be set: the threads of this process can not be listed")
	}
	for _, task := range tasks {
		// The file of a thread stands beside those of processes only.
		file := filepath.Join("/proc", filepath.Base(task), "timerslack_ns")
		err := os.WriteFile(file, []byte(strconv.Itoa(TimerSlack)), 0)
		if err != nil && !errors.Is(err, os.ErrNotExist) { // a thread that has just ended
			return fmt.Errorf("the timer slack of Go's monitor thread can not be set, which takes CAP_SYS_NICE or the unit's TimerSlackNSec: %w", err)
		}
	}
	return nil
}
