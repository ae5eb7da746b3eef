package contest

import (
	"context"
	"fmt"
	"os"
	"slices"
	"time"

	"streampump/bench/affinity"
	"streampump/bench/feed"
	"streampump/bench/floor"
	"streampump/bench/live"
	"streampump/bench/load"
	"streampump/bench/pace"
	"streampump/bench/rival"
	"streampump/bench/secure"
	"streampump/bench/synth"
)

// Heat is one run of one server.
type Heat struct {
	// Kind is the server.
	Kind *rival.Kind
	// Name tells heats of one kind apart in a contest; the kind's if empty.
	Name string
	// Path is the server's program; found if empty. Pump is that of the pump behind a
	// server that fronts it, in the same way.
	Path, Pump string
	// TLS: its players speak TLS. A certificate is made for each run.
	TLS bool
	// Fanout is what the pump is told about its fan-out.
	Fanout rival.Fanout
	// Cores are the server's. What loads it runs on the process's own.
	Cores []int
	// Spec is the stream, unless it is Feed, which comes and goes over another protocol.
	Spec synth.Spec
	Feed feed.Stream
	// HeadStart is how long the server has had its stream before the players come.
	HeadStart time.Duration
	// Load is what the players do; where they play is filled in.
	Load load.Options
	// Profile is called with the pump's admin listener while players play, on a
	// goroutine of its own; it ends when ctx does, at the latest when they have
	// played. nil is not called.
	Profile func(ctx context.Context, admin string) error
}

// Outcome is what a heat found out.
type Outcome struct {
	Name string `json:"name"`
	// Figures are empty where no player ever tried.
	Figures Figures       `json:"figures"`
	Result  *load.Result  `json:"result,omitempty"`
	Floor   *floor.Result `json:"floor,omitempty"`
	// Loops is the pump's number of event loops; 0 where that is not told.
	Loops int `json:"loops,omitempty"`
	// Failed is what went wrong with the server.
	Failed string `json:"failed,omitempty"`
	// Interrupted says that the figures are of only a part of the time.
	Interrupted bool `json:"interrupted,omitempty"`
}

// name is what the heat is called.
func (h *Heat) name() string {
	if h.Name != "" {
		return h.Name
	}
	return h.Kind.Name
}

// Run runs a heat. An error means that the contest cannot go on; a server that
// fails is an outcome. Of a heat that ctx ended before anything was measured the
// outcome is nil.
func (h *Heat) Run(ctx context.Context) (*Outcome, error) {
	dir, err := os.MkdirTemp("", "pump-bench-")
	if err != nil {
		return nil, fmt.Errorf("a folder for the server: %w", err)
	}
	defer os.RemoveAll(dir)
	out := &Outcome{Name: h.name(), Figures: Figures{}}
	var authority *secure.Authority
	if h.TLS {
		if authority, err = secure.NewAuthority(); err != nil {
			return nil, err
		}
	}
	s, err := h.Kind.Start(ctx, rival.Setup{
		Path: h.Path, Pump: h.Pump, Authority: authority, Dir: dir, Cores: h.Cores, Viewers: h.Load.Players, Fanout: h.Fanout, Feed: h.Feed,
		Source: func(ctx context.Context) (rival.Source, error) { return live.New(ctx, h.Spec, 0) },
	})
	if err != nil {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		out.Failed = err.Error()
		return out, nil
	}
	if s.Admin != "" {
		if c, err := Counters(s.Admin); err == nil {
			out.Loops = int(c["loops"])
		}
	}
	var failed error
	if !pace.Sleep(ctx, h.HeadStart) {
		_ = s.Stop()
		return nil, ctx.Err()
	}
	if failed = s.Err(); failed == nil {
		out.Result, failed, err = h.load(ctx, s)
	}
	// Of several failures the first is the cause of the others.
	if stopped := s.Stop(); failed == nil {
		failed = stopped
	}
	switch {
	case failed != nil:
		out.Failed = failed.Error()
	case err != nil:
		return nil, err
	}
	if out.Result == nil {
		return out, nil
	}
	if out.Interrupted = out.Result.Interrupted; out.Interrupted && out.Result.Measured == nil {
		return nil, ctx.Err()
	}
	out.Figures.take(out.Result)
	return out, nil
}

