package meter

import (
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
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
