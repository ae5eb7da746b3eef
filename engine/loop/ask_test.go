package loop

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"streampump/access"
	"streampump/codec"
	"streampump/engine/notice"
	"streampump/engine/reason"
	"streampump/engine/settings"
)

// judge is access rules for tests: whoever says anna may do everything, at once, and
// otto too, when the test lets the decision come.
type judge struct {
	asked   []access.Request
	waiting []func(access.Decision)
}

func (j *judge) Ask(_ time.Time, r access.Request, _ bool, done func(access.Decision)) (access.Decision, bool) {
	j.asked = append(j.asked, r)
	switch c := r.Credentials; {
	case c == nil:
		return access.Decision{Outcome: access.Denied, Bare: true, Challenge: &codec.Challenge{}, Reason: "nothing is brought", Public: "prove yourself"}, true
	case c.User == "anna":
		return access.Decision{Client: "anna"}, true
	case c.User == "edge":
		return access.Decision{Client: "edge", Pump: true}, true
	case c.User == "otto":
		j.waiting = append(j.waiting, done)
		return access.Decision{}, false
	case c.User == "hasty":
		return access.Decision{Outcome: access.Slowed, RetryAfter: time.Second, Reason: "too many guesses", Public: "later"}, true
	}
	return access.Decision{Outcome: access.Forbidden, Reason: "the token has expired", Public: "not you"}, true
}

// decide lets all decisions come.
func (j *judge) decide(b *lab, d access.Decision) {
	for _, done := range j.waiting {
		done(d)
	}
	j.waiting = nil
	b.run()
}

// guarded is a lab with rules, and the stream live that anna feeds.
func guarded(t *testing.T, streams ...settings.Stream) (*lab, *judge, *peer) {
	t.Helper()
	j := &judge{}
	cfg := labConfig()
	cfg.Access = j
	b := newLab(t, cfg, streams...)
	enc := b.dial("enc", 0, "10.0.0.9")
	enc.send("PUBLISH live u=anna:x\nH A\nPk x\n")
	enc.says("OK Publish")
	return b, j, enc
}

// says checks how what the peer got begins, and takes it.
func (p *peer) says(want string) {
	p.lab.t.Helper()
	if got := string(p.got); !strings.HasPrefix(got, want) {
		p.lab.t.Errorf("%s got %q, want %q", p.name, got, want)
	}
	p.got = nil
}

func (b *lab) logs(want string) {
	b.t.Helper()
	if !strings.Contains(b.log.String(), want) {
		b.t.Errorf("no %q in the log:\n%s", want, b.log.String())
	}
}

func TestViewersAreAsked(t *testing.T) {
	b, _, _ := guarded(t)
	v := b.dial("v", 0, "10.0.0.1")
	for _, request := range []string{"LOOKUP live", "DESCRIBE live", "PLAY live", "LOOKUP nothing", "DESCRIBE nothing", "PLAY nothing"} {
		v.send(request + "\n")
		verb, _, _ := strings.Cut(request, " ")
		v.says("UNPROVEN " + verb[:1] + strings.ToLower(verb[1:]) + " (prove yourself)\n")
	}
	b.logs("encoder is connected")
	if strings.Contains(b.log.String(), "refused") {
		t.Errorf("who is only asked is logged:\n%s", b.log.String())
	}
	v.send("DESCRIBE live u=anna:x\n")
	v.says("OK Describe s=")
	v.send("PLAY live u=anna:x a=player\n")
	v.says("OK Play s=")
	v.hangup()
	b.logs(`msg="viewer left" stream=live peer=10.0.0.1:12 reason=viewer_left bytes=`)
	b.logs(`agent=player client=anna`)
	for _, c := range []struct{ user, want string }{{"hasty", "SLOWED Play retry=1s (later)\n"}, {"eve", "FORBIDDEN Play (not you)\n"}} {
		v = b.dial(c.user, 0, "10.0.0.2")
		v.send("PLAY live u=" + c.user + ":x\n")
		v.says(c.want)
	}
	b.logs(`level=INFO msg="viewer is refused" path=live peer=10.0.0.2:14 why="the token has expired"`)
	v = b.dial("w", 0, "10.0.0.3")
	v.send("PLAY nothing u=anna:x\n")
	v.says("NOSTREAM Play")
	b.finish()
}

