package main

import (
	"bytes"
	"log/slog"
	"runtime"
	"runtime/debug"
	"strings"
	"testing"

	"streampump/config"
	"streampump/tuning"
)

// fitted fits this process to this machine, returns the log, and puts back what
// belongs to the whole process.
func fitted(t *testing.T, c *config.Config) string {
	t.Helper()
	procs, memory := runtime.GOMAXPROCS(0), debug.SetMemoryLimit(-1)
	t.Cleanup(func() {
		runtime.GOMAXPROCS(procs)
		debug.SetMemoryLimit(memory)
	})
	var log bytes.Buffer
	if _, err := fit(c, 1, slog.New(slog.NewTextHandler(&log, nil))); err != nil {
		t.Error(err)
	}
	return log.String()
}

func TestFit(t *testing.T) {
	t.Setenv(memoryVariable, "")
	c := config.Default()
	log := fitted(t, c)
	m := tuning.ReadMachine()
	loops, why := tuning.Decide(m)
	limit, _ := tuning.SoftLimit(m)
	if c.Engine.Loops != loops || runtime.GOMAXPROCS(0) != tuning.Procs(loops) || debug.SetMemoryLimit(-1) != limit || c.Engine.Processors != nil {
		t.Errorf("%d loops on %v, %d threads, %d bytes", c.Engine.Loops, c.Engine.Processors, runtime.GOMAXPROCS(0), debug.SetMemoryLimit(-1))
	}
	for _, part := range []string{why, "soft memory limit", tuning.SizeText(limit)} {
		if !strings.Contains(log, part) {
			t.Errorf("no %q in the log:\n%s", part, log)
		}
	}
}

func TestFitLeavesTheEnvironmentsLimit(t *testing.T) {
	t.Setenv(memoryVariable, "3GiB")
	before := debug.SetMemoryLimit(-1)
	log := fitted(t, config.Default())
	if got := debug.SetMemoryLimit(-1); got != before || !strings.Contains(log, "3GiB") || !strings.Contains(log, memoryVariable+" says so") {
		t.Errorf("the limit is %d and was %d; log:\n%s", got, before, log)
	}
}

func TestPins(t *testing.T) {
	m := tuning.Machine{CPUs: []int{0, 1, 2, 3}, Siblings: map[int]string{0: "0,2", 1: "1,3", 2: "0,2", 3: "1,3"}}
	var log bytes.Buffer
	logger := slog.New(slog.NewTextHandler(&log, nil))
	if got := pins(m, 2, logger); len(got) != 2 || got[0] != 0 || got[1] != 1 || !strings.Contains(log.String(), `how="a core each on NUMA node 0"`) {
		t.Errorf("%v, log:\n%s", got, log.String())
	}
	log.Reset()
	if got := pins(m, 3, logger); got != nil || !strings.Contains(log.String(), "level=WARN") || !strings.Contains(log.String(), "3 loops cannot have a core each, there being 2 cores") {
		t.Errorf("%v, log:\n%s", got, log.String())
	}
}

// The backlogs have two thirds of Go's memory, unless the configuration says more
// or less.
func TestFitLimitsBacklogs(t *testing.T) {
	t.Setenv(memoryVariable, "3GiB")
	before := debug.SetMemoryLimit(3 << 30)
	defer debug.SetMemoryLimit(before)
	c := config.Default()
	if log := fitted(t, c); c.Engine.Backlog.Total != 2<<30 || !strings.Contains(log, "memory for all backlogs") {
		t.Errorf("the backlogs have %d bytes; log:\n%s", c.Engine.Backlog.Total, log)
	}
	c.Engine.Backlog.Total = 5 << 20
	if log := fitted(t, c); c.Engine.Backlog.Total != 5<<20 || strings.Contains(log, "memory for all backlogs") {
		t.Errorf("the backlogs have %d bytes; log:\n%s", c.Engine.Backlog.Total, log)
	}
}

// What was asked for is in the configuration that the engine gets.
func TestFitPins(t *testing.T) {
	c := config.Default()
	c.Pin, c.Engine.Loops = true, 1
	log := fitted(t, c)
	if len(c.Engine.Processors) != 1 && !strings.Contains(log, "event loops are not pinned") {
		t.Errorf("processors %v, log:\n%s", c.Engine.Processors, log)
	}
}
