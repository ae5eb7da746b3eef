package config

import (
	"time"

	"streampump/engine"
	"streampump/tuning"
)

// Floors and ceilings of the settings. The floors are where the program still works
// as designed, low enough for tests to see a timer fire; what the specifications
// advise is said beside the engine's settings.
const (
	minTimer = 100 * time.Millisecond // shorter ones would measure the scheduler, not the peer
	maxTimer = 24 * time.Hour         // longer is a mistake in the unit
	maxHold  = time.Hour              // nobody looks at a still picture for longer
	maxLag   = time.Hour
	// maxBudget is the longest useful delay: whoever wants more wants another setting.
	maxBudget = time.Second

	maxConnections = 1 << 22 // far above what a process may have open; a bound against slips
	minSessions    = 16
	maxSessions    = 1 << 24  // far more than there will be viewers; a bound against slips
	maxHandshakes  = 1 << 16  // each has a goroutine
	minHead        = 1 << 10  // below, requests of ordinary players would be refused
	maxHead        = 64 << 10 // any stranger can make us hold that much
	minBacklog     = 1 << 20  // one packet can have 64 KiB, and some must stay while others arrive
	maxBacklog     = 64 << 30
	maxTotal       = 1 << 44
	minLowat       = 4 << 10 // less than a packet or two would wake us for each segment
	maxLowat       = 16 << 20
	maxLoops       = tuning.MaxLoops
	maxBandwidth   = 1e13 // ten times the fastest card; a bound against slips
	maxJoinSpeed   = 1000 // faster than any network takes it
	maxPace        = 1e6  // a second; more than any machine takes
)

// group is an object of settings that are all alike: a key, a value with a
// range, a place in the Config.
type group struct {
	name string
	rows []row
}

// row is one setting. into decides how the value is read: *time.Duration as a time,
// *int64 as a size in bytes, *engine.Bits as a rate, *int as a count, *bool as a truth value, which has no
// range; isSize makes an *int a size as well.
type row struct {
	key    string
	lo, hi int64 // nanoseconds, bytes or a count
	isSize bool
	into   func(*Config) any
	// least is what a specification asks for at least; 0 if none does. Less is
	// possible, for tests, and worth a warning.
	least least
}

// least is a lower bound that a specification advises.
type least struct {
	time time.Duration
	says string
}

func (g group) table() table {
	t := table{name: g.name}
	for _, r := range g.rows {
		t.keys = append(t.keys, r.key)
	}
	return t
}

func groups() []group {
	return []group{
		{"limits", limitRows()},
		{"timeouts", timeoutRows()},
		{"backlog", backlogRows()},
		{"fanout", fanoutRows()},
	}
}

func limitRows() []row {
	return []row{
		{"connections", 0, maxConnections, false, func(c *Config) any { return &c.Engine.Limits.Connections }, least{}},
		{"connections_without_stream_per_address", 0, maxConnections, false, func(c *Config) any { return &c.Engine.Limits.LoosePerAddress }, least{}},
		{"connections_per_second_per_address", 0, maxPace, false, func(c *Config) any { return &c.Engine.Limits.Connects.Host }, least{}},
		{"connections_per_second_per_network", 0, maxPace, false, func(c *Config) any { return &c.Engine.Limits.Connects.Network }, least{}},
		{"viewers", 0, maxConnections, false, func(c *Config) any { return &c.Engine.Limits.Viewers.Viewers }, least{}},
		{"pumps", 0, maxConnections, false, func(c *Config) any { return &c.Engine.Limits.Viewers.Pumps }, least{}},
		{"bandwidth", 0, maxBandwidth, false, func(c *Config) any { return &c.Engine.Limits.Viewers.Bandwidth }, least{}},
		{"joins_per_second_per_address", 0, maxPace, false, func(c *Config) any { return &c.Engine.Limits.Joins.Host }, least{}},
		{"joins_per_second_per_network", 0, maxPace, false, func(c *Config) any { return &c.Engine.Limits.Joins.Network }, least{}},
		{"join_speed", 0, maxJoinSpeed, false, func(c *Config) any { return &c.Engine.Limits.JoinSpeed }, least{}},
		{"join_share", 1, 100, false, func(c *Config) any { return &c.Engine.Limits.JoinShare }, least{}},
		{"packets_per_second_per_source", 0, maxPace, false, func(c *Config) any { return &c.Engine.Limits.Packets }, least{}},
		{"sessions", minSessions, maxSessions, false, func(c *Config) any { return &c.Engine.Limits.Sessions }, least{}},
		{"tls_handshakes", 1, maxHandshakes, false, func(c *Config) any { return &c.Engine.Limits.Handshakes }, least{}},
		{"request_head_bytes", minHead, maxHead, true, func(c *Config) any { return &c.MaxHead }, least{}},
	}
}

