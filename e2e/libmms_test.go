//go:build e2e

package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"streampump/bench/push"
)

// TestLibmms has libmms, which GStreamer, Kodi and MPD are made of, take a
// stream by its HTTP half and by the half that players call, and ffmpeg decode
// what it wrote.
func TestLibmms(t *testing.T) {
	tool := buildLibmms(t)
	p := startOrigin(t)
	encode(t, p, "pushed", &reel{footage: film(t, 20, 320), loop: true}, push.RunOptions{Pace: push.RealTime(1)})
	up(t, p, "clip", "pushed")
	for _, c := range []struct{ name, mode, scheme, path string }{
		{"clip", "mmsh", "mmsh", "clip"},
		{"pushed", "mmsh", "mmsh", "pushed"},
		{"mms", "mmsx", "mms", "pushed"},
		{"mmsx", "mmsx", "mmsh", "clip"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			out := filepath.Join(t.TempDir(), "taken.asf")
			run(t, tool, c.mode, c.scheme+"://"+local(p, false)+"/streams/"+c.path, "75", out)
			decodeFile(t, out, 60)
		})
	}
}

// buildLibmms compiles the harness.
func buildLibmms(t testing.TB) string {
	t.Helper()
	need(t, "cc", "ffmpeg")
	if _, err := os.Stat("/usr/include/libmms/mmsx.h"); err != nil {
		missing(t, "libmms-dev is not installed")
	}
	tool := filepath.Join(t.TempDir(), "libmms")
	out, err := exec.Command("cc", "-Wall", "-Wextra", "-Werror", "-o", tool, "testdata/libmms.c", "-lmms").CombinedOutput()
	if err != nil {
		t.Fatalf("the harness does not compile: %v\n%s", err, out)
	}
	return tool
}

// decodeFile has ffmpeg decode an ASF file of at least so many frames.
func decodeFile(t testing.TB, path string, frames int) {
	t.Helper()
	w := watchFFmpeg(t, path)
	w.over()
	if n := w.frames(w.said()); n < frames {
		t.Errorf("%d frames are in the file, want %d; ffmpeg prints:\n%s", n, frames, tail(strings.TrimSpace(w.said())))
	}
}
