package engine

import (
	"testing"

	"golang.org/x/sys/unix"
)

// allowed are the processors that this thread may run on.
func allowed(t *testing.T) (cpus []int) {
	t.Helper()
	var set unix.CPUSet
	if err := unix.SchedGetaffinity(0, &set); err != nil {
		t.Fatal(err)
	}
	for cpu := range len(set) * 64 {
		if set.IsSet(cpu) {
			cpus = append(cpus, cpu)
		}
	}
	return cpus
}

// TestLoopsArePinned looks at the mask of each loop's own thread.
func TestLoopsArePinned(t *testing.T) {
	cpus := allowed(t)
	processors := []int{cpus[0], cpus[len(cpus)-1]}
	e, address := realEngine(t, func(c *Config) { c.Processors = processors })
	_ = pushed(t, address)
	_ = playing(t, e, address)
	for i, l := range e.group.Loops() {
		got := make(chan unix.CPUSet)
		l.Post(func() {
			var set unix.CPUSet
			_ = unix.SchedGetaffinity(0, &set)
			got <- set
		})
		if set := <-got; set.Count() != 1 || !set.IsSet(processors[i]) {
			t.Errorf("loop %d may run on %d processors, %d among them: %v", i, set.Count(), processors[i], set.IsSet(processors[i]))
		}
	}
}

// A missing processor is no reason to refuse viewers.
func TestPinThatFails(t *testing.T) {
	const nowhere = 1000
	for _, cpu := range allowed(t) {
		if cpu == nowhere {
			t.Fatalf("this machine has a processor %d", nowhere)
		}
	}
	e, address := realEngine(t, func(c *Config) { c.Processors = []int{nowhere} })
	_ = pushed(t, address)
	_ = playing(t, e, address)
}
