package loop

import (
	"strings"
	"testing"
	"time"
)

// A peer that asks many times and then closes its side gets every answer, in turns
// and at its rate, and is closed behind the last.
func TestHalfClosedPeerGetsEveryAnswer(t *testing.T) {
	for _, requests := range []int{1, requestTurn, requestTurn + 1, 3 * requestTurn, requestBurst + 20} {
		b := newLab(t, labConfig())
		p := b.dial("p", 0, "10.0.0.1")
		b.loops[0].loop.Traffic(p.c, []byte(strings.Repeat("REPLY\n", requests)))
		if p.c.Owed() != (requests > requestTurn) {
			t.Errorf("%d requests: owed %v", requests, p.c.Owed())
		}
		p.halfClose()
		b.advance(time.Second)
		if n := strings.Count(string(p.got), "OK Reply\n"); n != requests {
			t.Errorf("%d of %d requests were answered", n, requests)
		}
		if !p.gone {
			t.Errorf("%d requests: the connection is still open", requests)
		}
		b.finish()
	}
}
