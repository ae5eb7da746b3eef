//go:build e2e

package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// demuxer is an ffmpeg that copies a stream, undecoded, into hashes.
type demuxer struct {
	*program
	frames, streams string // files
}

// demux starts one for a URL or a file.
func demux(t testing.TB, url string) *demuxer {
	t.Helper()
	dir := t.TempDir()
	d := &demuxer{frames: filepath.Join(dir, "frames"), streams: filepath.Join(dir, "streams")}
	d.program = start(t, exec.Command("ffmpeg", "-nostdin", "-hide_banner", "-loglevel", "warning", "-i", url,
		"-map", "0", "-c", "copy", "-f", "framemd5", d.frames,
		"-map", "0", "-c", "copy", "-f", "streamhash", d.streams), false)
	return d
}

// frame is one line of ffmpeg's framemd5.
type frame struct {
	stream, size, hash string
}

// demuxed is what came out: each stream's frames, and a hash of each stream.
type demuxed struct {
	frames  map[string][]frame
	streams string
}

// result waits for the end of the stream.
func (d *demuxer) result() *demuxed {
	d.t.Helper()
	if err := d.end(); err != nil {
		d.t.Fatalf("ffmpeg: %v\n%s", err, tail(d.said()))
	}
	for _, line := range complaints(d.said(), ffmpegComplaints, append(slices.Clone(ffmpegExcuses), ffmpegEnding...)) {
		d.t.Errorf("ffmpeg complains: %s", line)
	}
	r := &demuxed{frames: map[string][]frame{}, streams: readText(d.t, d.streams)}
	for line := range strings.Lines(readText(d.t, d.frames)) {
		// stream, dts, pts, duration, size, hash
		c := strings.Split(strings.ReplaceAll(strings.TrimSpace(line), " ", ""), ",")
		if len(c) == 6 && !strings.HasPrefix(line, "#") {
			r.frames[c[0]] = append(r.frames[c[0]], frame{c[0], c[4], c[5]})
		}
	}
	return r
}

func readText(t testing.TB, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// isWhole checks that what was received is all of the source.
func (d *demuxed) isWhole(t testing.TB, name string, got *demuxed) {
	t.Helper()
	if d.streams != got.streams || !strings.Contains(d.streams, "=") {
		t.Errorf("%s: the hashes of the streams are\n%snot\n%s", name, got.streams, d.streams)
	}
	for stream, frames := range d.frames {
		if !slices.Equal(frames, got.frames[stream]) {
			t.Errorf("%s: stream %s has %d frames that are not the source's %d", name, stream, len(got.frames[stream]), len(frames))
		}
	}
}

// isTail checks that what was received is the end of the source, all streams
// from some frame on to the last.
func (d *demuxed) isTail(t testing.TB, name string, got *demuxed) {
	t.Helper()
	if len(got.frames) != len(d.frames) {
		t.Errorf("%s: there are %d streams, want %d", name, len(got.frames), len(d.frames))
	}
	for stream, frames := range d.frames {
		n := len(got.frames[stream])
		if n < enough/4 || n >= len(frames) {
			t.Errorf("%s: stream %s has %d frames, the source %d", name, stream, n, len(frames))
			continue
		}
		if !slices.Equal(frames[len(frames)-n:], got.frames[stream]) {
			t.Errorf("%s: the %d frames of stream %s are not the source's last", name, n, stream)
		}
	}
}
