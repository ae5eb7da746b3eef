//go:build e2e

package e2e

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"

	"streampump/e2e/rig"
	"streampump/engine"
)

// TestRTSPRestartUnderRealPlayers: an encoder is killed and comes back under a crowd of real
// players. Each goes on, with nothing to complain of, and ends as the stream does. The crowd
// is of all kinds; with STREAMPUMP_LONG it is then a hundred of each kind in turn.
func TestRTSPRestartUnderRealPlayers(t *testing.T) {
	kinds := crowdKinds(t)
	t.Run("mixed", func(t *testing.T) { restartUnder(t, 3, kinds...) })
	if os.Getenv(longStalls) == "" {
		return
	}
	for _, k := range kinds {
		t.Run(k.name, func(t *testing.T) { restartUnder(t, 100, k) })
	}
}

// crowdKinds are the players, each as it is light to run: what is built is built once.
func crowdKinds(t *testing.T) (kinds []rtspKind) {
	client := gortsplib(t)
	for _, k := range rtspKinds() {
		switch k.name {
		case "openrtsp":
			if _, err := exec.LookPath(k.binary); err != nil {
				continue // there is no package of it
			}
		case "ffmpeg":
			kinds = append(kinds, rtspKind{"ffmpeg_copy", "ffmpeg", "rtsp", "", "", func(t testing.TB, url string, _ bool) *watcher {
				return watchFFmpegCopy(t, url)
			}})
		case "gortsplib":
			k.watch = func(t testing.TB, url string, _ bool) *watcher { return watchBuiltGortsplib(t, client, "tcp", url) }
		}
		need(t, k.binary)
		kinds = append(kinds, k)
	}
	return kinds
}

// watchFFmpegCopy starts ffmpeg as a recorder that decodes nothing.
func watchFFmpegCopy(t testing.TB, url string) *watcher {
	t.Helper()
	return watchFFmpegTo(t, nil, url, []string{"-rtsp_transport", "tcp"}, "-c", "copy")
}

// restartUnder kills the encoder under so many players of each kind.
func restartUnder(t *testing.T, each int, kinds ...rtspKind) {
	p := rtspPump(t, rig.UDPPorts(t))
	e := pushLight(t, p)
	var crowd []*watcher
	for _, k := range kinds {
		scheme := k.tcp
		if scheme == "" {
			scheme = k.udp
		}
		for first := 0; first < each; first += crowdStep {
			var some []*watcher
			for range min(crowdStep, each-first) {
				w := k.rtspWatch(t, rtspURL(p, scheme), scheme == k.tcp)
				w.name = k.name
				some = append(some, w)
			}
			for _, w := range some {
				w.decode(1)
			}
			crowd = append(crowd, some...)
		}
	}
	e.kill()
	p.AwaitStatus("the viewers are held", func(s engine.Snapshot) bool {
		return streamOf(s, "live").State == engine.SourceHeld.String()
	})
	had := map[*watcher]int{}
	for _, w := range crowd {
		had[w] = w.frames(w.said())
	}
	e = pushLight(t, p)
	on := 0
	for _, w := range crowd {
		// What a player had not shown yet when the encoder was killed is less than a second.
		if w.reaches(had[w] + 3*filmRate) {
			on++
		} else {
			t.Errorf("%s did not go on: it had %d pictures and has %d; it printed:\n%s", w.name, had[w], w.frames(w.said()), tail(w.said()))
		}
	}
	if s := p.Status(); s.Viewers != int64(len(crowd)) || s.Skips != 0 {
		t.Errorf("%d viewers of %d, %d skips; closed: %v", s.Viewers, len(crowd), s.Skips, s.Closes)
	}
	e.interrupt()
	for _, w := range crowd {
		var exit *exec.ExitError
		// A hundred that end at once may print for longer than one is waited for.
		if err := w.end(); err != nil && !errors.As(err, &exit) && !errors.Is(err, exec.ErrWaitDelay) {
			t.Error(err)
		}
		w.excuse(crowdExcuses)
		if strings.Contains(w.said(), "Reset playback due to audio timestamp reset") {
			w.excuse(mpvReset)
		}
		w.judge(w.said())
	}
	t.Logf("%d of %d players went on and ended with the stream", on, len(crowd))
}

// crowdStep is how many players start at once.
const crowdStep = 10

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

// reaches waits until so many pictures are decoded; false if the player ends before, or
// takes too long.
func (w *watcher) reaches(n int) bool {
	late := w.alarm(patience)
	w.mu.Lock()
	defer w.mu.Unlock()
	for w.frames(w.output.String()) < n {
		if w.exited || late() {
			return false
		}
		w.wake.Wait()
	}
	return true
}

// pushLight has ffmpeg push a film of 100 kbit/s with sound, and waits until it is there.
func pushLight(t *testing.T, p *rig.Pump) *program {
	t.Helper()
	e := start(t, exec.Command("ffmpeg", "-nostdin", "-hide_banner", "-loglevel", "warning", "-re",
		"-f", "lavfi", "-i", fmt.Sprintf("testsrc=rate=%d:size=160x120", filmRate),
		"-f", "lavfi", "-i", "sine=frequency=440:sample_rate=48000",
		"-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-g", fmt.Sprint(filmRate), "-b:v", "100k",
		"-c:a", "aac", "-b:a", "32k", "-f", "rtsp", "-rtsp_transport", "tcp", rtspURL(p, "rtsp")), false)
	up(t, p, "live")
	return e
}
