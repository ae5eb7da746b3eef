package rival

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"streampump/bench/child"
	"streampump/bench/feed"
	"streampump/bench/meter"
	"streampump/bench/secure"
)

// readyWithin is how long a server may take to listen and to have the stream.
const readyWithin = 20 * time.Second

const (
	// look is how often it is asked whether it has.
	look = 20 * time.Millisecond
	// askFor is how long one such question, and a program that tells its
	// version, may take.
	askFor = 2 * time.Second
	// lastWords is how long after its source a server may be known to have
	// ended: it takes the source's connection with it.
	lastWords = 200 * time.Millisecond
)

// Check is what can be checked of what a server sends.
type Check uint8

// From the least to the most.
const (
	// Marks: only the time stamps in media objects are found, whatever lies around
	// them: the server reassembles the stream.
	Marks Check = iota
	// Whole: packets come as they were sent, so that every byte is checked.
	Whole
)

// Kind is a server that can take part.
type Kind struct {
	Name string
	// Package is the Debian package that brings it; empty for our own, and where there is
	// none.
	Package string
	// Home is where its source is, for those that Debian does not pack.
	Home string
	// Plain: its players speak HTTP, not MMSH.
	Plain bool
	Check Check
	// TLS is whether its players speak that.
	TLS Part
	// Over are the protocols that streams come and go over; nil: MMSH, which includes HTTP.
	Over []string
	// Fronts: it carries a pump's stream, and is measured together with that pump.
	Fronts bool

	workers bool     // it serves in processes of its own
	program string   // what is run
	places  []string // where it is looked for when it is not on the PATH
	needs   []string // files without which it is not all there
	version []string // arguments that make it tell its version; none: its package is asked
	// start starts the process and its source and waits until the stream is
	// there. The server is stopped if it fails.
	start func(context.Context, *Server, Setup) error
}

// Kinds are all servers, the pump first.
func Kinds() []*Kind {
	return []*Kind{pump(), cubemap(), icecast(), vlc(), nginx(), stunnel(), live555(), go2rtc(), nginxRTMP(), mediamtx(), lal(), srs()}
}

// Named is the kind of that name.
func Named(name string) (*Kind, error) {
	var names []string
	for _, k := range Kinds() {
		if k.Name == name {
			return k, nil
		}
		names = append(names, k.Name)
	}
	return nil, fmt.Errorf("there is no server %q, only %s", name, strings.Join(names, ", "))
}

// Find is where a server's program is. The error says how to get it.
func (k *Kind) Find() (path string, err error) {
	if path = k.look(); path != "" {
		return path, nil
	}
	switch {
	case k.Home != "":
		return "", fmt.Errorf("%s is not on the PATH: build it from %s", k.program, k.Home)
	case k.Package == "":
		return "", fmt.Errorf("%s is not built: make build", k.program)
	}
	return "", fmt.Errorf("%s is not installed: apt-get install --no-install-recommends %s", k.Name, k.Package)
}

// look is where a program is that has all it needs; empty if there is none.
func (k *Kind) look() string {
	for _, need := range k.needs {
		if _, err := os.Stat(need); err != nil {
			return ""
		}
	}
	if path, err := exec.LookPath(k.program); err == nil {
		return path
	}
	for _, p := range k.places {
		if info, err := os.Stat(p); err == nil && info.Mode().IsRegular() && info.Mode()&0o111 != 0 {
			return p
		}
	}
	return ""
}

// Setup says how a server is run.
type Setup struct {
	// Path is the program; what [Kind.Find] finds if empty.
	Path string
	// Pump is the program of the pump behind one that fronts it.
	Pump string
	// Authority vouches for a server whose players speak TLS; nil: they do not.
	Authority *secure.Authority
	// Dir is a folder of its own, which its user may write to.
	Dir string
	// Cores are the processors it may run on.
	Cores []int
	// Viewers is how many it is to have at most.
	Viewers int
	// Source makes the encoder; the stream begins when the server can take it.
	Source func(ctx context.Context) (Source, error)
	// Feed is the stream where it comes and goes over another protocol than MMSH, in place of
	// Source; nil: it does not.
	Feed feed.Stream
	// Fanout is what the pump is told about its fan-out.
	Fanout Fanout
}

// Fanout are settings of a pump's fan-out; what is not said is the pump's own
// choice.
type Fanout struct {
	// Loops is how many event loops there are; not said if 0.
	Loops int
	// Budget is the longest that packets are held to be sent together; not said
	// if nil.
	Budget *time.Duration
}

// settings are those as the configuration has them.
func (f Fanout) settings() map[string]any {
	all := map[string]any{}
	if f.Loops > 0 {
		all["loops"] = f.Loops
	}
	if f.Budget != nil {
		all["latency_budget"] = f.Budget.String()
	}
	return all
}

// complete finds the program. Paths become absolute, because the server works in
// a folder of its own.
func (s *Setup) complete(k *Kind) (err error) {
	if s.Path == "" {
		if s.Path, err = k.Find(); err != nil {
			return err
		}
	}
	if k.Fronts && s.Pump == "" {
		if s.Pump, err = pump().Find(); err != nil {
			return err
		}
	}
	for _, path := range []*string{&s.Path, &s.Pump} {
		if !strings.ContainsRune(*path, filepath.Separator) {
			continue
		}
		if *path, err = filepath.Abs(*path); err != nil {
			return err
		}
	}
	s.Dir, err = filepath.Abs(s.Dir)
	return err
}

// Source is an encoder in real time; see push.Source.
type Source interface {
	Header() []byte
	Next() (packet []byte, sendTime uint32, err error)
}

