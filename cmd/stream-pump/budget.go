package main

import (
	"log/slog"
	"math"
	"runtime/debug"

	"streampump/config"
	"streampump/tuning"
	"streampump/tuning/capacity"
)

// budgetOf is what a configuration with so many streams takes of a machine's memory.
// soft is the soft limit of Go's memory, of which the backlogs take two thirds at most
// unless the configuration says more; 0 is none.
func budgetOf(c *config.Config, streams int, m tuning.Machine, soft int64) *capacity.Budget {
	e := &c.Engine
	b := &capacity.Budget{
		Memory: m.Usable(), Of: "the machine's memory", Streams: streams,
		Backlog: e.Backlog.Bytes, Total: e.Backlog.Total, Most: soft / 3 * 2, Sessions: e.Limits.Sessions,
		Viewers: e.Limits.Viewers.Viewers + e.Limits.Viewers.Pumps, Asked: "limits.viewers and limits.pumps",
	}
	b.Encrypted, b.Handshakes = len(c.TLS.Listen) > 0, e.Limits.Handshakes
	if m.MemoryLimit > 0 {
		b.Of = "the control group's limit"
	}
	if e.Limits.Viewers.Viewers == 0 {
		b.Viewers, b.Asked = e.Limits.Connections, "limits.connections"
	}
	return b
}

// enabled is the number of streams that are served.
func enabled(c *config.Config) (n int) {
	for _, s := range c.Streams {
		if s.Enabled {
			n++
		}
	}
	return n
}

// shareMemory gives backlogs and viewers their parts of the memory, and logs how. It
// fails if the configuration does not fit.
func shareMemory(c *config.Config, streams int, m tuning.Machine, log *slog.Logger) error {
	soft := debug.SetMemoryLimit(-1)
	if soft == math.MaxInt64 {
		soft = 0
	}
	b := budgetOf(c, streams, m, soft)
	if err := b.Check(); err != nil {
		return err
	}
	if c.Engine.Backlog.Total == 0 {
		if total, why := b.TotalFor(); total > 0 {
			c.Engine.Backlog.Total = total
			log.Info("memory for all backlogs", "limit", tuning.SizeText(total), "why", why)
		}
	}
	c.Engine.Limits.EachMemory, c.Engine.Limits.TLSMemory = capacity.ViewerBytes(), capacity.TLSBytes()
	if left := b.Left(); left > 0 {
		c.Engine.Limits.Memory = left
		log.Info("memory for viewers", "limit", tuning.SizeText(left), "viewers", left/b.Each())
	}
	return nil
}
