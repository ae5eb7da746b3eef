//go:build e2e

package e2e

import (
	"cmp"
	"slices"
	"testing"

	"streampump/e2e/rig"
)

// TestRTMPRestartUnderRealPlayers: an encoder is killed and comes back under a crowd of real
// players. Each goes on, with nothing to complain of, and ends as the stream does. The crowd
// is of all kinds; with STREAMPUMP_LONG it is then one of each kind in turn: a hundred, or as many
// as two cores carry.
func TestRTMPRestartUnderRealPlayers(t *testing.T) {
	pump := func(t testing.TB) *rig.Pump { return rtmpPump(t, "") }
	restartUnderCrowds(t, pump, func(p *rig.Pump) []string {
		return []string{"-f", "flv", rtmpURL(p, "rtmp")}
	}, rtmpCrowd(t))
}

// rtmpFewer are the kinds of which two cores carry fewer than a hundred at once. It was tried: a
// hundred of VLC go on and say of each picture that the computer is too slow, and as many of
// mpv do not all begin to play in time.
var rtmpFewer = map[string]int{"mpv": 50, "vlc": 25}

// rtmpCrowd are the players, and ffmpeg as a recorder.
func rtmpCrowd(t *testing.T) (kinds []crowdKind) {
	recorder := rtmpKind{"ffmpeg_copy", "ffmpeg", false, func(t testing.TB, url string) *watcher { return watchFFmpegCopy(t, url) }}
	for _, k := range append([]rtmpKind{recorder}, rtmpKinds()...) {
		need(t, k.binary)
		most := cmp.Or(rtmpFewer[k.name], crowdMost)
		kinds = append(kinds, crowdKind{k.name, most, func(t testing.TB, p *rig.Pump) *watcher {
			return k.rtmpWatch(t, rtmpURL(p, "rtmp"))
		}, func(w *watcher) { w.excuse(slices.Concat(rtmpPause, rtmpEnding)) }})
	}
	return kinds
}
