package gate

import (
	"math"

	"streampump/bench/contest"
	"streampump/bench/stat"
)

// Kind says how a row is judged.
type Kind uint8

// The kinds.
const (
	Time  Kind = iota // what it is on this machine
	Ratio             // within rounds
	Count             // the same on every machine
)

// String is the kind's name.
func (k Kind) String() string { return [...]string{"time", "ratio", "count"}[k] }

// MarshalText implements encoding.TextMarshaler.
func (k Kind) MarshalText() ([]byte, error) { return []byte(k.String()), nil }

// Row is one promise.
type Row struct {
	Name  string `json:"name"`
	What  string `json:"what"` // in a sentence
	Scene string `json:"scene"`
	Unit  string `json:"unit,omitempty"`
	Kind  Kind   `json:"kind"`
	// Bound is the most that it may be.
	Bound float64 `json:"bound"`
	// Aim is what we want it to be; 0 if that is the bound.
	Aim float64 `json:"aim,omitempty"`
	// Unpackaged says that it needs a server that no package brings. Where there is none the
	// row is not measured, and does not fall for that.
	Unpackaged bool `json:"unpackaged,omitempty"`

	values func(*contest.Table) []float64
	// raise is what the bound is at least in the rounds that were measured;
	// nil raises nothing.
	raise func(*contest.Table) []float64
}

// How a row is judged.
const (
	// looseness is by how much a bound may be passed in the short form, where a
	// machine's other work must not fail a change.
	looseness = 1.5
	// mostTolerance is how much of a row's own spread is allowed for in the
	// strict form: a row that varies by more says nothing, and falls.
	mostTolerance = 0.10
)

// State is what came of a row.
type State string

// The states.
const (
	Holds   State = "holds"
	Fell    State = "FELL"
	Past    State = "past its bound" // and not failed, in the short form
	Missing State = "not measured"
)

// Verdict is what came of a row.
type Verdict struct {
	Row
	State   State         `json:"state"`
	Summary *stat.Summary `json:"summary,omitempty"` // nil if it was not measured
	// Limit is the bound that was held against it: raised where nothing can be
	// below, and with what the form of the gate allows for.
	Limit float64 `json:"limit"`
	// Floor is the bound where the row's own is below what the floor allows; 0
	// if it is not.
	Floor float64 `json:"floor,omitempty"`
}

// judge says what came of a row.
func (r *Row) judge(t *contest.Table, strict bool) Verdict {
	v := Verdict{Row: *r, State: Missing, Limit: r.Bound}
	if t == nil {
		return v
	}
	sum, ok := stat.Of(stat.Present(r.values(t)))
	if !ok {
		return v
	}
	v.Summary = &sum
	if r.raise != nil {
		if least, ok := stat.Of(stat.Present(r.raise(t))); ok && least.Median > v.Limit {
			v.Limit, v.Floor = least.Median, least.Median
		}
	}
	bound := v.Limit
	switch {
	case r.Kind == Count:
		v.State = stateOf(sum.Max <= bound, Fell)
	case strict:
		v.Limit = bound * (1 + math.Min(sum.Spread(), mostTolerance))
		v.State = stateOf(sum.Median <= v.Limit, Fell)
	case r.Kind == Ratio:
		v.Limit = bound * looseness
		v.State = stateOf(sum.Median <= bound, Past)
		if sum.Low > v.Limit {
			v.State = Fell
		}
	default:
		v.State = stateOf(sum.Median <= bound, Past)
	}
	return v
}

func stateOf(ok bool, otherwise State) State {
	if ok {
		return Holds
	}
	return otherwise
}
