package loop

import (
	"testing"
	"time"
)

// What the estimate of a machine's capacity relies on, whatever the rule is.
func TestTurn(t *testing.T) {
	const budget = 90 * time.Millisecond
	for _, c := range []struct {
		name    string
		viewers int
		packets float64
		bursts  float64
		budget  time.Duration
		held    bool
	}{
		{"cheap", 100, 5000, 25, budget, false},
		{"no_budget", 10_000, 890_000, 25, 0, false},
		{"dear", 2000, 178_000, 25, budget, true},
		{"packets_one_by_one", 2000, 178_000, 89, budget, true},
		{"no_end_of_viewers", 10_000_000, 890_000_000, 25, budget, true},
	} {
		got := Turn(c.viewers, c.packets, c.bursts, c.budget)
		if burst := time.Duration(float64(time.Second) / c.bursts); (got > 0) != c.held || got > c.budget+burst || c.held && got < burst {
			t.Errorf("%s: %v", c.name, got)
		}
	}
}
