package supervisor

import (
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"

	"golang.org/x/sys/unix"
)

// faked is a service manager's socket that a test reads.
type faked struct {
	t  *testing.T
	fd int
	at string
}

// fake makes a manager's socket, and has the environment name it.
func fake(t *testing.T, at string) *faked {
	t.Helper()
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err == nil {
		err = unix.Bind(fd, &unix.SockaddrUnix{Name: at})
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = unix.Close(fd) })
	t.Setenv(notifyVariable, at)
	return &faked{t, fd, at}
}

func fakePath(t *testing.T) *faked { return fake(t, filepath.Join(t.TempDir(), "notify")) }

// heard is a message with what came along.
type heard struct {
	text string
	fds  []int
}

// stamps are times in messages, which tests do not know.
var stamps = regexp.MustCompile(`MONOTONIC_USEC=\d+`)

// next reads a message, if there is one.
func (f *faked) next() (h heard, ok bool) {
	f.t.Helper()
	b, oob := make([]byte, 4096), make([]byte, 256)
	n, nn, _, _, err := unix.Recvmsg(f.fd, b, oob, unix.MSG_DONTWAIT|unix.MSG_CMSG_CLOEXEC)
	if errors.Is(err, unix.EAGAIN) {
		return h, false
	}
	if err != nil {
		f.t.Fatal(err)
	}
	h.text = stamps.ReplaceAllString(string(b[:n]), "MONOTONIC_USEC=T")
	parts, err := unix.ParseSocketControlMessage(oob[:nn])
	for _, p := range parts {
		fds, wrong := unix.ParseUnixRights(&p)
		h.fds, err = append(h.fds, fds...), errors.Join(err, wrong)
	}
	if err != nil {
		f.t.Fatal(err)
	}
	f.t.Cleanup(func() {
		for _, fd := range h.fds {
			_ = unix.Close(fd)
		}
	})
	return h, true
}

// wait waits for a message.
func (f *faked) wait() heard {
	f.t.Helper()
	const patience = 20_000 // milliseconds
	if n, err := unix.Poll([]unix.PollFd{{Fd: int32(f.fd), Events: unix.POLLIN}}, patience); n != 1 {
		f.t.Fatalf("no message comes: %v", err)
	}
	h, _ := f.next()
	return h
}

// all reads what there is, a line each.
func (f *faked) all() string {
	f.t.Helper()
	var out []string
	for h, ok := f.next(); ok; h, ok = f.next() {
		text := strings.ReplaceAll(h.text, "\n", " ")
		if len(h.fds) > 0 {
			text += fmt.Sprintf(" +%d", len(h.fds))
		}
		out = append(out, text)
	}
	return strings.Join(out, "\n")
}

func (f *faked) want(what string, lines ...string) {
	f.t.Helper()
	if got, want := f.all(), strings.Join(lines, "\n"); got != want {
		f.t.Errorf("%s: the manager was told\n%s\nwant\n%s", what, got, want)
	}
}

// stuff fills the manager's queue with messages of others.
func (f *faked) stuff() {
	f.t.Helper()
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_DGRAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		f.t.Fatal(err)
	}
	defer func() { _ = unix.Close(fd) }()
	for err == nil {
		err = unix.Sendto(fd, []byte("other"), 0, &unix.SockaddrUnix{Name: f.at})
	}
	if !full(err) {
		f.t.Fatal(err)
	}
}

// opened is a manager from the environment.
func opened(t *testing.T) *Manager {
	t.Helper()
	m := Open()
	if err := m.Unusable(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(m.Close)
	return m
}

// book is a log that can be read.
type book struct {
	*slog.Logger
	mu   sync.Mutex
	text strings.Builder
}

func newBook() *book {
	b := &book{}
	b.Logger = slog.New(slog.NewTextHandler(b, nil))
	return b
}

func (b *book) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *book) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

// pulse is a service whose signs of life a test rules.
type pulse struct {
	mu     sync.Mutex
	silent []string
	beats  int
}

func (p *pulse) beat() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.beats++
	return p.silent
}

func (p *pulse) set(silent ...string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.silent = silent
}

func (p *pulse) count() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.beats
}

// waits is how many messages wait, and how many were lost.
func (m *Manager) waits() (waiting, lost int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.waiting), m.lost
}
