//go:build e2e

package e2e

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"testing"
	"time"

	"streampump/bench/player"
	"streampump/bench/synth"
	"streampump/e2e/rig"
	"streampump/engine"
)

// startFullPump starts a pump behind a link of the given rate, with one stream.
func startFullPump(t *testing.T, rate, limits, backlog string, spec synth.Spec) (*network, *pump) {
	t.Helper()
	n := newNetwork(t, 1)
	n.slow(0, rate)
	p := startPump(t, rig.Options{
		Config: `"limits": {` + limits + `}, "backlog": {` + backlog + `}, "streams": [{"type": "mmsh_push", "path": "live"}]`,
		Listen: fmt.Sprintf("0.0.0.0:%d", netPort),
		Prefix: n.prefix(),
	}, dialFrom(n.pump()))
	startFeed(t, p, dialFrom(n.pump()), n.address(0), "live", spec)
	p.fill(8 * time.Second) // and its rate has been measured for as long as it is averaged
	return n, p
}

// watch joins the stream from the far side of the link.
func (n *network) watch(t *testing.T, name string, c player.Client) *reader {
	t.Helper()
	return startReader(t, watching{name: name, client: c, opts: player.Options{Plain: c.Plain},
		dial: dialFrom(n.viewers(0)), addr: n.address(0), path: "live"})
}

// try joins the stream and reports the status of the refusal; 0 if there is room.
func (n *network) try(t *testing.T, c player.Client) (status int) {
	v := player.Viewer{Client: c, Addr: n.address(0), Path: "/streams/live", Dial: dialFrom(n.viewers(0)), Timeout: patience}
	conn, _, err := v.Play(t.Context())
	if err == nil {
		t.Cleanup(func() { _ = conn.Close() })
		go func() { _, _ = io.Copy(io.Discard, conn) }()
		return 0
	}
	var refused *player.StatusError
	if !errors.As(err, &refused) {
		t.Errorf("%s is told nothing: %v", c.Name, err)
		return -1
	}
	if refused.Head.Get("Retry-After") != "10" {
		t.Errorf("%s is not told when to come again: %v", c.Name, refused.Head)
	}
	return refused.Head.Status
}

// A pump behind 20 Mbit/s is driven to its limit: everybody inside plays clean, however
// many come, and everybody who is refused is told so, in each form.
func TestFullPumpBehindABottleneck(t *testing.T) {
	t.Parallel()
	n, p := startFullPump(t, "20mbit", `"bandwidth": "16Mbit"`, `"max_lag": "3s"`, megabit())
	var inside []*reader
	clients := player.Clients()
	for i := 0; ; i++ {
		c := clients[i%len(clients)]
		s := p.status()
		if s.Bandwidth+streamOf(s, "live").Each > s.BandwidthLimit {
			break
		}
		inside = append(inside, n.watch(t, fmt.Sprintf("%s-%d", c.Name, i), c))
	}
	if len(inside) < 14 || len(inside) > 16 {
		t.Fatalf("%d viewers of 1 Mbit/s found room in 16 Mbit/s", len(inside))
	}
	before := p.status().RoomSnapshot.Refused
	refused, more := 0, 0
	for range 4 {
		for _, c := range clients {
			switch status := n.try(t, c); status {
			case 503:
				refused++
			case 0: // the measured rate has gone down a little
				more++
			default:
				t.Errorf("%s is answered %d", c.Name, status)
			}
		}
		inside[0].more(t, 100)
	}
	if len(inside)+more > 17 || refused == 0 {
		t.Errorf("%d and %d more viewers of 1 Mbit/s found room in 16 Mbit/s, %d did not", len(inside), more, refused)
	}
	for _, r := range inside {
		r.more(t, 100)
		r.whole(t)
	}
	s := p.status()
	if got := s.RoomSnapshot.Refused - before; got != uint64(refused) || s.Closes["no_bandwidth"] < got {
		t.Errorf("%d were refused, %d are counted: %v", refused, got, s.Closes)
	}
	if s.Skips != 0 {
		t.Errorf("viewers were moved %d times", s.Skips)
	}
	t.Logf("%d and %d inside, %d refused, %d of %d kbit/s reserved", len(inside), more, refused, s.Bandwidth/1000, s.BandwidthLimit/1000)
}

