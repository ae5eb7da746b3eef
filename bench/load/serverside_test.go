package load

import (
	"errors"
	"maps"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"
)

// TestPlayersThatDescribe ask twice, on a connection each.
func TestPlayersThatDescribe(t *testing.T) {
	t.Parallel()
	s := serve(t, &server{stamped: true})
	r := play(t.Context(), t, Options{Addr: s.addr, Path: "/x", Players: 12, Verify: 3, Describe: true})
	if want := (Counts{Started: 12, Connected: 12, Joined: 12, Held: 12}); len(r.Problems) > 0 || r.Counts != want || r.Join.Samples != 12 {
		t.Errorf("%+v", r)
	}
	if r.AllJoined == nil || *r.AllJoined < r.Join.P50 {
		t.Errorf("all joined after %v ms, half of them after %v", r.AllJoined, r.Join.P50)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.asked) != 24 || s.asked[0] != "describe" || s.asked[23] != "play" {
		t.Errorf("%d requests: %v", len(s.asked), s.asked)
	}
	for what, want := range map[string]int{"describe": 12, "play": 12} {
		n := 0
		for _, a := range s.asked {
			if a == what {
				n++
			}
		}
		if n != want {
			t.Errorf("%d ask to %s, want %d", n, what, want)
		}
	}
}

// Replaced players describe again.
func TestReplacedPlayersDescribeAgain(t *testing.T) {
	t.Parallel()
	s := serve(t, &server{})
	r := play(t.Context(), t, Options{Addr: s.addr, Path: "/x", Players: 5, Describe: true, Churn: 50, Duration: time.Second})
	s.mu.Lock()
	defer s.mu.Unlock()
	if n := 2 * (5 + r.Counts.Replaced); len(r.Problems) > 0 || r.Counts.Replaced == 0 || len(s.asked) != n || r.AllJoined != nil {
		t.Errorf("%d requests, want %d: %+v", len(s.asked), n, r)
	}
}

func TestJoinerOfAHeader(t *testing.T) {
	head := strings.Replace(describeHead, "%d", "10", 1)
	j := joiner{describes: true}
	for i, c := range []struct {
		text string
		done bool
	}{{head[:20], false}, {head[20:] + "1234", false}, {"567890", true}} {
		if done, err := j.feed([]byte(c.text)); done != c.done || err != nil {
			t.Errorf("piece %d: %v, %v", i, done, err)
		}
	}
	for want, text := range map[string]string{
		"without Content-Length": strings.Replace(head, "Content-Length", "Content-Size", 1),
		"the media type":         strings.Replace(head, "vnd.ms.wms-hdr.asfv1", "x-mms-framed", 1),
		"404":                    "HTTP/1.0 404 Not Found\r\n\r\n",
	} {
		j := joiner{describes: true}
		if done, err := j.feed([]byte(text)); done || err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, %v, want %q", done, err, want)
		}
	}
}

func TestAllJoinedIsOfAll(t *testing.T) {
	y := newTally()
	y.change(func(c *Counts) { c.Started = 2 })
	o := &Options{Players: 2}
	joined := func() *float64 {
		r := new(Result)
		y.fill(r, o)
		return r.AllJoined
	}
	y.joined(0)
	if joined() != nil {
		t.Error("one has not joined")
	}
	y.joined(0)
	if at := joined(); at == nil || *at < 0 {
		t.Errorf("%v", at)
	}
	y.change(func(c *Counts) { c.Replaced++ })
	if joined() != nil {
		t.Error("one was replaced")
	}
}

// TestCountersRise: what the server counts is told by how much it rose, and what
// it does not tell is not there.
func TestCountersRise(t *testing.T) {
	t.Parallel()
	s := serve(t, &server{})
	calls := 0
	o := Options{Addr: s.addr, Path: "/x", Players: 2}
	o.Counters = func() (map[string]float64, error) {
		if calls++; calls == 1 {
			return map[string]float64{"a": 10, "b": 5, "gone": 1}, nil
		}
		return map[string]float64{"a": 17, "b": 5, "new": 1}, nil
	}
	r := play(t.Context(), t, o)
	if calls != 2 || !maps.Equal(r.Counters, map[string]float64{"a": 7, "b": 0}) {
		t.Errorf("asked %d times: %v", calls, r.Counters)
	}
	o.Counters = func() (map[string]float64, error) { return nil, errors.New("it is shy") }
	r = play(t.Context(), t, o)
	if r.Counters != nil || !slices.Contains(r.Notes, "the server's counters were not read: it is shy") || len(r.Problems) > 0 {
		t.Errorf("%+v", r)
	}
}

// TestStalledPlayersAreWeighed: the server is this process, and pours.
func TestStalledPlayersAreWeighed(t *testing.T) {
	t.Parallel()
	s := serve(t, &server{pours: true})
	o := Options{
		Addr: s.addr, Path: "/x", Players: 10, Plain: true, PID: os.Getpid(), Threads: 2,
		// The players' thread must get a turn after the stall, on a machine that is
		// full of other tests.
		Stall: Stall{50, 150 * time.Millisecond}, Duration: 1200 * time.Millisecond,
	}
	r := play(t.Context(), t, o)
	if v := r.Stalled; v == nil || v.Sockets != 5 || v.Mean < 64<<10 || v.Max < v.Mean || r.Counts.Held != 10 {
		t.Errorf("%+v: %+v", r.Stalled, r)
	}
	if s := r.Server; s == nil || s.RSSPeakMeasured < s.RSSAtStart || s.RSSPeakMeasured > s.RSSPeak {
		t.Errorf("%+v", s)
	}
	// A process that is not the server.
	other := exec.Command("sleep", "60")
	if err := other.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _, _ = other.Process.Kill(), other.Wait() }()
	o.PID = other.Process.Pid
	r = play(t.Context(), t, o)
	if r.Stalled != nil || !strings.Contains(strings.Join(r.Notes, "\n"), "the kernel's memory for stalled players was not read: the server's process has no socket of theirs") {
		t.Errorf("%+v: %q", r.Stalled, r.Notes)
	}
}

// The mean is of all crowds' sockets.
func TestWeight(t *testing.T) {
	y := newTally()
	y.weighed([]int64{1, 2}, nil)
	y.weighed([]int64{12}, nil)
	y.weighed(nil, nil)
	if got, want := y.stalled.result(), (Stalled{Sockets: 3, Mean: 5, Max: 12}); got == nil || *got != want {
		t.Errorf("%+v", got)
	}
	if (weight{}).result() != nil {
		t.Error("of no socket there is a weight")
	}
}
