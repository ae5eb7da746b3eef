//go:build e2e

package e2e

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

const (
	// patience is how long a test waits for something that must happen.
	patience = 40 * time.Second
	// pollInterval is how often a program that does not speak by itself is asked.
	pollInterval = 100 * time.Millisecond
)

// need skips the test if a program is not installed, or fails it where nothing
// may be skipped.
func need(t testing.TB, names ...string) {
	t.Helper()
	for _, name := range names {
		if _, err := exec.LookPath(name); err != nil {
			missing(t, name+" is not installed")
		}
	}
}

// missing skips or fails a test for lack of something.
func missing(t testing.TB, what string) {
	t.Helper()
	if os.Getenv("STREAMPUMP_NOSKIP") == "1" {
		t.Fatal(what + ", and nothing may be skipped")
	}
	t.Skip(what)
}

// program is a process of a test, with what it prints. It ends with the test.
type program struct {
	t     testing.TB
	name  string
	cmd   *exec.Cmd
	stdin io.WriteCloser // nil unless it was asked for

	mu     sync.Mutex
	wake   *sync.Cond
	output bytes.Buffer
	exited bool
	err    error // of Wait, once exited
}

// start runs a command, both of its outputs gathered.
func start(t testing.TB, cmd *exec.Cmd, stdin bool) *program {
	t.Helper()
	p := &program{t: t, name: cmd.Args[0], cmd: cmd}
	p.wake = sync.NewCond(&p.mu)
	if cmd.Stdout == nil {
		cmd.Stdout = p
	}
	cmd.Stderr = p
	// A player that spawned something must not keep Wait from returning.
	cmd.WaitDelay = time.Second
	if stdin {
		var err error
		if p.stdin, err = cmd.StdinPipe(); err != nil {
			t.Fatal(err)
		}
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go p.wait()
	t.Cleanup(p.kill)
	return p
}

func (p *program) wait() {
	err := p.cmd.Wait()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.exited, p.err = true, err
	p.wake.Broadcast()
}

// Write gathers output; a carriage return ends a line too, as in status lines.
func (p *program) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.output.Write(bytes.ReplaceAll(b, []byte("\r"), []byte("\n")))
	p.wake.Broadcast()
	return len(b), nil
}

// said is the output so far.
func (p *program) said() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.output.String()
}

// await waits until ok says yes to the output; a program that ends first, or
// takes too long, fails the test.
func (p *program) await(what string, ok func(output string) bool) {
	p.t.Helper()
	late := p.alarm(patience)
	p.mu.Lock()
	defer p.mu.Unlock()
	for !ok(p.output.String()) {
		if p.exited || late() {
			p.t.Fatalf("%s: %s; it ended: %v (%v); it printed:\n%s", p.name, what, p.exited, p.err, tail(p.output.String()))
		}
		p.wake.Wait()
	}
}

// alarm wakes those who wait after d; what it returns tells, under the lock,
// whether it has.
func (p *program) alarm(d time.Duration) func() bool {
	over := false
	timer := time.AfterFunc(d, func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		over = true
		p.wake.Broadcast()
	})
	p.t.Cleanup(func() { timer.Stop() })
	return func() bool { return over }
}

// end waits until the program has ended by itself and returns its error.
func (p *program) end() error {
	p.t.Helper()
	late := p.alarm(patience)
	p.mu.Lock()
	defer p.mu.Unlock()
	for !p.exited {
		if late() {
			return fmt.Errorf("%s did not end within %v; it printed:\n%s", p.name, patience, tail(p.output.String()))
		}
		p.wake.Wait()
	}
	return p.err
}

// interrupt asks the program to end, as Ctrl-C does, and waits until it has.
func (p *program) interrupt() {
	p.t.Helper()
	_ = p.cmd.Process.Signal(syscall.SIGINT)
	var exit *exec.ExitError
	if err := p.end(); err != nil && !errors.As(err, &exit) {
		p.t.Error(err)
	}
}

// terminate asks the program to end, as a system's shutdown does, and waits
// until it has.
func (p *program) terminate() {
	_ = p.cmd.Process.Signal(syscall.SIGTERM)
	_ = p.end()
}

// kill ends the program at once.
func (p *program) kill() {
	_ = p.cmd.Process.Kill()
	if err := p.end(); err == nil && p.stdin != nil {
		_ = p.stdin.Close()
	}
}

// tail is the end of a long output.
func tail(s string) string {
	const enough = 6000
	if len(s) > enough {
		s = "…" + s[len(s)-enough:]
	}
	return s
}

// run runs a command to its end and returns its standard output.
func run(t testing.TB, name string, args ...string) string {
	t.Helper()
	var out bytes.Buffer
	cmd := exec.Command(name, args...)
	cmd.Stdout = &out
	p := start(t, cmd, false)
	if err := p.end(); err != nil {
		t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, tail(p.said()))
	}
	return out.String()
}

// ticker asks again and again until ok, or fails the test when it takes too long.
func ticker(t testing.TB, ok func() bool, failure string) {
	t.Helper()
	tick := time.NewTicker(pollInterval)
	defer tick.Stop()
	late := time.NewTimer(patience)
	defer late.Stop()
	for !ok() {
		select {
		case <-tick.C:
		case <-late.C:
			t.Fatalf("%s within %v", failure, patience)
		}
	}
}
