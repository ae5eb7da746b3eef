//go:build e2e

package e2e

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"streampump/e2e/rig"
	"streampump/engine"
)

// longStalls is the variable that has tests take longer: more, and longer, of the same.
const longStalls = "STREAMPUMP_LONG"

// noise is the part of ffmpeg's command line that makes pictures of so many megabits a
// second, and sound.
func noise(megabits int) []string {
	rate := fmt.Sprintf("%dM", megabits)
	return []string{
		"-nostdin", "-hide_banner", "-loglevel", "warning", "-re",
		"-f", "lavfi", "-i", fmt.Sprintf("testsrc=rate=%d:size=320x240,noise=alls=40:allf=t", filmRate),
		"-f", "lavfi", "-i", "sine=frequency=440:sample_rate=48000", "-c:a", "aac",
		"-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-g", fmt.Sprint(filmRate),
		"-b:v", rate, "-maxrate", rate, "-bufsize", "1M",
	}
}

// startNoise has ffmpeg make them, from where a prefix says, and push them as output says.
func startNoise(t *testing.T, prefix []string, megabits int, output ...string) {
	t.Helper()
	command := append(append(slices.Clone(prefix), "ffmpeg"), append(noise(megabits), output...)...)
	start(t, exec.Command(command[0], command[1:]...), false)
}

// startTapedPump starts a pump in a network whose viewers may stop for a minute.
func startTapedPump(t *testing.T, n *network, kind string) *pump {
	t.Helper()
	return startPump(t, rig.Options{
		Config: fmt.Sprintf(`"backlog": {"duration": "8s", "max_lag": "3s"}, "timeouts": {"viewer_stall": "75s"}, "streams": [{"type": %q, "path": "live"}]`, kind),
		Listen: fmt.Sprintf("0.0.0.0:%d", netPort), Prefix: n.prefix(),
	}, dialFrom(n.pump()))
}

// checkStalls has viewers of a fast link, 0, stop for so long, beside one that does not and
// one of a slow link, 1, and has the films of all decoded.
func checkStalls(t *testing.T, p *pump, stops []time.Duration, tape func(link int) *taped) {
	t.Helper()
	whole, slow := tape(0), tape(1)
	var stalled []*taped
	var wait sync.WaitGroup
	for _, stop := range stops {
		v := tape(0)
		stalled = append(stalled, v)
		wait.Go(func() {
			v.seconds(3)
			v.stop()
			time.Sleep(stop) // it is what is tested
			v.resume()
			v.gaps(1)
			v.seconds(3)
			v.leave()
		})
	}
	wait.Wait()
	slow.gaps(2)
	slow.seconds(1)
	for _, v := range []*taped{whole, slow} {
		v.leave()
	}
	whole.decode(t, "healthy", 0)
	slow.decode(t, "slow", 2)
	for i, v := range stalled {
		v.decode(t, fmt.Sprintf("stops for %v", stops[i]), 1)
	}
	p.await("nobody was closed", func(s engine.Snapshot) bool { return s.Viewers == 0 })
	if s := p.status(); s.Closes["viewer_stalled"]+s.Closes["write_failed"] > 0 || s.Skips < uint64(len(stops)) {
		t.Errorf("%d skips; closed: %v", s.Skips, s.Closes)
	}
}

// taped is a viewer in the background that keeps the film that it gets, as the bytes of a
// file. It can be stopped: then it does not read, as a player that hangs.
type taped struct {
	t    testing.TB
	conn io.Closer
	done chan struct{}

	mu      sync.Mutex
	wake    sync.Cond
	stopped bool
	err     error

	film   []byte
	format []string      // options that tell ffmpeg what it is
	fresh  bool          // nothing has come since the beginning, or since a gap
	played time.Duration // how long the pictures are that came one behind the other
	// pictures is how many there are in it; 0 if that cannot be told without decoding them.
	pictures int
	holes    int
	wrong    []string
}

// newTaped makes one of a film in a format; what it plays comes over conn.
func newTaped(t testing.TB, conn io.Closer, format ...string) *taped {
	v := &taped{t: t, conn: conn, done: make(chan struct{}), fresh: true, format: format}
	v.wake.L = &v.mu
	return v
}

