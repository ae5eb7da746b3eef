package contest

import (
	"context"
	"fmt"
	"math"
	"os"
	"slices"

	"streampump/bench/affinity"
	"streampump/bench/floor"
	"streampump/bench/live"
	"streampump/bench/load"
	"streampump/bench/rival"
	"streampump/bench/synth"
)

// framed is what MMSH adds to a data packet.
const framed = 12

// Heat is one run of one server.
type Heat struct {
	// Kind is the server; nil is the floor.
	Kind *rival.Kind
	// Name tells heats of one kind apart in a contest; the kind's if empty.
	Name string
	// Path is the server's program; found if empty.
	Path string
	// Loops is the pump's number of event loops; its own choice if 0.
	Loops int
	// Cores are the server's. What loads it runs on the process's own.
	Cores []int
	// Spec is the stream.
	Spec synth.Spec
	// Load is what the players do; where they play is filled in.
	Load load.Options
	// Profile is called with the pump's admin listener while players play, on a
	// goroutine of its own; it ends when ctx does. nil is not called.
	Profile func(ctx context.Context, admin string) error
}

// Outcome is what a heat found out.
type Outcome struct {
	Name    string        `json:"name"`
	Figures Figures       `json:"figures"`
	Result  *load.Result  `json:"result,omitempty"`
	Floor   *floor.Result `json:"floor,omitempty"`
	// Failed is why there is no result.
	Failed string `json:"failed,omitempty"`
}

// name is what the heat is called.
func (h *Heat) name() string {
	switch {
	case h.Name != "":
		return h.Name
	case h.Kind == nil:
		return FloorName
	}
	return h.Kind.Name
}

// Run runs a heat. An error means that the contest can not go on; a server that
// fails is an outcome.
func (h *Heat) Run(ctx context.Context) (*Outcome, error) {
	dir, err := os.MkdirTemp("", "pump-bench-")
	if err != nil {
		return nil, fmt.Errorf("a folder for the server: %w", err)
	}
	defer os.RemoveAll(dir)
	out := &Outcome{Name: h.name(), Figures: Figures{}}
	s, err := h.Kind.Start(ctx, rival.Setup{
		Path: h.Path, Dir: dir, Cores: h.Cores, Viewers: h.Load.Players, Loops: h.Loops,
		Source: func(ctx context.Context) (rival.Source, error) { return live.New(ctx, h.Spec, 0) },
	})
	if err != nil {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		out.Failed = err.Error()
		return out, nil
	}
	o := h.Load
	o.Addr, o.Path, o.PID, o.Plain, o.Marks = s.Addr, s.Path, s.PID(), h.Kind.Plain, h.Kind.Check == rival.Marks
	o.AnyStart = h.Kind.Package != "" // others can not tell where to begin
	if s.Admin != "" {
		o.Counters = func() (map[string]float64, error) { return counters(s.Admin) }
	}
	profiled := h.profile(ctx, s.Admin)
	out.Result, err = load.Run(ctx, o)
	failed := s.Err()
	if failed == nil {
		failed = profiled()
	}
	if stopped := s.Stop(); failed == nil {
		failed = stopped
	}
	switch {
	case err != nil:
		return nil, err
	case failed != nil:
		out.Failed = failed.Error()
	}
	out.Figures.take(out.Result)
	return out, nil
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
			return fmt.Errorf("its profile: %w", err)
		}
		return nil
	}
}

// FloorName is what the floor is called among servers.
const FloorName = "floor"

// runFloor runs the floor with as many viewers, as large a packet, as high a
// packet rate, and as many packets in a call as the pump had.
func (h *Heat) runFloor(ctx context.Context, packetRate, coalesce float64) (*Outcome, error) {
	size := h.Spec.PacketSize + framed
	r, err := floor.Run(ctx, floor.Options{
		Viewers: h.Load.Players, PacketSize: size, Coalesce: max(coalesce, 1),
		Bitrate: int(packetRate * float64(size) * 8), Duration: h.Load.Duration, Cores: h.Cores,
	})
	out := &Outcome{Name: FloorName, Figures: Figures{}, Floor: r}
	if err != nil {
		out.Failed = err.Error()
		return out, ctx.Err()
	}
	out.Figures[CPUPerCall] = r.NsPerCall / 1000
	out.Figures[CPUPerGB] = r.SecondsByGB
	out.Figures[Cores] = r.CPUSeconds / r.Seconds
	out.Figures[PacketsPerCall] = float64(r.Bytes) / float64(size) / float64(r.Calls)
	return out, nil
}

// Placement is which cores the server has and which the load.
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
	var p Placement
	if p.Server, p.Load = affinity.Split(own); len(server) > 0 {
		p.Server, p.Load = server, affinity.Without(own, server)
	}
	return p, affinity.Confine(p.Load)
}

// nan is a figure that is not there.
func nan() float64 { return math.NaN() }
