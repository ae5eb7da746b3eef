//go:build e2e

package e2e

import (
	"fmt"
	"strings"
	"testing"

	"streampump/e2e/rig"
	"streampump/engine"
)

// TestRTSPEncodersOverBadNetworks: where an encoder's packets over UDP are lost and come in
// another order, viewers play on. Where they only come in another order, the pump puts them
// right: a picture is damaged only if a packet was late by more than the tenth of a second
// that others wait for it, as may be on a busy machine.
func TestRTSPEncodersOverBadNetworks(t *testing.T) {
	need(t, "ffmpeg")
	n := newNetwork(t, 0)
	bad, disordered := n.tunnelled(0.01, 0.02, true), n.tunnelled(0, 0.05, true)
	p := startPump(t, rig.Options{
		Config: `"rtsp_udp": "private", "streams": [{"type": "rtsp_push", "path": "bad"}, {"type": "rtsp_push", "path": "disordered"}]`,
		Listen: fmt.Sprintf("0.0.0.0:%d", netPort), Prefix: n.prefix(),
	}, dialFrom(n.pump()))
	watch := func(link int, path string) *watcher {
		pushNoiseFrom(t, within(n.viewers(link)), fmt.Sprintf("rtsp://%s/%s", n.address(link), path), 2, "udp")
		p.awaitUp(path)
		w := watchFFmpegFrom(t, n.prefix(), fmt.Sprintf("rtsp://127.0.0.1:%d/%s", netPort, path), "-rtsp_transport", "tcp")
		w.bad = append(append(w.bad[:0:0], w.bad...), rtspComplaints...)
		w.excuse(rtspExcuses)
		return w
	}
	damaged, whole := watch(0, "bad"), watch(1, "disordered")
	for _, w := range []*watcher{damaged, whole} {
		w.decode(10 * filmRate)
	}
	whole.stop()
	damaged.stop()
	if s := p.status(); s.Unheard != 0 || s.Skips != 0 {
		t.Errorf("%d datagrams were not received, %d skips", s.Unheard, s.Skips)
	}
	if n := strings.Count(p.Log(), "transport=udp"); n != 2 {
		t.Errorf("%d encoders send over UDP", n)
	}
	for line := range strings.Lines(p.Log()) {
		if strings.Contains(line, "level=WARN") || strings.Contains(line, "level=ERROR") {
			t.Errorf("the pump says: %s", line)
		}
	}
	p.await("all have left", func(s engine.Snapshot) bool { return s.Viewers == 0 })
	for name, x := range map[string]*tunnel{"bad": bad, "disordered": disordered} {
		t.Logf("%s: %d packets passed, %d were lost, %d overtaken", name, x.passed.Load(), x.lost.Load(), x.overtaken.Load())
	}
	if bad.lost.Load() == 0 || bad.overtaken.Load() == 0 || disordered.lost.Load() != 0 || disordered.overtaken.Load() == 0 {
		t.Error("the networks were not as they should have been")
	}
	if found := complaints(whole.said(), whole.bad, whole.excused); len(found) > int(disordered.overtaken.Load())/20 {
		t.Errorf("of %d packets that were overtaken, %d damaged a picture: %q", disordered.overtaken.Load(), len(found), found)
	}
	if found := complaints(damaged.said(), damaged.bad, damaged.excused); len(found) == 0 {
		t.Error("the player of the bad network missed nothing")
	}
}
