// Package admin is the operator's listener: the state of the engine as JSON,
// and profiles. It is on an address of its own, the loopback by default,
// because a profile slows the program down and a status tells too much.
//
//	GET /status        engine.Snapshot as JSON
//	GET /debug/pprof/  profiles that "go tool pprof" and google/pprof read
//	GET /debug/rates   [Rates] as JSON: whether waits are noted
//	PUT /debug/rates   block_rate=NS, mutex_fraction=N: as a query or a form
//	POST /debug/pprof/block, /debug/pprof/mutex
//	                   seconds=N, and block_rate or mutex_fraction: the profile of
//	                   the seconds that follow, with the rate on for so long
//
// What changes something is refused to pages of other sites.
//
// The status page for people, metrics and SNMP will be further handlers here.
package admin

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/pprof"
	"os"
	"time"

	"streampump/engine"
)

// Source is what the listener shows.
type Source interface {
	Snapshot() engine.Snapshot
}

// Handler answers the paths above. version stands in the status.
func Handler(s Source, version string) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", index)
	mux.HandleFunc("GET /status", status(s, version))
	mux.HandleFunc("GET /debug/pprof/", pprof.Index)
	mux.HandleFunc("GET /debug/pprof/cmdline", pprof.Cmdline)
	mux.HandleFunc("GET /debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("GET /debug/pprof/symbol", pprof.Symbol)
	mux.HandleFunc("POST /debug/pprof/symbol", pprof.Symbol)
	mux.HandleFunc("GET /debug/pprof/trace", pprof.Trace)
	rates := &switchboard{}
	mux.HandleFunc("GET /debug/rates", rates.show)
	mux.HandleFunc("PUT /debug/rates", rates.change)
	mux.HandleFunc("POST /debug/rates", rates.change)
	mux.HandleFunc("POST /debug/pprof/block", rates.measure(blockRate, DefaultBlockRate))
	mux.HandleFunc("POST /debug/pprof/mutex", rates.measure(mutexFraction, DefaultMutexFraction))
	return http.NewCrossOriginProtection().Handler(mux)
}

func index(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	fmt.Fprint(w, "Stream Pump, for its operator\n\n/status        what it does now\n/debug/pprof/  profiles\n/debug/rates   what the block and mutex profiles note\n")
}

// statusBody is the status with what the engine does not know.
type statusBody struct {
	Version string `json:"version"`
	engine.Snapshot
}

func status(s Source, version string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Cache-Control", "no-store")
		e := json.NewEncoder(w)
		e.SetIndent("", "  ")
		_ = e.Encode(statusBody{version, s.Snapshot()}) // fails only if the reader has gone
	}
}

// Server is the running listener.
type Server struct {
	http http.Server
	ln   net.Listener
	log  *slog.Logger
	done chan struct{}
}

// headTime bounds how long a request's head may take; profiles take longer to
// write, so writing has no bound.
const headTime = 10 * time.Second

// Listen opens the address and begins to answer.
func Listen(address string, h http.Handler, log *slog.Logger) (*Server, error) {
	ln, err := net.Listen("tcp", address)
	if err != nil {
		var call *os.SyscallError
		if errors.As(err, &call) {
			err = call.Err // without the address, which our sentence has
		}
		return nil, fmt.Errorf("the admin listener can not listen on %s: %w", address, err)
	}
	s := &Server{http: http.Server{Handler: h, ReadHeaderTimeout: headTime}, ln: ln, log: log, done: make(chan struct{})}
	go func() {
		defer close(s.done)
		if err := s.http.Serve(ln); !errors.Is(err, http.ErrServerClosed) {
			log.Error("the admin listener has stopped", "error", err)
		}
	}()
	return s, nil
}

// Address is where it listens.
func (s *Server) Address() net.Addr { return s.ln.Addr() }

// Close ends the listener; requests on their way are cut when ctx ends.
func (s *Server) Close(ctx context.Context) {
	if err := s.http.Shutdown(ctx); err != nil {
		_ = s.http.Close()
	}
	<-s.done
}
