package load

import (
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/netip"
	"strings"
	"syscall"
	"testing"
	"time"

	"streampump/bench/meter"
)

func TestParseStall(t *testing.T) {
	for text, want := range map[string]Stall{
		"5%:20s": {5, 20 * time.Second}, "0.5%:1m0s": {0.5, time.Minute}, "100%:1ms": {100, time.Millisecond},
	} {
		got, err := ParseStall(text)
		if err != nil || got != want || got.String() != text {
			t.Errorf("%q: %+v, %q, %v", text, got, got.String(), err)
		}
	}
	for _, text := range []string{"", "5", "5%", "5%:", "5:20s", "0%:1s", "101%:1s", "NaN%:1s", "5%:0s", "5%:-1s"} {
		if got, err := ParseStall(text); err == nil {
			t.Errorf("%q is taken for %+v", text, got)
		}
	}
}

func TestParseThrottle(t *testing.T) {
	for text, want := range map[string]Throttle{
		"5%:300k": {5, 300e3}, "0.5%:1.5M": {0.5, 1.5e6}, "100%:1k": {100, 1e3}, "5%:1000M": {5, 1e9}, "7%:64.5k": {7, 64_500},
	} {
		got, err := ParseThrottle(text)
		if err != nil || got != want || got.String() != text {
			t.Errorf("%q: %+v, %q, %v", text, got, got.String(), err)
		}
	}
	if got, err := ParseThrottle("5%:300000"); err != nil || got.String() != "5%:300k" {
		t.Errorf("%+v, %v", got, err)
	}
	for _, text := range []string{"", "5", "5%", "5%:", "5%:k", "5:300k", "0%:300k", "101%:300k", "NaN%:300k", "5%:NaN", "5%:0", "5%:999", "5%:-1k", "5%:1001M", "5%:300G", "5%:300kM"} {
		if got, err := ParseThrottle(text); err == nil {
			t.Errorf("%q is taken for %+v", text, got)
		}
	}
	if (Throttle{}).String() != "" {
		t.Error("none has a text")
	}
}

// TestThrottledSeats: nobody is both throttled and stalled, and each share is of
// all, among the verified and among the others.
func TestThrottledSeats(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	for range 200 {
		n, stalls := 1+r.IntN(500), r.IntN(101)
		o := Options{
			Players: n, Verify: r.IntN(n + 1), Stall: Stall{Percent: float64(stalls), For: 1},
			Throttle: Throttle{Percent: float64(r.IntN(101 - stalls)), Rate: 1},
		}
		var throttled, all [2]int
		for _, s := range o.seats() {
			kind := 0
			if s.verified {
				kind = 1
			}
			all[kind]++
			if s.throttle {
				throttled[kind]++
			}
			if s.throttle && s.stalls {
				t.Fatalf("%+v: player %d is to do both", o, s.player)
			}
		}
		for kind, got := range throttled {
			want := float64(all[kind]) * o.Throttle.Percent / 100
			if float64(got) > want+1 || float64(got) < want-1 {
				t.Errorf("%+v: %d of %d are throttled", o, got, all[kind])
			}
		}
	}
}

func TestSeats(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 200 {
		n := 1 + r.IntN(500)
		o := Options{Players: n, Verify: r.IntN(n + 1), Stall: Stall{Percent: float64(1 + r.IntN(100)), For: 1}}
		var verified, stalledVerified, stalledOthers int
		for i, s := range o.seats() {
			if s.player != i {
				t.Fatalf("seat %d is of player %d", i, s.player)
			}
			switch {
			case s.verified && s.stalls:
				stalledVerified++
			case s.stalls:
				stalledOthers++
			}
			if s.verified {
				verified++
			}
		}
		of := func(n int) int { return int(float64(n) * (o.Stall.Percent / 100)) }
		if verified != o.Verify || stalledVerified != of(o.Verify) || stalledOthers != of(n-o.Verify) {
			t.Errorf("%+v: %d verified, of which %d stall, and %d others", o, verified, stalledVerified, stalledOthers)
		}
	}
}

func TestDueIsSpreadOverTheRamp(t *testing.T) {
	o := Options{Players: 4, Ramp: time.Second}
	for i, want := range []time.Duration{0, 250, 500, 750} {
		if got := o.due(i); got != want*time.Millisecond {
			t.Errorf("player %d is due at %v", i, got)
		}
	}
}

func TestSources(t *testing.T) {
	loopback := netip.MustParseAddr("127.0.0.1")
	count := map[netip.Addr]int{}
	for i := range 60_000 {
		a := sourceOf(i, loopback)
		if a.IsValid() && (!a.IsLoopback() || a.As4()[1] != 1) {
			t.Fatalf("player %d is at %v", i, a)
		}
		count[a]++
	}
	for a, n := range count {
		if n > perSource {
			t.Errorf("%d players are at %v", n, a)
		}
	}
	for _, server := range []string{"192.0.2.1", "::1"} {
		if a := sourceOf(5000, netip.MustParseAddr(server)); a.IsValid() {
			t.Errorf("for %s a player is at %v", server, a)
		}
	}
}

