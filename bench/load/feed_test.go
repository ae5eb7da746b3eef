package load

import (
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"streampump/bench/feed"
)

// faults are what a server does wrong.
type faults struct {
	refuse string // the method or call that is answered with an error
	// skip is how many packets of pictures are left out in front of the stream, and hole
	// how many behind its second packet, which is within the first picture if that has several.
	skip, hole int
	corrupt    bool // a byte of media is wrong
	ends       bool // after some packets
}

// feeder is the other end of players of a Feed.
type feeder interface {
	// serve serves a player.
	serve(c net.Conn) error
	stream() feed.Stream
}

// feeders are those with some faults, by protocol.
var feeders = map[string]func(faults) (feeder, error){feed.RTSP: overRTSP, feed.RTMP: overRTMP}

// serveFeed is where a server listens.
func serveFeed(t *testing.T, s feeder) (addr string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var serving sync.WaitGroup
	var mu sync.Mutex
	var open []net.Conn
	serving.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			mu.Lock()
			open = append(open, c)
			mu.Unlock()
			serving.Go(func() { _ = s.serve(c); _ = c.Close() })
		}
	})
	t.Cleanup(func() {
		_ = l.Close()
		mu.Lock()
		for _, c := range open {
			_ = c.Close()
		}
		mu.Unlock()
		serving.Wait()
	})
	return l.Addr().String()
}

func TestPlayersOfAFeed(t *testing.T) {
	t.Parallel()
	for protocol, with := range feeders {
		t.Run(protocol, func(t *testing.T) {
			t.Parallel()
			s, err := with(faults{})
			if err != nil {
				t.Fatal(err)
			}
			r := play(t.Context(), t, Options{Addr: serveFeed(t, s), Path: "/live", Feed: s.stream(), Players: 20, Verify: 3, Churn: 10, Duration: time.Second})
			if len(r.Problems) > 0 || len(r.Notes) > 0 || r.Counts.Held != 20 || r.Counts.Joined != r.Counts.Connected {
				t.Fatalf("%+v", r)
			}
			if v := r.Verified; v == nil || v.Packets == 0 || v.Gaps != 0 || v.Broken != 0 || v.Damaged == nil || *v.Damaged != 0 {
				t.Errorf("%+v", v)
			}
			if r.Delay == nil || r.Delay.Samples == 0 || r.Join == nil || r.Join.Samples < 20 {
				t.Errorf("delay %+v, join %+v", r.Delay, r.Join)
			}
			if r.Measured.Bytes == 0 || r.Delay != nil && r.Delay.P50 > r.Delay.Max {
				t.Errorf("%+v, %+v", r.Measured, r.Delay)
			}
		})
	}
}

// TestFeedThatFails: what a server does wrong is told, by both kinds of players as far as
// they look.
func TestFeedThatFails(t *testing.T) {
	t.Parallel()
	const rtp, rtmp = "the stream broke a rule of RTP", "the stream broke a rule of RTMP"
	for name, c := range map[string]struct {
		over   string
		faults faults
		loose  bool
		verify int
		lost   string // why; empty: nobody is
		damage int64
	}{
		"RTSP: a wrong byte":               {over: feed.RTSP, faults: faults{corrupt: true}, verify: 2, lost: rtp},
		"RTSP: a wrong byte of another":    {over: feed.RTSP, faults: faults{corrupt: true}, verify: 2, loose: true, lost: rtp},
		"RTSP: a beginning in the middle":  {over: feed.RTSP, faults: faults{skip: 6}, verify: 2, lost: rtp},
		"RTSP: such a one of another":      {over: feed.RTSP, faults: faults{skip: 6}, verify: 2, loose: true},
		"RTSP: a hole in a picture":        {over: feed.RTSP, faults: faults{hole: 20}, verify: 2, lost: rtp},
		"RTSP: a hole of another":          {over: feed.RTSP, faults: faults{hole: 20}, verify: 2, loose: true, damage: 4},
		"RTSP: an end":                     {over: feed.RTSP, faults: faults{ends: true}, verify: 2, lost: "the stream ended"},
		"RTSP: no DESCRIBE":                {over: feed.RTSP, faults: faults{refuse: "DESCRIBE"}, verify: 1, lost: "453"},
		"RTSP: no SETUP for those in rows": {over: feed.RTSP, faults: faults{refuse: "SETUP"}, lost: "453"},
		"RTSP: no PLAY":                    {over: feed.RTSP, faults: faults{refuse: "PLAY"}, lost: "453"},

		"RTMP: a wrong byte":              {over: feed.RTMP, faults: faults{corrupt: true}, verify: 2, lost: rtmp},
		"RTMP: a wrong byte of another":   {over: feed.RTMP, faults: faults{corrupt: true}, verify: 2, loose: true, lost: rtmp},
		"RTMP: a beginning off a key":     {over: feed.RTMP, faults: faults{skip: 1}, verify: 2, lost: rtmp},
		"RTMP: such a one of another":     {over: feed.RTMP, faults: faults{skip: 1}, verify: 2, loose: true},
		"RTMP: a hole":                    {over: feed.RTMP, faults: faults{hole: 2}, verify: 2, lost: rtmp},
		"RTMP: a hole of another":         {over: feed.RTMP, faults: faults{hole: 2}, verify: 2, loose: true, damage: 2},
		"RTMP: an end":                    {over: feed.RTMP, faults: faults{ends: true}, verify: 2, lost: "the stream ended"},
		"RTMP: no connect":                {over: feed.RTMP, faults: faults{refuse: "connect"}, verify: 1, lost: "NetStream.connect.Failed"},
		"RTMP: no play for those in rows": {over: feed.RTMP, faults: faults{refuse: "play"}, lost: "NetStream.play.Failed"},
	} {
		t.Run(strings.ReplaceAll(name, " ", "_"), func(t *testing.T) {
			t.Parallel()
			s, err := feeders[c.over](c.faults)
			if err != nil {
				t.Fatal(err)
			}
			r := play(t.Context(), t, Options{Addr: serveFeed(t, s), Path: "/live", Feed: s.stream(), Players: 2, Verify: c.verify, AnyStart: c.loose})
			why := ""
			for reason := range r.Reasons {
				why += reason
			}
			if (c.lost == "") != (why == "") || !strings.Contains(why, c.lost) || (c.lost != "" && r.Counts.Lost == 0) {
				t.Errorf("%v, want %q: %+v", r.Reasons, c.lost, r.Counts)
			}
			if v := r.Verified; c.lost == "" && *v.Damaged != c.damage {
				t.Errorf("%d pictures are damaged", *v.Damaged)
			}
		})
	}
}

// TestFeedOptions: what players of a Feed do not have is refused.
func TestFeedOptions(t *testing.T) {
	s, err := overRTMP(faults{})
	if err != nil {
		t.Fatal(err)
	}
	good := Options{Addr: "127.0.0.1:1", Path: "/live", Feed: s.stream(), Players: 1, Threads: 1, Duration: time.Second}
	if err := good.Check(); err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(*Options){
		"plain":     func(o *Options) { o.Plain = true },
		"marks":     func(o *Options) { o.Marks = true },
		"describe":  func(o *Options) { o.Describe = true },
		"throttled": func(o *Options) { o.Throttle = Throttle{Percent: 1, Rate: 1e3} },
	} {
		o := good
		change(&o)
		if err := o.Check(); err == nil {
			t.Errorf("%s is taken", name)
		}
	}
}
