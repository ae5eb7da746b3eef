package capacity

import (
	"strings"
	"testing"
)

// budget is a machine of a gigabyte with ten streams.
func budget() *Budget {
	return &Budget{
		Memory: 1 << 30, Of: "the machine's memory", Streams: 10, Backlog: 32 << 20,
		Most: 512 << 20, Sessions: defaultSessions, Asked: "limits.viewers",
	}
}

func TestBudget(t *testing.T) {
	const usable = 966_367_641 // FullMemory of a gigabyte
	for _, c := range []struct {
		name     string
		change   func(*Budget)
		backlogs int64
		left     int64
		problem  string
	}{
		{"as_it_comes", func(*Budget) {}, 320 << 20, usable - 384<<20, ""},
		{"few_streams", func(b *Budget) { b.Streams = 1 }, 32 << 20, usable - 96<<20, ""},
		{"a_total", func(b *Budget) { b.Total = 100 << 20 }, 100 << 20, usable - 164<<20, ""},
		{"at_most_half_by_itself", func(b *Budget) { b.Streams = 100 }, 512 << 20, usable - 576<<20, ""},
		{"viewers_go_before", func(b *Budget) { b.Viewers = 18_000 }, usable - 64<<20 - 18_000*ViewerBytes(), 18_000 * ViewerBytes(), ""},
		{"sessions", func(b *Budget) { b.Sessions = 1 << 20 }, 320 << 20, usable - 384<<20 - SessionMemory*(1<<20-1<<17), ""},
		{"not_known", func(b *Budget) { b.Memory = 0 }, 320 << 20, 0, ""},
		{"too_many_viewers", func(b *Budget) { b.Viewers = 30_000 }, 10 << 20, usable - 74<<20,
			"10 MiB for the backlogs of 10 streams (the least that they need) + 1.29 GiB for 30000 viewers at 45.1 KiB (limits.viewers) are 1.36 GiB, and of the machine's memory (1 GiB) nine tenths, 922 MiB, may be used"},
		{"total_beside_viewers", func(b *Budget) { b.Viewers, b.Total = 18_000, 200<<20 }, 200 << 20, usable - 264<<20,
			"64 MiB for the program + 200 MiB for the backlogs of 10 streams (backlog.total) + 793 MiB for 18000 viewers"},
		{"too_many_streams", func(b *Budget) { b.Streams = 900 }, 900 << 20, 0,
			"900 MiB for the backlogs of 900 streams (the least that they need) + 1.41 MiB for 32 viewers at 45.1 KiB (the least that is worth a start)"},
		{"too_many_sessions", func(b *Budget) { b.Sessions = 1 << 24 }, 10 << 20, 0, "1.98 GiB for 16777216 sessions (limits.sessions)"},
		{"over_tls", func(b *Budget) { b.Viewers, b.Encrypted, b.Handshakes = 20_000, true, 512 }, 10 << 20, usable - 106<<20,
			"32 MiB for 512 TLS handshakes at once + 10 MiB for the backlogs of 10 streams (the least that they need) + 1.18 GiB for 20000 viewers at 61.9 KiB (limits.viewers, over TLS)"},
		{"one_large_stream", func(b *Budget) { b.Streams, b.Backlog, b.Total = 1, 2<<30, 4<<30 }, 2 << 30, 0,
			"2 GiB for the backlogs of 1 stream (backlog.bytes)"},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := budget()
			c.change(b)
			near := func(a, b int64) bool { return a-b < 1<<10 && b-a < 1<<10 }
			if !near(b.Backlogs(), c.backlogs) || !near(b.Left(), max(0, c.left)) {
				t.Errorf("backlogs %d, want %d; left %d, want %d", b.Backlogs(), c.backlogs, b.Left(), c.left)
			}
			switch err := b.Check(); {
			case err == nil && c.problem != "", err != nil && (c.problem == "" || !strings.Contains(err.Error(), c.problem)):
				t.Errorf("got %v, want %q", err, c.problem)
			}
		})
	}
}
