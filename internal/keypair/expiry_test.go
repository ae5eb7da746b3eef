package keypair

import (
	"testing"
	"time"
)

func TestEndsSoon(t *testing.T) {
	const day = 24 * time.Hour
	now := time.Unix(0, 0)
	for _, c := range []struct {
		life, left time.Duration
		want       bool
	}{
		{90 * day, 14 * day, false}, {90 * day, 14*day - 1, true}, {90 * day, -day, true},
		{6 * day, 2 * day, false}, {6 * day, 2*day - 1, true},
	} {
		if got := EndsSoon(now.Add(c.left-c.life), now.Add(c.left), now); got != c.want {
			t.Errorf("%v of %v are left: %v", c.left, c.life, got)
		}
	}
}