// TestJoinerAnyCut: the answer may come in any pieces.
func TestJoinerAnyCut(t *testing.T) {
	whole := append([]byte(playHead), mms('H', 0, 0x0C, []byte("header"))...)
	before := len(whole)
	whole = append(whole, mms('D', 0, 0, []byte("packet"))...)
	r := rand.New(rand.NewPCG(3, 4))
	for _, most := range []int{1, 3, 40, 1000} {
		j, fed := joiner{}, 0
		for joined := false; !joined; {
			n := min(1+r.IntN(most), len(whole)-fed)
			var err error
			if joined, err = j.feed(whole[fed : fed+n]); err != nil {
				t.Fatal(err)
			}
			if fed += n; joined != (fed == len(whole)) || !joined && fed == len(whole) {
				t.Fatalf("pieces of %d: after %d of %d bytes (%d before the packet) joined is %v", most, fed, len(whole), before, joined)
			}
		}
		if want := int64(len(whole) - len(playHead)); j.bytes != want || !j.answered {
			t.Errorf("%d bytes of body, want %d", j.bytes, want)
		}
	}
}

func TestJoinerRefuses(t *testing.T) {
	for text, want := range map[string]string{
		"HTTP/1.0 404 Not Found\r\n\r\n":             "404",
		"HTTP/1.0 200 OK\r\nServer: other/1\r\n\r\n": "Rex or Cougar",
		playHead + "$E\x04\x00\x00\x00\x00\x00":      errEndedEarly.Error(),
		playHead + "x":                               "'$'",
		"hello\r\n\r\n":                              "status line",
	} {
		var j joiner
		if joined, err := j.feed([]byte(text)); joined || err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, %v; want %q", text, joined, err, want)
		}
	}
}

func TestReasonsAreBounded(t *testing.T) {
	y := newTally()
	for i := range 3 * maxReasons {
		y.lost(false, fmt.Errorf("reason %d", i))
	}
	if len(y.reasons) > maxReasons+1 || y.reasons[otherReasons] != 2*maxReasons {
		t.Errorf("%d reasons: %v", len(y.reasons), y.reasons)
	}
	if got := reasonOf(errors.Join(fmt.Errorf("dial: %w", syscall.ECONNRESET), io.EOF)); got != "connection reset by peer" {
		t.Error(got)
	}
}

func TestStampsOfTheFutureAreNoDelay(t *testing.T) {
	y := newTally()
	y.stamped(1000, 2000)
	r := &Result{Measured: &Measured{}}
	y.fill(r, &Options{Players: 1, Verify: 1})
	if r.Delay != nil || !strings.Contains(strings.Join(r.Notes, "\n"), "another machine") {
		t.Errorf("%+v", r)
	}
}

func TestCheckRefuses(t *testing.T) {
	good := Options{Players: 10, Verify: 1, Duration: time.Second, Threads: 1}
	if err := good.Check(); err != nil {
		t.Fatal(err)
	}
	limit, err := meter.Descriptors()
	if err != nil {
		t.Fatal(err)
	}
	for want, change := range map[string]func(*Options){
		"at least one player": func(o *Options) { o.Players = 0 },
		"cannot be verified":  func(o *Options) { o.Verify = 11 },
		"the ramp cannot":     func(o *Options) { o.Ramp = -1 },
		"threads":             func(o *Options) { o.Threads = 0 },
		"does not end within": func(o *Options) { o.Stall = Stall{5, time.Second} },
		"can both stall":      func(o *Options) { o.Stall, o.Throttle = Stall{60, time.Millisecond}, Throttle{41, 1e5} },
		"has Describe":        func(o *Options) { o.Plain, o.Describe = true, true },
		"a segment must have": func(o *Options) { o.Segment = 87 },
		"can be replaced":     func(o *Options) { o.Verify, o.Churn = 10, 1 },
		"descriptors":         func(o *Options) { o.Players = int(limit) },
	} {
		o := good
		change(&o)
		if err := o.Check(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
}

func TestTimeLeft(t *testing.T) {
	at := time.Unix(1e9, 0)
	r := run{o: &Options{Ramp: 4 * time.Second, Duration: 10 * time.Second}, began: at}
	if got := r.o.Expected(); got != r.left(at) || got != 14*time.Second+settle {
		t.Errorf("expected %v, left %v", got, r.left(at))
	}
	for _, c := range []struct {
		after           time.Duration
		ready, measured time.Duration // 0: not yet
		want            time.Duration
	}{
		{3 * time.Second, 0, 0, 11*time.Second + settle},
		{9 * time.Second, 0, 0, 10*time.Second + settle}, // some wait for a key frame
		{9*time.Second + settle/2, 9 * time.Second, 0, 10*time.Second + settle/2},
		{12 * time.Second, 9 * time.Second, 10 * time.Second, 8 * time.Second},
		{time.Minute, 9 * time.Second, 10 * time.Second, 0},
	} {
		r.ready, r.measured = time.Time{}, time.Time{}
		if c.ready > 0 {
			r.ready = at.Add(c.ready)
		}
		if c.measured > 0 {
			r.measured = at.Add(c.measured)
		}
		if got := r.left(at.Add(c.after)); got != c.want {
			t.Errorf("%+v: got %v", c, got)
		}
	}
}
