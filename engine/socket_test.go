package engine

import (
	"bufio"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"streampump/codec"
	"streampump/engine/internal/text"
)

// patience bounds every wait for the real kernel; a healthy run never comes near it.
const patience = 20 * time.Second

// labConfig is the ordinary configuration without surprises by chance.
func labConfig() Config {
	cfg := DefaultConfig()
	cfg.Timeouts.PullJitter = 0
	return cfg
}

// realEngine is an engine on a loopback port.
func realEngine(t testing.TB, change func(*Config)) (e *Engine, address string) {
	t.Helper()
	return engineOn(t, change, Plain("127.0.0.1:0")...)
}

// engineOn is the same with the given listeners.
func engineOn(t testing.TB, change func(*Config), listeners ...Listener) (e *Engine, address string) {
	t.Helper()
	cfg := labConfig()
	cfg.Loops = 2
	if change != nil {
		change(&cfg)
	}
	e, err := New(cfg, []StreamConfig{{Path: "live", Push: true}}, []codec.Protocol{text.Protocol{}}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	if err := e.Listen(listeners...); err != nil {
		t.Fatal(err)
	}
	if err := e.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(e.Shutdown)
	return e, e.Addresses()[0].String()
}

func TestShutdownWithoutStart(t *testing.T) {
	e, err := New(labConfig(), nil, []codec.Protocol{text.Protocol{}}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	if err := e.Listen(Plain("127.0.0.1:0")...); err != nil {
		t.Fatal(err)
	}
	address := e.Addresses()[0].String()
	e.Shutdown()
	again, err := net.Listen("tcp", address)
	if err != nil {
		t.Fatalf("the listener is still open: %v", err)
	}
	_ = again.Close()
}

// smallBuffer is what a slow reader's socket holds: little, but more than a
// segment of the loopback interface, below which TCP crawls by probes.
const smallBuffer = 256 << 10

// client is a peer on a real socket.
type client struct {
	t testing.TB
	*net.TCPConn
	in *bufio.Reader
}

func connect(t testing.TB, address string) *client {
	t.Helper()
	c, err := net.DialTimeout("tcp", address, patience)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.SetDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return &client{t, c.(*net.TCPConn), bufio.NewReader(c)}
}

func (c *client) say(line string) {
	c.t.Helper()
	if _, err := io.WriteString(c, line+"\n"); err != nil {
		c.t.Fatal(err)
	}
}

// until reads up to the given byte and checks what it ends with.
func (c *client) until(end byte, want string) string {
	c.t.Helper()
	s, err := c.in.ReadString(end)
	if err != nil || !strings.Contains(s, want) {
		c.t.Fatalf("got %.200q %v, want %q", s, err, want)
	}
	return s
}

// eventually checks until so is true.
func eventually(t testing.TB, what string, so func() bool) {
	t.Helper()
	look := time.NewTicker(2 * time.Millisecond)
	defer look.Stop()
	for end := time.Now().Add(patience); !so(); <-look.C {
		if time.Now().After(end) {
			t.Fatalf("not in %v: %s", patience, what)
		}
	}
}

// pushed is an encoder on a real socket, with one key frame sent.
func pushed(t testing.TB, address string) *client {
	enc := connect(t, address)
	enc.say("PUBLISH live")
	enc.until('\n', "OK Publish")
	enc.say("H A\nPk first")
	return enc
}

// playing is a viewer that has got its first packet.
func playing(t testing.TB, e *Engine, address string) *client {
	if e != nil {
		eventually(t, "the stream is up", func() bool { return e.Snapshot().Streams[0].PacketsIn > 0 })
	}
	var v *client
	eventually(t, "the stream is up", func() bool {
		v = connect(t, address)
		v.say("PLAY live")
		answer := v.until('\n', " Play")
		if !strings.HasPrefix(answer, "OK") { // in another process, only trying tells
			_ = v.Close() // or the server's shutdown waits for it
			return false
		}
		return true
	})
	v.until('}', "{A}")
	v.until(';', "first;")
	return v
}

func descriptors(t testing.TB) int {
	t.Helper()
	list, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(list)
}

func TestStartAndStopLeaveNothing(t *testing.T) {
	goroutines, files := 0, 0
	for round := range 3 {
		e, address := realEngine(t, nil)
		enc := pushed(t, address)
		v := playing(t, e, address)
		idle := connect(t, address)
		enc.say("P second")
		v.until(';', "second;")
		done := make(chan struct{})
		go func() { e.Shutdown(); close(done) }()
		v.until('\n', "END shutdown")
		enc.until('\n', "END shutdown")
		for _, c := range []*client{v, enc, idle} {
			if _, err := c.in.ReadByte(); err == nil {
				t.Error("something came after the last word")
			}
			_ = c.Close()
		}
		<-done
		if n := e.env.Buffers.Out(); n != 0 || e.group.Connections() != 0 {
			t.Errorf("%d buffers and %d connections are left", n, e.group.Connections())
		}
		if round == 0 { // the libraries have started what they start only once
			goroutines, files = runtime.NumGoroutine(), descriptors(t)
			continue
		}
		eventually(t, "the goroutines and descriptors of before", func() bool {
			return runtime.NumGoroutine() <= goroutines && descriptors(t) <= files
		})
	}
}

// A viewer that stops reading fills its socket and is left alone; when it reads
// again it goes on, although nothing is published then: only the set of full
// sockets can tell.
func TestStalledViewerGoesOnByItself(t *testing.T) {
	e, address := realEngine(t, func(c *Config) { c.Backlog.Bytes = 256 << 20 })
	enc := pushed(t, address)
	v := playing(t, e, address)
	if err := v.SetReadBuffer(smallBuffer); err != nil {
		t.Fatal(err)
	}
	big := strings.Repeat("x", 60<<10)
	sent := 0
	for e.Snapshot().Stalled == 0 {
		if sent++; sent > 2000 {
			t.Fatal("the viewer's socket takes everything")
		}
		enc.say("P " + big)
	}
	for range 50 { // beyond what the kernel holds
		sent++
		enc.say("P " + big)
	}
	eventually(t, "all is in the backlog", func() bool { return e.Snapshot().Streams[0].PacketsIn == uint64(sent)+1 })
	for i := range sent {
		v.until(';', fmt.Sprintf("<%d:", i+1))
	}
	eventually(t, "no socket is full", func() bool { return e.Snapshot().Stalled == 0 })
}

// The answers to a peer that does not read for a while arrive whole, the last
// with its end, although no stream moves and nothing is published.
func TestSlowReaderGetsItsWholeAnswer(t *testing.T) {
	e, address := realEngine(t, nil)
	enc := connect(t, address)
	head := strings.Repeat("h", 100<<10)
	enc.say("PUBLISH live")
	enc.say("H " + head)
	eventually(t, "the stream is up", func() bool { return e.group.Streams()[0].Joinable() != nil })
	c := connect(t, address)
	if err := c.SetReadBuffer(smallBuffer); err != nil {
		t.Fatal(err)
	}
	asked := 0
	for e.Snapshot().Stalled == 0 {
		if asked++; asked > 1000 {
			t.Fatal("the peer's socket takes everything")
		}
		was := e.Snapshot().Bytes
		c.say("DESCRIBE live")
		eventually(t, "it was answered", func() bool { s := e.Snapshot(); return s.Bytes > was || s.Stalled > 0 })
	}
	c.say("NONSENSE")
	for range asked {
		c.until('\n', "OK Describe")
		c.until('}', head)
	}
	c.until('\n', "OK Bad")
	if _, err := c.in.ReadByte(); err != io.EOF {
		t.Errorf("after the last word came %v", err)
	}
}

// Viewers come and go on all loops while encoders take the stream over from each
// other, pause, and go on elsewhere: nothing is left behind. Under the race
// detector this is the test of who may touch what.
func TestChurn(t *testing.T) {
	e, address := realEngine(t, func(c *Config) { c.Loops, c.Backlog.Bytes = 4, 1<<20 })
	keep := pushed(t, address)
	eventually(t, "the stream is up", func() bool { return e.group.Streams()[0].Joinable() != nil })
	var all sync.WaitGroup
	for g := range 4 {
		all.Go(func() {
			for i := range 25 {
				c := connect(t, address)
				_, _ = io.WriteString(c, []string{"PLAY live\n", "PLAY live plain\n", "PLAY live switch\n"}[i%3])
				_, _ = io.CopyN(io.Discard, c.in, int64(100*(g+1)))
				_ = c.Close()
			}
		})
		all.Go(func() {
			for i := range 10 {
				c := connect(t, address)
				_, _ = fmt.Fprintf(c, "PUBLISH live\nH %c\n", 'A'+i%2)
				_, _ = io.WriteString(c, strings.Repeat("Pk "+strings.Repeat("x", 200)+"\n", 200))
				_, _ = io.WriteString(c, []string{"PAUSE\n", "FINISH\n", "rubbish\n", ""}[i%4])
				_ = c.Close()
			}
		})
	}
	all.Wait()
	_ = keep.Close()
	eventually(t, "everybody has left", func() bool { return e.group.Connections() == 0 })
	e.Shutdown()
	if n := e.env.Buffers.Out(); n != 0 {
		t.Errorf("%d packet buffers are still out", n)
	}
}

// ask sends a request that any server answers.
func ask(c *client) string {
	_, _ = io.WriteString(c, "REPLY\n")
	answer, _ := c.in.ReadString('\n')
	return answer
}

// fill opens connections until one is refused, and returns what that one was told.
func fill(t *testing.T, address string) (served []*client, refused string) {
	for len(served) < 50 {
		c := connect(t, address)
		answer := ask(c)
		if answer != "OK Reply\n" {
			return served, answer
		}
		served = append(served, c)
	}
	t.Fatal("the server does not run out of descriptors")
	return nil, ""
}
