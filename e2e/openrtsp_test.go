//go:build e2e

package e2e

import (
	"os"
	"os/exec"
	"regexp"
	"strings"
	"syscall"
	"testing"
)

// openRTSP is live555's player, which shows nothing and writes what it gets. Debian 12 has
// no package of it.
const openRTSP = "openRTSP"

// withoutOpenRTSP leaves it out of players where it is not installed and nothing may be
// skipped: there is no package that could be asked for. Elsewhere its tests are skipped.
func withoutOpenRTSP(players []rtspKind) (out []rtspKind) {
	_, err := exec.LookPath(openRTSP)
	for _, k := range players {
		if k.binary != openRTSP || err == nil || os.Getenv("STREAMPUMP_NOSKIP") != "1" {
			out = append(out, k)
		}
	}
	return out
}

var (
	openRTSPComplaints = list(`^Failed`, `packets_lost\s+[1-9]`, `response code`)
	openRTSPExcuses    = list(`not enough frames to estimate rate`) // of ffmpeg, which is not told it
)

// watchOpenRTSP starts it, with ffmpeg behind it to decode the pictures. It asks for one
// transport only: for UDP unless it is told to use TCP.
func watchOpenRTSP(t testing.TB, url string, _ bool) *watcher {
	t.Helper()
	need(t, openRTSP, "ffmpeg")
	out, in, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	defer in.Close()
	get := exec.Command(openRTSP, "-t", "-v", "-Q", url)
	get.Stdout = in
	decode := exec.Command("ffmpeg", "-hide_banner", "-loglevel", "warning", "-stats", "-stats_period", "0.1",
		"-probesize", "5000", "-f", "h264", "-i", "-", "-f", "null", "-")
	decode.Stdin = out
	from, p := start(t, get, false), start(t, decode, false)
	frame := regexp.MustCompile(`frame=\s*(\d+)`)
	return &watcher{
		program: p, bad: ffmpegComplaints, excused: openRTSPExcuses, ending: ffmpegEnding,
		frames: func(output string) int { return lastNumber(frame, output) },
		more: func(string) []string {
			if err := from.end(); err != nil {
				return []string{err.Error()}
			}
			found := complaints(from.said(), openRTSPComplaints, nil)
			if !strings.Contains(from.said(), "num_packets_lost") {
				found = append(found, "it has not said how many packets it lacks")
			}
			return found
		},
		stop: func() { // with SIGHUP it ends its session, and ffmpeg ends behind it
			_ = from.cmd.Process.Signal(syscall.SIGHUP)
			for _, p := range []*program{from, p} {
				if err := p.end(); err != nil {
					t.Error(err)
				}
			}
		},
	}
}
