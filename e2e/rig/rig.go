// Package rig starts the real program for tests: it builds the binary once,
// runs it with a configuration, waits for its doors by reading its log, and
// ends it by its PID. Nothing in it sleeps to wait for something.
package rig

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"streampump/engine"
)

// patience is how long a test waits for something that must happen: long
// enough for a machine that is busy with something else.
const patience = 30 * time.Second

// Options say how a pump is started.
type Options struct {
	// Config is the configuration, without listen, port, admin and log.
	// "$DIR" in it stands for the folder it is written to.
	Config string
	Listen string   // default "127.0.0.1:0"
	Binary string   // another than [Binary]'s
	Prefix []string // put before the command line, e.g. {"ip", "netns", "exec", "x"}
	Env    []string // added to the environment
	// LogLevel is that of the log; "debug" if it is empty.
	LogLevel string
	// NoAdmin leaves the admin listener out.
	NoAdmin bool
	// TLS has the pump listen for TLS too, at the same address with a port of its own,
	// with this certificate; nil does not.
	TLS *Identity
}

// Pump is a running program.
type Pump struct {
	Addr  netip.AddrPort // where viewers and encoders connect
	TLS   netip.AddrPort // and over TLS, if they can
	Admin netip.AddrPort
	Dir   string // of its configuration

	t      testing.TB
	cmd    *exec.Cmd
	exited chan struct{}
	err    error

	mu    sync.Mutex
	log   bytes.Buffer
	lines *sync.Cond
	over  bool
	deaf  bool // the log is read no more
}

// Start runs a pump and waits until it listens; the test's end stops it.
func Start(t testing.TB, o Options) *Pump {
	t.Helper()
	p, err := Launch(t, o)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// Launch is Start for tests that expect it to fail.
func Launch(t testing.TB, o Options) (*Pump, error) {
	t.Helper()
	p := &Pump{t: t, Dir: Reachable(t), exited: make(chan struct{})}
	p.lines = sync.NewCond(&p.mu)
	path := filepath.Join(p.Dir, "pump.json")
	if err := os.WriteFile(path, []byte(p.config(o)), 0o644); err != nil {
		return nil, err
	}
	binary := o.Binary
	if binary == "" {
		binary = Binary(t)
	}
	args := append(append([]string{}, o.Prefix...), binary, "serve", path)
	p.cmd = exec.Command(args[0], args[1:]...)
	p.cmd.Env = append(os.Environ(), o.Env...)
	r, w, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	p.cmd.Stdout, p.cmd.Stderr = w, w
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	_ = w.Close()
	go p.read(r)
	go func() {
		p.err = p.cmd.Wait()
		close(p.exited)
	}()
	t.Cleanup(func() {
		p.Kill()
		for _, line := range refused(p.PID()) {
			t.Errorf("a system call of the pump was refused: %s", line)
		}
	})
	line, err := p.await("msg=listening")
	if err != nil {
		return nil, err
	}
	if p.Addr, err = netip.ParseAddrPort(field(line, "address")); err != nil {
		return nil, err
	}
	if o.TLS != nil {
		if line, err = p.await("msg=listening", "tls=true"); err != nil {
			return nil, err
		}
		if p.TLS, err = netip.ParseAddrPort(field(line, "address")); err != nil {
			return nil, err
		}
	}
	if !o.NoAdmin {
		if line, err = p.await("admin listener is open"); err != nil {
			return nil, err
		}
		p.Admin, err = netip.ParseAddrPort(field(line, "address"))
	}
	return p, err
}

// config is the whole configuration file.
func (p *Pump) config(o Options) string {
	listen := o.Listen
	if listen == "" {
		listen = "127.0.0.1:0"
	}
	admin := `"admin": {"listen": "127.0.0.1:0"}`
	if o.NoAdmin {
		admin = `"admin": {"enabled": false}`
	}
	doors := fmt.Sprintf("%q: [%q]", "listen", listen)
	if o.TLS != nil {
		doors = fmt.Sprintf("%q: [%q, %q],\n%q: %q, %q: %q", "listen", listen, "tls://"+listen,
			"ssl_cert", o.TLS.Pair.Cert, "ssl_key", o.TLS.Pair.Key)
	}
	level := o.LogLevel
	if level == "" {
		level = "debug"
	}
	if strings.Contains(o.Config, `"rtsp_pu`) && !strings.Contains(o.Config, `"rtsp_udp`) {
		doors += ",\n\"rtsp_udp\": \"off\"" // its ports are fixed, and many pumps run at once
	}
	return fmt.Sprintf("{\n%s,\n%s,\n%q: {%q: %q},\n%s\n}\n", doors, admin, "log", "level", level,
		strings.ReplaceAll(o.Config, "$DIR", p.Dir))
}

// UDPPorts is the configuration of a pump that has room for the ports of UDP. Pumps that
// start at the same time get others each.
func UDPPorts(t testing.TB) string {
	t.Helper()
	const least, ranges = 20_000, 312
	for range ranges {
		first := least + int(udpTried.Add(1)-1)%ranges*udpPorts
		if free(first) {
			return fmt.Sprintf("\"rtsp_udp_ports\": %d, ", first)
		}
	}
	t.Fatal("no ports are free for UDP")
	return ""
}

// udpPorts is how many ports a pump may need in tests: two for each loop.
const udpPorts = 32

// udpTried is how many ranges of them were looked at.
var udpTried atomic.Int64

// free reports whether nobody has the ports from the given one on.
func free(first int) bool {
	for port := first; port < first+udpPorts; port++ {
		c, err := net.ListenPacket("udp", fmt.Sprintf(":%d", port))
		if err != nil {
			return false
		}
		_ = c.Close()
	}
	return true
}

// Viewers are those that the pump lists.
func (p *Pump) Viewers() (all []engine.ViewerRow) {
	p.t.Helper()
	r, err := http.Get(fmt.Sprintf("http://%s/viewers", p.Admin))
	if err != nil {
		p.t.Fatal(err)
	}
	defer r.Body.Close()
	var answer struct{ Viewers []engine.ViewerRow }
	if err := json.NewDecoder(r.Body).Decode(&answer); err != nil {
		p.t.Fatal(err)
	}
	return answer.Viewers
}

// read gathers the log and tells those who wait for a line.
func (p *Pump) read(r io.ReadCloser) {
	defer r.Close()
	s := bufio.NewScanner(r)
	s.Buffer(nil, 1<<20)
	for s.Scan() {
		p.mu.Lock()
		p.log.Write(s.Bytes())
		p.log.WriteByte('\n')
		p.lines.Broadcast()
		deaf := p.deaf
		p.mu.Unlock()
		if deaf {
			<-p.exited // with the pipe open, and full before long
		}
	}
	p.mu.Lock()
	p.over = true
	p.lines.Broadcast()
	p.mu.Unlock()
}

// StopReading leaves the log unread from the next line on, as a supervisor does
// that hangs.
func (p *Pump) StopReading() {
	p.mu.Lock()
	p.deaf = true
	p.mu.Unlock()
}

// field is the value of key in a log line, without its quotes.
func field(line, key string) string {
	_, rest, _ := strings.Cut(line, key+"=")
	value, _, _ := strings.Cut(rest, " ")
	return strings.Trim(value, `"`)
}

// Log is what the pump has printed so far.
func (p *Pump) Log() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.log.String()
}

