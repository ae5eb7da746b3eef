package payload

// Runs are the sources of type S that a checker knows, by run.
type Runs[S any] struct {
	first S
	known map[uint32]*S
	run   func(*S) *uint32
}

// NewRuns are these sources; run finds where a source has its run.
func NewRuns[S any](sources []S, run func(*S) *uint32) *Runs[S] {
	r := &Runs[S]{known: map[uint32]*S{}, run: run}
	for i := range sources {
		if i == 0 {
			r.first = sources[0]
		}
		r.known[*run(&sources[i])] = &sources[i]
	}
	return r
}

// Of is the source of a run; nil if there is none. With unknown, a run that is not known is
// one of the first source, and no run before it comes again.
func (r *Runs[S]) Of(run uint32, unknown bool) *S {
	if s := r.known[run]; s != nil || !unknown {
		return s
	}
	s := r.first
	*r.run(&s) = run
	clear(r.known)
	r.known[run] = &s
	return &s
}

// All calls f with each source until it says no.
func (r *Runs[S]) All(f func(*S) bool) {
	for _, s := range r.known {
		if !f(s) {
			return
		}
	}
}
