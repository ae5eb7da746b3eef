package tuning

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// TimerSlack is how late the kernel may wake the process's threads, in nanoseconds.
// The pump's own timers are whole milliseconds, and may be late by what the engine
// spares of the latency budget (2 ms), but no more.
const TimerSlack = 1_000_000

// MonitorSlack is the same for Go's monitor thread. It sleeps for 20 microseconds
// while anything has run lately, to look after the other threads, and each time it
// takes the processor from a loop that writes. What it looks for, a thread that has
// been in a system call for too long, can wait: when little runs it sleeps for 10
// milliseconds by itself.
const MonitorSlack = 10_000_000

// Timers is how late the threads of this process may wake.
type Timers struct {
	slack int // of all but the monitor
}

// RelaxTimers sets the timer slack of all threads that the process has. Threads
// that start later inherit that of the thread which starts them; see
// [Timers.Again]. For threads other than the caller's own the kernel wants
// CAP_SYS_NICE; the error says so where it is missing, and then only the slack of
// the caller's thread is set.
func RelaxTimers() (*Timers, error) {
	has, err := unix.PrctlRetInt(unix.PR_GET_TIMERSLACK, 0, 0, 0, 0)
	if err != nil {
		return nil, fmt.Errorf("the timer slack cannot be read: %w", err)
	}
	// More than the constant is the unit's TimerSlackNSec, which all threads have
	// inherited.
	t := &Timers{slack: max(has, TimerSlack)}
	if err := unix.Prctl(unix.PR_SET_TIMERSLACK, uintptr(t.slack), 0, 0, 0); err != nil {
		return nil, fmt.Errorf("the timer slack cannot be set: %w", err)
	}
	if err := t.set(); err != nil {
		return nil, err
	}
	return t, nil
}

// Again sets the slack of the threads that have started since, before the process gives
// up the right to. Any that start later have that of the thread which starts them: with
// 500 viewers, 50 of whom were replaced each second, that was never the monitor's.
func (t *Timers) Again() error { return t.set() }

// set gives each thread its slack.
func (t *Timers) set() error {
	threads, err := threadsOf(Root(), strconv.Itoa(os.Getpid()))
	if err != nil {
		return fmt.Errorf("the threads of this process cannot be listed: %w", err)
	}
	for i, thread := range threads {
		want := t.slack
		if i == monitor {
			want = max(want, MonitorSlack)
		}
		err := setSlack(thread, want)
		if err != nil && !errors.Is(err, os.ErrNotExist) && !errors.Is(err, unix.ESRCH) { // one that has just ended
			return fmt.Errorf("the timer slack of Go's threads cannot be set, which takes CAP_SYS_NICE: %w", err)
		}
	}
	return nil
}

// setSlack sets a thread's slack, if it has another.
func setSlack(thread, want int) error {
	// The file of a thread stands beside those of processes only.
	file := filepath.Join("/proc", strconv.Itoa(thread), "timerslack_ns")
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	if strings.TrimSpace(string(text)) == strconv.Itoa(want) {
		return nil
	}
	return os.WriteFile(file, []byte(strconv.Itoa(want)), 0)
}

// monitor is Go's monitor among the threads of a process: the runtime starts it
// before any other.
const monitor = 1

// threadsOf are the threads of a process, in the order in which it started them:
// their numbers rise from the process's own, and go on from the lowest behind the
// highest.
func threadsOf(root fs.FS, process string) ([]int, error) {
	first, err := strconv.Atoi(process)
	if err != nil {
		return nil, err
	}
	entries, err := fs.ReadDir(root, path.Join("proc", process, "task"))
	if err != nil {
		return nil, err
	}
	var threads []int
	for _, e := range entries {
		if n, err := strconv.Atoi(e.Name()); err == nil {
			threads = append(threads, n)
		}
	}
	slices.SortFunc(threads, func(a, b int) int { return cmp.Compare(uint32(a-first), uint32(b-first)) })
	return threads, nil
}
