//go:build e2e

package e2e

import (
	"strings"
	"testing"

	"streampump/e2e/rig"
	"streampump/engine"
)

// TestRTMPElsewhere: players of a stream that is full and sends its viewers on end as they do
// of any other that is full, and those made with ffmpeg show where to go.
func TestRTMPElsewhere(t *testing.T) {
	const second = "rtmp://127.0.0.1:9/streams/live" // nobody is there
	p := rig.Start(t, rig.Options{
		TLS:    rig.Identify(t, rig.Reachable(t)),
		Config: `"streams": [{"type": "rtmp_push", "path": "live", "limits": {"viewers": 1}, "redirect_full_to": "` + second + `"}]`,
	})
	pushRTMP(t, p)
	first := rtmpKinds()[0].rtmpWatch(t, rtmpURL(p, "rtmp"))
	p.AwaitStatus("it is full", func(s engine.Snapshot) bool { return s.Viewers == 1 })
	for _, k := range rtmpKinds() {
		t.Run(k.name, func(t *testing.T) {
			need(t, k.binary)
			w := k.watch(t, rtmpURL(p, "rtmp"))
			w.ends()
			if n := w.frames(w.said()); n > 0 {
				t.Errorf("%d pictures come", n)
			}
			if k.name == "ffmpeg" && !strings.Contains(w.said(), second) {
				t.Errorf("it does not show where to go:\n%s", w.said())
			}
		})
	}
	first.finish()
}
