package meter

import (
	"errors"
	"fmt"
	"iter"
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
	text, err := readStat()
	if err != nil {
		return Ticks{}, err
	}
	return ticksIn(text, cores)
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
	text, err := readStat()
	if err != nil {
		return Idle{}, err
	}
	return idleIn(text)
}

func readStat() (string, error) {
	text, err := os.ReadFile("/proc/stat")
	if err != nil {
		return "", fmt.Errorf("the processors' time cannot be read: %w", err)
	}
	return string(text), nil
}

// ticksIn adds up the lines of the processors named in a /proc/stat.
func ticksIn(text string, cores []int) (t Ticks, err error) {
	found := 0
	for cpu, columns := range processorsIn(text) {
		if !slices.Contains(cores, cpu) {
			continue
		}
		found++
		if err := t.add(cpu, columns); err != nil {
			return Ticks{}, err
		}
	}
	if found == 0 || found < len(cores) {
		return Ticks{}, fmt.Errorf("the kernel reports the time of only %d of the processors %v", found, cores)
	}
	return t, nil
}

// userTick is a tick of /proc/stat: USER_HZ is 100 wherever Go runs [time(7)].
const userTick = 10 * time.Millisecond

// idleIn adds up the processors of a /proc/stat.
func idleIn(text string) (all Idle, err error) {
	var t Ticks
	for cpu, columns := range processorsIn(text) {
		if err := t.add(cpu, columns); err != nil {
			return Idle{}, err
		}
		all.Processors++
	}
	if all.Processors == 0 {
		return Idle{}, errors.New("the kernel reports no processor's time")
	}
	all.Time = time.Duration(t.All-t.Busy) * userTick
	return all, nil
}

// The columns of a line of /proc/stat [proc_stat(5)]. What guests had is in the
// first two as well, and is not counted twice.
const (
	tickIdle, tickWait = 3, 4
	tickColumns        = 8
)

// processorsIn are the lines of a /proc/stat that are a processor's: its number,
// and the columns.
func processorsIn(text string) iter.Seq2[int, []string] {
	return func(yield func(int, []string) bool) {
		for line := range strings.Lines(text) {
			fields := strings.Fields(line)
			if len(fields) <= tickColumns {
				continue
			}
			number, isCPU := strings.CutPrefix(fields[0], "cpu")
			cpu, err := strconv.Atoi(number) // the line of all together has none
			if isCPU && err == nil && !yield(cpu, fields[1:1+tickColumns]) {
				return
			}
		}
	}
}

// add adds a processor's columns.
func (t *Ticks) add(cpu int, columns []string) error {
	for i, c := range columns {
		n, err := strconv.ParseUint(c, 10, 56)
		if err != nil {
			return fmt.Errorf("the time of processor %d cannot be read: %w", cpu, err)
		}
		t.All += n
		if i != tickIdle && i != tickWait {
			t.Busy += n
		}
	}
	return nil
}
