// Package affinity says which processors run what, so that a server and the
// load on it do not take each other's time.
package affinity

import (
	"errors"
	"fmt"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"unsafe"

	"golang.org/x/sys/unix"
)

// maxCores is how many processors a mask has room for.
const maxCores = int(unsafe.Sizeof(unix.CPUSet{})) * 8

// Own lists the processors that this process could run on when it began, in
// order, whatever [Confine] has left of them.
func Own() ([]int, error) {
	cores, err := own()
	return slices.Clone(cores), err
}

// own is read once, before Confine changes it.
var own = sync.OnceValues(allowed)

// allowed lists the processors that the calling thread may run on.
func allowed() ([]int, error) {
	var set unix.CPUSet
	if err := unix.SchedGetaffinity(0, &set); err != nil {
		return nil, fmt.Errorf("the processors of this process cannot be read: %w", err)
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
		a, err1 := strconv.ParseUint(from, 10, 16)
		b, err2 := strconv.ParseUint(to, 10, 16)
		if err1 != nil || err2 != nil || b < a || b >= uint64(maxCores) {
			return nil, fmt.Errorf("%q is not a list of processors, such as 0,2-3", text)
		}
		for i := a; i <= b; i++ {
			cores = append(cores, int(i))
		}
		// At once, so that a long text makes no long list.
		slices.Sort(cores)
		cores = slices.Compact(cores)
	}
	return cores, nil
}

// Text is a list of processors as [Parse] reads it.
func Text(cores []int) string {
	var parts []string
	for i := 0; i < len(cores); {
		last := i
		for last+1 < len(cores) && cores[last+1] == cores[last]+1 {
			last++
		}
		switch part := strconv.Itoa(cores[i]); {
		case last > i:
			parts = append(parts, part+"-"+strconv.Itoa(cores[last]))
		default:
			parts = append(parts, part)
		}
		i = last + 1
	}
	return strings.Join(parts, ",")
}

// mask is the kernel's form of a list of processors.
func mask(cores []int) *unix.CPUSet {
	var set unix.CPUSet
	for _, c := range cores {
		set.Set(c)
	}
	return &set
}

// Locked runs f on a thread of its own that may run on cores only, or wherever this
// process may if cores are empty. What f starts inherits that. The thread ends with
// the goroutine, which must do nothing else afterwards.
func Locked(cores []int, f func() error) error {
	// Never unlocked: the goroutine's end is then the thread's.
	runtime.LockOSThread()
	if len(cores) > 0 {
		if err := unix.SchedSetaffinity(0, mask(cores)); err != nil {
			return fmt.Errorf("the processors %s cannot be used: %w", Text(cores), err)
		}
	}
	return f()
}

// Confine keeps all threads of this process on cores. Threads that start later
// inherit it from those that start them.
func Confine(cores []int) error {
	if _, err := Own(); err != nil { // while it can still be told
		return err
	}
	set, done := mask(cores), map[int]bool{}
	for again := true; again; {
		again = false
		tasks, err := filepath.Glob("/proc/self/task/*")
		if err != nil || len(tasks) == 0 {
			return errors.New("the threads of this process cannot be listed")
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
				return fmt.Errorf("this process cannot be kept on the processors %s: %w", Text(cores), err)
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
