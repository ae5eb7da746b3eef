//go:build e2e

package e2e

import (
	"slices"
	"testing"

	"streampump/e2e/rig"
)

// TestRTMPRestartUnderRealPlayers: an encoder is killed and comes back under a crowd of real
// players. Each goes on, with nothing to complain of, and ends as the stream does. The crowd
// is of all kinds; with STREAMPUMP_LONG it is then a hundred of each kind in turn.
func TestRTMPRestartUnderRealPlayers(t *testing.T) {
	pump := func(t testing.TB) *rig.Pump { return rtmpPump(t, "") }
	restartUnderCrowds(t, pump, func(p *rig.Pump) []string {
		return []string{"-f", "flv", rtmpURL(p, "rtmp")}
	}, rtmpCrowd(t))
}

// rtmpCrowd are the players, and ffmpeg as a recorder.
func rtmpCrowd(t *testing.T) (kinds []crowdKind) {
	recorder := rtmpKind{"ffmpeg_copy", "ffmpeg", false, func(t testing.TB, url string) *watcher { return watchFFmpegCopy(t, url) }}
	for _, k := range append([]rtmpKind{recorder}, rtmpKinds()...) {
		need(t, k.binary)
		kinds = append(kinds, crowdKind{k.name, func(t testing.TB, p *rig.Pump) *watcher {
			return k.rtmpWatch(t, rtmpURL(p, "rtmp"))
		}, func(w *watcher) { w.excuse(slices.Concat(rtmpPause, rtmpEnding)) }})
	}
	return kinds
}
