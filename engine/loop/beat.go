package loop

import (
	"fmt"
	"sync/atomic"
)

// heartbeat is a question for a sign of life that waits for its answer.
type heartbeat struct{ asked atomic.Bool }

// ask puts the question; false if the last one has not been answered.
func (h *heartbeat) ask() bool { return !h.asked.Swap(true) }

// answer answers the question, if there is one.
func (h *heartbeat) answer() {
	if h.asked.Load() {
		h.asked.Store(false)
	}
}

// Beat asks every loop and the clock for a sign of life, and names those that have not
// given the one before: a loop reads its mail in each pass, and the clock looks at its
// deadlines. Those are not asked again, so nothing piles up. Any goroutine may call it
// while the loops run.
func (g *Group) Beat() (silent []string) {
	for _, l := range g.loops {
		if l.heart.ask() {
			l.Post(l.heart.answer)
		} else {
			silent = append(silent, fmt.Sprintf("event loop %d", l.id))
		}
	}
	if g.heart.ask() {
		g.clock.Hurry(g.clock.Now())
	} else {
		silent = append(silent, "the engine's clock")
	}
	return silent
}
