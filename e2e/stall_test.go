//go:build e2e

package e2e

import (
	"fmt"
	"testing"
	"time"

	"streampump/bench/player"
	"streampump/e2e/rig"
	"streampump/engine"
)

// flat is how much the pump's memory may grow while viewers are stalled: nothing is
// held for them, and this is four segments of the backlog.
const flat = 256 << 10

// spareBuffers is how many packet buffers may be out beyond one for each packet
// of the backlog and one for each viewer that stopped inside a packet: trimmed
// copies of key packets and what rests until the next sweep. Packets of full
// size have no form of their own for raw ASF.
const spareBuffers = 40

// startStallPump starts a pump in the network's namespace with one stream.
func startStallPump(t *testing.T, n *network, config string) *pump {
	t.Helper()
	p := startPump(t, rig.Options{
		Config: config + `"streams": [{"type": "mmsh_push", "path": "live"}]`,
		Listen: fmt.Sprintf("0.0.0.0:%d", netPort),
		Prefix: n.prefix(),
	}, dialFrom(n.pump()))
	startFeed(t, p, dialFrom(n.pump()), n.address(0), "live", megabit())
	return p
}

// fill waits until the backlog holds as much as it ever will, so that memory
// that is measured from then on is not the backlog's.
func (p *pump) fill(backlog time.Duration) {
	p.t.Helper()
	first := p.status().Uptime
	p.await("the backlog is full", func(s engine.Snapshot) bool { return s.Uptime >= first+backlog+2*time.Second })
}

// Readers that stop for 5, 20 and 60 seconds: the first is back before it is
// too far behind and misses nothing; the others miss one stretch and go on at a
// key frame of the present. Nobody else notices, and the pump holds nothing.
func TestStalledReadersGoOnAtAKeyFrame(t *testing.T) {
	t.Parallel()
	n := newNetwork(t, 1)
	n.slow(0, "30mbit") // the bottleneck is not the rate but who reads
	p := startStallPump(t, n, `"backlog": {"duration": "11s", "max_lag": "10s"}, "timeouts": {"viewer_stall": "75s"},`)
	watch := func(name string, c player.Client) *reader {
		return startReader(t, watching{name: name, client: c, opts: player.Options{Plain: c.Plain},
			dial: dialFrom(n.viewers(0)), addr: n.address(0), path: "live"})
	}
	healthy := []*reader{watch("healthy-mplayer", player.MPlayer()), watch("healthy-curl", player.Curl()), watch("healthy-vlc", player.VLC())}
	stalls := []struct {
		stop time.Duration
		gaps int64
		r    *reader
	}{
		{5 * time.Second, 0, watch("stops-5s", player.MPlayer())},
		{20 * time.Second, 1, watch("stops-20s", player.FFmpeg())},
		{60 * time.Second, 1, watch("stops-60s", player.VLC())},
		{20 * time.Second, 1, watch("stops-20s-plain", player.Curl())},
	}
	p.fill(11 * time.Second)
	before := p.held()

	began := time.Now()
	for _, s := range stalls {
		s.r.stop()
	}
	most, buffers := int64(0), int64(0)
	for _, s := range []int{0, 1, 3, 2} { // in the order of their stops
		time.Sleep(time.Until(began.Add(stalls[s].stop)))
		most = max(most, p.held())
		buffers = max(buffers, p.checkBuffers())
		stalls[s].r.resume()
	}
	for _, s := range stalls {
		t.Run(s.r.name, func(t *testing.T) { s.r.checkBack(t, s.gaps, healthy[0]) })
	}
	for _, r := range healthy {
		r.whole(t)
	}
	t.Logf("held before %d KiB, at most %d KiB later; at most %d packet buffers; %d skips",
		before>>10, most>>10, buffers, p.status().Skips)
	if most-before > flat {
		t.Errorf("the pump's memory grew by %d KiB while viewers were stalled", (most-before)>>10)
	}
}

// checkBuffers fails the test if more packet buffers are out than the backlog
// and the stopped viewers account for.
func (p *pump) checkBuffers() int64 {
	p.t.Helper()
	s := p.status()
	bound := spareBuffers + s.Viewers
	for _, st := range s.Streams {
		bound += int64(st.BacklogLen)
	}
	if s.Buffers > bound {
		p.t.Errorf("%d packet buffers are out, and %d at most should be", s.Buffers, bound)
	}
	return s.Buffers
}