// A decision that takes time keeps its connection waiting, and nobody else.
func TestDecisionsAreWaitedFor(t *testing.T) {
	b, j, enc := guarded(t)
	v, w := b.dial("v", 0, "10.0.0.1"), b.dial("w", 0, "10.0.0.2")
	v.send("REPLY\nPLAY live u=otto:x\nREPLY\n")
	v.says("OK Reply\n")
	w.send("PLAY live u=anna:x\n")
	enc.send("Pk y\n")
	w.says("OK Play")
	if len(v.got) > 0 || v.c.phase != phaseAsking {
		t.Errorf("phase %d, got %q", v.c.phase, v.got)
	}
	j.decide(b, access.Decision{Client: "otto"})
	v.says("OK Play")
	if v.c.client != "otto" || v.c.show == nil {
		t.Errorf("the client is %q", v.c.client)
	}
	for i := range 3 {
		p := b.dial(fmt.Sprint(i), 0, "10.0.0.3")
		p.send("DESCRIBE live u=otto:x\nREPLY\n")
		j.decide(b, access.Decision{Outcome: access.Denied, Challenge: &codec.Challenge{}, Reason: "wrong", Public: "no"})
		p.says("UNPROVEN Describe (no)\nOK Reply\n")
	}
	b.finish()
}

func TestNoDecisionComes(t *testing.T) {
	b, j, _ := guarded(t)
	v := b.dial("v", 0, "10.0.0.1")
	v.send("PLAY live u=otto:x\n")
	b.advance(b.e.cfg.Timeouts.Head - 1)
	v.says("")
	b.advance(1)
	v.says("UNDECIDED Play\n")
	b.logs(`level=WARN msg="no decision came in time" asks=Play path=live peer=10.0.0.1:12`)
	j.decide(b, access.Decision{})
	if v.c.show != nil || len(v.got) > 0 {
		t.Error("a late decision counts")
	}
	b.finish()
}

// Peers that do not wait for their decision leave nothing behind, whenever it comes.
func TestWhoAsksMayGo(t *testing.T) {
	for name, goes := range map[string]func(b *lab, v *peer){
		"closes":   func(_ *lab, v *peer) { v.hangup() },
		"breaks":   func(_ *lab, v *peer) { v.c.doom(reason.WriteFailed); v.send("x") },
		"evicted":  func(_ *lab, v *peer) { v.c.Evict() },
		"shutdown": func(b *lab, _ *peer) { b.e.SayGoodbye() },
	} {
		t.Run(name, func(t *testing.T) {
			b, j, _ := guarded(t)
			v := b.dial("v", 0, "10.0.0.1")
			v.send("PLAY live u=otto:x\n")
			goes(b, v)
			b.run()
			j.decide(b, access.Decision{})
			b.advance(time.Minute)
			if !v.gone || v.c.show != nil || v.c.asks() != nil {
				t.Errorf("gone %v, show %v, question %v", v.gone, v.c.show, v.c.asks())
			}
			b.finish()
		})
	}
	// One that has only closed its side gets its answer.
	for request, want := range map[string]string{"DESCRIBE live u=otto:x\n": "OK Describe", "PLAY live u=otto:x\n": "OK Play"} {
		b, j, _ := guarded(t)
		v := b.dial("v", 0, "10.0.0.1")
		v.send(request)
		v.halfClose()
		j.decide(b, access.Decision{})
		v.says(want)
		b.advance(time.Minute)
		if !v.gone {
			t.Errorf("%s is still there", request)
		}
		b.finish()
	}
}

func TestWhatWaitsForADecisionIsBounded(t *testing.T) {
	b, j, _ := guarded(t)
	v := b.dial("v", 0, "10.0.0.1")
	v.send("PLAY live u=otto:x\n" + strings.Repeat("x", maxWaiting))
	if v.gone {
		t.Fatal("a viewer may not send on")
	}
	v.send("x")
	if v.c.reason != reason.TooManyRequests {
		t.Errorf("gone %v, %v", v.gone, v.c.reason)
	}
	e := b.dial("e", 0, "10.0.0.1")
	e.send("PUBLISH live u=otto:x\nH A\n" + strings.Repeat("Pk "+strings.Repeat("x", 1000)+"\n", 100))
	if e.gone {
		t.Fatalf("an encoder may not send on: %v", e.c.reason)
	}
	j.decide(b, access.Decision{Client: "otto"})
	e.says("OK Publish")
	if n := b.e.order[0].Snapshot().PacketsIn; n != 101 {
		t.Errorf("%d packets have come in", n)
	}
	b.logs("msg=\"encoder is connected\" stream=live peer=10.0.0.1:13 agent=\"\" client=otto")
	b.finish()
}

