package admin

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/pprof"
	"net/url"
	"runtime"
	"slices"
	"strconv"
	"sync"
)

// Rates are how much the program notes of goroutines' waits for each other. It notes
// nothing unless asked to, because every noted wait costs about a microsecond.
type Rates struct {
	// Block is how many nanoseconds of waiting give one sample of the block
	// profile, on average; 0 is off.
	Block int `json:"block_rate"`
	// Mutex is the number of contended locks of which one is in the mutex profile; 0 is
	// off.
	Mutex int `json:"mutex_fraction"`
}

// The rates of a measurement that asks for none. A sample for each 10 microseconds,
// and one lock in ten, are cheap even if there are many waits, and if there are few
// nobody has to look.
const (
	DefaultBlockRate     = 10_000
	DefaultMutexFraction = 10
)

// The bounds of what can be asked for; MaxSeconds is of one measurement. With more
// than a second of waiting for a sample, or less than one lock in a million, nothing
// is seen; more than an hour is a mistake.
const (
	MaxBlockRate     = 1_000_000_000
	MaxMutexFraction = 1_000_000
	MaxSeconds       = 3600
)

// maxForm bounds the body of a request: it has two or three short numbers.
const maxForm = 4 << 10

// switchboard is what sets the program's rates. There is one in a program, because
// the rates are the runtime's, which cannot be asked for the block rate.
type switchboard struct {
	mu        sync.Mutex
	now       Rates
	measuring bool // a request has its own rates until it ends
}

// errMeasuring says that two measurements would disturb each other's rates.
var errMeasuring = errors.New("a profile is being measured with rates of its own; try again when it is over")

// set makes r the program's rates.
func (s *switchboard) set(r Rates) {
	runtime.SetBlockProfileRate(r.Block)
	runtime.SetMutexProfileFraction(r.Mutex)
	s.now = r
}

// show answers with the present rates.
func (s *switchboard) show(w http.ResponseWriter, _ *http.Request) {
	s.mu.Lock()
	now := s.now
	s.mu.Unlock()
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	_ = json.NewEncoder(w).Encode(now) // fails only if the reader has gone
}

// change sets the rates that the request names, until the next change.
func (s *switchboard) change(w http.ResponseWriter, r *http.Request) {
	values, err := numbers(w, r, blockRate, mutexFraction)
	if err == nil && len(values) == 0 {
		err = errors.New("block_rate or mutex_fraction is missing")
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	s.mu.Lock()
	measuring := s.measuring
	if !measuring {
		s.set(s.now.with(values))
	}
	s.mu.Unlock()
	if measuring {
		http.Error(w, errMeasuring.Error(), http.StatusConflict)
		return
	}
	s.show(w, r)
}

// measure answers with the block or mutex profile of the seconds that follow. The
// rates are on for as long as the request lives and then as before, even if the
// client vanishes.
func (s *switchboard) measure(rate number, def int) http.HandlerFunc {
	profile := pprof.Handler(rate.profile)
	return func(w http.ResponseWriter, r *http.Request) {
		values, err := numbers(w, r, seconds, rate)
		if err == nil && values[seconds.name] == 0 {
			err = errors.New("seconds is missing, or 0")
		}
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		if values[rate.name] == 0 {
			values[rate.name] = def
		}
		before, ok := s.begin(values)
		if !ok {
			http.Error(w, errMeasuring.Error(), http.StatusConflict)
			return
		}
		defer s.end(before)
		profile.ServeHTTP(w, r)
	}
}

// begin sets the rates of a measurement and returns those before it; not ok if
// there is another.
func (s *switchboard) begin(values map[string]int) (before Rates, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.measuring {
		return s.now, false
	}
	before, s.measuring = s.now, true
	s.set(s.now.with(values))
	return before, true
}

// end goes back to the rates before a measurement.
func (s *switchboard) end(before Rates) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.measuring = false
	s.set(before)
}

// with is r with the given values in place of its own.
func (r Rates) with(values map[string]int) Rates {
	if n, ok := values[blockRate.name]; ok {
		r.Block = n
	}
	if n, ok := values[mutexFraction.name]; ok {
		r.Mutex = n
	}
	return r
}

// number is a parameter of a request: a number from 0 to most.
type number struct {
	name    string
	most    int
	profile string // the profile whose rate it is
}

var (
	blockRate     = number{"block_rate", MaxBlockRate, "block"}
	mutexFraction = number{"mutex_fraction", MaxMutexFraction, "mutex"}
	seconds       = number{"seconds", MaxSeconds, ""}
)

// numbers are the parameters of a request, from its query and its form; none but
// the known ones may be there.
func numbers(w http.ResponseWriter, r *http.Request, known ...number) (map[string]int, error) {
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	err := r.ParseForm()
	if err == nil {
		// A body that is not a form is read past: only then does net/http watch for a
		// client that vanishes.
		_, err = io.Copy(io.Discard, r.Body)
	}
	if err != nil {
		return nil, fmt.Errorf("the parameters cannot be read: %w", err)
	}
	return readNumbers(r.Form, known)
}

// readNumbers reads the known parameters, and says the first mistake in the order
// of their names.
func readNumbers(form url.Values, known []number) (map[string]int, error) {
	values := map[string]int{}
	var names []string
	for name := range form {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		i := slices.IndexFunc(known, func(n number) bool { return n.name == name })
		if i < 0 {
			return nil, fmt.Errorf("there is no parameter %q here", name)
		}
		if len(form[name]) > 1 {
			return nil, fmt.Errorf("%s is given twice", name)
		}
		n, err := strconv.Atoi(form[name][0])
		if err != nil || n < 0 || n > known[i].most {
			return nil, fmt.Errorf("%s must be a whole number from 0 to %d, not %q", name, known[i].most, form[name][0])
		}
		values[name] = n
	}
	return values, nil
}
