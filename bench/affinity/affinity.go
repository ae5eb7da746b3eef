// Package affinity says which processors run what, so that a server and the
// load on it do not take each other's time.
package affinity

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// maxCores is how many processors a mask has room for.
const maxCores = len(unix.CPUSet{}) * 64

// Own lists the processors that this process may run on, in order.
func Own() ([]int, error) {
	var set unix.CPUSet
	if err := unix.SchedGetaffinity(0, &set); err != nil {
		return nil, fmt.Errorf("the processors of this process can not be read: %w", err)
	}
	var cores []int
	for i := range maxCores {
		if set.IsSet(i) {
			cores = append(cores, i)
		}
	}
	return cores, nil
}

// Split gives the first of cores to the server and the others to what loads it.
// With one core only, both have it.
func Split(cores []int) (server, load []int) {
	if len(cores) < 2 {
		return cores, cores
	}
	return cores[:1], cores[1:]
}

// Parse reads a list of processors, such as "0,2-3".
func Parse(text string) ([]int, error) {
	var cores []int
	for part := range strings.SplitSeq(text, ",") {
		from, to, isRange := strings.Cut(part, "-")
		if !isRange {
			to = from
		}
		a, err1 := strconv.Atoi(from)
		b, err2 := strconv.Atoi(to)
		if err1 != nil || err2 != nil || a < 0 || b < a || b >= maxCores {
			return nil, fmt.Errorf("%q is no list of processors, such as 0,2-3", text)
		}
		for i := a; i <= b; i++ {
			if !slices.Contains(cores, i) {
				cores = append(cores, i)
			}
		}
	}
	slices.Sort(cores)
	return cores, nil
}

// mask is the kernel's form of a list of processors.
func mask(cores []int) *unix.CPUSet {
	var set unix.CPUSet
	for _, c := range cores {
		set.Set(c)
	}
	return &set
}

// Locked runs f on a thread of its own that may run on cores only, all of ours
// if empty. What f starts inherits that. The thread ends with f. It must be
// called on a goroutine that does nothing afterwards.
func Locked(cores []int, f func() error) error {
	// Never unlocked: the goroutine's end is then the thread's.
	runtime.LockOSThread()
	if len(cores) > 0 {
		if err := unix.SchedSetaffinity(0, mask(cores)); err != nil {
			return fmt.Errorf("the processors %v can not be used: %w", cores, err)
		}
	}
	return f()
}

// Confine keeps all threads of this process on cores. Threads that start later
// inherit it from those that start them.
func Confine(cores []int) error {
	set, done := mask(cores), map[int]bool{}
	for again := true; again; {
		again = false
		tasks, err := filepath.Glob("/proc/self/task/*")
		if err != nil || len(tasks) == 0 {
			return errors.New("the threads of this process can not be listed")
		}
		for _, task := range tasks {
			tid, err := strconv.Atoi(filepath.Base(task))
			if err != nil || done[tid] {
				continue
			}
			// One that was started by a thread not yet confined is found in
			// the next round.
			done[tid], again = true, true
			if err := unix.SchedSetaffinity(tid, set); err != nil && !errors.Is(err, unix.ESRCH) {
				return &os.SyscallError{Syscall: fmt.Sprintf("keeping this process on the processors %v", cores), Err: err}
			}
		}
	}
	return nil
}

// Without is the cores that are not among taken; all of them if that would leave
// none.
func Without(cores, taken []int) []int {
	var left []int
	for _, c := range cores {
		if !slices.Contains(taken, c) {
			left = append(left, c)
		}
	}
	if len(left) == 0 {
		return cores
	}
	return left
}
