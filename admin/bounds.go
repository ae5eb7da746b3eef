package admin

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
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
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
		if err != nil {
			w.Header().Set("Connection", "close")
			refuseBody(w, err)
			return
		}
		// From here on net/http watches for a client that vanishes.
		_ = control.SetReadDeadline(time.Time{})
		r.Body = io.NopCloser(bytes.NewReader(body))
		h.ServeHTTP(&steady{w, control}, r)
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
}

// Write implements [io.Writer].
func (s *steady) Write(b []byte) (int, error) {
	_ = s.control.SetWriteDeadline(time.Now().Add(writeTime))
	return s.ResponseWriter.Write(b)
}

// Unwrap is for [http.ResponseController].
func (s *steady) Unwrap() http.ResponseWriter { return s.ResponseWriter }

// maxProfiles is how many profiles are made at once. Each costs processor time or
// memory, and no more than one person looks.
const maxProfiles = 4

// gate lets only some requests through at once.
type gate chan struct{}

func newGate(n int) gate { return make(gate, n) }

// admit answers 503 to requests beyond that.
func (g gate) admit(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		select {
		case g <- struct{}{}:
			defer func() { <-g }()
			h.ServeHTTP(w, r)
		default:
			w.Header().Set("Retry-After", "10")
			http.Error(w, "too many profiles are being made; try again when they are done", http.StatusServiceUnavailable)
		}
	})
}

// limited is a listener with a bound on how many connections are open. Each one
// beyond it is told so and closed at once: one that waited would hold a descriptor,
// and its owner would not know why.
type limited struct {
	net.Listener
	room chan struct{}
}

func limit(ln net.Listener, n int) limited { return limited{ln, make(chan struct{}, n)} }

const crowdedAnswer = "HTTP/1.1 503 Service Unavailable\r\nContent-Type: text/plain; charset=utf-8\r\nConnection: close\r\nContent-Length: 50\r\n\r\n" +
	"too many connections to the admin listener; wait.\n"

// Accept implements [net.Listener].
func (l limited) Accept() (net.Conn, error) {
	for {
		conn, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		select {
		case l.room <- struct{}{}:
			return &counted{Conn: conn, leave: sync.OnceFunc(func() { <-l.room })}, nil
		default:
			_, _ = io.WriteString(conn, crowdedAnswer) // into an empty socket buffer: never blocks
			_ = conn.Close()
		}
	}
}

// counted gives its place back when it is closed.
type counted struct {
	net.Conn
	leave func()
}

// Close implements [net.Conn].
func (c *counted) Close() error {
	c.leave()
	return c.Conn.Close()
}
