//go:build e2e

package e2e

import (
	"fmt"
	"strings"
	"testing"

	"streampump/e2e/rig"
	"streampump/engine"
)

// TestRTSPViewersOverBadNetworks: where packets over UDP are lost and come in another
// order, players play on, and it is nothing to the pump. Where they only come in another
// order, no picture is damaged.
func TestRTSPViewersOverBadNetworks(t *testing.T) {
	need(t, "ffmpeg")
	n := newNetwork(t, 0)
	bad, disordered := n.addTunnel(0.01, 0.02), n.addTunnel(0, 0.05)
	p := startPump(t, rig.Options{
		Config: `"rtsp_udp": "private", "streams": [{"type": "rtsp_push", "path": "live"}]`,
		Listen: fmt.Sprintf("0.0.0.0:%d", netPort), Prefix: n.prefix(),
	}, dialFrom(n.pump()))
	pushNoise(t, n, 1)
	p.awaitUp("live")

	watch := func(link int, options ...string) *watcher {
		w := watchFFmpegFrom(t, within(n.viewers(link)), fmt.Sprintf("rtsp://%s/live", n.address(link)),
			append(options, "-rtsp_transport", "udp")...)
		w.bad = append(append(w.bad[:0:0], w.bad...), rtspComplaints...)
		w.excuse(rtspExcuses)
		return w
	}
	// A busy machine may have ffmpeg wait for what was overtaken longer than the tenth of a
	// second that it does of itself; this is in microseconds.
	first, second, whole := watch(0), watch(0), watch(1, "-max_delay", "5000000")
	for _, w := range []*watcher{first, second, whole} {
		w.decode(10 * filmRate)
	}
	if s := p.status(); s.Viewers != 3 || len(s.Closes) > 0 || s.Skips != 0 || s.Lost != 0 {
		t.Errorf("%d viewers, %d skips, %d datagrams not sent; closed: %v", s.Viewers, s.Skips, s.Lost, s.Closes)
	}
	if udp := strings.Count(string(p.get("/viewers")), `"transport": "udp"`); udp != 3 {
		t.Errorf("%d viewers play over UDP: %s", udp, p.get("/viewers"))
	}
	for line := range strings.Lines(p.Log()) {
		if strings.Contains(line, "level=WARN") || strings.Contains(line, "level=ERROR") {
			t.Errorf("the pump says: %s", line)
		}
	}
	whole.finish()
	first.stop()
	second.stop()
	p.await("all have left", func(s engine.Snapshot) bool { return s.Viewers == 0 })
	for name, x := range map[string]*tunnel{"bad": bad, "disordered": disordered} {
		t.Logf("%s: %d packets passed, %d were lost, %d overtaken", name, x.passed.Load(), x.lost.Load(), x.overtaken.Load())
	}
	if bad.lost.Load() == 0 || bad.overtaken.Load() == 0 || disordered.lost.Load() != 0 || disordered.overtaken.Load() == 0 {
		t.Error("the networks were not as they should have been")
	}
	if found := complaints(first.said()+second.said(), first.bad, first.excused); len(found) == 0 {
		t.Error("no player missed anything")
	}
}
