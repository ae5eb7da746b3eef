package engine

import (
	"bufio"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"streampump/codec"
	"streampump/engine/internal/text"
)

// childEnv names the server that a test process becomes.
const childEnv = "ENGINE_TEST_SERVER"

// server is a process of its own, because a limit of descriptors is a process's.
type server struct {
	t       *testing.T
	address string
	in      io.WriteCloser
	out     *bufio.Reader
}

// child runs the test of the given name as a server, and waits for its address.
func child(t *testing.T, name string) *server {
	t.Helper()
	cmd := exec.Command(os.Args[0], "-test.run=^"+name+"$")
	cmd.Env = append(os.Environ(), childEnv+"=1")
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	s := &server{t: t, in: stdin, out: bufio.NewReader(stdout)}
	t.Cleanup(func() {
		_ = stdin.Close()
		_, _ = io.Copy(io.Discard, s.out)
		if err := cmd.Wait(); err != nil {
			t.Errorf("the server: %v", err)
		}
	})
	s.address = s.says("address ")
	return s
}

// says is the rest of the first line that begins with prefix.
func (s *server) says(prefix string) string {
	s.t.Helper()
	for {
		line, err := s.out.ReadString('\n')
		if err != nil {
			s.t.Fatalf("the server never said %q: %v", prefix, err)
		}
		if rest, ok := strings.CutPrefix(line, prefix); ok {
			return strings.TrimSpace(rest)
		}
	}
}

// limitDescriptors sets the limit of this process.
func limitDescriptors(t *testing.T, n int) {
	t.Helper()
	if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &unix.Rlimit{Cur: uint64(n), Max: 4096}); err != nil {
		t.Fatal(err)
	}
}

// TestOutOfDescriptorsServer loses its descriptors while it runs. It says its
// address, and ends when its standard input does.
func TestOutOfDescriptorsServer(t *testing.T) {
	if os.Getenv(childEnv) == "" {
		return // run by TestOutOfDescriptors
	}
	e, address := realEngine(t, func(c *Config) { c.Limits.Connections = 1000 })
	limitDescriptors(t, descriptors(t)+12)
	fmt.Println("address", address)
	_, _ = io.Copy(io.Discard, os.Stdin)
	e.Shutdown()
}

func TestOutOfDescriptors(t *testing.T) {
	address := child(t, "TestOutOfDescriptorsServer").address
	enc := pushed(t, address)
	v := playing(t, nil, address)
	crowd, refused := fill(t, address)
	if !strings.Contains(refused, "REFUSED failed") {
		t.Errorf("the newcomer was told %q", refused)
	}
	enc.say("P second")
	v.until(';', "second;")
	for _, c := range crowd {
		_ = c.Close()
	}
	eventually(t, "newcomers are served again", func() bool {
		c := connect(t, address)
		defer func() { _ = c.Close() }()
		return ask(c) == "OK Reply\n"
	})
	enc.say("P third")
	v.until(';', "third;")
}

// fewDescriptors is enough for a pump and some viewers.
const fewDescriptors = 300

// TestFloodedServer has few descriptors from the start. For each line of input, an
// address, it takes what is kept back: it opens connections there, as pulls do.
func TestFloodedServer(t *testing.T) {
	if os.Getenv(childEnv) == "" {
		return // run by TestDialInAFlood
	}
	limitDescriptors(t, fewDescriptors)
	e, address := realEngine(t, nil)
	fmt.Println("address", address)
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		var failed error
		for range forAdmin + listeners*(forListener-1) { // one listener takes two
			c, err := net.Dial("tcp", lines.Text())
			if err != nil {
				failed = err
				break
			}
			defer func() { _ = c.Close() }()
		}
		fmt.Println("dialled", failed)
		fmt.Println("fails", e.Snapshot().AcceptFails)
	}
	e.Shutdown()
}

