//go:build e2e

package e2e

import (
	"fmt"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"streampump/e2e/rig"
	"streampump/engine"
)

// farHole is from how many numbers on players that are made with libavformat take a hole
// for a new beginning, and drop the packet behind it.
const farHole = 3000

// TestRTSPFarHole: players are stopped until thousands of packets are left out for them, and
// go on at a key frame. ffmpeg and mpv drop the first packet that they get there; they
// decode all the same, and so does GStreamer.
func TestRTSPFarHole(t *testing.T) {
	names := []string{"ffmpeg", "mpv", "gstreamer"}
	p := rig.Start(t, rig.Options{
		Config: `"backlog": {"duration": "2s", "max_lag": "1s"}, "timeouts": {"viewer_stall": "60s"}, "streams": [{"type": "rtsp_push", "path": "live"}]`,
	})
	pushDense(t, p)
	up(t, p, "live")
	var players []*watcher
	for _, k := range rtspKinds() {
		if slices.Contains(names, k.name) {
			need(t, k.binary)
			players = append(players, k.rtspWatch(t, rtspURL(p, k.tcp), true))
		}
	}
	signal := func(s syscall.Signal) {
		for _, w := range players {
			if err := w.cmd.Process.Signal(s); err != nil {
				t.Fatal(err)
			}
		}
	}
	for _, w := range players {
		w.decode(filmRate)
	}
	before := p.Status()
	signal(syscall.SIGSTOP)
	const kept = 6 << 20 // in a player's sockets, and more
	p.AwaitStatus("much is left out", func(s engine.Snapshot) bool {
		return streamOf(s, "live").BytesIn > streamOf(before, "live").BytesIn+kept+2*farHole*dense
	})
	signal(syscall.SIGCONT)
	n := uint64(len(players))
	after := p.AwaitStatus("all go on", func(s engine.Snapshot) bool { return s.Skips >= before.Skips+n })
	if left := (after.Skipped - before.Skipped) / n; left < farHole {
		t.Errorf("only %d packets were left out for each", left)
	}
	for _, w := range players {
		w.decode(w.frames(w.said()) + 4*filmRate)
		w.excuse(list(
			`bad cseq`,                                                 // of the packet that is there to be dropped
			`Invalid (audio PTS|video timestamp)`, `desynchronisation`, // mpv, of the hole
		))
		if w.name == "ffmpeg" && !strings.Contains(w.said(), "bad cseq") {
			t.Error("ffmpeg has dropped nothing: the hole was none")
		}
		w.finish()
	}
}

// dense is how long the packets are that pushDense sends, so that there are many.
const dense = 1000

// pushDense has ffmpeg push pictures of 32 Mbit/s that it has made before. Key frames begin
// with the picture itself: the parameter sets are in the description only.
func pushDense(t *testing.T, p *rig.Pump) {
	t.Helper()
	film := filepath.Join(t.TempDir(), "dense.mp4")
	run(t, "ffmpeg", "-nostdin", "-hide_banner", "-loglevel", "warning",
		"-f", "lavfi", "-i", fmt.Sprintf("testsrc=rate=%d:size=320x240,noise=alls=60:allf=t", filmRate),
		"-t", "4", "-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-g", fmt.Sprint(filmRate), "-slices", "4",
		"-b:v", "32M", "-maxrate", "32M", "-bufsize", "4M", film)
	start(t, exec.Command("ffmpeg", "-nostdin", "-hide_banner", "-loglevel", "warning", "-re", "-stream_loop", "-1", "-i", film,
		"-c", "copy", "-f", "rtsp", "-rtsp_transport", "tcp", "-pkt_size", fmt.Sprint(dense), rtspURL(p, "rtsp")), false)
}
