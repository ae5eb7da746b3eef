//go:build e2e

package e2e

import (
	"os/exec"
	"strings"
	"testing"

	"streampump/e2e/rig"
)

// TestRTSPRestartUnderRealPlayers: an encoder is killed and comes back under a crowd of real
// players. Each goes on, with nothing to complain of, and ends as the stream does. The crowd
// is of all kinds; with STREAMPUMP_LONG it is then a hundred of each kind in turn.
func TestRTSPRestartUnderRealPlayers(t *testing.T) {
	pump := func(t testing.TB) *rig.Pump { return rtspPump(t, rig.UDPPorts(t)) }
	restartUnderCrowds(t, pump, func(p *rig.Pump) []string {
		return []string{"-f", "rtsp", "-rtsp_transport", "tcp", rtspURL(p, "rtsp")}
	}, rtspCrowd(t))
}

// rtspCrowd are the players, each as it is light to run: what is built is built once.
func rtspCrowd(t *testing.T) (kinds []crowdKind) {
	client := gortsplib(t)
	for _, k := range rtspKinds() {
		switch k.name {
		case "openrtsp":
			if _, err := exec.LookPath(k.binary); err != nil {
				continue // there is no package of it
			}
		case "ffmpeg":
			kinds = append(kinds, crowdRTSP(rtspKind{"ffmpeg_copy", "ffmpeg", "rtsp", "", "", func(t testing.TB, url string, _ bool) *watcher {
				return watchFFmpegCopy(t, url, "-rtsp_transport", "tcp")
			}}))
		case "gortsplib":
			k.watch = func(t testing.TB, url string, _ bool) *watcher { return watchBuiltGortsplib(t, client, "tcp", url) }
		}
		need(t, k.binary)
		kinds = append(kinds, crowdRTSP(k))
	}
	return kinds
}

// crowdRTSP is a player of RTSP in a crowd, over TCP if it can.
func crowdRTSP(k rtspKind) crowdKind {
	scheme := k.tcp
	if scheme == "" {
		scheme = k.udp
	}
	return crowdKind{k.name, crowdMost, func(t testing.TB, p *rig.Pump) *watcher {
		return k.rtspWatch(t, rtspURL(p, scheme), scheme == k.tcp)
	}, func(w *watcher) {
		w.excuse(crowdExcuses)
		if strings.Contains(w.said(), "Reset playback due to audio timestamp reset") {
			w.excuse(mpvReset)
		}
	}}
}

// crowdExcuses are what players say when the times step over the pause, as the encoder's
// would have, and when the connection ends behind the tracks.
var crowdExcuses = list(
	`Invalid (audio PTS|video timestamp)`, `desynchronisation`,
	`Could not (read from|write to) resource`, `GstRTSPSrc:source: Unhandled error`,
	`gst_event_set_seqnum: assertion`, // GStreamer with itself, behind the end
)

// mpvReset is what mpv says if it empties its decoder, where the times of the sound step,
// when the key frame is in it already.
var mpvReset = list(`h264: (Missing reference picture|decode_slice_header error)`)