func timeoutRows() []row {
	return []row{
		timer("request", func(c *Config) any { return &c.Engine.Timeouts.Head }),
		timer("tls_handshake", func(c *Config) any { return &c.Engine.Timeouts.Handshake }),
		timer("keep_alive", func(c *Config) any { return &c.Engine.Timeouts.KeepAlive }),
		timer("viewer_session", func(c *Config) any { return &c.Engine.Timeouts.Session }).atLeast(10*time.Second, "[MS-WMSP] 3.2.2"),
		timer("viewer_stall", func(c *Config) any { return &c.Engine.Timeouts.Stall }),
		timer("key_frame_wait", func(c *Config) any { return &c.Engine.Timeouts.KeyWait }),
		timer("push_idle", func(c *Config) any { return &c.Engine.Timeouts.PushIdle }).atLeast(10*time.Second, "[MS-WMHTTP] 3.2.2"),
		timer("push_inactivity", func(c *Config) any { return &c.Engine.Timeouts.PushInactive }),
		hold("push_hold", func(c *Config) any { return &c.Engine.Timeouts.PushHold }),
		hold("pull_hold", func(c *Config) any { return &c.Engine.Timeouts.PullHold }),
		hold("end_hold", func(c *Config) any { return &c.Engine.Timeouts.EndHold }),
		timer("pull_connect", func(c *Config) any { return &c.Engine.Timeouts.PullConnect }),
		timer("pull_silence", func(c *Config) any { return &c.Engine.Timeouts.PullSilence }),
		timer("pull_first_retry", func(c *Config) any { return &c.Engine.Timeouts.PullFirst }),
		timer("pull_retry", func(c *Config) any { return &c.Engine.Timeouts.PullRetry }),
		{"pull_retry_jitter", 0, int64(maxTimer), false, func(c *Config) any { return &c.Engine.Timeouts.PullJitter }, least{}},
		timer("pull_denied_retry", func(c *Config) any { return &c.Engine.Timeouts.PullDenied }),
		timer("drain", func(c *Config) any { return &c.Engine.Timeouts.Drain }),
		timer("shutdown", func(c *Config) any { return &c.Engine.Timeouts.Shutdown }),
	}
}

// timer is a time that may not be 0.
func timer(key string, into func(*Config) any) row {
	return row{key, int64(minTimer), int64(maxTimer), false, into, least{}}
}

// atLeast is the row with a specification's lower bound.
func (r row) atLeast(d time.Duration, says string) row {
	r.least = least{d, says}
	return r
}

// hold is a time for which viewers are kept without a source.
func hold(key string, into func(*Config) any) row {
	return row{key, 0, int64(maxHold), false, into, least{}}
}

func backlogRows() []row {
	return []row{
		{"bytes", minBacklog, maxBacklog, true, func(c *Config) any { return &c.Engine.Backlog.Bytes }, least{}},
		{"total", minBacklog, maxTotal, true, func(c *Config) any { return &c.Engine.Backlog.Total }, least{}},
		{"duration", int64(minTimer), int64(maxLag), false, func(c *Config) any { return &c.Engine.Backlog.Duration }, least{}},
		{"max_lag", int64(minTimer), int64(maxLag), false, func(c *Config) any { return &c.Engine.Backlog.MaxLag }, least{}},
		{"join_burst", 0, int64(maxLag / 2), false, func(c *Config) any { return &c.Engine.Backlog.JoinBurst }, least{}},
	}
}

func fanoutRows() []row {
	return []row{
		{"loops", 1, maxLoops, false, func(c *Config) any { return &c.Engine.Loops }, least{}},
		{"pin", 0, 0, false, func(c *Config) any { return &c.Pin }, least{}},
		{"latency_budget", 0, int64(maxBudget), false, func(c *Config) any { return &c.Engine.Fanout.Budget }, least{}},
		{"notsent_lowat", minLowat, maxLowat, true, func(c *Config) any { return &c.Engine.Fanout.NotSentLowat }, least{}},
	}
}

// settings reads all groups, and checks what several settings must agree on.
func (w *walker) settings(root object, c *Config) {
	for _, g := range groups() {
		n, ok := root.get(g.name)
		if !ok {
			continue
		}
		o, ok := w.object(n, g.table())
		if !ok {
			continue
		}
		for _, r := range g.rows {
			if v, ok := o.get(r.key); ok {
				w.setting(v, r, c)
			}
		}
		if burst, ok := o.get("join_burst"); ok {
			w.burst(burst, c.Engine.Backlog)
		}
	}
}

// setting reads one value into its place.
func (w *walker) setting(n node, r row, c *Config) {
	switch into := r.into(c).(type) {
	case *time.Duration:
		if d, ok := w.seconds(n, time.Duration(r.lo), time.Duration(r.hi)); ok {
			*into = d
			if d < r.least.time {
				w.warn(n, "%s asks for at least %s here, and players and encoders may rely on that", r.least.says, timeText(r.least.time))
			}
		}
	case *int64:
		if r.key == "total" && literal(n) == auto {
			*into = 0
		} else if b, ok := w.bytes(n, r.lo, r.hi); ok {
			*into = b
		}
	case *engine.Bits:
		if b, ok := w.bits(n, r.lo, r.hi); ok {
			*into = engine.Bits(b)
		}
	case *int:
		if v, ok := w.count(n, r); ok {
			*into = int(v)
		}
	case *bool:
		if b, ok := w.boolean(n); ok {
			*into = b
		}
	}
}

// count reads a whole number. Where a default is computed, "auto" stands for
// it: the Config holds 0 then.
func (w *walker) count(n node, r row) (int64, bool) {
	if computed := r.key == "loops" || r.key == "connections"; computed && literal(n) == auto {
		return 0, true
	}
	if r.isSize {
		return w.bytes(n, r.lo, r.hi)
	}
	return w.integer(n, r.lo, r.hi)
}

// auto asks for what the program finds best for the machine.
const auto = "auto"

// burst checks join_burst against what the backlog keeps, and against the lag at
// which a viewer that starts so far back would be moved forward again.
func (w *walker) burst(n node, b engine.Backlog) {
	switch {
	case b.JoinBurst > b.Duration:
		w.fail(n, "join_burst (%s) cannot be more than the backlog's duration (%s)", timeText(b.JoinBurst), timeText(b.Duration))
	case b.JoinBurst > b.MaxLag/2:
		w.fail(n, "join_burst (%s) cannot be more than half of max_lag (%s): viewers would be moved forward as soon as they joined",
			timeText(b.JoinBurst), timeText(b.MaxLag))
	}
}
