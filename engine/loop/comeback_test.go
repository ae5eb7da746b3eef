package loop

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"streampump/engine/reason"
)

// comingBack is an encoder on loop 0 that hangs, and a connection on loop 1 that knows
// its session.
func comingBack(t *testing.T) (b *lab, old, now *peer, request string) {
	t.Helper()
	cfg := labConfig()
	cfg.Loops = 2
	b = newLab(t, cfg)
	old = b.encoder("live", "H A")
	old.send("Pk x\n")
	var key string
	if _, err := fmt.Sscanf(string(old.got), "OK Publish %s", &key); err != nil {
		t.Fatal(err)
	}
	b.advance(3 * time.Second)
	return b, old, b.dial("new", 1, "10.0.0.8"), "PUBLISH live " + key + "\n"
}

// An encoder that comes back sends on while the other loop is asked, as much as a busy
// loop leaves in its socket.
func TestEncoderThatComesBackSendsOn(t *testing.T) {
	const packets = 60
	b, _, now, request := comingBack(t)
	packet := "P " + strings.Repeat("x", 1<<10) + "\n"
	now.arrives([]byte(request + strings.Repeat(packet, packets)))
	now.arrives([]byte(strings.Repeat(packet, packets)))
	b.run()
	if now.gone || now.c.phase != phaseIngest {
		t.Fatalf("gone %v, %v", now.gone, now.c.reason)
	}
	if n := b.e.order[0].Snapshot().PacketsIn; n != 1+2*packets {
		t.Errorf("%d packets came", n)
	}
	b.finish()
}

// What waits for the answer of another loop is bounded too.
func TestWhatWaitsForAnotherLoopIsBounded(t *testing.T) {
	b, old, now, request := comingBack(t)
	now.arrives([]byte(request))
	packet := []byte("P " + strings.Repeat("x", 32<<10) + "\n")
	for n := 0; !now.gone && n < 2*maxBehind; n += len(packet) {
		now.arrives(packet)
	}
	if now.c.reason != reason.TooManyRequests {
		t.Errorf("gone %v, %v", now.gone, now.c.reason)
	}
	b.run()
	if old.gone {
		t.Error("the old connection is closed without a word")
	}
	b.finish()
}

// Whatever becomes of the one who asks while it waits, nothing is left behind, and the
// session has no other connection.
func TestWhoAsksForASessionMayGo(t *testing.T) {
	for name, goes := range map[string]func(b *lab, now *peer){
		"closes":        func(_ *lab, now *peer) { now.at.hangup(now) },
		"closes half":   func(_ *lab, now *peer) { now.halfClose() },
		"breaks":        func(_ *lab, now *peer) { now.c.doom(reason.WriteFailed); now.arrives([]byte("x")) },
		"is evicted":    func(_ *lab, now *peer) { now.c.Evict() },
		"is said bye":   func(b *lab, _ *peer) { b.e.SayGoodbye() },
		"old one goes":  func(b *lab, _ *peer) { b.peer("enc-live").hangup() },
		"time is over":  func(b *lab, now *peer) { now.c.expired() },
		"goes and ends": func(_ *lab, now *peer) { now.arrives([]byte("Pk x\nFINISH\n")) },
	} {
		for _, behind := range []string{"", "Pk x\n"} {
			t.Run(name+behind, func(t *testing.T) {
				b, _, now, request := comingBack(t)
				now.arrives([]byte(request + behind))
				if now.c.asks() == nil {
					t.Fatal("nobody is asked")
				}
				goes(b, now)
				b.run()
				if now.c.asks() != nil {
					t.Error("the question still waits")
				}
				b.advance(5 * time.Minute)
				if n := b.e.ingests.Count(); n != 0 || b.e.order[0].Current() != nil {
					t.Errorf("%d sessions are left, the programme is %v", n, b.e.order[0].Current())
				}
				b.finish()
			})
		}
	}
}