// An encoder proves who it is when it sets up; its start is known by its session.
func TestEncodersAreAskedOnce(t *testing.T) {
	b, j, _ := guarded(t, settings.Stream{Path: "live", Push: true}, settings.Stream{Path: "other", Push: true})
	e := b.dial("e", 0, "10.0.0.1")
	e.send("SETUP other\n")
	e.says("UNPROVEN Setup (prove yourself)\n")
	e.send("SETUP nothing\n")
	e.says("UNPROVEN Setup (prove yourself)\n")
	e.send("SETUP other u=anna:x\n")
	var key string
	if _, err := fmt.Sscanf(string(e.got), "OK Setup %s", &key); err != nil {
		t.Fatalf("%v: %s", err, e.got)
	}
	e.got = nil
	asked := len(j.asked)
	// On another connection too.
	f := b.dial("f", 0, "10.0.0.2")
	f.send("PUBLISH other " + key + "\nH A\nPk x\n")
	f.says("OK Publish " + key)
	f.send("PAUSE\n")
	f.got = nil
	f.send("SETUP other " + key + "\n")
	f.says("OK Setup " + key)
	e.send("PUBLISH other " + key + "\nH A\nPk x\nPAUSE\n")
	e.says("OK Publish")
	e.got = nil
	if len(j.asked) != asked {
		t.Errorf("asked for %v", j.asked[asked:])
	}
	// The session is good for its own stream only, and nobody else's is good at all.
	for _, request := range []string{"PUBLISH live " + key, "PUBLISH other s=8000000000000001", "PUBLISH other"} {
		g := b.dial("g", 0, "10.0.0.3")
		g.send(request + "\n")
		g.says("UNPROVEN Publish")
	}
	// Nor is a connection: a proxy may send other peers' requests on it.
	e.send("PUBLISH other " + key + "\nPAUSE\n")
	for _, request := range []string{"SETUP other", "PUBLISH other"} {
		e.got = nil
		e.send(request + "\n")
		e.says("UNPROVEN")
	}
	e.send("SETUP other u=anna:x\n")
	e.got = nil
	e.send("PUBLISH other\n")
	e.says("UNPROVEN Publish")
	b.logs(`level=INFO msg="encoder is asked for its password" path=other peer=10.0.0.3:`)
	g := b.dial("h", 0, "10.0.0.3")
	g.send("SETUP other u=eve:x\n")
	g.says("FORBIDDEN Setup (not you)\n")
	b.logs(`level=WARN msg="encoder is refused" path=other peer=10.0.0.3:17 why="the token has expired"`)
	b.finish()
}

// However many encoders are refused, the log has what becomes of those that are not.
func TestStrangersDoNotHideAnEncoder(t *testing.T) {
	b, _, enc := guarded(t)
	for range 3 * notice.Burst {
		e := b.dial("e", 0, "10.0.0.1")
		e.send("SETUP live u=eve:x\n")
		e.hangup()
	}
	if n := strings.Count(b.log.String(), "encoder is refused"); n < notice.Burst || n > 2*notice.Burst {
		t.Errorf("%d lines about refusals", n)
	}
	enc.hangup()
	b.logs(`msg="encoder is lost" stream=live`)
	b.finish()
}

// Where there are rules, a viewer is counted as a pump only if they believe it.
func TestPumpsProveIt(t *testing.T) {
	b, _, _ := guarded(t)
	for user, want := range map[string]bool{"anna": false, "edge": true} {
		v := b.dial(user, 0, "10.0.0.1")
		v.send("PLAY live pump u=" + user + ":x\n")
		v.says("OK Play")
		if v.c.pump.Load() != want {
			t.Errorf("%s is a pump: %v", user, v.c.pump.Load())
		}
	}
	b.finish()
}

// What an encoder has sent behind its request does not stay if it is turned away: as
// little may wait then as behind anybody's request.
func TestWhatWaitedForNothingGoes(t *testing.T) {
	b, j, _ := guarded(t)
	e := b.dial("e", 0, "10.0.0.1")
	e.send("PUBLISH live u=otto:x\n" + strings.Repeat("REPLY\n", maxBehind/10))
	j.decide(b, access.Decision{Outcome: access.Denied, Challenge: &codec.Challenge{}, Reason: "wrong", Public: "no"})
	if n := len(e.c.waiting()); !e.gone && n > maxWaiting {
		t.Errorf("%d bytes wait to be looked at", n)
	}
	b.finish()
}

// An encoder that asks ahead is judged as one, whether its stream is known or not, and told
// of its stream when it publishes.
func TestEncodersAskAhead(t *testing.T) {
	b, j, _ := guarded(t)
	v := b.dial("v", 0, "10.0.0.1")
	v.send("LOOKUP ahead step\n")
	v.says("UNPROVEN Lookup (prove yourself)\n")
	if r := j.asked[len(j.asked)-1]; r.Role != access.Publish || !r.Ahead || r.Stream != "" {
		t.Errorf("the rules are asked %+v", r)
	}
	b.logs(`level=INFO msg="encoder is asked for its password" path=""`)
	v.send("LOOKUP nothing ahead step u=anna:x\nLOOKUP live ahead step u=anna:x\n")
	v.says("OK Lookup\nOK Lookup\n")
	v.send("LOOKUP live ahead step u=eve:x\n")
	v.says("FORBIDDEN Lookup (not you)\n")
	b.logs(`level=WARN msg="encoder is refused" path=live peer=10.0.0.1:12 why="the token has expired"`)
	v = b.dial("w", 0, "10.0.0.1")
	v.send("PUBLISH nothing u=anna:x\n")
	v.says("NOSTREAM Publish")
	if j.asked[len(j.asked)-1].Ahead {
		t.Error("a publish is asked ahead")
	}
	b.finish()
}