// Server is a running server that has the stream.
type Server struct {
	Kind       *Kind
	Addr, Path string
	// Admin is the pump's admin listener; empty for others.
	Admin string
	// TLS is how players speak to it; nil for plain TCP.
	TLS *tls.Config

	process *child.Process
	behind  *child.Process  // the pump that it fronts; nil if it does not
	source  *child.Process  // the pump that it fetches from, which is not measured; nil if it does not
	feeding context.Context // of the source; it ends with stop
	stop    context.CancelFunc
	begun   bool          // it has a source
	fed     chan struct{} // closed when the source has ended
	fedErr  error         // valid then
}

// newServer is a server that nothing is started of yet. Its source goes on when
// ctx ends, so that the server is stopped before what feeds it.
func newServer(ctx context.Context) *Server {
	v := &Server{fed: make(chan struct{})}
	v.feeding, v.stop = context.WithCancel(context.WithoutCancel(ctx))
	return v
}

// Start runs a server and waits until players can join it. It is stopped again
// if that fails, or ctx ends first; afterwards ctx does not matter to it.
func (k *Kind) Start(ctx context.Context, s Setup) (*Server, error) {
	if err := s.complete(k); err != nil {
		return nil, err
	}
	v := newServer(ctx)
	v.Kind = k
	if err := k.start(ctx, v, s); err != nil {
		return nil, fmt.Errorf("%s: %w", k.Name, errors.Join(err, v.Stop()))
	}
	return v, nil
}

// PID is the process that players connect to.
func (v *Server) PID() int { return v.process.PID() }

// Others are the processes that serve with it: those that it has started, and the
// pump behind it.
func (v *Server) Others() ([]int, error) {
	if !v.Kind.workers {
		return nil, nil
	}
	all, err := meter.Children(v.PID())
	if v.behind != nil {
		all = append(all, v.behind.PID())
	}
	return all, err
}

// Err is why the server or its source has ended by itself; nil while both run.
// Of a server that has ended it is what that said last.
func (v *Server) Err() error {
	select {
	case <-v.fed:
	default:
		return errors.Join(v.process.Err(), v.behind.Err(), v.source.Err())
	}
	t := time.NewTimer(lastWords)
	defer t.Stop()
	select {
	case <-v.process.Exited():
		return v.process.Err()
	case <-v.behind.Exited():
		return v.behind.Err()
	case <-v.source.Exited():
		return v.source.Err()
	case <-t.C:
	}
	if v.fedErr != nil {
		return v.fedErr
	}
	return errors.New("the source ended")
}

// Stop ends the source and the server, and waits for both. It may be called
// again, and when the server has ended by itself, which is no error here.
func (v *Server) Stop() error {
	v.stop()
	// The source of a server that hangs ends at the latest when that has.
	err := errors.Join(v.process.Stop(), v.behind.Stop(), v.source.Stop())
	if v.begun {
		<-v.fed
	}
	return err
}

// run starts the server's process.
func (v *Server) run(p child.Spec) (err error) {
	v.process, err = child.Start(p)
	return err
}

// feed starts to feed the server.
func (v *Server) feed(from func(context.Context) error) {
	v.begun = true
	go func() {
		defer close(v.fed)
		v.fedErr = from(v.feeding)
	}()
}

// ended reports whether there is nothing to wait for any more.
func (v *Server) ended() bool {
	select {
	case <-v.fed:
		return true
	case <-v.process.Exited():
		return true
	case <-v.behind.Exited():
		return true
	case <-v.source.Exited():
		return true
	default:
		return false
	}
}

// await asks ready until it says yes, the server or its source ends, or time is
// over.
func (v *Server) await(ctx context.Context, what string, ready func(context.Context) bool) error {
	over := time.NewTimer(readyWithin)
	defer over.Stop()
	tick := time.NewTicker(look)
	defer tick.Stop()
	for !v.ended() && !ready(ctx) {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-v.fed:
		case <-v.process.Exited():
		case <-v.behind.Exited():
		case <-v.source.Exited():
		case <-over.C:
			return fmt.Errorf("it has not %s within %v; it said last: %s", what, readyWithin, v.process.SaidLast())
		case <-tick.C:
		}
	}
	return v.Err()
}

// hasStream waits until whoever asks over HTTP is given the stream.
func (v *Server) hasStream(ctx context.Context) error {
	return v.await(ctx, "had the stream", v.answers)
}

// answers says whether a server has the stream for whoever asks over HTTP.
func (v *Server) answers(ctx context.Context) bool { return answers(ctx, v.TLS, v.Addr, v.Path) }

func answers(ctx context.Context, secured *tls.Config, addr, path string) bool {
	ctx, cancel := context.WithTimeout(ctx, askFor)
	defer cancel() // which closes the connection of a body without an end
	scheme := "http"
	if secured != nil {
		scheme = "https"
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, scheme+"://"+addr+path, nil)
	if err != nil {
		return false
	}
	t := http.Transport{DisableKeepAlives: true, TLSClientConfig: secured.Clone()}
	r, err := t.RoundTrip(req)
	if err != nil {
		return false
	}
	_ = r.Body.Close()
	return r.StatusCode == http.StatusOK
}

// listens says whether somebody takes connections at addr.
func listens(ctx context.Context, addr string) bool {
	c, err := (&net.Dialer{Timeout: askFor}).DialContext(ctx, "tcp", addr)
	if err != nil {
		return false
	}
	_ = c.Close()
	return true
}

// freeAddr is an address on loopback where nobody listens now. Servers that can
// not tell which port they chose are given it; that another program takes it
// first is unlikely, and then the server says so.
func freeAddr() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", fmt.Errorf("no free port: %w", err)
	}
	defer l.Close()
	return l.Addr().String(), nil
}
