package load

import (
	"context"
	"io"
	"net"
	"testing"
	"time"

	"streampump/bench/drain"
)

// TestSipTakesWhatTheRateAllows: by the clock that is given, and not a byte more.
func TestSipTakesWhatTheRateAllows(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	ours, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer ours.Close()
	theirs, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer theirs.Close()
	const sent = 20_000
	if _, err := theirs.Write(make([]byte, sent)); err != nil {
		t.Fatal(err)
	}
	raw, err := ours.(*net.TCPConn).SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	fd := -1
	if err := raw.Control(func(d uintptr) { fd = int(d) }); err != nil {
		t.Fatal(err)
	}
	began := time.Unix(1e9, 0)
	m := &member{fd: fd, state: stateSlow, began: began, sipped: 1000} // with the join
	y := newTally()
	y.joined(0)
	c := crowd{o: &Options{Throttle: Throttle{100, 40_000}}, tally: y, drained: drain.New(), byFD: map[int]*member{fd: m}, slow: map[int]*member{fd: m}}
	for _, at := range []struct {
		after time.Duration
		total int64 // read by then, of 5000 bytes a second
	}{
		{100 * time.Millisecond, 1000}, // it is ahead
		{time.Second, 5000}, {time.Second, 5000}, {1500 * time.Millisecond, 7500}, {3 * time.Second, 15_000},
	} {
		c.sip(began.Add(at.after))
		if m.sipped != at.total || y.bytes.Load() != at.total-1000 {
			t.Errorf("after %v it has read %d bytes, and %d are counted; want %d", at.after, m.sipped, y.bytes.Load(), at.total)
		}
	}
	if y.snapshot().Lost != 0 {
		t.Errorf("%+v", y.snapshot())
	}
	// What is left, and the end, which a player notices when it may read on.
	left := make([]byte, sent)
	if n, err := io.ReadAtLeast(ours, left, sent-14_000); n != sent-14_000 || err != nil {
		t.Errorf("%d bytes are left, %v", n, err)
	}
}

func TestPace(t *testing.T) {
	th := Throttle{100, 8000}
	if got := th.lag(500); got != 500*time.Millisecond {
		t.Errorf("%v", got)
	}
	ctx, cancel := context.WithCancel(t.Context())
	if !th.pace(ctx, time.Now().Add(-time.Hour), 1000) {
		t.Error("one that is behind its rate is held back")
	}
	cancel()
	if th.pace(ctx, time.Now(), 1<<30) {
		t.Error("a run that is over is waited for")
	}
}

// TestThrottledPlayersKeepToTheirRate: the server pours, and they take, all in
// all, no more than their rate gives them since the first began, but for one
// read each.
func TestThrottledPlayersKeepToTheirRate(t *testing.T) {
	t.Parallel()
	const rate, players = 4_000_000, 6
	s := serve(t, &server{pours: true})
	r := play(t.Context(), t, Options{Addr: s.addr, Path: "/x", Players: players, Verify: 2, Plain: true, Marks: true, Throttle: Throttle{100, rate}})
	if len(r.Problems) > 0 || r.Counts.Held != players || r.Delay != nil {
		t.Fatalf("%+v", r)
	}
	total := 0.0
	for _, s := range r.Timeline {
		total += s.BitRate * s.Seconds / 8
	}
	seconds := r.Timeline[len(r.Timeline)-1].At
	if most := players * (rate/8*seconds + joinRead); total == 0 || total > most {
		t.Errorf("%d players have taken %.0f bytes in %.2f s; at most they may %.0f", players, total, seconds, most)
	}
}
