// Package admin is the operator's listener: the state of the engine as JSON, and
// profiles. It has its own address, on loopback by default, because a profile slows
// the program down and a status tells too much.
//
//	GET /status        [Status] as JSON, described in stream-pump-status(5)
//	GET /viewers       [Viewers] as JSON; ?stream=PATH, ?client=ID and ?most=N narrow it
//	GET /healthz       200 while the pump serves; ?stream=PATH asks for one stream
//	GET /debug/pprof/  profiles that "go tool pprof" and google/pprof read
//	GET /debug/rates   [Rates] as JSON: whether waits are noted
//	PUT /debug/rates   block_rate=NS, mutex_fraction=N: as a query or a form
//	POST /debug/pprof/block, /debug/pprof/mutex
//	                   seconds=N, and block_rate or mutex_fraction: the profile of
//	                   the seconds that follow, with the rate on for so long
//
// It has no password, so a request must first pass a guard ([guard]): a browser on
// the operator's machine must not become the way in for a page from elsewhere. What a
// client sends, withholds or leaves open is bounded in bytes, time and number, and keeps
// no other client out ([limited]).
//
// The status page for people, metrics and SNMP will be further handlers here.
package admin

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/pprof"
	"net/netip"
	"os"
	"sync"
	"time"

	"streampump/engine"
)

// Source is what the listener shows.
type Source interface {
	Snapshot() engine.Snapshot
	Viewers(ctx context.Context, w engine.Wanted) (rows []engine.ViewerRow, more bool, err error)
}

// Options are what the listener shows, and how.
type Options struct {
	Source  Source
	Version string
	// Types are the streams' types by path, as the configuration spells them.
	Types map[string]string
	// LogDropped is the number of lines that the log has dropped; nil means none.
	LogDropped func() uint64
	// Certificates are those of the listeners over TLS now; nil means none.
	Certificates func() []CertificateStatus
	// GoingDown reports whether the end has begun; nil means never.
	GoingDown func() bool
	// Log takes what goes wrong in here.
	Log *slog.Logger
}

// routes answers the paths above.
func routes(o Options) *http.ServeMux {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", index)
	mux.HandleFunc("GET /status", o.status)
	mux.Handle("GET /viewers", newGate(maxLists, "too many lists of viewers are being made").admit(http.HandlerFunc(o.viewers)))
	mux.HandleFunc("GET /healthz", o.health)
	lasting, quick := newGate(1, "another profile is being made"), newGate(maxProfiles, "too many profiles are being made")
	profile := func(pattern string, h http.HandlerFunc) {
		mux.Handle(pattern, dear(timed(lasting.admit(h), quick.admit(h))))
	}
	mux.HandleFunc("GET /debug/pprof/{$}", pprof.Index)
	profile("GET /debug/pprof/", pprof.Index)
	mux.HandleFunc("GET /debug/pprof/cmdline", pprof.Cmdline)
	profile("GET /debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("GET /debug/pprof/symbol", pprof.Symbol)
	mux.HandleFunc("POST /debug/pprof/symbol", pprof.Symbol)
	profile("GET /debug/pprof/trace", pprof.Trace)
	rates := &switchboard{}
	mux.HandleFunc("GET /debug/rates", rates.show)
	mux.Handle("PUT /debug/rates", dear(http.HandlerFunc(rates.change)))
	mux.Handle("POST /debug/rates", dear(http.HandlerFunc(rates.change)))
	profile("POST /debug/pprof/block", rates.measure(blockRate, DefaultBlockRate))
	profile("POST /debug/pprof/mutex", rates.measure(mutexFraction, DefaultMutexFraction))
	return mux
}

func index(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	_, _ = io.WriteString(w, "Stream Pump, for its operator\n\n/status        what it does now\n/viewers       who is watching\n/healthz       whether it serves\n/debug/pprof/  profiles\n/debug/rates   how often block and mutex profiles take a sample\n")
}

// Handler answers the paths above to requests that are meant for a listener at
// the given address.
func Handler(own netip.Addr, o Options) http.Handler {
	return armoured(patient(guard{own}.protect(routes(o))))
}

// Server is the listener and what answers on it.
type Server struct {
	http http.Server
	ln   net.Listener
	log  *slog.Logger
	done chan struct{} // closed when it answers no longer
	once sync.Once     // it begins to answer, or is closed before
}

// The bounds of what clients may hold. An operator's page and some monitors need
// a handful of connections.
const (
	headTime       = 10 * time.Second // for the head of a request
	idleTime       = 30 * time.Second // between two requests
	maxConnections = 24               // as many descriptors are kept back for them
	maxHeader      = 16 << 10
)

// Listen opens the address. Connections wait until [Server.Serve].
func Listen(at netip.AddrPort, o Options) (*Server, error) {
	var lc net.ListenConfig
	lc.SetMultipathTCP(false)
	tcp, err := lc.Listen(context.Background(), "tcp", at.String())
	if err != nil {
		var call *os.SyscallError
		if errors.As(err, &call) {
			err = call.Err // without the address, which our sentence has
		}
		return nil, fmt.Errorf("the admin listener cannot listen on %s: %w", at, err)
	}
	return on(at.Addr(), tcp, o), nil
}

// Inherit takes over a listener that another process has opened; it is the server's
// from then on.
func Inherit(ln *net.TCPListener, o Options) *Server {
	return on(ln.Addr().(*net.TCPAddr).AddrPort().Addr().Unmap(), ln, o)
}

// Serve begins to answer. A process that gives up rights does so before.
func (s *Server) Serve() { s.once.Do(func() { go s.serve() }) }

// Listener is the open listener; only its descriptor may be copied.
func (s *Server) Listener() *net.TCPListener { return s.ln.(*net.TCPListener) }

// on is the server for a listener at the given address.
func on(own netip.Addr, ln net.Listener, o Options) *Server {
	return &Server{ln: ln, log: o.Log, done: make(chan struct{}), http: http.Server{
		Handler:           Handler(own, o),
		ReadHeaderTimeout: headTime,
		IdleTimeout:       idleTime,
		MaxHeaderBytes:    maxHeader,
		ConnState:         noteState,
		ConnContext:       withConn,
		ErrorLog:          slog.NewLogLogger(o.Log.With("from", "admin listener").Handler(), slog.LevelWarn),
	}}
}

// serve answers until the end.
func (s *Server) serve() {
	defer close(s.done)
	if err := s.http.Serve(limit(s.ln, maxConnections)); !errors.Is(err, http.ErrServerClosed) {
		s.log.Error("the admin listener has stopped", "why", err)
	}
}

// Address is where it listens.
func (s *Server) Address() net.Addr { return s.ln.Addr() }

// Close ends the listener; requests under way are cut off when ctx ends.
func (s *Server) Close(ctx context.Context) {
	s.once.Do(func() { // it has not begun
		_ = s.ln.Close()
		close(s.done)
	})
	if err := s.http.Shutdown(ctx); err != nil {
		_ = s.http.Close()
	}
	<-s.done
}
