package meter

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Ticks is how long processors had something to do since the machine began, and
// how long that is, added up over them, in the kernel's ticks.
type Ticks struct{ Busy, All uint64 }

// ReadTicks reads the ticks of the processors named, of which there is one at
// least.
func ReadTicks(cores []int) (Ticks, error) {
	text, err := os.ReadFile("/proc/stat")
	if err != nil {
		return Ticks{}, fmt.Errorf("the processors' time can not be read: %w", err)
	}
	return ticksIn(string(text), cores)
}

// Idle is how long all processors of the machine together have had nothing to do
// since it began, and how many they are. Where the kernel stops an idle processor's
// tick this is measured, in steps of 10 ms, and what a processor does is found out
// only by looking at it once in a tick: so what is not idle says more than
// [Ticks.Busy].
type Idle struct {
	Time       time.Duration
	Processors int
}

// ReadIdle reads it.
func ReadIdle() (Idle, error) {
	text, err := os.ReadFile("/proc/stat")
	if err != nil {
		return Idle{}, fmt.Errorf("the processors' time can not be read: %w", err)
	}
	return idleIn(string(text))
}

// userTick is the unit of /proc/stat: USER_HZ is 100 wherever Go runs [time(7)].
const userTick = 10 * time.Millisecond

// idleIn adds up the processors of a /proc/stat.
func idleIn(text string) (all Idle, err error) {
	for line := range strings.Lines(text) {
		fields := strings.Fields(line)
		if len(fields) <= tickWait+1 || len(fields[0]) <= len("cpu") || !strings.HasPrefix(fields[0], "cpu") {
			continue
		}
		for _, f := range []string{fields[1+tickIdle], fields[1+tickWait]} {
			n, err := strconv.ParseUint(f, 10, 40)
			if err != nil {
				return Idle{}, fmt.Errorf("the time of %s can not be read: %w", fields[0], err)
			}
			all.Time += time.Duration(n) * userTick
		}
		all.Processors++
	}
	if all.Processors == 0 {
		return Idle{}, errors.New("the kernel tells the time of no processor")
	}
	return all, nil
}

// The columns of a line of /proc/stat [proc_stat(5)]. What guests had is in the
// first two as well, and is not counted twice.
const (
	tickIdle, tickWait = 3, 4
	tickColumns        = 8
)

// ticksIn adds up the lines of the processors named in a /proc/stat.
func ticksIn(text string, cores []int) (t Ticks, err error) {
	found := 0
	for line := range strings.Lines(text) {
		fields := strings.Fields(line)
		if len(fields) <= tickColumns {
			continue
		}
		number, isCPU := strings.CutPrefix(fields[0], "cpu")
		cpu, err := strconv.Atoi(number)
		if !isCPU || err != nil || !slices.Contains(cores, cpu) {
			continue
		}
		found++
		for i, f := range fields[1 : 1+tickColumns] {
			n, err := strconv.ParseUint(f, 10, 56)
			if err != nil {
				return Ticks{}, fmt.Errorf("the time of processor %d can not be read: %w", cpu, err)
			}
			t.All += n
			if i != tickIdle && i != tickWait {
				t.Busy += n
			}
		}
	}
	if found == 0 || found < len(cores) {
		return Ticks{}, fmt.Errorf("the kernel tells the time of %d of the processors %v", found, cores)
	}
	return t, nil
}