// sparse is a stream of about 150 kbit/s with a key frame every ten seconds, so that
// those who join want much of the past.
func sparse() synth.Spec {
	s := synth.Plain(160_000)
	for i := range s.Streams {
		if st := &s.Streams[i]; st.GOP > 0 {
			st.GOP = int(10 * time.Second / st.Interval)
		}
	}
	return s
}

// A hundred players are on a link that carries 110, and 20 more join at once: ten find
// room, ten are told that there is none, and none of the hundred has a gap: with a lag
// of three seconds it would have one as soon as it fell behind. As that is about being late,
// no other test runs beside it.
func TestCrowdThatJoinsAFullLink(t *testing.T) {
	const players, crowd = 100, 20
	n, p := startFullPump(t, "18500kbit", `"bandwidth": "16.4Mbit", "join_share": 5`, `"max_lag": "3s", "duration": "30s"`, sparse())
	var inside []*reader
	for i := range players {
		inside = append(inside, n.watch(t, fmt.Sprint("player-", i), player.MPlayer()))
	}
	p.await("they have caught up", func(s engine.Snapshot) bool { return s.Viewers == players })
	for _, r := range inside {
		r.catchUp(t, inside[0])
	}
	room := p.status()
	var joining sync.WaitGroup
	var mu sync.Mutex
	answers := map[int]int{}
	for range crowd {
		joining.Go(func() {
			status := n.try(t, player.PlayOnly())
			mu.Lock()
			defer mu.Unlock()
			answers[status]++
		})
	}
	joining.Wait()
	free := int((room.BandwidthLimit - room.Bandwidth) / streamOf(room, "live").Each)
	if answers[0]+answers[503] != crowd || answers[0] < free-1 || answers[0] > free+1 {
		t.Errorf("of %d that joined where there was room for %d: %v", crowd, free, answers)
	}
	late := uint32(0) // ms
	for range 20 {
		newest := inside[0].more(t, 5).SendTime
		for _, r := range inside {
			late = max(late, newest-min(newest, r.seen().SendTime))
		}
	}
	for _, r := range inside {
		r.whole(t)
	}
	t.Logf("room for %d, answers %v, each reserves %d bit/s; a player was %d ms late at most; %d skips",
		free, answers, streamOf(room, "live").Each, late, p.status().Skips)
}

// Where a pump is full and there is another, those who can follow are sent there, and
// those who cannot are told so.
func TestFullPumpSendsViewersOn(t *testing.T) {
	t.Parallel()
	second := startPump(t, rig.Options{Config: `"streams": [{"type": "mmsh_push", "path": "live"}]`}, plainDial)
	startFeed(t, second, plainDial, second.Addr.String(), "live", megabit())
	first := startPump(t, rig.Options{Config: `"limits": {"viewers": 1}, "redirect_full_to": "http://` + second.Addr.String() + `/streams/{path}",` +
		`"streams": [{"type": "mmsh_push", "path": "live"}]`}, plainDial)
	startFeed(t, first, plainDial, first.Addr.String(), "live", megabit())
	inside := startReader(t, watching{name: "inside", addr: first.Addr.String(), path: "live"})
	for _, c := range player.Clients() {
		v := player.Viewer{Client: c, Addr: first.Addr.String(), Path: "/streams/live", Timeout: patience}
		_, _, err := v.Play(context.Background())
		var refused *player.StatusError
		if !errors.As(err, &refused) {
			t.Fatalf("%s: %v", c.Name, err)
		}
		follows := map[string]bool{"vlc": true, "wmp12": true, "curl": true, "browser": true, "wmf-download": true}[c.Name]
		to := refused.Head.Get("Location")
		switch {
		case follows && (refused.Head.Status != 302 || to != "http://"+second.Addr.String()+"/streams/live"):
			t.Errorf("%s is answered %v, to %q", c.Name, refused.Head, to)
		case !follows && (refused.Head.Status != 503 || to != ""):
			t.Errorf("%s is answered %v, to %q", c.Name, refused.Head, to)
		}
	}
	inside.more(t, 50)
	inside.whole(t)
}
