//go:build e2e

package e2e

import (
	"maps"
	"sync"
	"testing"
	"time"

	"streampump/bench/flvsynth"
	"streampump/bench/rtmpclient"
	"streampump/engine"
)

// TestRTMPRestartUnderManyViewers: an encoder is killed inside a key frame, under many
// viewers, and comes back with other times and, the second time, another header. All go on at
// a key frame, which their checkers prove, and the tracks stay together.
func TestRTMPRestartUnderManyViewers(t *testing.T) {
	const many = 100
	p := rtmpPump(t, "")
	first := flvsynth.Plain()
	again, other := first.Again(), first.Again().Other()
	e := publishRTMP(t, p, "live", first)
	up(t, p, "live")
	var viewers []*rtmpViewer
	for range many {
		viewers = append(viewers, viewRTMP(t, p, "live", first, again, other))
	}
	all := func(what string, ok func(flvsynth.Counts) bool) {
		t.Helper()
		var wait sync.WaitGroup
		for _, v := range viewers {
			wait.Go(func() { v.await(what, ok) })
		}
		if wait.Wait(); t.Failed() {
			t.FailNow()
		}
	}
	all("it plays", func(n flvsynth.Counts) bool { return n.Decodes && n.Tags[flvsynth.Audio] > 0 })
	for _, next := range []flvsynth.Spec{again, other} {
		e.stop()
		if err := e.Publisher.Send(t.Context(), e.ToKey()); err != nil {
			t.Fatal(err)
		}
		half := rtmpclient.AppendMessage(nil, e.Message(e.Next()), e.Conn.Size)
		if err := e.Conn.Send(t.Context(), half[:len(half)/2]); err != nil {
			t.Fatal(err)
		}
		e.kill()
		p.AwaitStatus("the viewers are held", func(s engine.Snapshot) bool {
			return streamOf(s, "live").State == engine.SourceHeld.String()
		})
		e = publishRTMP(t, p, "live", next)
		all("it goes on", func(n flvsynth.Counts) bool {
			return n.Run == [2]uint32{next.Run, next.Run} && n.Newest[flvsynth.Video] > 60 && n.Newest[flvsynth.Audio] > 75
		})
	}
	if s := p.Status(); s.Viewers != many || s.Skips != 0 || !maps.Equal(s.Closes, map[string]uint64{"push_lost": 2}) {
		t.Errorf("%d viewers of %d, %d skips; closed: %v", s.Viewers, many, s.Skips, s.Closes)
	}
	e.finish()
	for _, v := range viewers {
		v.over()
		c := v.seen()
		if apart := (c.Shifts[flvsynth.Video] - c.Shifts[flvsynth.Audio]).Abs(); apart > time.Millisecond {
			t.Errorf("%s: pictures and sound are %v apart now", v.name, apart)
		}
		if c.Splices != [2]int{2, 2} || c.Gaps != [2]int{} {
			t.Errorf("%s: %+v", v.name, c)
		}
	}
	t.Logf("%d viewers went on: %+v", len(viewers), viewers[0].seen())
}
