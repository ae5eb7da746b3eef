//go:build e2e

package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strconv"
	"syscall"
	"testing"
	"time"
)

// nobody is the user that VLC runs as where the tests are root: it refuses root.
const nobody = 65534

// A kind is a player that can be started.
type kind struct {
	name   string
	binary string
	scheme string // of the URL it is given for an MMSH stream
	ipv6   string // the same where the address is an IPv6 literal; "" if it takes none
	start  func(t testing.TB, url string) *watcher
}

// kinds are the players that every stream must please.
func kinds() []kind {
	return []kind{
		{"ffmpeg", "ffmpeg", "mmsh", "mmsh", watchFFmpeg},
		// mms:// makes them try MMST first, on our port.
		{"vlc", "vlc", "mms", "mmsh", watchVLC},
		{"mplayer", "mplayer", "mms", "mmsh", watchMPlayer},
	}
}

// watcher is a player that plays, and is watched.
type watcher struct {
	*program
	bad, excused []*regexp.Regexp
	// ending is what it says besides when a stream is over.
	ending []*regexp.Regexp
	// frames is how many pictures were decoded, by the player's own count.
	frames func(output string) int
	// shown is how many of them came in time to be shown, by the player's own
	// count; nil if it does not tell.
	shown func(output string) int
	// stop ends it as its user would.
	stop func()
	// more looks for complaints that are not lines; nil if there are none.
	more func(output string) []string
}

// decode waits until n pictures are decoded.
func (w *watcher) decode(n int) {
	w.t.Helper()
	w.await(fmt.Sprintf("%d frames were not decoded", n), func(output string) bool { return w.frames(output) >= n })
}

// show waits until n pictures were shown, for players that tell.
func (w *watcher) show(n int) {
	w.t.Helper()
	if w.shown != nil {
		w.await(fmt.Sprintf("%d frames were not shown", n), func(output string) bool { return w.shown(output) >= n })
	}
}

// finish stops the player and reports its complaints; not those about being
// stopped, as VLC's decoders have when their buffers are taken away.
func (w *watcher) finish() {
	w.t.Helper()
	output := w.said()
	w.stop()
	w.judge(output)
}

// over waits until the player has ended by itself, as at the end of a stream,
// without an error, and reports its complaints.
func (w *watcher) over() {
	w.t.Helper()
	if err := w.end(); err != nil {
		w.t.Error(err)
	}
	w.excuse(w.ending)
	w.judge(w.said())
}

// excuse takes patterns off the player's list of complaints.
func (w *watcher) excuse(l []*regexp.Regexp) { w.excused = append(slices.Clone(w.excused), l...) }

// judge reports the complaints in a player's output.
func (w *watcher) judge(output string) {
	w.t.Helper()
	found := complaints(output, w.bad, w.excused)
	if w.more != nil {
		found = append(found, w.more(output)...)
	}
	for _, line := range found {
		w.t.Errorf("%s complains: %s", w.name, line)
	}
	if len(found) > 0 {
		w.t.Logf("the whole output of %s:\n%s", w.name, tail(output))
	}
}

// lastNumber is the number that a pattern's group matched last.
func lastNumber(re *regexp.Regexp, output string) int {
	all := re.FindAllStringSubmatch(output, -1)
	if len(all) == 0 {
		return 0
	}
	n, _ := strconv.Atoi(all[len(all)-1][1])
	return n
}

// watchFFmpeg starts ffmpeg as a player that decodes everything and shows nothing.
func watchFFmpeg(t testing.TB, url string) *watcher { return watchFFmpegWith(t, url) }

// watchFFmpegWith is watchFFmpeg with options for its input.
func watchFFmpegWith(t testing.TB, url string, options ...string) *watcher {
	t.Helper()
	return watchFFmpegFrom(t, nil, url, options...)
}

// watchFFmpegFrom is watchFFmpegWith with something put before the command line, such as
// what enters a namespace.
func watchFFmpegFrom(t testing.TB, prefix []string, url string, options ...string) *watcher {
	t.Helper()
	return watchFFmpegTo(t, prefix, url, options)
}

