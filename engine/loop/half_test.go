package loop

import (
	"strings"
	"testing"
	"time"

	"streampump/engine/reason"
)

// A peer that asks many times and then closes its side gets every answer, in turns
// and at its rate, and is closed behind the last.
func TestHalfClosedPeerGetsEveryAnswer(t *testing.T) {
	for _, requests := range []int{1, requestTurn, requestTurn + 1, 3 * requestTurn, requestBurst + 20} {
		b := newLab(t, labConfig())
		p := b.dial("p", 0, "10.0.0.1")
		p.arrives([]byte(strings.Repeat("REPLY\n", requests)))
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

// An encoder that closes its side behind its packets is gone, also where these had to
// wait: nothing more can come of it, and nobody waits for that.
func TestHalfClosedEncoderIsLost(t *testing.T) {
	b := newLab(t, labConfig())
	p := b.dial("p", 0, "10.0.0.1")
	p.arrives([]byte(strings.Repeat("REPLY\n", requestTurn) + "PUBLISH live\nH A\nPk x\n"))
	p.halfClose()
	if !p.gone || p.c.reason != reason.PushLost {
		t.Errorf("gone %v, %v", p.gone, p.c.reason)
	}
	if st := b.e.order[0].Snapshot(); st.PacketsIn != 1 || st.State != "held" {
		t.Errorf("%d packets came, the source is %s", st.PacketsIn, st.State)
	}
	b.finish()
}
