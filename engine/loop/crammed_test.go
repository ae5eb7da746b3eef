package loop

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"streampump/access"
	"streampump/codec"
	"streampump/engine/settings"
)

// crammedSeeds is how many seeds TestRestlessPeersUnderRules tries, from crammedFrom on.
var (
	crammedSeeds = flag.Uint64("seeds", 0, "how many seeds TestRestlessPeersUnderRules tries; 0: a few")
	crammedFrom  = flag.Uint64("seed", 0, "the first of them")
)

// whim is access rules that decide by chance: at once, later, or never.
type whim struct {
	rnd     *rand.Rand
	waiting []func(access.Decision)
}

// Ask lets encoders in that say so.
func (w *whim) Ask(_ time.Time, r access.Request, _ bool, done func(access.Decision)) (access.Decision, bool) {
	switch {
	case r.Credentials != nil && r.Credentials.User == "anna":
		return access.Decision{Client: "anna", Pump: true}, true
	case w.rnd.IntN(3) == 0:
		w.waiting = append(w.waiting, done)
		return access.Decision{}, false
	}
	return w.decision(), true
}

// decision is what comes out.
func (w *whim) decision() access.Decision {
	switch w.rnd.IntN(8) {
	case 0:
		return access.Decision{Outcome: access.Denied, Challenge: &codec.Challenge{}, Reason: "wrong", Public: "no"}
	case 1:
		return access.Decision{Outcome: access.Slowed, RetryAfter: time.Second, Reason: "too many", Public: "later"}
	}
	return access.Decision{Client: "otto", Pump: true}
}

// decide has one of the decisions come, if any is waited for.
func (w *whim) decide() {
	if len(w.waiting) == 0 {
		return
	}
	i := w.rnd.IntN(len(w.waiting))
	done := w.waiting[i]
	w.waiting = append(w.waiting[:i], w.waiting[i+1:]...)
	done(w.decision())
}

// TestRestlessPeersUnderRules is [TestRestlessPeers] with everything that may hold a
// viewer back, at once and by chance: limits, paces, access rules that decide late, TLS,
// and programmes that follow each other. Packets belong to units there, encoders ask,
// and viewers halt.
func TestRestlessPeersUnderRules(t *testing.T) {
	first, seeds := *crammedFrom, *crammedSeeds
	if seeds == 0 {
		seeds = 12
		if raced {
			seeds = 6
		}
	}
	got, closes := 0, map[string]uint64{}
	for seed := first; seed < first+seeds; seed++ {
		got += crammed(t, seed, closes)
		if t.Failed() {
			t.Fatalf("seed %d", seed)
		}
	}
	if got < 1000 {
		t.Errorf("all viewers got %d bytes", got)
	}
	for _, r := range []string{"too_many_pumps", "viewer_left", "viewer_stalled"} {
		if closes[r] == 0 && first == 0 {
			t.Errorf("no connection ended with %s: %v", r, closes)
		}
	}
}

// crammed runs one seed and returns how many bytes the viewers got.
func crammed(t *testing.T, seed uint64, closes map[string]uint64) (got int) {
	t.Helper()
	rnd := rand.New(rand.NewPCG(seed, 11))
	pick := func(of ...int) int { return of[rnd.IntN(len(of))] }
	cfg := labConfig()
	cfg.Loops = 1 + int(seed%3)
	w := &whim{rnd: rnd}
	cfg.Access = w
	l := &cfg.Limits
	l.LoosePerAddress, l.Sessions = 5, pick(20, 1000)
	l.Viewers = settings.Room{Viewers: pick(0, 5, 20), Pumps: pick(0, 2), Bandwidth: settings.Bits(pick(0, 100_000, 1_000_000))}
	l.EachMemory, l.TLSMemory, l.Memory = 1000, 500, int64(pick(0, 0, 15_000))
	l.JoinSpeed, l.JoinShare = pick(0, 1, 2, 5), pick(0, 10, 50)
	l.Joins.Host, l.Packets = pick(0, 3), pick(20_000, 20_000, 100, 20)
	cfg.Backlog.Bytes, cfg.Backlog.MaxLag = int64(pick(64<<10, 512<<10)), 3*time.Second
	cfg.Timeouts.Stall, cfg.Timeouts.PushHold = 4*time.Second, time.Hour
	cfg.Fanout.Budget = time.Duration(pick(0, 90)) * time.Millisecond
	st := settings.Stream{Path: "live", Push: true, Limits: settings.Room{Viewers: pick(0, 10), Pumps: pick(0, 3)}}
	if rnd.IntN(2) == 0 {
		st.FullLocation = "there"
	}
	c := &restless{rnd: rnd, b: newLab(t, cfg, st), rules: w}
	for _, k := range c.b.loops {
		k.cost = time.Duration(pick(0, 0, 200, 2000)) * time.Microsecond // some have too much to do
	}
	c.encoder()
	for range 500 {
		c.b.tls = *overTLS || rnd.IntN(3) == 0
		if rnd.IntN(5) == 0 {
			w.decide()
			c.b.run()
		}
		c.step()
	}
	c.b.advance(time.Second)
	units := unitSeen{}
	for _, p := range c.viewers {
		units.note(p)
	}
	for _, p := range c.viewers {
		checkWhole(t, seed, p, units)
		got += len(p.got)
	}
	if rnd.IntN(2) == 0 {
		c.b.shutdown()
		c.b.advance(time.Second)
	}
	c.b.finish()
	c.b.empty()
	for r, n := range c.b.e.Totals().Closes {
		closes[r] += n
	}
	return got
}

// wish is a viewer's request.
func (c *restless) wish() string {
	if c.rules == nil {
		return "PLAY live"
	}
	words := []string{"PLAY live"}
	for _, w := range []string{"plain", "switch", "pump", "u=otto:x"} {
		if c.rnd.IntN(3) == 0 {
			words = append(words, w)
		}
	}
	if n := len(c.viewers); n > 0 && c.rnd.IntN(3) == 0 {
		// It comes back to a session, perhaps from elsewhere.
		if at := strings.Index(string(c.viewers[n-1].got), "OK Play s="); at >= 0 {
			words = append(words, strings.Fields(string(c.viewers[n-1].got[at+8:]))[0])
		}
	}
	return strings.Join(words, " ")
}

// tail is what a trimmed copy of a packet lacks.
func (c *restless) tail() string {
	if c.rules == nil || c.rnd.IntN(2) == 0 {
		return ""
	}
	return strings.Repeat("t", c.rnd.IntN(300)) + "|"
}

// header is what the encoder begins with: with rules, the programme changes at times.
func (c *restless) header() string {
	if c.rules == nil || c.rnd.IntN(3) > 0 {
		return "H A rate=20000"
	}
	return fmt.Sprintf("H %c join rate=%d", 'A'+rune(c.rnd.IntN(3)), []int{0, 1, 20_000, 2_000_000_000}[c.rnd.IntN(4)])
}
