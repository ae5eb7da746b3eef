// Package child runs a server as a process of its own, on the cores it is
// given, so that what it uses can be measured apart from what loads it.
//
// A child belongs to the process that started it and is ended by its PID: asked with
// SIGTERM, and killed when it takes longer than it may. If our process is killed
// itself, the kernel ends the child. A Ctrl-C in the terminal does not reach it, so
// that the measuring process says when it ends.
package child

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"time"

	"streampump/bench/affinity"
)

const (
	// grace is how long a child may take to end when asked: more than any server here
	// needs to tell its viewers.
	grace = 10 * time.Second
	// killed is how long a child may take to be gone when it is killed: only
	// one that hangs within the kernel takes longer than a moment.
	killed = 10 * time.Second
	// outputLeft is how long the children of one that has ended may hold its
	// output open, which is read to its end.
	outputLeft = time.Second
)

// keep is how much of the end of a child's output is kept, to say why it ended.
const keep = 4 << 10

// Spec says what is run.
type Spec struct {
	Path string
	Args []string
	Dir  string   // its working directory; ours if empty
	Env  []string // added to our environment
	// Cores are the processors it may run on; all of ours if empty.
	Cores []int
	// Credential runs it as another user, which takes root; nil is ours.
	Credential *syscall.Credential
}

// Process is a running child. Its methods may be called from any goroutine; Exited, Err
// and Stop of a nil one too, which stands for none that could end.
type Process struct {
	cmd    *exec.Cmd
	out    tail
	exited chan struct{}
	err    error // valid once exited is closed
}

// Start starts a child.
func Start(s Spec) (*Process, error) {
	p := &Process{cmd: exec.Command(s.Path, s.Args...), exited: make(chan struct{})}
	p.cmd.Dir, p.cmd.Stdout, p.cmd.Stderr = s.Dir, &p.out, &p.out
	p.cmd.Env = append(os.Environ(), s.Env...)
	p.cmd.SysProcAttr = &syscall.SysProcAttr{
		Credential: s.Credential, Pdeathsig: syscall.SIGKILL,
		Setpgid: true, // the terminal signals a group
	}
	p.cmd.WaitDelay = outputLeft
	started := make(chan error, 1)
	go func() {
		// The thread that starts a child stays until the child has ended: the
		// kernel ends the child with the thread, and not with our process.
		err := affinity.Locked(s.Cores, func() error {
			if err := p.cmd.Start(); err != nil {
				return err
			}
			started <- nil
			p.wait()
			return nil
		})
		if err != nil {
			started <- err
		}
	}()
	if err := <-started; err != nil {
		return nil, fmt.Errorf("%s cannot be started: %w", s.Path, err)
	}
	return p, nil
}

// wait waits for the process to end.
func (p *Process) wait() {
	p.err = p.cmd.Wait()
	if errors.Is(p.err, exec.ErrWaitDelay) {
		p.err = nil // it ended well, and a child of its own holds its output
	}
	close(p.exited)
}

// PID is the number of the process.
func (p *Process) PID() int { return p.cmd.Process.Pid }

// Exited is closed when the process has ended.
func (p *Process) Exited() <-chan struct{} {
	if p == nil {
		return nil
	}
	return p.exited
}

// Err says that the process has ended, and what it said last; nil while it runs.
func (p *Process) Err() error {
	if p == nil {
		return nil
	}
	select {
	case <-p.exited:
	default:
		return nil
	}
	how := "it ended by itself"
	if p.err != nil {
		how = p.err.Error()
	}
	if said := p.out.last(); said != "" {
		how += "; it said last: " + said
	}
	return fmt.Errorf("%s: %s", p.cmd.Path, how)
}

// Said is the end of what the process has printed.
func (p *Process) Said() string { return p.out.String() }

// SaidLast is the last line that the process has printed; empty if none.
func (p *Process) SaidLast() string { return p.out.last() }

// Stop ends the process and waits until it has; one that has ended already is no
// error. It may be called again.
func (p *Process) Stop() error {
	if p == nil {
		return nil
	}
	return p.stop(grace, killed)
}

func (p *Process) stop(grace, killed time.Duration) error {
	for _, by := range []struct {
		signal syscall.Signal
		within time.Duration
	}{{syscall.SIGTERM, grace}, {syscall.SIGKILL, killed}} {
		if err := p.cmd.Process.Signal(by.signal); err != nil && !errors.Is(err, os.ErrProcessDone) {
			return fmt.Errorf("ending the process %d: %w", p.PID(), err)
		}
		t := time.NewTimer(by.within)
		select {
		case <-p.exited:
			t.Stop()
			return nil
		case <-t.C:
		}
	}
	return fmt.Errorf("the process %d does not end, even when killed", p.PID())
}

// tail keeps the end of what is written to it.
type tail struct {
	mu sync.Mutex
	b  []byte
}

// Write implements io.Writer.
func (t *tail) Write(b []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.b = append(t.b, b...)
	if len(t.b) > 2*keep {
		t.b = append(t.b[:0], t.b[len(t.b)-keep:]...)
	}
	return len(b), nil
}

// String is what is kept.
func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return string(t.b)
}

// last is the last line that is not empty.
func (t *tail) last() string {
	text := bytes.TrimSpace([]byte(t.String()))
	return strings.TrimSpace(string(text[bytes.LastIndexByte(text, '\n')+1:]))
}
