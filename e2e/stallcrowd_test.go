//go:build e2e

package e2e

import (
	"context"
	"fmt"
	"testing"
	"time"

	"streampump/bench/player"
	"streampump/engine"
)

// The crowd: most viewers stall at once, as when a large network breaks.
const (
	crowdStalled = 475 // that only hang
	crowdProven  = 25  // that hang, and prove what they get before and after
	crowdHealthy = 50
	crowdStall   = 20 * time.Second
)

// Five hundred stalled viewers take neither time nor memory from fifty healthy
// ones: nothing is tried for them while their sockets are full, and when they
// read again they go on at a key frame.
func TestCrowdOfStalledViewers(t *testing.T) {
	n := newNetwork(t, 1)
	p := startStallPump(t, n, `"backlog": {"duration": "6s", "max_lag": "5s"}, "timeouts": {"viewer_stall": "120s"},`)
	watch := func(kind string, i int) *reader {
		return startReader(t, watching{name: fmt.Sprintf("%s-%d", kind, i),
			dial: dialFrom(n.viewers(0)), addr: n.address(0), path: "live"})
	}
	var healthy, proven []*reader
	for i := range crowdHealthy {
		healthy = append(healthy, watch("healthy", i))
	}
	for i := range crowdProven {
		proven = append(proven, watch("stalled", i))
		proven[i].stop()
	}
	for range crowdStalled {
		hang(t, n)
	}
	p.await("all stalled viewers have full sockets", func(s engine.Snapshot) bool {
		return s.Viewers == crowdStalled+crowdProven+crowdHealthy && s.Stalled == crowdStalled+crowdProven
	})
	p.fill(6 * time.Second)
	memory, first := p.held(), p.status()
	time.Sleep(crowdStall)
	last := p.status()
	grown := p.held() - memory
	p.checkBuffers()

	packets := streamOf(last, "live").PacketsIn - streamOf(first, "live").PacketsIn
	calls, full := last.Writes-first.Writes, last.FullWrites-first.FullWrites
	t.Logf("in %v: %d packets, %d write calls, %d of them not taken whole; %d KiB are held, grown by %d KiB",
		crowdStall, packets, calls, full, memory>>10, grown>>10)
	if full > crowdHealthy {
		t.Errorf("%d write calls were not taken whole: stalled viewers are tried", full)
	}
	// Status answers go another way; what remains is one call a packet at most
	// for each healthy viewer, and one in flight at either end.
	if most := (packets + 2) * crowdHealthy; calls > most {
		t.Errorf("%d write calls for %d packets and %d viewers that read: at most %d should be", calls, packets, crowdHealthy, most)
	}
	if grown > flat {
		t.Errorf("what is held grew by %d KiB", grown>>10)
	}
	for _, r := range proven {
		r.resume()
	}
	for _, r := range proven {
		r.catchUp(t, healthy[0])
	}
	healthy[0].more(t, 50)
	for _, r := range proven {
		r.alive(t)
		if c := r.seen(); c.Gaps != 1 {
			t.Errorf("%s: %d gaps, and there should be one: %+v", r.name, c.Gaps, c)
		}
	}
	for _, r := range healthy {
		r.whole(t)
	}
}

// hang opens a viewer that reads the answer's head and then nothing.
func hang(t *testing.T, n *network) {
	t.Helper()
	v := player.Viewer{Client: player.PlayOnly(), Addr: n.address(0), Path: "/streams/live", Dial: dialFrom(n.viewers(0)), Timeout: patience}
	c, _, err := v.Play(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
}
