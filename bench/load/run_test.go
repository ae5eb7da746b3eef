package load

import (
	"context"
	"net"
	"os"
	"strings"
	"testing"
	"time"
)

func play(ctx context.Context, t *testing.T, o Options) *Result {
	t.Helper()
	if o.Threads == 0 {
		o.Threads = 1
	}
	if o.Duration == 0 {
		o.Duration = 300 * time.Millisecond
	}
	r, err := Run(ctx, o)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestPlayersOfBothKinds(t *testing.T) {
	t.Parallel()
	s := serve(t, &server{stamped: true})
	r := play(t.Context(), t, Options{Addr: s.addr, Path: "/x", Players: 210, Verify: 5, Threads: 2, Ramp: 50 * time.Millisecond, PID: os.Getpid()})
	if len(r.Problems) > 0 || len(r.Notes) > 0 || r.Waiting != 0 || r.Interrupted {
		t.Fatalf("%+v", r)
	}
	if want := (Counts{Started: 210, Connected: 210, Joined: 210, Held: 210}); r.Counts != want {
		t.Errorf("%+v", r.Counts)
	}
	if r.Join == nil || r.Join.Samples != 210 || r.Delay == nil || r.Delay.Samples == 0 || r.Delay.P50 > r.Delay.Max {
		t.Errorf("join %+v, delay %+v", r.Join, r.Delay)
	}
	if v := r.Verified; v == nil || v.Players != 5 || v.Objects == 0 || v.Packets < v.Objects || v.Broken != 0 || v.Foreign {
		t.Errorf("%+v", v)
	}
	if m := r.Measured; m == nil || m.Bytes < 210*1400 || m.Generator.PerGB == nil || m.Generator.Seconds <= 0 || m.Machine == nil || m.Machine.PerGB == nil {
		t.Errorf("%+v", m)
	}
	if v := r.Server; v == nil || v.CPU.PerGB == nil || v.RSSPeak < v.RSS || v.Descriptors < 200 {
		t.Errorf("%+v", v)
	}
}

func TestStallAndChurn(t *testing.T) {
	t.Parallel()
	s := serve(t, &server{stamped: true})
	r := play(t.Context(), t, Options{
		Addr: s.addr, Path: "/x", Players: 20, Verify: 4, Churn: 50,
		Stall: Stall{Percent: 50, For: 100 * time.Millisecond}, Duration: 1200 * time.Millisecond,
	})
	if len(r.Problems) > 0 || r.Counts.Held != 20 || r.Counts.Replaced == 0 || r.Counts.Started != 20+r.Counts.Replaced {
		t.Errorf("%+v", r)
	}
	if r.Delay == nil || r.Verified.Gaps != 0 {
		t.Errorf("%+v, %+v", r.Delay, r.Verified)
	}
}

func TestPlainPlayersTakeAnyBody(t *testing.T) {
	t.Parallel()
	s := serve(t, &server{})
	r := play(t.Context(), t, Options{Addr: s.addr, Path: "/x", Players: 10, Plain: true})
	if len(r.Problems) > 0 || r.Counts.Held != 10 || r.Verified != nil || r.Delay != nil || len(r.Notes) != 1 {
		t.Errorf("%+v", r)
	}
}

// TestSegmentsOfPlayers: the server hears of it from each player, verified or not.
func TestSegmentsOfPlayers(t *testing.T) {
	t.Parallel()
	s := serve(t, &server{})
	r := play(t.Context(), t, Options{Addr: s.addr, Path: "/x", Players: 4 + perSource, Verify: 2, Segment: 1000})
	if len(r.Problems) > 0 {
		t.Errorf("%+v", r)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.segments) != 4+perSource {
		t.Errorf("%d players", len(s.segments))
	}
	for _, n := range s.segments {
		if n > 1000 || n < 960 {
			t.Fatalf("segments of %d bytes", n)
		}
	}
}

func TestBrokenStreamIsAFailure(t *testing.T) {
	t.Parallel()
	s := serve(t, &server{corrupt: true})
	r := play(t.Context(), t, Options{Addr: s.addr, Path: "/x", Players: 4, Verify: 2})
	if r.Verified.Broken != 2 || len(r.Verified.Faults) != 2 || r.Reasons["the stream broke the rule bytes"] != 2 || len(r.Problems) == 0 {
		t.Errorf("%+v, %+v", r, r.Verified)
	}
}

func TestRefusedPlayersAreNotZeros(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	nobody := l.Addr().String()
	_ = l.Close()
	for addr, want := range map[string]string{
		nobody:                               "connection refused",
		serve(t, &server{refuse: true}).addr: "the answer is HTTP/1.0 503 Service Unavailable",
	} {
		r := play(t.Context(), t, Options{Addr: addr, Path: "/x", Players: 6, Verify: 3})
		if r.Reasons[want] != 6 || r.Counts.Lost != 6 || r.Measured != nil || r.Join != nil || r.Delay != nil ||
			!strings.Contains(strings.Join(r.Problems, "\n"), "6 lost: "+want) || !strings.Contains(r.Problems[0], "no player got the stream, ") {
			t.Errorf("%s: %+v", want, r)
		}
	}
}

func TestServerThatDies(t *testing.T) {
	t.Parallel()
	s := serve(t, &server{})
	o := Options{Addr: s.addr, Path: "/x", Players: 10, Verify: 2, Duration: time.Hour}
	o.Progress = func(p Progress) {
		if p.Measuring > 0 {
			s.hangUp()
		}
	}
	r := play(t.Context(), t, o)
	text := strings.Join(r.Problems, "\n")
	if r.Counts.Lost != 10 || r.Counts.Held != 0 || !strings.Contains(text, "no player has the stream any more") || r.Interrupted {
		t.Errorf("%+v", r)
	}
}

func TestInterruptedRunTellsWhatItHas(t *testing.T) {
	t.Parallel()
	s := serve(t, &server{})
	ctx, cancel := context.WithCancel(t.Context())
	o := Options{Addr: s.addr, Path: "/x", Players: 3, Duration: time.Hour}
	o.Progress = func(p Progress) {
		if p.Measuring > 0 {
			cancel()
		}
	}
	r := play(ctx, t, o)
	if !r.Interrupted || r.Measured == nil || r.Measured.Bytes == 0 || r.Counts.Held != 3 || len(r.Problems) > 0 {
		t.Errorf("%+v", r)
	}
}

// Nothing may have come yet when a measurement is interrupted; that is no
// failure of the server, as it is at the end of a whole one.
func TestNothingCame(t *testing.T) {
	for _, c := range []struct {
		interrupted bool
		problems    int
	}{{true, 0}, {false, 1}} {
		r := &run{o: &Options{}, tally: newTally(), result: &Result{Interrupted: c.interrupted}, began: time.Now()}
		r.line = newTimeline(r.moment())
		r.atStart = r.endStep()
		r.measured = r.atStart.at
		r.finish()
		if res := r.result; len(res.Problems) != c.problems || len(res.Notes) != 1-c.problems || res.Measured.Bytes != 0 || res.Measured.Generator.PerGB != nil {
			t.Errorf("%+v", res)
		}
	}
}
