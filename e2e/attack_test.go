//go:build e2e

package e2e

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"streampump/bench/attack"
	"streampump/bench/live"
	"streampump/bench/load"
	"streampump/bench/synth"
)

const (
	// healthyViewers are beside each attack, every byte of theirs verified.
	healthyViewers = 100
	// attackMeasured is how long they are measured. An attack begins with that and
	// ends within it.
	attackMeasured = 3500 * time.Millisecond
)

// attackScene is a pump and those who attack it. The short form has all rows of a scene
// at once, the long one each by itself, with a pump of its own.
type attackScene struct {
	name   string
	config string // beside the streams
	evil   string // of the attacked stream, beside type and path
	third  string // another stream, for encoders, with these keys beside type and path
	crowd  int    // so many further streams for encoders, evil1 and so on
	tls    bool   // it listens for TLS too
	rtsp   bool   // there are viewers over RTSP too, and a stream of each row's name
	udp    bool   // some of those have their packets by UDP
	rtmp   bool   // there are viewers over RTMP too, and a stream of each row's name
	prefix []string
	memory int64 // by which the pump may grow at most while it lasts
	open   int   // descriptors that the pump may have
	cores  float64
	long   bool // not in the short form
	rows   []attackRow
}

// attackRow is an attack and what must happen.
type attackRow struct {
	name string // of the attack or the source, unless kind is set
	must string // happen, in a sentence
	kind *attack.Attack
	// The paths that are attacked; those of the stream "evil" if empty.
	view, push string
	crowd      bool // that is fed as the healthy viewers' is, and some of its viewers are healthy
	bounds     attack.Bounds
	// answers are statuses, and closes reasons, of which there must be some.
	answers, closes []string
	problem         string // that the log must tell of the stream whose source this is
	during          func(p *pump, target string) error
	after           func(*testing.T, *pump)
}

// staged is a scene with some of its rows, and what came of it.
type staged struct {
	*attackScene
	rows    []attackRow
	p       *pump
	tlsAddr string
	sources map[string]*attack.Source // by the row's name
	// attackers are those of all rows but sources; nil if there are none.
	attackers *attackers

	mu     sync.Mutex
	dids   map[string]attack.Did // by the row's name
	asked  []error
	o      *attack.Outcome
	grown  int64
	apart  []healthy // those who are no part of what is attacked, beside the usual ones
	crowds []healthy
	closes map[string]uint64
	lines  int // of the log, meanwhile
}

// stage runs rows of a scene beside the healthy viewers and judges what it did to the
// pump and to them, but for the delay.
func (s *attackScene) stage(t *testing.T, rows []attackRow) *staged {
	t.Helper()
	g := &staged{attackScene: s, rows: rows, sources: map[string]*attack.Source{}, dids: map[string]attack.Did{}}
	g.start(t)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	src, err := live.New(ctx, synth.Plain(500_000), 0)
	if err != nil {
		t.Fatal(err)
	}
	startSource(t, g.p, plainDial, g.p.Addr.String(), "live", src, nil)
	if s.rtsp {
		g.apart = append(g.apart, filmgoing(t, g, healthyStream, healthyRTSP))
	}
	if s.rtmp {
		g.apart = append(g.apart, clipwatching(t, g, healthyClip, healthyRTMP))
	}
	for i := range rows {
		switch name := rows[i].name; {
		case !rows[i].crowd:
		case s.rtmp:
			g.crowds = append(g.crowds, clipwatching(t, g, name, besideCrowd))
		default:
			g.crowds = append(g.crowds, filmgoing(t, g, name, besideCrowd))
		}
	}
	memory, before, said := g.p.settled(), g.p.status(), strings.Count(g.p.Log(), "\n")
	g.p.forgetPeak()
	var run func(context.Context) (attack.Did, error)
	if len(rows) > 0 {
		run = g.attack
	}
	if o := (orders{g.others(), g.doors()}); len(o.Rows) > 0 {
		g.attackers = startAttackers(t, o)
	}
	g.o, err = attack.Beside(t.Context(), load.Options{
		Addr: g.p.Addr.String(), Path: "/streams/live", Players: healthyViewers, Verify: healthyViewers,
		Ramp: 200 * time.Millisecond, Duration: attackMeasured, Threads: 1, PID: g.p.PID(),
	}, run)
	for _, h := range slices.Concat(g.apart, g.crowds) {
		h.stop()
	}
	if errors.Is(err, attack.ErrNotAllowed) {
		missing(t, err.Error())
	}
	if err != nil {
		t.Fatal(err)
	}
	g.grown = g.p.peak() - memory
	g.closes = g.p.status().Closes
	for reason, n := range before.Closes {
		if g.closes[reason] -= n; g.closes[reason] == 0 {
			delete(g.closes, reason)
		}
	}
	g.lines = strings.Count(g.p.Log(), "\n") - said
	g.judge(t)
	return g
}