// Await waits until a log line contains all parts, and returns it.
func (p *Pump) Await(parts ...string) string {
	p.t.Helper()
	line, err := p.await(parts...)
	if err != nil {
		p.t.Fatal(err)
	}
	return line
}

func (p *Pump) await(parts ...string) (string, error) {
	late := false
	timer := time.AfterFunc(patience, func() {
		p.mu.Lock()
		late = true
		p.lines.Broadcast()
		p.mu.Unlock()
	})
	defer timer.Stop()
	p.mu.Lock()
	defer p.mu.Unlock()
	for {
		for line := range strings.Lines(p.log.String()) {
			if containsAll(line, parts) {
				return strings.TrimSuffix(line, "\n"), nil
			}
		}
		if late || p.over {
			return "", fmt.Errorf("the pump did not say %q; its log:\n%s", parts, p.log.String())
		}
		p.lines.Wait()
	}
}

func containsAll(line string, parts []string) bool {
	for _, part := range parts {
		if !strings.Contains(line, part) {
			return false
		}
	}
	return true
}

// Status is the pump's own account of itself.
func (p *Pump) Status() engine.Snapshot {
	p.t.Helper()
	r, err := http.Get("http://" + p.Admin.String() + "/status")
	if err != nil {
		p.t.Fatal(err)
	}
	defer r.Body.Close()
	var s engine.Snapshot
	if err := json.NewDecoder(r.Body).Decode(&s); err != nil {
		p.t.Fatal(err)
	}
	return s
}

// AwaitStatus polls the status until ok says yes.
func (p *Pump) AwaitStatus(what string, ok func(engine.Snapshot) bool) engine.Snapshot {
	p.t.Helper()
	deadline := time.Now().Add(patience)
	for {
		s := p.Status()
		if ok(s) {
			return s
		}
		if time.Now().After(deadline) {
			p.t.Fatalf("%s: not so after %v: %+v\nlog:\n%s", what, patience, s, p.Log())
		}
		time.Sleep(statusInterval)
	}
}

// statusInterval is how often a status is asked for while it is waited for.
const statusInterval = 10 * time.Millisecond

// PID is the pump's process.
func (p *Pump) PID() int { return p.cmd.Process.Pid }

// Terminate asks the pump to end and waits until it has; it returns the error
// of a process that did not exit with 0.
func (p *Pump) Terminate() error {
	_ = p.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-p.exited:
		return p.err
	case <-time.After(patience):
		p.Kill()
		return fmt.Errorf("the pump did not end within %v of SIGTERM", patience)
	}
}

// Kill ends the pump at once.
func (p *Pump) Kill() {
	_ = p.cmd.Process.Kill()
	<-p.exited
}

// URL is the address of one of the pump's streams.
func (p *Pump) URL(scheme, path string) string {
	return fmt.Sprintf("%s://%s/streams/%s", scheme, p.Addr, path)
}
