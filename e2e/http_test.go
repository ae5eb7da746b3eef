//go:build e2e

package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"streampump/bench/push"
)

// TestRawHTTP: programs that do not speak MMSH get an ASF file without an end,
// and players find the stream through its playlist.
func TestRawHTTP(t *testing.T) {
	p := startOrigin(t)
	f := film(t, 20, 320)
	encode(t, p, "pushed", &reel{footage: f, loop: true}, push.RunOptions{Pace: push.RealTime(1)})
	up(t, p, "clip", "pushed")
	kinds := kinds()
	ffmpeg, vlc := kinds[0], kinds[1]
	t.Run("ffmpeg", func(t *testing.T) { play(t, ffmpeg, "http", local(p, false), "pushed") })
	t.Run("vlcPlaylist", func(t *testing.T) { play(t, vlc, "http", local(p, false), "clip.asx") })
	t.Run("curl", func(t *testing.T) {
		need(t, "curl")
		path := filepath.Join(t.TempDir(), "taken.asf")
		curl := start(t, exec.Command("curl", "-sS", "--no-buffer", "-o", path, "http://"+local(p, false)+"/streams/pushed"), false)
		awaitSize(t, curl, path, len(f.header)+75*f.size)
		curl.interrupt()
		wholePackets(t, path, len(f.header), f.size)
		decodeFile(t, path, 60)
	})
}

// awaitSize waits until a program has written a file of so many bytes.
func awaitSize(t testing.TB, p *program, path string, size int) {
	t.Helper()
	ticker(t, func() bool {
		info, err := os.Stat(path)
		return err == nil && info.Size() >= int64(size)
	}, p.name+" has not written enough")
}

// wholePackets cuts a file behind its last whole packet.
func wholePackets(t testing.TB, path string, header, packet int) {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	packets := (int(info.Size()) - header) / packet
	if err := os.Truncate(path, int64(header+packets*packet)); err != nil {
		t.Fatal(err)
	}
}