// attack runs all rows at once. What is asked while it lasts is asked beside it, and
// answered before it ends.
func (g *staged) attack(ctx context.Context) (attack.Did, error) {
	var all sync.WaitGroup
	for i := range g.rows {
		row := &g.rows[i]
		if source := g.sources[row.name]; source != nil {
			all.Go(func() { g.did(row.name, source.Wait(ctx)) })
		}
		if row.during == nil {
			continue
		}
		kind, err := row.attack()
		if err != nil {
			return attack.Did{}, err
		}
		all.Go(func() {
			if err := row.during(g.p, g.doors()[kind.Door]); err != nil {
				g.mu.Lock()
				g.asked = append(g.asked, fmt.Errorf("%s: %w", row.name, err))
				g.mu.Unlock()
			}
		})
	}
	var deeds map[string]deed
	var err error
	if g.attackers != nil {
		deeds, err = g.attackers.attack(ctx)
	}
	all.Wait()
	for name, d := range deeds {
		g.did(name, d.Did)
		if d.NotAllowed {
			err = errors.Join(err, fmt.Errorf("%s: %w: %s", name, attack.ErrNotAllowed, d.Err))
		} else if d.Err != "" {
			err = errors.Join(err, fmt.Errorf("%s: %s", name, d.Err))
		}
	}
	return attack.Did{}, err
}

// did notes what came of a row.
func (g *staged) did(name string, did attack.Did) {
	g.mu.Lock()
	g.dids[name] = did
	g.mu.Unlock()
}

// doors are the pump's addresses.
func (g *staged) doors() map[attack.Door]string {
	return map[attack.Door]string{attack.Plain: g.p.Addr.String(), attack.TLS: g.tlsAddr, attack.Admin: g.p.Admin.String()}
}

// seen is what was seen of a row, in a line.
func (g *staged) seen(row *attackRow) string {
	did := g.dids[row.name]
	var parts []string
	if n := len(did.Right); n > 0 {
		parts = append(parts, fmt.Sprintf("%d shapes right, %d tries", n, did.Units))
	} else if kind, err := row.attack(); err == nil {
		parts = append(parts, fmt.Sprintf("%d %s on %d connections", did.Units, kind.Unit, did.Connections))
	} else {
		parts = append(parts, fmt.Sprintf("the pump came %d times", did.Connections))
	}
	if did.Closed > 0 && len(did.Answers) == 0 && len(did.Right) == 0 {
		parts = append(parts, fmt.Sprintf("%d closed by the pump", did.Closed))
	}
	for _, status := range slices.Sorted(maps.Keys(did.Answers)) {
		parts = append(parts, fmt.Sprintf("%d × %s", did.Answers[status], status))
	}
	for _, reason := range slices.Sorted(maps.Keys(g.closes)) {
		// The healthy viewers leave when they have been measured.
		if len(g.rows) == 1 && reason != "viewer_left" || slices.Contains(row.closes, reason) {
			parts = append(parts, fmt.Sprintf("%d %s", g.closes[reason], reason))
		}
	}
	if row.problem != "" {
		if why, err := g.failure(row); err == nil {
			parts = append(parts, "“"+why+"”")
		}
	}
	return strings.Join(parts, ", ")
}
