package engine

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
		budget  time.Duration
		held    bool
	}{
		{"cheap", 100, 5000, budget, false},
		{"no_budget", 10_000, 890_000, 0, false},
		{"dear", 2000, 178_000, budget, true},
		{"no_end_of_viewers", 10_000_000, 890_000_000, budget, true},
	} {
		got := Turn(c.viewers, c.packets, c.budget)
		if (got > 0) != c.held || got > 2*c.budget {
			t.Errorf("%s: %v", c.name, got)
		}
	}
}
