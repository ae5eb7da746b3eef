//go:build e2e

package e2e

import (
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"testing"
	"time"

	"streampump/bench/push"
	"streampump/engine"
)

// otherKinds are players that play by way of libraries of the others, or
// through plain HTTP, and are tried with one stream each.
func otherKinds() []kind {
	return []kind{
		{"mpv", "mpv", "mms", "", watchMpv},
		// Debian's GStreamer has no mmssrc.
		{"gstreamer", "gst-launch-1.0", "http", "", watchGStreamer},
	}
}

var (
	mpvComplaints = list(
		`desynchronisation`,
		`^\[(ffmpeg|lavf|vd|ad|cplayer)[^]]*\] `,
		`Failed to|Error while|Invalid`,
	)
	mpvExcuses = list(
		`mmsh:|mmst:`, // how a live stream ends, and the fallback from MMST
	)
	gstComplaints = list(`^(ERROR|WARNING)`, `CRITICAL|WARN`)
)

var (
	mpvPlace = regexp.MustCompile(`place=([\d.]+)`)
	gstFrame = regexp.MustCompile(`(?m)GstFakeSink:pictures.*chain`)
)

// watchMpv starts mpv without screen and sound card; both keep time.
func watchMpv(t testing.TB, url string) *watcher { return watchMpvWith(t, url) }

// watchMpvWith is watchMpv with further options.
func watchMpvWith(t testing.TB, url string, options ...string) *watcher {
	t.Helper()
	args := append([]string{"--no-config", "--vo=null", "--ao=null", "--msg-level=all=warn,statusline=status",
		"--term-status-msg=place=${=time-pos}"}, options...)
	cmd := exec.Command("mpv", append(args, url)...)
	cmd.Env = append(os.Environ(), "HOME="+t.TempDir())
	p := start(t, cmd, false)
	return &watcher{
		program: p, bad: mpvComplaints, excused: mpvExcuses,
		frames: mpvFrames,
		stop:   p.interrupt,
	}
}

// mpvFrames is how many pictures mpv has shown, from the places it was at: it
// counts no frames of a stream without an index.
func mpvFrames(output string) int {
	all := mpvPlace.FindAllStringSubmatch(output, -1)
	if len(all) == 0 {
		return 0
	}
	first, _ := strconv.ParseFloat(all[0][1], 64)
	last, _ := strconv.ParseFloat(all[len(all)-1][1], 64)
	return int((last - first) * filmRate)
}

// watchGStreamer starts what Totem and Parole are made of.
func watchGStreamer(t testing.TB, url string) *watcher {
	t.Helper()
	p := start(t, exec.Command("gst-launch-1.0", "-v", "playbin", "uri="+url,
		"video-sink=fakesink name=pictures sync=true silent=false", "audio-sink=fakesink sync=true"), false)
	return &watcher{
		program: p, bad: gstComplaints,
		frames: func(output string) int { return len(gstFrame.FindAllString(output, -1)) },
		stop:   p.interrupt,
	}
}

// TestOtherPlayers has them play a stream that is pushed.
func TestOtherPlayers(t *testing.T) {
	p := startPushed(t)
	encode(t, p, "pushed", &reel{footage: film(t, 20, 320), loop: true}, push.RunOptions{Pace: push.RealTime(1)})
	up(t, p, "pushed")
	for _, k := range otherKinds() {
		t.Run(k.name, func(t *testing.T) {
			t.Parallel()
			need(t, k.binary)
			w := k.start(t, k.scheme+"://"+p.Addr.String()+"/streams/pushed")
			w.decode(enough)
			w.finish()
		})
	}
}

// thePause is long enough for players to run out of data.
const thePause = 2 * time.Second

// TestPlayersTakeAPause: an encoder is away for two seconds and comes back. A
// player's clock has stood meanwhile: where the times of the stream step over
// the pause as well, mpv complains that sound and pictures are apart. What
// others do is in the documentation of codec/mmsh.
func TestPlayersTakeAPause(t *testing.T) {
	need(t, "mpv")
	short, f := film(t, shortSeconds, 320), film(t, 20, 320)
	p := startPushed(t)
	first := encode(t, p, "pushed", &reel{footage: short, crash: true}, push.RunOptions{Pace: push.RealTime(1)})
	up(t, p, "pushed")
	w := watchMpv(t, p.URL("mmsh", "pushed"))
	w.decode(beforeCrash)
	<-first.done
	_ = first.client.Close()
	p.AwaitStatus("the viewers are held", func(s engine.Snapshot) bool {
		return streamOf(s, "pushed").State == engine.SourceHeld.String()
	})
	<-time.After(thePause)
	encode(t, p, "pushed", &reel{footage: f.again(t), loop: true}, push.RunOptions{Pace: push.RealTime(1)})
	w.decode(enough + shortSeconds*filmRate)
	w.finish()
}
