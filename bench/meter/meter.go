package meter

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// Now is CLOCK_MONOTONIC in nanoseconds, the same for all processes of a
// machine, so that one may subtract what another has read.
func Now() uint64 {
	var ts unix.Timespec
	_ = unix.ClockGettime(unix.CLOCK_MONOTONIC, &ts) // this clock always exists
	return uint64(ts.Nano())
}

// Usage is what a process uses at one moment.
type Usage struct {
	CPU         time.Duration // since it began, user and system, all threads
	RSS         int64         // resident memory in bytes
	Descriptors int           // open file descriptors
}

// OfProcess is what the process pid uses. It fails where there is no such
// process, and where its descriptors are another user's.
func OfProcess(pid int) (Usage, error) {
	var u Usage
	cpu, err := processCPU(pid)
	if err != nil {
		return u, err
	}
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return u, gone(pid, err)
	}
	fds, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", pid))
	if err != nil {
		return u, gone(pid, err)
	}
	rss, err := residentOf(status)
	if err != nil {
		return u, gone(pid, err)
	}
	return Usage{CPU: cpu, RSS: rss, Descriptors: len(fds)}, nil
}

// Children are the processes that the main thread of the process pid has started and
// that have not ended.
func Children(pid int) (pids []int, err error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%[1]d/children", pid))
	if err != nil {
		return nil, gone(pid, err)
	}
	for word := range strings.FieldsSeq(string(text)) {
		n, err := strconv.Atoi(word)
		if err != nil {
			return nil, gone(pid, err)
		}
		pids = append(pids, n)
	}
	return pids, nil
}

// OwnCPU is the CPU time that this process has used.
func OwnCPU() time.Duration { return clock(unix.CLOCK_PROCESS_CPUTIME_ID) }

// ThreadCPU is the CPU time of the calling thread, to which the caller has
// locked its goroutine.
func ThreadCPU() time.Duration { return clock(unix.CLOCK_THREAD_CPUTIME_ID) }

func clock(id int32) time.Duration {
	var ts unix.Timespec
	_ = unix.ClockGettime(id, &ts) // both clocks of a caller always exist
	return time.Duration(ts.Nano())
}

// processCPU reads the CPU clock of another process, which counts nanoseconds
// where /proc/PID/stat counts hundredths of a second. The number of the clock
// is made of the process's: the complement of pid, shifted by three, and 2 for
// the scheduler's own account (clock_getcpuclockid(3)).
func processCPU(pid int) (time.Duration, error) {
	var ts unix.Timespec
	if err := unix.ClockGettime(int32(^pid<<3|2), &ts); err != nil {
		return 0, gone(pid, err)
	}
	return time.Duration(ts.Nano()), nil
}

func gone(pid int, err error) error {
	if errors.Is(err, os.ErrNotExist) || errors.Is(err, unix.EINVAL) || errors.Is(err, unix.ESRCH) {
		return fmt.Errorf("there is no process %d", pid)
	}
	return fmt.Errorf("the process %d cannot be measured: %w", pid, err)
}

// residentOf is the resident memory in a /proc/PID/status. A process that has
// ended and is not waited for has none.
func residentOf(status []byte) (int64, error) {
	for line := range bytes.Lines(status) {
		if rest, ok := bytes.CutPrefix(line, []byte("VmRSS:")); ok {
			text := strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(string(rest)), "kB"))
			kib, err := strconv.ParseInt(text, 10, 64)
			return kib << 10, err
		}
	}
	return 0, errors.New("it has no memory, so it has ended")
}

// Machine is where a result was measured.
type Machine struct {
	Kernel string `json:"kernel"`
	CPU    string `json:"cpu"`
	Cores  int    `json:"cores"`        // it has
	Usable int    `json:"usable_cores"` // this process may use: of a load that is pinned, not all
}

// ThisMachine is where the caller runs.
func ThisMachine() Machine {
	m := Machine{CPU: "unknown"}
	var u unix.Utsname
	if unix.Uname(&u) == nil {
		m.Kernel = unix.ByteSliceToString(u.Release[:])
	}
	var set unix.CPUSet
	if unix.SchedGetaffinity(0, &set) == nil {
		m.Usable = set.Count()
	}
	if idle, err := ReadIdle(); err == nil {
		m.Cores = idle.Processors
	}
	if info, err := os.ReadFile("/proc/cpuinfo"); err == nil {
		for line := range strings.Lines(string(info)) {
			if name, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(name) == "model name" {
				m.CPU = strings.TrimSpace(value)
				break
			}
		}
	}
	return m
}

// Descriptors is how many descriptors this process may have open.
func Descriptors() (uint64, error) {
	var l unix.Rlimit
	err := unix.Getrlimit(unix.RLIMIT_NOFILE, &l)
	return l.Cur, err
}
