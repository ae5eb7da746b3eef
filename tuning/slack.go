package tuning

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"

	"golang.org/x/sys/unix"
)

// By how much the kernel may wake threads late, in nanoseconds.
const (
	// TimerSlack is for the process's threads: the pump's own timers are whole
	// milliseconds.
	TimerSlack = 1_000_000
	// monitorSlack is for Go's monitor thread. While the program works it wakes
	// every 20 microseconds to look after the others, and each time it takes the
	// processor from a loop that writes; where waking is dear that is a tenth of
	// the work. What it is there for (goroutines that run for more than 10 ms,
	// system calls that block) can wait so long here: there is a processor of the
	// scheduler more than loops, and loops give way by themselves.
	monitorSlack = 5_000_000
)

// RelaxTimers sets the timer slack of all threads that the process has; those
// that start later inherit it. It is to be called when the program starts. For
// threads other than the caller's own the kernel wants CAP_SYS_NICE; the error
// says so where it is missing.
func RelaxTimers() error {
	if err := unix.Prctl(unix.PR_SET_TIMERSLACK, TimerSlack, 0, 0, 0); err != nil {
		return fmt.Errorf("the timer slack can not be set: %w", err)
	}
	threads, err := ownThreads()
	if err != nil {
		return err
	}
	for i, thread := range threads {
		slack := TimerSlack
		if i == 1 {
			// The runtime starts its monitor first of all. Should it be another,
			// that one's timers are some milliseconds late.
			slack = monitorSlack
		}
		// The file of a thread stands beside those of processes only.
		file := filepath.Join("/proc", strconv.Itoa(thread), "timerslack_ns")
		err := os.WriteFile(file, []byte(strconv.Itoa(slack)), 0)
		if err != nil && !errors.Is(err, os.ErrNotExist) { // a thread that has just ended
			return fmt.Errorf("the timer slack of Go's monitor thread can not be set, which takes CAP_SYS_NICE or the unit's TimerSlackNSec: %w", err)
		}
	}
	return nil
}

// ownThreads are the process's threads, the oldest first.
func ownThreads() ([]int, error) {
	entries, err := os.ReadDir("/proc/self/task")
	if err != nil || len(entries) == 0 {
		return nil, errors.New("the timer slack can not be set: the threads of this process can not be listed")
	}
	var threads []int
	for _, e := range entries {
		if tid, err := strconv.Atoi(e.Name()); err == nil {
			threads = append(threads, tid)
		}
	}
	slices.Sort(threads)
	return threads, nil
}