// checkBack looks at a reader that reads again: it has the gaps it should have
// and no more, and it is where the healthy one is.
func (r *reader) checkBack(t *testing.T, gaps int64, healthy *reader) {
	t.Helper()
	r.catchUp(t, healthy)
	c := r.more(t, 50)
	if c.Gaps != gaps {
		t.Errorf("%d gaps with %d packets missing, and there should be %d: %+v", c.Gaps, c.Missing, gaps, c)
	}
	r.alive(t)
	t.Logf("%d packets, %d gaps, %d missing, %d media objects, %d cut", c.Packets, c.Gaps, c.Missing, c.Objects, c.Cut)
}

// catchUp waits until the reader is less than a second behind another.
func (r *reader) catchUp(t testing.TB, other *reader) {
	t.Helper()
	r.await(t, "it is where the others are", func(c player.Counts) bool {
		return int64(other.seen().SendTime)-int64(c.SendTime) < 1000
	})
}

// A viewer whose network is too slow for the stream gets what fits, each part
// from a key frame on; when its network is fast again it catches up and misses
// nothing more. A viewer on another link notices nothing.
func TestSlowLinkThatGetsFast(t *testing.T) {
	t.Parallel()
	n := newNetwork(t, 2)
	n.slow(0, "30mbit")
	n.slow(1, "400kbit")
	p := startStallPump(t, n, `"backlog": {"duration": "20s", "max_lag": "4s"}, "timeouts": {"viewer_stall": "75s"},`)
	at := func(link int, name string, c player.Client) *reader {
		return startReader(t, watching{name: name, client: c, opts: player.Options{Plain: c.Plain},
			dial: dialFrom(n.viewers(link)), addr: n.address(link), path: "live"})
	}
	healthy := at(0, "healthy", player.MPlayer())
	slow := at(1, "slow", player.FFmpeg())
	p.fill(20 * time.Second)
	before := p.held()
	skips := p.status().Skips
	slow.await(t, "two gaps on the slow link", func(c player.Counts) bool { return c.Gaps >= 2 })
	after := p.held()
	p.checkBuffers()

	n.slow(1, "30mbit")
	slow.catchUp(t, healthy)
	then := slow.seen()
	c := slow.more(t, 400) // ten seconds
	slow.alive(t)
	healthy.whole(t)
	if c.Gaps != then.Gaps {
		t.Errorf("%d gaps came although the link is fast: %+v", c.Gaps-then.Gaps, c)
	}
	if after-before > flat {
		t.Errorf("the pump's memory grew by %d KiB while a link was slow", (after-before)>>10)
	}
	t.Logf("%d gaps, %d packets missing of %d, %d skips from the pump's side (%d before); held %d, then %d KiB",
		c.Gaps, c.Missing, c.Packets+c.Missing, p.status().Skips, skips, before>>10, after>>10)
}

// A viewer that takes nothing for longer than it may is closed, and the log
// and the counters say why.
func TestViewerStalledForTooLongIsClosed(t *testing.T) {
	t.Parallel()
	n := newNetwork(t, 1)
	p := startStallPump(t, n, `"timeouts": {"viewer_stall": "3s"},`)
	watch := func(name string) *reader {
		return startReader(t, watching{name: name, dial: dialFrom(n.viewers(0)), addr: n.address(0), path: "live"})
	}
	healthy, stalled := watch("healthy"), watch("stalled")
	stalled.more(t, 20)
	stalled.stop()
	p.await("the stalled viewer is closed", func(s engine.Snapshot) bool {
		return s.Closes["viewer_stalled"] == 1 && s.Viewers == 1
	})
	p.Await("viewer left", "reason=viewer_stalled", "stream=live")
	stalled.resume()
	<-stalled.done // what was on its way, and then the end
	if c := stalled.seen(); c.Gaps != 0 || c.Ended {
		t.Errorf("a viewer that is closed for its stall saw %+v", c)
	}
	healthy.more(t, 40)
	healthy.whole(t)
	p.checkBuffers()
}