// watchFFmpegTo is watchFFmpegFrom with options for its output too.
func watchFFmpegTo(t testing.TB, prefix []string, url string, options []string, output ...string) *watcher {
	t.Helper()
	frame := regexp.MustCompile(`frame=\s*(\d+)`)
	args := append(slices.Clone(prefix), "ffmpeg", "-nostdin", "-hide_banner", "-loglevel", "warning", "-stats", "-stats_period", "0.1")
	args = append(append(append(append(args, options...), "-i", url), output...), "-f", "null", "-")
	p := start(t, exec.Command(args[0], args[1:]...), false)
	p.name = "ffmpeg"
	return &watcher{
		program: p, bad: ffmpegComplaints, excused: ffmpegExcuses, ending: ffmpegEnding,
		frames: func(output string) int { return lastNumber(frame, output) },
		stop:   p.interrupt,
	}
}

// watchMPlayer starts MPlayer without screen and sound card.
func watchMPlayer(t testing.TB, url string) *watcher {
	t.Helper()
	frame := regexp.MustCompile(`A-V:.*?\s(\d+)/\s*\d+\s`)
	cmd := exec.Command("mplayer", "-nolirc", "-noconsolecontrols", "-noautosub", "-benchmark", "-vo", "null", "-ao", "null", url)
	cmd.Env = append(os.Environ(), "HOME="+t.TempDir())
	p := start(t, cmd, false)
	return &watcher{
		program: p, bad: mplayerComplaints, excused: mplayerExcuses,
		frames: func(output string) int { return lastNumber(frame, output) },
		stop:   p.interrupt,
	}
}

// vlcCommand is VLC with a folder of its own, as a user it consents to.
func vlcCommand(t testing.TB, args ...string) *exec.Cmd {
	t.Helper()
	home, err := os.MkdirTemp("", "e2e-vlc-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(home) })
	cmd := exec.Command("vlc", append([]string{"--no-dbus", "--no-color", "--no-media-library", "--ignore-config"}, args...)...)
	cmd.Dir = home
	cmd.Env = append(os.Environ(), "HOME="+home, "XDG_RUNTIME_DIR="+home)
	if os.Getuid() == 0 {
		if err := os.Chown(home, nobody, nobody); err != nil {
			t.Fatal(err)
		}
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
	}
	return cmd
}

// VLC's own statistics, as its "stats" command prints them. What was decoded is
// shown or, on a busy machine, dropped as late; "video decoded" counts the
// packetizer's output as well.
var (
	vlcShown   = regexp.MustCompile(`frames displayed\s*:\s*(\d+)`)
	vlcLost    = regexp.MustCompile(`frames lost\s*:\s*(\d+)`)
	vlcCorrupt = regexp.MustCompile(`demux corrupted\s*:\s*(\d+)`)
	vlcBroken  = regexp.MustCompile(`discontinuities\s*:\s*(\d+)`)
)

// watchVLC starts VLC with its remote control, through which its statistics
// are asked for again and again.
func watchVLC(t testing.TB, url string) *watcher { return watchVLCWith(t, url) }

// watchVLCWith is watchVLC with further options.
func watchVLCWith(t testing.TB, url string, options ...string) *watcher {
	t.Helper()
	args := append([]string{"-v", "-I", "oldrc", "--rc-fake-tty", "--vout", "vdummy", "--aout", "adummy", "--play-and-exit"}, options...)
	p := start(t, vlcCommand(t, append(args, url)...), true)
	done := make(chan struct{})
	go ask(p, done)
	w := &watcher{
		program: p, bad: vlcComplaints, excused: vlcExcuses, ending: vlcEnding,
		frames: func(output string) int { return lastNumber(vlcShown, output) + lastNumber(vlcLost, output) },
		shown:  func(output string) int { return lastNumber(vlcShown, output) },
		more:   vlcFindings,
	}
	w.stop = func() {
		_, _ = p.stdin.Write([]byte("quit\n"))
		if err := p.end(); err != nil {
			p.t.Error(err)
		}
	}
	t.Cleanup(func() { close(done) })
	return w
}

// ask asks VLC for its statistics until it ends.
func ask(p *program, done chan struct{}) {
	tick := time.NewTicker(pollInterval)
	defer tick.Stop()
	for {
		select {
		case <-done:
			return
		case <-tick.C:
			if _, err := p.stdin.Write([]byte("stats\n")); err != nil {
				return
			}
		}
	}
}

// vlcFindings are what VLC's statistics say against a stream.
func vlcFindings(output string) (found []string) {
	if n := lastNumber(vlcCorrupt, output); n > 0 {
		found = append(found, fmt.Sprintf("its statistics count %d corrupted", n))
	}
	if n := lastNumber(vlcBroken, output); n > 0 {
		found = append(found, fmt.Sprintf("its statistics count %d discontinuities", n))
	}
	return found
}
