//go:build e2e

package e2e

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"testing"

	"streampump/e2e/rig"
	"streampump/engine"
)

// crowdKind is a player of a crowd.
type crowdKind struct {
	name string
	// most is how many of it play at once where they are by themselves.
	most  int
	watch func(t testing.TB, p *rig.Pump) *watcher
	// excuse takes what it says of a pause and of the stream's end off its complaints.
	excuse func(w *watcher)
}

// restartUnderCrowds has an encoder be killed and come back under players of all kinds, and
// with STREAMPUMP_LONG under many of each kind in turn. Output is where ffmpeg pushes to.
func restartUnderCrowds(t *testing.T, pump func(testing.TB) *rig.Pump, output func(*rig.Pump) []string, kinds []crowdKind) {
	restart := func(t *testing.T, each int, kinds ...crowdKind) {
		p := pump(t)
		restartUnder(t, p, output(p), each, kinds...)
	}
	t.Run("mixed", func(t *testing.T) { restart(t, 3, kinds...) })
	if os.Getenv(longStalls) == "" {
		return
	}
	for _, k := range kinds {
		t.Run(k.name, func(t *testing.T) { restart(t, k.most, k) })
	}
}

// restartUnder kills the encoder under so many players of each kind.
func restartUnder(t *testing.T, p *rig.Pump, output []string, each int, kinds ...crowdKind) {
	e := pushLight(t, p, output)
	var crowd []*watcher
	all := slices.Repeat(kinds, each)
	for some := range slices.Chunk(all, crowdStep) {
		for _, k := range some {
			w := k.watch(t, p)
			w.name = k.name
			crowd = append(crowd, w)
		}
		for _, w := range crowd[len(crowd)-len(some):] {
			w.decode(1)
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
	e = pushLight(t, p, output)
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
	for i, w := range crowd {
		var exit *exec.ExitError
		// A hundred that end at once may print for longer than one is waited for.
		if err := w.end(); err != nil && !errors.As(err, &exit) && !errors.Is(err, exec.ErrWaitDelay) {
			t.Error(err)
		}
		all[i].excuse(w)
		w.judge(w.said())
	}
	t.Logf("%d of %d players went on and ended with the stream", on, len(crowd))
}

const (
	// crowdStep is how many players start at once.
	crowdStep = 10
	// crowdMost is how many of a kind play at once.
	crowdMost = 100
)

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
func pushLight(t *testing.T, p *rig.Pump, output []string) *program {
	t.Helper()
	e := start(t, exec.Command("ffmpeg", slices.Concat([]string{"-nostdin", "-hide_banner", "-loglevel", "warning", "-re",
		"-f", "lavfi", "-i", fmt.Sprintf("testsrc=rate=%d:size=160x120", filmRate),
		"-f", "lavfi", "-i", "sine=frequency=440:sample_rate=48000",
		"-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-g", fmt.Sprint(filmRate), "-b:v", "100k",
		"-c:a", "aac", "-b:a", "32k"}, output)...), false)
	up(t, p, "live")
	return e
}

// watchFFmpegCopy starts ffmpeg as a recorder that decodes nothing; options are for its input.
func watchFFmpegCopy(t testing.TB, url string, options ...string) *watcher {
	t.Helper()
	return watchFFmpegTo(t, nil, url, options, "-c", "copy")
}
