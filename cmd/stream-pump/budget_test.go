package main

import (
	"bytes"
	"log/slog"
	"runtime/debug"
	"strings"
	"testing"

	"streampump/cmd/internal/cli"
	"streampump/config"
	"streampump/tuning"
	"streampump/tuning/capacity"
)

// What does not fit into the control group's memory is a mistake, with the arithmetic.
func TestCheckOfTheMemory(t *testing.T) {
	t.Chdir(t.TempDir())
	const streams = `"streams": [{"type": "mmsh_push", "path": "a"}, {"type": "mmsh_push", "path": "b", "enabled": false}]`
	write(t, "small.json", `{"limits": {"viewers": 5000, "pumps": 10}, `+streams+`}`)
	write(t, "large.json", `{"limits": {"viewers": 20000, "pumps": 10}, `+streams+`}`)
	write(t, "connections.json", `{"limits": {"connections": 20000}, `+streams+`}`)
	startOn(t, fakeBox(containerBox), "check", "small.json").
		want(t, cli.ExitOK, "small.json is valid: 2 streams, 1 enabled, on [::]:8086\n", "")
	startOn(t, fakeBox(containerBox), "check", "large.json").want(t, cli.ExitFailed, "",
		"large.json: the configuration does not fit into the memory: 64 MiB for the program + 1 MiB for the backlogs of 1 stream (the least that they need) + "+
			"881 MiB for 20010 viewers at 45.1 KiB (limits.viewers and limits.pumps) are 946 MiB, and of the control group's limit (512 MiB) nine tenths, 461 MiB, may be used\n"+
			"large.json cannot be used: 1 mistake\n")
	if o := startOn(t, fakeBox(containerBox), "check", "connections.json"); o.code != cli.ExitFailed || !strings.Contains(o.stderr, "20000 viewers at 45.1 KiB (limits.connections)") {
		t.Errorf("%+v", o)
	}
	if o := startOn(t, fakeBox(readyBox), "check", "large.json"); o.code != cli.ExitOK {
		t.Errorf("on a machine of 8 GiB: %+v", o)
	}
}

// Backlogs and viewers have what the budget says, or nothing starts.
func TestShareMemory(t *testing.T) {
	soft := int64(384 << 20)
	before := debug.SetMemoryLimit(soft)
	defer debug.SetMemoryLimit(before)
	m := tuning.Machine{Memory: 8 << 30, MemoryLimit: 512 << 20}
	share := func(c *config.Config) (string, error) {
		var log bytes.Buffer
		err := shareMemory(c, 20, m, slog.New(slog.NewTextHandler(&log, nil)))
		return log.String(), err
	}
	c := config.Default()
	log, err := share(c)
	l := c.Engine.Limits
	if err != nil || c.Engine.Backlog.Total != soft/3*2 || l.EachMemory != capacity.ViewerBytes() {
		t.Errorf("%v, backlogs %d, %+v", err, c.Engine.Backlog.Total, l)
	}
	if left := int64(512<<20)*9/10 - 64<<20 - soft/3*2; l.Memory < left-1 || l.Memory > left+1 {
		t.Errorf("viewers have %d bytes, want %d", l.Memory, left)
	}
	if !strings.Contains(log, `msg="memory for viewers" limit="141 MiB" viewers=3196`) {
		t.Errorf("log:\n%s", log)
	}
	// Viewers that are asked for go before backlogs.
	c = config.Default()
	c.Engine.Limits.Viewers.Viewers = 8000
	if log, err = share(c); err != nil || c.Engine.Backlog.Total >= 50<<20 || !strings.Contains(log, "what the viewers leave") {
		t.Errorf("%v, backlogs %d, log:\n%s", err, c.Engine.Backlog.Total, log)
	}
	if n := c.Engine.Limits.Memory / capacity.ViewerBytes(); n < 8000 || n > 8001 {
		t.Errorf("there is room for %d viewers", n)
	}
	c.Engine.Limits.Viewers.Viewers = 9000
	if _, err = share(c); err == nil || !strings.Contains(err.Error(), "does not fit") {
		t.Error(err)
	}
	c = config.Default()
	m = tuning.Machine{}
	debug.SetMemoryLimit(1<<63 - 1)
	if _, err = share(c); err != nil || c.Engine.Limits.Memory != 0 || c.Engine.Backlog.Total != 0 {
		t.Errorf("where nothing is known: %v, %+v", err, c.Engine.Limits)
	}
}
