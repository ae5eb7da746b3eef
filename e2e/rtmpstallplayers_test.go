//go:build e2e

package e2e

import (
	"fmt"
	"syscall"
	"testing"
	"time"

	"streampump/engine"
)

// TestRTMPStalledPlayers: each player hangs, so that the pump leaves a stretch out for it, and
// goes on when it is woken.
func TestRTMPStalledPlayers(t *testing.T) {
	const stop = 6 * time.Second
	n := newNetwork(t, 1)
	p := startTapedPump(t, n, "rtmp_push")
	startNoise(t, n.prefix(), 4, "-f", "flv", fmt.Sprintf("rtmp://127.0.0.1:%d/streams/live", netPort))
	p.awaitUp("live")
	var all []*watcher
	for _, k := range rtmpKinds() {
		need(t, k.binary)
		if err := inside(n.viewers(0), func() error { // what it starts is there too
			all = append(all, k.rtmpWatch(t, fmt.Sprintf("rtmp://%s/streams/live", n.address(0))))
			all[len(all)-1].name = k.name
			return nil
		}); err != nil {
			t.Fatal(err)
		}
	}
	had := map[*watcher]int{}
	for _, w := range all {
		w.decode(filmRate)
	}
	for _, w := range all {
		had[w] = w.frames(w.said())
		w.signal(syscall.SIGSTOP)
	}
	time.Sleep(stop) // it is what is tested
	for _, w := range all {
		w.signal(syscall.SIGCONT)
	}
	p.await("a stretch is left out for each", func(s engine.Snapshot) bool { return s.Skips >= uint64(len(all)) })
	for _, w := range all {
		// Some count no pictures, and tell where they are: it is more than the gap.
		if !w.reaches(had[w] + int(stop/time.Second+2)*filmRate) {
			t.Errorf("%s did not go on: it had %d pictures and has %d; it printed:\n%s", w.name, had[w], w.frames(w.said()), tail(w.said()))
		}
	}
	if s := p.status(); s.Viewers != int64(len(all)) {
		t.Errorf("%d viewers of %d; closed: %v", s.Viewers, len(all), s.Closes)
	}
	for _, w := range all {
		w.excuse(rtmpPause)
		if w.name == "vlc" {
			w.excuse(vlcWoken)
		}
		w.finish()
	}
}

// vlcWoken is what VLC may say of a picture where it was woken: what it holds is late, and it
// leaves out what others refer to. That the stream itself is whole is proven by those that are
// taped.
var vlcWoken = list(`Missing reference picture`, `decode_slice_header error`)

// signal sends one.
func (p *program) signal(s syscall.Signal) {
	p.t.Helper()
	if err := p.cmd.Process.Signal(s); err != nil {
		p.t.Error(err)
	}
}