// play starts it: read waits for what comes next, and gives what takes that.
func (v *taped) play(read func() (take func() error, err error)) {
	go v.run(read)
	v.t.Cleanup(v.leave)
}

// run reads until the connection ends.
func (v *taped) run(read func() (take func() error, err error)) {
	defer close(v.done)
	for err := error(nil); err == nil; v.wake.Broadcast() {
		v.mu.Lock()
		for v.stopped {
			v.wake.Wait()
		}
		v.mu.Unlock()
		var take func() error
		take, err = read()
		v.mu.Lock()
		if err == nil {
			err = take()
		}
		v.err = err
		v.mu.Unlock()
	}
}

// amiss notes something that is wrong with what came.
func (v *taped) amiss(format string, args ...any) {
	v.wrong = append(v.wrong, fmt.Sprintf(format, args...))
}

// stop has it read no more, behind the read it is in, and resume has it read again.
func (v *taped) stop()   { v.set(true) }
func (v *taped) resume() { v.set(false) }

func (v *taped) set(stopped bool) {
	v.mu.Lock()
	v.stopped = stopped
	v.mu.Unlock()
	v.wake.Broadcast()
}

// seconds waits for so many seconds more of the film, and gaps for so many gaps in all.
func (v *taped) seconds(n int) {
	v.mu.Lock()
	want := v.played + time.Duration(n)*time.Second
	v.mu.Unlock()
	v.await(fmt.Sprintf("%d seconds more", n), func() bool { return v.played >= want })
}

func (v *taped) gaps(n int) {
	v.await(fmt.Sprintf("%d gaps", n), func() bool { return v.holes >= n })
}

// await waits until ok says yes.
func (v *taped) await(what string, ok func() bool) {
	late := false
	timer := time.AfterFunc(patience, func() {
		v.mu.Lock()
		late = true
		v.mu.Unlock()
		v.wake.Broadcast()
	})
	defer timer.Stop()
	v.mu.Lock()
	defer v.mu.Unlock()
	for !ok() && !late && v.err == nil {
		v.wake.Wait()
	}
	if !ok() {
		v.t.Errorf("a viewer waits for %s: not so: %v; %d gaps, %v", what, v.err, v.holes, v.played)
	}
}

// leave ends it as a player that is closed; what it was sent until then stays.
func (v *taped) leave() {
	v.resume()
	_ = v.conn.Close()
	<-v.done
}

// decode has ffmpeg decode the film, which has at least so many gaps, or none.
func (v *taped) decode(t *testing.T, name string, gaps int) {
	t.Helper()
	for _, wrong := range v.wrong {
		t.Errorf("%s: %s", name, wrong)
	}
	if v.holes < gaps || gaps == 0 && v.holes > 0 {
		t.Errorf("%s: %d gaps", name, v.holes)
	}
	path := filepath.Join(t.TempDir(), "film")
	if err := os.WriteFile(path, v.film, 0o600); err != nil {
		t.Fatal(err)
	}
	args := append([]string{"-nostdin", "-hide_banner", "-loglevel", "warning", "-stats", "-xerror", "-err_detect", "explode"}, v.format...)
	p := start(t, exec.Command("ffmpeg", append(args, "-i", path, "-fps_mode", "passthrough", "-f", "null", "-")...), false)
	if err := p.end(); err != nil {
		t.Errorf("%s: ffmpeg: %v\n%s", name, err, tail(p.said()))
	}
	for _, line := range complaints(p.said(), list(`^\[`, `[Ee]rror`, `[Ii]nvalid`), nil) {
		t.Errorf("%s: ffmpeg says: %s", name, line)
	}
	frames := lastNumber(frameCount, p.said())
	// Of each stretch the last picture may be cut: it is left out, or is one more.
	if least := int(v.played * filmRate / time.Second); frames < least || frames > least+v.holes+1 {
		t.Errorf("%s: %d pictures were decoded, and %d have come, or up to %d more", name, frames, least, v.holes+1)
	}
	if v.pictures > 0 && frames != v.pictures {
		t.Errorf("%s: %d pictures were decoded of %d", name, frames, v.pictures)
	}
	t.Logf("%s: %d gaps, %d pictures decoded of %v, %d bytes", name, v.holes, frames, v.played, len(v.film))
}