// load has players play at a server. failed is why the server, its source or its
// profile failed.
func (h *Heat) load(ctx context.Context, s *rival.Server) (r *load.Result, failed, err error) {
	o := h.Load
	o.Addr, o.Path, o.PID, o.Plain, o.Marks = s.Addr, s.Path, s.PID(), h.Kind.Plain, h.Kind.Check == rival.Marks
	if o.Feed = h.Feed; o.Feed != nil && o.Marks {
		// It cuts the payloads that are checked into others.
		o.Marks, o.Verify = false, 0
	}
	o.AnyStart = (h.Kind.Package != "" || h.Kind.Home != "") && !h.Kind.Fronts // others cannot tell where to begin
	o.TLS = s.TLS
	if o.Others, err = s.Others(); err != nil {
		return nil, err, nil
	}
	if s.Admin != "" {
		o.Counters = func() (map[string]float64, error) { return Counters(s.Admin) }
	}
	playing, played := context.WithCancel(ctx)
	defer played()
	profiled := h.profile(playing, s.Admin)
	r, err = load.Run(ctx, o)
	failed = s.Err()
	whole := failed == nil && err == nil && len(r.Problems) == 0 && !r.Interrupted
	if !whole {
		played() // there is nothing left to profile
	}
	if p := profiled(); whole {
		failed = p
	}
	return r, failed, err
}

// profile has the pump profiled; what it returns waits for that.
func (h *Heat) profile(ctx context.Context, admin string) (wait func() error) {
	if h.Profile == nil || admin == "" {
		return func() error { return nil }
	}
	done := make(chan error, 1)
	go func() { done <- h.Profile(ctx, admin) }()
	return func() error {
		if err := <-done; err != nil {
			return fmt.Errorf("the profile: %w", err)
		}
		return nil
	}
}

// sealFor is how long the floor measures AES-GCM alone: some thousand records.
const sealFor = 500 * time.Millisecond

// FloorName is what the floor is called among servers.
const FloorName = "floor"

// floorLike runs the floor with as many viewers, as large a packet, as high a
// packet rate, and as many packets in a call as a pump had. secured measures what it
// costs to encrypt too.
func floorLike(ctx context.Context, h *Heat, packetRate, coalesce float64, secured bool) (*Outcome, error) {
	size := h.packetSize()
	seal := time.Duration(0)
	if secured {
		seal = sealFor
	}
	r, err := floor.Run(ctx, floor.Options{
		Seal:    seal,
		Viewers: h.Load.Players, PacketSize: size, Coalesce: min(max(coalesce, 1), floor.MaxCoalesce),
		Bitrate: int(packetRate * float64(size) * 8), Duration: h.Load.Duration, Segment: h.Load.Segment, Cores: h.Cores,
	})
	if ctx.Err() != nil && err != nil {
		return nil, ctx.Err()
	}
	out := &Outcome{Name: FloorName, Figures: Figures{}, Floor: r, Interrupted: ctx.Err() != nil}
	if err != nil {
		out.Failed = err.Error()
		return out, nil
	}
	f := out.Figures
	f.set(CPUPerCall, r.NsPerCall/1000)
	f.set(CPUPerGB, r.SecondsByGB)
	if secured {
		f.set(SealPerGB, r.SealByGB)
	}
	f.set(Cores, r.CPUSeconds/r.Seconds)
	f.set(PacketsPerCall, float64(r.Bytes)/float64(size)/float64(r.Calls))
	return out, nil
}

// packetSize is how many bytes a player gets for each packet, on average.
func (h *Heat) packetSize() int {
	if h.Feed != nil {
		bytes, packets := h.Feed.Mean()
		return int(bytes / packets)
	}
	return h.Spec.PacketSize + feed.Framed
}

// Placement is which cores the server has and which the load. They are the same
// where there is one core only, or the server has all.
type Placement struct {
	Server, Load []int
}

// All is both.
func (p Placement) All() []int {
	all := append(slices.Clone(p.Server), p.Load...)
	slices.Sort(all)
	return slices.Compact(all)
}

// Place splits the processors of this process, of which the server gets those
// named, or the first if none are, and keeps this process on the others.
func Place(server []int) (Placement, error) {
	own, err := affinity.Own()
	if err != nil {
		return Placement{}, err
	}
	p, err := split(own, server)
	if err != nil {
		return Placement{}, err
	}
	return p, affinity.Confine(p.Load)
}

// CanPlace refuses processors that this process may not use.
func CanPlace(server []int) error {
	own, err := affinity.Own()
	if err == nil {
		_, err = split(own, server)
	}
	return err
}

// split is Place without doing it.
func split(own, server []int) (p Placement, err error) {
	for _, c := range server {
		if !slices.Contains(own, c) {
			return p, fmt.Errorf("the servers cannot have the processors %s: this process may run on %s", affinity.Text(server), affinity.Text(own))
		}
	}
	if p.Server, p.Load = affinity.Split(own); len(server) > 0 {
		p.Server, p.Load = server, affinity.Without(own, server)
	}
	return p, nil
}
