//go:build e2e

package e2e

import (
	"os/exec"
	"strings"
	"testing"

	"streampump/e2e/rig"
)

// TestPlayersPlayTheBench has real players play what the bench's encoder pushes
// to a real pump, in the shapes it can be asked for: without a complaint.
func TestPlayersPlayTheBench(t *testing.T) {
	p := rig.Start(t, rig.Options{Config: `"streams": [{"type": "mmsh_push", "path": "live"}]`})
	bench := buildBench(t)
	for _, c := range []struct {
		name  string
		shape string
		all   bool // all players, not ffmpeg alone
	}{
		{"plain", "", false},
		{"multiple", "--multiple --audio --script --bitrate 1M", true},
		{"stripped", "--strip --audio --script", true},
		{"stripped-multiple", "--strip --multiple --audio --script --packet-size 8223 --bitrate 600k", false},
		{"small-packets", "--multiple --audio --script --packet-size 163", false},
		{"large-packets", "--multiple --audio --script --packet-size 65000 --bitrate 3M", false},
		{"slow", "--bitrate 64k --multiple --gop 50", false},
		{"key-frames-alone", "--gop 1 --strip", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			end := benchEncoder(t, p, bench, "live", p.URL("http", "live_push"), strings.Fields(c.shape)...)
			t.Cleanup(end) // when they have played
			for _, k := range kinds() {
				if k.name == "ffmpeg" || c.all {
					t.Run(k.name, func(t *testing.T) {
						t.Parallel()
						playAndShow(t, k, p.Addr.String(), "live")
					})
				}
			}
		})
	}
	t.Run("sound-alone", func(t *testing.T) {
		end := benchEncoder(t, p, bench, "live", p.URL("http", "live_push"), "--no-video", "--script")
		hear(t, p.URL("mmsh", "live"))
		end()
	})
}

// playAndShow is play, for pictures that must be in time as well.
func playAndShow(t *testing.T, k kind, addr, path string) {
	t.Helper()
	need(t, k.binary)
	w := k.start(t, k.scheme+"://"+addr+"/streams/"+path)
	w.decode(enough)
	w.show(enough / 2)
	w.finish()
}

// hear has ffmpeg decode sound, and not complain.
func hear(t *testing.T, url string) {
	t.Helper()
	need(t, "ffmpeg")
	p := start(t, exec.Command("ffmpeg", "-nostdin", "-hide_banner", "-loglevel", "warning",
		"-i", url, "-map", "0:a", "-frames:a", "100", "-f", "null", "-"), false)
	if err := p.end(); err != nil {
		t.Errorf("ffmpeg: %v", err)
	}
	for _, line := range complaints(p.said(), ffmpegComplaints, ffmpegExcuses) {
		t.Errorf("ffmpeg complains: %s", line)
	}
}
