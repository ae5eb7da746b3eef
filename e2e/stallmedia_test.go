//go:build e2e

package e2e

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"testing"
	"time"

	"streampump/bench/player"
	"streampump/bench/push"
	"streampump/codec/asf"
	"streampump/e2e/rig"
)

// gapExcuses are what ffmpeg may say about the gap itself, besides what it says
// on a good stream: sound that was cut in the middle of an object. A picture
// may not be damaged: video goes on at a key frame.
var gapExcuses = append(list(
	`freeing incomplete packet size`,
), ffmpegExcuses...)

// What a viewer got that stopped for 20 seconds is a film with a hole: ffmpeg
// decodes it from its first picture to its last without a complaint.
func TestStalledReadersFilmDecodes(t *testing.T) {
	need(t, "ffmpeg")
	t.Parallel()
	n := newNetwork(t, 1)
	n.slow(0, "30mbit")
	p := startPump(t, rig.Options{
		Config: `"backlog": {"duration": "8s", "max_lag": "4s"}, "streams": [{"type": "mmsh_push", "path": "live"}]`,
		Listen: fmt.Sprintf("0.0.0.0:%d", netPort), Prefix: n.prefix(),
	}, dialFrom(n.pump()))
	film := film(t, 60, 320)
	startSource(t, p, dialFrom(n.pump()), n.address(0), "live", &reel{footage: film}, push.RealTime(1))

	var whole, holed bytes.Buffer
	watch := func(name string, tee *bytes.Buffer) *reader {
		return startReader(t, watching{
			name: name, opts: player.Options{Object: anyObject}, tee: tee,
			dial: dialFrom(n.viewers(0)), addr: n.address(0), path: "live",
		})
	}
	healthy, stalled := watch("healthy", &whole), watch("stalled", &holed)
	stalled.await(t, "five seconds", func(c player.Counts) bool { return c.SendTime > 5000 })
	stalled.stop()
	time.Sleep(20 * time.Second)
	stalled.resume()
	stalled.checkBack(t, 1, healthy)
	stalled.await(t, "five seconds more", func(c player.Counts) bool { return c.SendTime > 33000 })
	healthy.whole(t)
	healthy.leave()
	stalled.leave()

	full := decode(t, writeFilm(t, film, whole.Bytes()), ffmpegExcuses)
	some := decode(t, writeFilm(t, film, holed.Bytes()), gapExcuses)
	t.Logf("%d frames of the healthy viewer, %d of the stalled one", full, some)
	const hole = 25 * 25 / 2 // frames of half the time it did not read, at 25 a second
	if some < 200 || some > full-hole/2 {
		t.Errorf("the stalled viewer has %d frames of %d", some, full)
	}
}

// anyObject checks nothing of a media object: real media have no pattern.
func anyObject(*player.Object) error { return nil }

// leave ends the reader as a player does that is closed.
func (r *reader) leave() {
	_ = r.conn.Close()
	<-r.done
}

// writeFilm makes a file of what a viewer got: the header, and the data packets
// with their padding put back.
func writeFilm(t *testing.T, f *footage, body []byte) (path string) {
	t.Helper()
	var out []byte
	var framing player.Framing
	for len(body) > 0 {
		n, p, ok, err := framing.Next(body)
		if err != nil {
			t.Fatal(err)
		}
		body = body[n:]
		switch {
		case ok && p.Kind == player.KindHeader:
			out = append(out, p.Payload...)
		case ok && p.Kind == player.KindData:
			if out, err = asf.AppendInflated(out, p.Payload, f.size); err != nil {
				t.Fatal(err)
			}
		}
	}
	path = filepath.Join(t.TempDir(), "got.asf")
	if err := os.WriteFile(path, out, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

var frameCount = regexp.MustCompile(`frame=\s*(\d+)`)

// decode decodes a file with ffmpeg and returns the number of pictures; what
// ffmpeg complains of and no excuse covers fails the test.
func decode(t *testing.T, path string, excuses []*regexp.Regexp) (frames int) {
	t.Helper()
	out := ffmpegDecode(t, path)
	for _, line := range complaints(out, append(list(`.`), ffmpegComplaints...), append(list(`^frame=|^$|^size=|^video:`), excuses...)) {
		t.Errorf("ffmpeg says: %s", line)
	}
	all := frameCount.FindAllStringSubmatch(out, -1)
	if len(all) == 0 {
		t.Fatalf("ffmpeg decoded nothing:\n%s", tail(out))
	}
	frames, _ = strconv.Atoi(all[len(all)-1][1])
	return frames
}

// ffmpegDecode is everything that ffmpeg prints while it decodes a file.
func ffmpegDecode(t *testing.T, path string) string {
	t.Helper()
	p := start(t, exec.Command("ffmpeg", "-nostdin", "-loglevel", "warning", "-stats", "-i", path, "-f", "null", "-"), false)
	if err := p.end(); err != nil {
		t.Fatalf("ffmpeg: %v\n%s", err, tail(p.said()))
	}
	return p.said()
}
