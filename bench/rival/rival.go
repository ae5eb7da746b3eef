package rival

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strings"
	"time"

	"streampump/bench/child"
)

// readyWithin is how long a server may take to listen and to have the stream.
const readyWithin = 20 * time.Second

// look is how often it is asked whether it has.
const look = 20 * time.Millisecond

// Check is what can be checked of what a server sends.
type Check uint8

// From the least to the most.
const (
	// Marks: only the time stamps in media objects are found, whatever lies
	// around them: the server puts the stream together anew.
	Marks Check = iota
	// Whole: packets come as they were sent, so that every byte is checked.
	Whole
)

// Kind is a server that can take part.
type Kind struct {
	Name string
	// Package is the Debian package that brings it; empty for our own.
	Package string
	// Plain: its players speak HTTP, not MMSH.
	Plain bool
	Check Check

	program string   // what is run
	places  []string // where it is looked for when it is not on the PATH
	version []string // arguments that make it tell its version
	start   func(context.Context, *Kind, Setup) (*Server, error)
}

// Kinds are all servers, the pump first.
func Kinds() []*Kind {
	return []*Kind{pump(), cubemap(), icecast(), vlc()}
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
	return nil, fmt.Errorf("there is no server %q, but %s", name, strings.Join(names, ", "))
}

// Find is where a server's program is. The error says how to get it.
func (k *Kind) Find() (path string, err error) {
	if path, err = exec.LookPath(k.program); err == nil {
		return path, nil
	}
	for _, p := range k.places {
		if info, err := os.Stat(p); err == nil && info.Mode()&0o111 != 0 {
			return p, nil
		}
	}
	if k.Package == "" {
		return "", fmt.Errorf("%s is not built: make build", k.program)
	}
	return "", fmt.Errorf("%s is not installed: apt-get install --no-install-recommends %s", k.Name, k.Package)
}

// Version is the first line that the program tells of itself; empty if it does
// not.
func (k *Kind) Version(ctx context.Context, path string) string {
	if len(k.version) == 0 {
		return ""
	}
	ctx, cancel := context.WithTimeout(ctx, readyWithin)
	defer cancel()
	cmd := exec.CommandContext(ctx, path, k.version...)
	out, _ := cmd.CombinedOutput() // some exit with an error and tell all the same
	line, _, _ := strings.Cut(strings.TrimSpace(string(out)), "\n")
	return line
}

// Setup says how a server is run.
type Setup struct {
	// Path is the program; what [Kind.Find] finds if empty.
	Path string
	// Dir is a folder of its own, which its user may write to.
	Dir string
	// Cores are the processors it may run on.
	Cores []int
	// Viewers is how many it is to have at most.
	Viewers int
	// Source makes the encoder; the stream begins when the server can take it.
	Source func(ctx context.Context) (Source, error)
	// Loops is the pump's number of event loops; its own choice if 0.
	Loops int
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

	process *child.Process
	feed    func(context.Context) error
	stop    context.CancelFunc
	fed     chan error
}

// Start runs a server and waits until players can join it.
func (k *Kind) Start(ctx context.Context, s Setup) (*Server, error) {
	if s.Path == "" {
		var err error
		if s.Path, err = k.Find(); err != nil {
			return nil, err
		}
	}
	v, err := k.start(ctx, k, s)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", k.Name, err)
	}
	v.Kind = k
	return v, nil
}

// PID is the server's process.
func (v *Server) PID() int { return v.process.PID() }

// Err is why the server or its source has ended by itself; nil while both run.
func (v *Server) Err() error {
	select {
	case err := <-v.fed:
		v.fed <- err
		if err == nil {
			err = errors.New("the source ended")
		}
		return err
	default:
		return v.process.Err()
	}
}

// Stop ends the source and the server.
func (v *Server) Stop() error {
	v.stop()
	<-v.fed
	return v.process.Stop()
}

// run starts the process and, beside it, what feeds it.
func (v *Server) run(ctx context.Context, p child.Spec, feed func(context.Context) error) error {
	var err error
	if v.process, err = child.Start(p); err != nil {
		return err
	}
	v.begin(ctx, feed)
	return nil
}

// begin starts to feed the server.
func (v *Server) begin(ctx context.Context, feed func(context.Context) error) {
	ctx, v.stop = context.WithCancel(context.WithoutCancel(ctx))
	v.fed = make(chan error, 1)
	go func() { v.fed <- feed(ctx) }()
}

// await asks ready until it says yes, the server ends or time is over.
func await(ctx context.Context, p *child.Process, what string, ready func() bool) error {
	over := time.NewTimer(readyWithin)
	defer over.Stop()
	tick := time.NewTicker(look)
	defer tick.Stop()
	for !ready() {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-p.Exited():
			return p.Err()
		case <-over.C:
			return fmt.Errorf("it %s not within %v; it said last: %s", what, readyWithin, p.Said())
		case <-tick.C:
		}
	}
	return nil
}

// listens says whether somebody takes connections at addr.
func listens(addr string) bool {
	c, err := net.DialTimeout("tcp", addr, time.Second)
	if err != nil {
		return false
	}
	_ = c.Close()
	return true
}

// freeAddr is an address on loopback where nobody listens now.
func freeAddr() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer l.Close()
	return l.Addr().String(), nil
}
