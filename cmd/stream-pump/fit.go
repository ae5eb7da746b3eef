package main

import (
	"log/slog"
	"os"
	"runtime"
	"runtime/debug"

	"streampump/cmd/internal/cli"
	"streampump/config"
	"streampump/tuning"
)

// fit adapts the configuration, which has so many streams, and the process to the
// machine, and logs how. It fails if the configuration does not fit there. The timers are
// nil if they cannot be set.
func fit(c *config.Config, streams int, log *slog.Logger) (*tuning.Timers, error) {
	m := tuning.ReadMachine()
	why := "the configuration says so"
	if c.Engine.Loops == 0 {
		c.Engine.Loops, why = tuning.Decide(m)
	}
	procs := tuning.Procs(c.Engine.Loops)
	runtime.GOMAXPROCS(procs)
	descriptors, err := tuning.RaiseDescriptors()
	if err != nil {
		log.Warn("the descriptor limit cannot be raised", "why", err)
	}
	log.Info("stream pump", "version", cli.Version, "loops", c.Engine.Loops, "why", why, "gomaxprocs", procs, "descriptors", descriptors)
	timers, err := tuning.RelaxTimers()
	if err != nil {
		log.Info(finerTimers, "why", err)
	}
	if c.Pin {
		c.Engine.Processors = pins(m, c.Engine.Loops, log)
	}
	limitGarbage(log)
	limitMemory(m, log)
	return timers, shareMemory(c, streams, m, log)
}

// finerTimers says that threads may wake more often than they need to. Nobody has to do
// anything about it.
const finerTimers = "some threads may wake more often than they need to, which costs a little processor time and nothing else"

// garbageVariable sets how much garbage Go lets lie; Go reads it itself.
const garbageVariable = "GOGC"

// limitGarbage sets how much garbage may lie, unless the environment has.
func limitGarbage(log *slog.Logger) {
	if set := os.Getenv(garbageVariable); set != "" {
		log.Info("garbage collection", "percent", set, "why", garbageVariable+" says so")
		return
	}
	debug.SetGCPercent(tuning.GCPercent)
}

// pins are the processors of the loops; none if they cannot have a core each.
func pins(m tuning.Machine, loops int, log *slog.Logger) []int {
	cpus, how, err := tuning.Pins(m, loops)
	if err != nil {
		log.Warn("event loops are not pinned", "why", err)
		return nil
	}
	log.Info("event loops are pinned with their first connection", "processors", cpus, "how", how)
	return cpus
}

// memoryVariable sets Go's soft limit of memory from outside; Go reads it itself.
const memoryVariable = "GOMEMLIMIT"

// limitMemory sets the soft limit of Go's memory, unless the environment has.
func limitMemory(m tuning.Machine, log *slog.Logger) {
	if set := os.Getenv(memoryVariable); set != "" {
		log.Info("soft memory limit", "limit", set, "why", memoryVariable+" says so")
		return
	}
	bytes, why := tuning.SoftLimit(m)
	if bytes == 0 {
		log.Warn("no soft memory limit", "why", why)
		return
	}
	debug.SetMemoryLimit(bytes)
	log.Info("soft memory limit", "limit", tuning.SizeText(bytes), "why", why)
}
