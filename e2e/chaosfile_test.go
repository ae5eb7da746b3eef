//go:build e2e

package e2e

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"streampump/bench/player"
	"streampump/bench/synth"
	"streampump/e2e/rig"
)

// clipPackets is how long the clips are: a second and a half.
const clipPackets = 60

// writeClip puts an ASF file in the place of path at once, as an operator does
// who moves a new one there.
func writeClip(t *testing.T, path string, spec synth.Spec) {
	t.Helper()
	spec.Packets = clipPackets
	e, err := synth.New(spec)
	if err != nil {
		t.Fatal(err)
	}
	b := append([]byte(nil), e.Header()...)
	for {
		packet, _, err := e.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		b = append(b, packet...)
	}
	replace(t, path, b)
}

// replace puts bytes in the place of a file at once.
func replace(t *testing.T, path string, b []byte) {
	t.Helper()
	if err := os.WriteFile(path+".new", b, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(path+".new", path); err != nil {
		t.Fatal(err)
	}
}

// epochs checks the bytes of media objects and remembers the newest object's
// epoch: which file it is from. A clip that is looped begins its row again, so
// the row is not checked.
type epochs struct{ now atomic.Uint32 }

func (e *epochs) check(o *player.Object) error {
	m, err := synth.CheckObject(o.Data)
	e.now.Store(uint32(m.Epoch))
	return err
}

// A file that is replaced while it is played takes its turn at the loop point,
// in the same stream if its header is equivalent; one that cannot be played is
// reported and the old one goes on; one of another kind ends the stream of
// players that cannot follow.
func TestFileReplacedWhileItIsPlayed(t *testing.T) {
	t.Parallel()
	path := filepath.Join(rig.Reachable(t), "clip.wmv")
	spec := megabit()
	writeClip(t, path, spec)
	p := startPump(t, rig.Options{Config: fmt.Sprintf(`"streams": [{"type": "file", "path": "clip", "source_options": {"file": %q}}]`, path)}, plainDial)
	p.awaitUp("clip")
	var from epochs
	r := startReader(t, watching{name: "viewer", addr: p.Addr.String(), path: "clip",
		opts: player.Options{Splices: -1, Object: from.check}})
	epoch := func(want uint32) {
		t.Helper()
		r.await(t, fmt.Sprintf("objects of file %d", want), func(player.Counts) bool { return from.now.Load() == want })
	}
	r.more(t, 2*clipPackets) // past the first loop point
	epoch(0)

	writeClip(t, path, spec.Again())
	epoch(1)

	bad := []struct {
		name    string
		replace func()
		why     string
	}{
		{"no-asf", func() { replace(t, path, []byte(strings.Repeat("no clip. ", 1000))) }, path},
		{"empty", func() { replace(t, path, nil) }, "ends before its first packet"},
		{"gone", func() { _ = os.Remove(path) }, "no such file"},
	}
	for _, b := range bad {
		b.replace()
		p.Await("the old file is still played", b.why)
		r.more(t, 2*clipPackets)
		epoch(1)
	}

	writeClip(t, path, spec.Again().Again())
	epoch(2)
	// These files end in the middle of an object, and a gap tells of each.
	if c := r.seen(); c.Headers != 1 || c.Missing != c.Gaps || c.Cut < c.Gaps {
		t.Errorf("over all these files the viewer saw %+v", c)
	}
	r.alive(t)

	writeClip(t, path, spec.Other())
	if err := r.ended(t); err != nil || !r.seen().Ended {
		t.Errorf("a file of another kind came, and the viewer's stream ended with %v: %+v", err, r.seen())
	}
	p.awaitUp("clip")
	next := startReader(t, watching{name: "next", addr: p.Addr.String(), path: "clip",
		opts: player.Options{Splices: -1, Object: from.check}})
	next.more(t, 2*clipPackets)
	next.alive(t)
	p.checkBuffers()
}
