package loop

import (
	"strings"
	"testing"

	"streampump/engine/internal/text"
)

// Packets that a form leaves out are looked at once in a pass, however many viewers in
// that form there are, and each viewer gets what comes behind them.
func TestGapsAreSharedByViewers(t *testing.T) {
	const viewers, packets = 50, 700
	b := newLab(t, labConfig())
	enc := b.encoder("live", "H A")
	enc.send("Pk v0\n")
	var all []*peer
	for range viewers {
		all = append(all, b.viewer("v", 0, "PLAY live video"))
	}
	for range 3 {
		before := text.Derived.Load()
		enc.send(strings.Repeat("P a\n", packets) + "P v1\n" + strings.Repeat("P a\n", packets) + "P v2\n")
		if n := text.Derived.Load() - before; n < 2*packets || n > 3*packets+10*viewers {
			t.Errorf("%d packets were looked at %d times for %d viewers", 2*packets+2, n, viewers)
		}
	}
	for _, v := range all {
		if got := string(v.got); strings.Count(got, "v1") != 3 || strings.Count(got, "v2") != 3 || strings.Contains(got, ":a") {
			t.Fatalf("a viewer got %s", got)
		}
	}
	b.finish()
}
