package admin

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"path"
	"slices"
	"strconv"
	"time"
)

// The bounds of one request.
const (
	// maxBody is of any request: the longest that is asked for is a list of
	// addresses whose names are wanted.
	maxBody   = 64 << 10
	bodyTime  = 10 * time.Second // for the body of a request
	writeTime = 30 * time.Second // for each piece of an answer
)

// patient bounds in bytes and time what a client sends and takes, but not how long an
// answer takes to make: a profile takes as long as was asked for.
func patient(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		control := http.NewResponseController(w)
		// Where there is no connection (in tests) there are no deadlines.
		_ = control.SetReadDeadline(time.Now().Add(bodyTime))
		_ = control.SetWriteDeadline(time.Now().Add(bodyTime + writeTime))
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
		if err != nil {
			w.Header().Set("Connection", "close")
			refuseBody(w, err)
			return
		}
		// From here on net/http watches for a client that vanishes.
		_ = control.SetReadDeadline(time.Time{})
		r.Body = io.NopCloser(bytes.NewReader(body))
		conn := connOf(r)
		conn.work(true)
		h.ServeHTTP(&steady{w, control, conn}, r)
		conn.work(false) // but for taking what is left
	})
}

// refuseBody answers a request whose body did not come.
func refuseBody(w http.ResponseWriter, err error) {
	var long *http.MaxBytesError
	if errors.As(err, &long) {
		http.Error(w, fmt.Sprintf("the request's body is longer than %d bytes", long.Limit), http.StatusRequestEntityTooLarge)
		return
	}
	http.Error(w, "the request's body did not come in time", http.StatusRequestTimeout)
}

// steady is an answer each piece of which has its own deadline.
type steady struct {
	http.ResponseWriter
	control *http.ResponseController
	conn    *counted
}

// Write implements [io.Writer].
func (s *steady) Write(b []byte) (int, error) {
	_ = s.control.SetWriteDeadline(time.Now().Add(writeTime))
	s.conn.work(false) // it waits for its client
	defer s.conn.work(true)
	return s.ResponseWriter.Write(b)
}

// Unwrap is for [http.ResponseController].
func (s *steady) Unwrap() http.ResponseWriter { return s.ResponseWriter }

// How many profiles of this moment, and lists of viewers, are made at once. Each costs
// processor time or memory, and no more than one person looks. Of profiles that last,
// there is one at a time: another would be in it.
const (
	maxProfiles = 2
	maxLists    = 2
)

// gate lets only some requests through at once.
type gate struct {
	room chan struct{}
	full string // what those beyond are told
}

func newGate(n int, full string) gate { return gate{make(chan struct{}, n), full} }

// admit answers 503 to requests beyond that.
func (g gate) admit(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		select {
		case g.room <- struct{}{}:
			defer func() { <-g.room }()
			h.ServeHTTP(w, r)
		default:
			w.Header().Set("Retry-After", "10")
			http.Error(w, g.full+"; try again when that is done", http.StatusServiceUnavailable)
		}
	})
}

// timed gives requests for profiles that last to one handler and those for profiles of
// this moment to another. How long one lasts is bounded.
func timed(lasting, quick http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asks := r.URL.Query().Get(seconds.name)
		switch n, err := strconv.Atoi(asks); {
		case asks != "" && (err != nil || n < 0 || n > MaxSeconds):
			http.Error(w, fmt.Sprintf("seconds must be a whole number from 0 to %d, not %q", MaxSeconds, asks), http.StatusBadRequest)
		case asks != "" || r.Method == http.MethodPost || slices.Contains(alwaysLast, path.Base(r.URL.Path)):
			lasting.ServeHTTP(w, r)
		default:
			quick.ServeHTTP(w, r)
		}
	})
}

// alwaysLast are the profiles that last even if the request does not say how long.
var alwaysLast = []string{"profile", "trace"}