// When strangers have taken every connection and more wait to be refused, the pump
// can still open what it needs itself.
func TestDialInAFlood(t *testing.T) {
	sink, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = sink.Close() }()
	s := child(t, "TestFloodedServer")
	told := 0
	var crowd []*client
	for range fewDescriptors + 100 {
		crowd = append(crowd, connect(t, s.address))
	}
	var over atomic.Bool
	flooding := make(chan struct{})
	go func() {
		defer close(flooding)
		for !over.Load() {
			c, err := net.DialTimeout("tcp", s.address, patience)
			if err == nil {
				_ = c.SetDeadline(time.Now().Add(patience))
				_, _ = io.ReadAll(c)
				_ = c.Close()
			}
		}
	}()
	if _, err := fmt.Fprintln(s.in, sink.Addr()); err != nil {
		t.Fatal(err)
	}
	if got := s.says("dialled "); got != "<nil>" {
		t.Errorf("in the flood a dial gave %s", got)
	}
	if got := s.says("fails "); got != "0" {
		t.Errorf("%s connections could not be taken", got)
	}
	over.Store(true)
	<-flooding
	for _, c := range crowd[fewDescriptors:] {
		if answer, _ := c.in.ReadString('\n'); answer == "REFUSED full\n" {
			told++
		}
	}
	if told == 0 {
		t.Error("nobody of the crowd was told that the pump is full")
	}
}

// TestTooFewServer has too few descriptors to start.
func TestTooFewServer(t *testing.T) {
	if os.Getenv(childEnv) == "" {
		return // run by TestTooFewDescriptors
	}
	limitDescriptors(t, 128)
	_, err := New(labConfig(), nil, []codec.Protocol{text.Protocol{}}, slog.New(slog.DiscardHandler))
	fmt.Println("address", err)
}

func TestTooFewDescriptors(t *testing.T) {
	want := "a limit of 128 open files is not enough: at least 160 are needed, 32 of them for connections (LimitNOFILE in the systemd unit, ulimit -n in a shell)"
	if got := child(t, "TestTooFewServer").address; got != want {
		t.Errorf("New says %q, want %q", got, want)
	}
}

// The need follows from the loops and the streams, and a pump for few connections
// needs few.
func TestNeedDescriptors(t *testing.T) {
	pull, file := StreamConfig{Pull: &PullConfig{}}, StreamConfig{File: &FileConfig{}}
	many := func(s StreamConfig, n int) (out []StreamConfig) {
		for range n {
			out = append(out, s)
		}
		return out
	}
	for _, c := range []struct {
		name           string
		loops, most    int
		streams        []StreamConfig
		reserve, least int
	}{
		{"one loop", 1, 0, nil, 128, 160},
		{"no loops told", 0, 0, nil, 128, 160},
		{"few connections", 1, 5, nil, 128, 133},
		{"many connections", 1, 5000, nil, 128, 160},
		{"pushed streams cost nothing", 1, 0, many(StreamConfig{Push: true}, 500), 128, 160},
		{"pulled streams", 1, 0, many(pull, 100), 405, 437},
		{"files", 1, 0, many(file, 100), 305, 337},
		{"many loops", 32, 0, nil, 320, 352},
	} {
		cfg := Config{Loops: c.loops, Limits: Limits{Connections: c.most}}
		if got := ReserveDescriptors(cfg, c.streams); got != c.reserve {
			t.Errorf("%s: %d are kept back, want %d", c.name, got, c.reserve)
		}
		if got := NeedDescriptors(cfg, c.streams); got != c.least {
			t.Errorf("%s: %d are needed, want %d", c.name, got, c.least)
		}
	}
}

// The sockets of encoders that send datagrams are as many as fit beside the connections, and
// no more than their share.
func TestSpareEar(t *testing.T) {
	limit := descriptorLimit()
	if limit < 1000 {
		t.Skipf("a limit of %d", limit)
	}
	e := &Engine{reserve: limit - 100}
	for _, c := range []struct {
		connections, ears int
		want              bool
	}{{0, 0, true}, {0, 24, true}, {0, 25, false}, {76, 23, true}, {76, 24, false}, {99, 0, true}, {100, 0, false}} {
		if got := e.spareEar(c.connections, c.ears); got != c.want {
			t.Errorf("another beside %d connections and %d: %v", c.connections, c.ears, got)
		}
	}
}
