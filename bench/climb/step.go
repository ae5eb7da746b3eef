package climb

import (
	"context"
	"fmt"
	"time"

	"streampump/bench/load"
	"streampump/bench/meter"
)

// leastRate is which part of the stream players must get: less, and the server
// falls behind although nobody measures its delay. A stream is not equally large
// in each step, so the bound is wide.
const leastRate = 0.8

// Step is one step of a climb.
type Step struct {
	Players int `json:"players"`
	// Why are the sentences that say why the step failed; none if it did not.
	Why    []string     `json:"why,omitempty"`
	Reason Reason       `json:"reason,omitempty"` // what gave out, if it failed
	Result *load.Result `json:"result"`
	Loops  int          `json:"loops,omitempty"`

	// Memory is what the server's machine had at its least during the measurement; nil
	// if that was not read.
	Memory *meter.Memory `json:"memory,omitempty"`
	// Busy is how many of the server's processors had something to do then, and
	// LoadBusy how many of the load's, whoever gave it to them; nil where that was
	// not read.
	Busy     *float64 `json:"busy_processors,omitempty"`
	LoadBusy *float64 `json:"busy_processors_of_load,omitempty"`

	// Of each viewer; nil where the server's process was not measured.
	CPUPerViewer    *float64 `json:"cores_per_viewer,omitempty"`
	MemoryPerViewer *float64 `json:"bytes_per_viewer,omitempty"`

	failed        bool        // the server ended by itself
	first, ofLoad meter.Ticks // of the server's and the load's processors, when the measurement began
}

// Held reports whether the server carried the step's players.
func (s *Step) Held() bool { return len(s.Why) == 0 }

// puzzling: it failed, and nothing that the server can be blamed for was full.
func (s *Step) puzzling() bool { return s.Reason == Unexplained || s.Reason == Disturbed }

// nobody reports that no player got the stream, for no reason that has to do with
// the load: of a first step, that the server is not there or has no such stream, and
// fewer players would not get it either.
func (s *Step) nobody() bool { return s.Reason == Unexplained && s.Result.Counts.Joined == 0 }

// eyes run steps and remember what is needed to judge the next ones.
type eyes struct {
	*Options
	rate   float64 // bits per second of a player in the first step
	before int64   // the least memory of the server without players; 0: not known
}

func newEyes(o *Options) *eyes { return &eyes{Options: o} }

// step runs a step. It is nil if it was interrupted.
func (e *eyes) step(ctx context.Context, players int) (*Step, error) {
	l := e.of(players)
	if e.Begin != nil {
		e.Begin(players, l.Expected())
	}
	s := &Step{Players: players}
	show := e.Load.Progress
	l.Progress = func(p load.Progress) {
		if p.Measuring > 0 {
			s.look(&e.Room)
		}
		if show != nil {
			show(p)
		}
	}
	p, err := e.Play(ctx, l)
	if err != nil || ctx.Err() != nil {
		return nil, err
	}
	s.Result, s.Loops, s.failed = p.Result, p.Loops, p.Failed != ""
	if s.failed {
		s.Why = append(s.Why, "the server failed: "+p.Failed)
	}
	if s.Result == nil {
		s.Result = new(load.Result) // of a server that did not live to see a player
	}
	e.judge(s)
	return s, nil
}

// look keeps what the server's machine has when it has the least. Processors are
// looked at from the first time on. A server without cores is on another machine.
func (s *Step) look(r *Room) {
	s.LoadBusy = busySince(&s.ofLoad, r.LoadCores)
	if len(r.Cores) == 0 {
		return
	}
	s.Busy = busySince(&s.first, r.Cores)
	if m, err := meter.ReadMemory(); err == nil {
		if s.Memory != nil {
			m.Available, m.Sockets = min(m.Available, s.Memory.Available), max(m.Sockets, s.Memory.Sockets)
		}
		s.Memory = &m
	}
}

// busySince is how many of the cores were busy since it was called first, which
// it notes; nil where that cannot be read, and the first time.
func busySince(first *meter.Ticks, cores []int) *float64 {
	t, err := meter.ReadTicks(cores)
	switch {
	case err != nil:
		return nil
	case *first == meter.Ticks{}:
		*first = t
		return nil
	case t.All == first.All:
		return nil
	}
	busy := float64(t.Busy-first.Busy) / float64(t.All-first.All) * float64(len(cores))
	return &busy
}

// judge says why a step failed, and what gave out.
func (e *eyes) judge(s *Step) {
	r := s.Result
	s.Why = append(s.Why, r.Problems...)
	if v := r.Server; v != nil {
		e.measureServer(s, v)
	}
	why := func(format string, args ...any) { s.Why = append(s.Why, fmt.Sprintf(format, args...)) }
	if d, most := r.Delay, float64(e.Delay)/float64(time.Millisecond); d != nil && d.P99 > most {
		why("the added delay's p99 is %.1f ms, above %v", d.P99, e.Delay)
	}
	if v := r.Verified; v != nil && v.Gaps > 0 {
		why("the %d verified players have %d gaps", v.Players, v.Gaps)
	}
	if n := r.Counters["viewer_skips"]; n > 0 {
		why("players were moved to a newer key frame %.0f times", n)
	}
	if m := r.Measured; m != nil && r.Counts.Held > 0 {
		rate := m.BitRate / float64(r.Counts.Held)
		if e.rate == 0 {
			e.rate = rate
		}
		if rate < leastRate*e.rate {
			why("players got %.0f%% of the stream", 100*rate/e.rate)
		}
		if g := e.Room.Generator; g > 0 && m.Generator.Cores >= full*g {
			why("the load took %.2f of the %g processors that it may use", m.Generator.Cores, g)
		}
	}
	if !s.Held() {
		s.Reason = whatGaveOut(s, &e.Room)
	}
}

// measureServer takes what each viewer cost the server.
func (e *eyes) measureServer(s *Step, v *load.Server) {
	if e.before == 0 || v.RSSBefore < e.before {
		// Memory that was taken for a step before is not given back at once.
		e.before = v.RSSBefore
	}
	if held := float64(s.Result.Counts.Held); held > 0 {
		cpu, memory := v.CPU.Cores/held, float64(v.RSS-e.before)/held
		s.CPUPerViewer, s.MemoryPerViewer = &cpu, &memory
	}
}
