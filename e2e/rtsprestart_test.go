//go:build e2e

package e2e

import (
	"maps"
	"sync"
	"testing"
	"time"

	"streampump/bench/rtpsynth"
	"streampump/e2e/rig"
	"streampump/engine"
)

// TestRTSPRestartUnderManyViewers: an encoder is killed inside a key frame, under viewers
// over TCP and over UDP, and comes back with other numbers, times and identities. All go on, at a key frame, with
// the SSRCs that they had and without a hole in the numbers, which their checkers prove.
func TestRTSPRestartUnderManyViewers(t *testing.T) {
	const each = 50 // over TCP, and as many over UDP
	p := rtspPump(t, rig.UDPPorts(t))
	first := rtpsynth.Plain()
	again := first.Again()
	e := publish(t, p, "live", first)
	up(t, p, "live")
	var viewers []*rtspViewer
	for i := range 2 * each {
		viewers = append(viewers, viewRTSP(t, p, "live", i%2 == 1, first, again))
	}
	all := func(what string, ok func(rtpsynth.Counts) bool) {
		t.Helper()
		var wait sync.WaitGroup
		for _, v := range viewers {
			wait.Go(func() { v.await(what, ok) })
		}
		if wait.Wait(); t.Failed() {
			t.FailNow()
		}
	}
	all("it plays", func(n rtpsynth.Counts) bool { return n.Decodes && n.Packets[rtpsynth.Audio] > 0 })
	ssrcs := viewers[0].ssrcs()

	e.stop()
	e.send(e.PicturesTo() + 4) // into a key frame, and not to its end
	if !e.Inside() {
		t.Fatal("the encoder is not inside a picture")
	}
	e.kill()
	p.AwaitStatus("the viewers are held", func(s engine.Snapshot) bool {
		return streamOf(s, "live").State == engine.SourceHeld.String()
	})
	e = publish(t, p, "live", again)
	all("it goes on", func(n rtpsynth.Counts) bool {
		return n.Run == [2]uint32{again.Run, again.Run} && n.Newest[rtpsynth.Video] > 200 && n.Newest[rtpsynth.Audio] > 80
	})
	if s := p.Status(); s.Viewers != 2*each || s.Skips != 0 || !maps.Equal(s.Closes, map[string]uint64{"push_lost": 1}) {
		t.Errorf("%d viewers of %d, %d skips; closed: %v", s.Viewers, 2*each, s.Skips, s.Closes)
	}

	e.finish()
	for _, v := range viewers {
		v.over(e.Sent)
		c := v.Counts()
		if apart := (c.Shifts[rtpsynth.Video] - c.Shifts[rtpsynth.Audio]).Abs(); apart > time.Millisecond {
			t.Errorf("%s: pictures and sound are %v apart now", v.name, apart)
		}
		if c.Splices != [2]int{1, 1} || c.Gaps != [2]int{} || v.ssrcs() != ssrcs {
			t.Errorf("%s: %+v, SSRCs %08x before and %08x now", v.name, c, ssrcs, v.ssrcs())
		}
	}
	t.Logf("%d viewers went on: %+v", len(viewers), viewers[0].Counts())
}
