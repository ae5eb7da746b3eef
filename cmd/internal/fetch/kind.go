package fetch

import "slices"

// Kind is a kind of profile that a pump gives.
type Kind struct {
	// Name is what it is called on a command line.
	Name string
	// Sample is the type of sample that its costs are counted in.
	Sample string
	// Measured: it is of the seconds that follow. Otherwise it is of the moment.
	Measured bool
	// About is what it shows, in half a sentence.
	About string

	path string // below /debug/pprof/
	rate string // the parameter that turns it on for the measurement
}

// kinds are all of them, the usual ones first.
var kinds = []Kind{
	{Name: "cpu", Sample: "cpu", Measured: true, About: "where processor time goes", path: "profile"},
	{Name: "heap", Sample: "inuse_space", About: "what memory is used for", path: "heap"},
	{Name: "allocs", Sample: "alloc_space", Measured: true, About: "who allocates", path: "allocs"},
	{Name: "goroutine", Sample: "goroutine", About: "what all goroutines do", path: "goroutine"},
	{Name: "block", Sample: "delay", Measured: true, About: "who waits for others", path: "block", rate: "block_rate"},
	{Name: "mutex", Sample: "delay", Measured: true, About: "who makes others wait for a lock", path: "mutex", rate: "mutex_fraction"},
}

// Kinds are the kinds of profiles there are.
func Kinds() []Kind { return slices.Clone(kinds) }

// KindOf finds a kind by its name.
func KindOf(name string) (Kind, bool) {
	for _, k := range kinds {
		if k.Name == name {
			return k, true
		}
	}
	return Kind{}, false
}
