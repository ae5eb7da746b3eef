package tuning

import (
	"fmt"
	"math"
	"strconv"
)

// MaxLoops is the most event loops that are ever chosen: far more than were tried,
// and a bound on what a strange machine can make us start.
const MaxLoops = 256

// Decide says how many event loops suit a machine, and why, in one sentence
// for the log. A loop keeps a core busy with copying to sockets, so that a
// second thread of the same core adds little; and a loop that the quota stops
// in the middle of a round delays all its viewers.
func Decide(m Machine) (n int, why string) {
	cpus, cores := max(1, len(m.CPUs)), m.Cores()
	n = cores
	why = fmt.Sprintf("one for each of %s", count(cores, "core"))
	if cores < cpus {
		why += fmt.Sprintf(" (%s)", count(cpus, "thread"))
	}
	if whole := int(math.Floor(m.Quota)); m.Quota > 0 && whole < n {
		n = max(1, whole)
		why = fmt.Sprintf("the control group allows the time of %s processors, fewer than the %s",
			strconv.FormatFloat(m.Quota, 'f', -1, 64), count(cores, "core"))
	}
	if n > MaxLoops {
		return MaxLoops, fmt.Sprintf("the most there are, for %s", count(cores, "core"))
	}
	return n, why
}

// Cores counts the physical cores that we may run on, at least one.
func (m Machine) Cores() int {
	known, strangers := map[string]bool{}, 0
	for _, cpu := range m.CPUs {
		if core, ok := m.Siblings[cpu]; ok {
			known[core] = true
		} else {
			strangers++
		}
	}
	threads := max(1, m.ThreadsPerCore)
	return max(1, len(known)+(strangers+threads-1)/threads)
}

// count is a number with its noun.
func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return strconv.Itoa(n) + " " + noun + "s"
}

// Procs is the GOMAXPROCS to run a number of event loops with. It must exceed
// them: with as many, every processor of the scheduler sits in a loop's wait
// for events, the scheduler's own thread takes them away and hands them out
// again without end, and the same work costs a quarter to a half more (500
// viewers of 1 Mbit/s, a packet every 11 ms, measured with one loop).
func Procs(loops int) int {
	return max(1, loops) + 1
}
