//go:build e2e

package e2e

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"streampump/bench/player"
	"streampump/bench/synth"
	"streampump/e2e/rig"
	"streampump/engine"
)

// The churn: so many joins and leaves, by so many at a time, within so long.
const (
	churnJoins   = 20000
	churnWorkers = 8
	churnLimit   = time.Minute
)

// churnMemory is how much more resident memory may be in use after the churn
// than after a first, smaller one that has made every pool and table its size: a
// leak of 100 bytes for each viewer would be as much.
const churnMemory = 2 << 20

// Twenty thousand viewers come and go in every way they can within a minute.
// Afterwards nothing is left of them: no connection, session, descriptor,
// goroutine, packet buffer or memory; and one who stayed missed nothing.
func TestChurnLeavesNothingBehind(t *testing.T) {
	p := startPump(t, rig.Options{Config: `"timeouts": {"viewer_session": "1s", "drain": "1s"},
		"backlog": {"duration": "3s", "max_lag": "3s"},
		"streams": [{"type": "mmsh_push", "path": "live"}]`}, plainDial)
	startFeed(t, p, plainDial, p.Addr.String(), "live", synth.Plain(500_000))
	stayed := startReader(t, watching{name: "who stayed", addr: p.Addr.String(), path: "live"})
	p.fill(3 * time.Second)
	p.churn(t, churnJoins/4)
	p.awaitQuiet()
	before := p.leftovers()

	began := time.Now()
	p.churn(t, churnJoins)
	took := time.Since(began)
	s := p.awaitQuiet()
	after := p.leftovers()

	t.Logf("%d joins and leaves in %v; before: %v; after: %v; closes %v", churnJoins, took.Round(time.Millisecond), before, after, s.Closes)
	if took > churnLimit {
		t.Errorf("the churn took %v, and %v is asked for", took, churnLimit)
	}
	if after.descriptors > before.descriptors || after.goroutines > before.goroutines {
		t.Errorf("descriptors or goroutines are left over: before %v, after %v", before, after)
	}
	if grown := after.memory - before.memory; grown > churnMemory {
		t.Errorf("resident memory grew by %d KiB", grown>>10)
	}
	if s.Closes["none"] != 0 {
		t.Errorf("%d connections were closed without a reason", s.Closes["none"])
	}
	p.checkBuffers()
	stayed.more(t, 20)
	stayed.whole(t)
}

// awaitQuiet waits until only the encoder, and the one viewer who stayed, are
// left, with their sessions: the viewers' have expired.
func (p *pump) awaitQuiet() engine.Snapshot {
	p.t.Helper()
	return p.await("everybody has gone and every session has expired", func(s engine.Snapshot) bool {
		return s.Connections == 2 && s.Viewers == 1 && s.Sessions == 2
	})
}

// leftovers is what the pump holds.
type leftovers struct {
	descriptors, goroutines int
	memory                  int64
}

func (l leftovers) String() string {
	return fmt.Sprintf("%d descriptors, %d goroutines, %d KiB", l.descriptors, l.goroutines, l.memory>>10)
}

func (p *pump) leftovers() leftovers {
	p.t.Helper()
	m := p.settled()
	return leftovers{p.descriptors(), p.goroutines(), m}
}

// churn lets so many viewers come and go, several at a time.
func (p *pump) churn(t *testing.T, joins int) {
	t.Helper()
	var left, failed atomic.Int64
	left.Store(int64(joins))
	var first atomic.Pointer[error]
	var wg sync.WaitGroup
	for w := range churnWorkers {
		wg.Go(func() {
			dice := rand.New(rand.NewPCG(uint64(w), 1))
			for i := left.Add(-1); i >= 0; i = left.Add(-1) {
				if err := p.visit(int(i), dice); err != nil {
					failed.Add(1)
					first.CompareAndSwap(nil, &err)
				}
			}
		})
	}
	wg.Wait()
	if n := failed.Load(); n > 0 {
		t.Fatalf("%d of %d visits failed, one of them: %v\n%s", n, joins, *first.Load(), p.tail())
	}
}

// visit is one viewer who comes and goes: most play a little, some describe
// first, and some leave at a moment that is none. Half leave with a reset.
func (p *pump) visit(i int, dice *rand.Rand) error {
	d := net.Dialer{Timeout: patience, LocalAddr: &net.TCPAddr{IP: sourceAddress(i)}}
	c, err := d.Dial("tcp", p.Addr.String())
	if err != nil {
		return err
	}
	defer c.Close()
	if dice.IntN(2) == 0 {
		_ = c.(*net.TCPConn).SetLinger(0)
	}
	client := player.PlayOnly()
	if i%3 == 0 {
		client = player.Curl()
	}
	request := client.AppendPlay(nil, "/streams/live", p.Addr.String(), 0)
	_ = c.SetDeadline(time.Now().Add(patience))
	switch dice.IntN(16) {
	case 0: // says nothing
		return nil
	case 1: // leaves in the middle of its request
		_, err = c.Write(request[:dice.IntN(len(request))])
		return err
	case 2: // leaves without looking at the answer
		_, err = c.Write(request)
		return err
	}
	if _, err := c.Write(request); err != nil {
		return err
	}
	b := make([]byte, 1500)
	if _, err := io.ReadFull(c, b); err != nil {
		return err
	}
	if !strings.HasPrefix(string(b), "HTTP/1.") || !strings.Contains(string(b[:16]), " 200 ") {
		return fmt.Errorf("the answer is %.60q", b)
	}
	return nil
}

// sourceAddress spreads visitors over the loopback network, so that the ports
// of no address run out.
func sourceAddress(i int) net.IP { return net.IPv4(127, 1, byte(1+i%200), 1) }

// The pump whose descriptors are taken away while it runs.
const (
	fewDescriptors = 64
	tooMany        = 120 // connections, which want more than there are
)

// A pump that has no descriptor left says so to the operator and to who waits,
// keeps the viewers it has, and takes new ones as soon as some have left.
func TestOutOfDescriptors(t *testing.T) {
	t.Parallel()
	p := startPump(t, rig.Options{
		// To change the limits of another user takes a capability that not every root has.
		Config: `"user": "root", "limits": {"connections": 1000}, "timeouts": {"request": "60s", "drain": "1s"},
			"streams": [{"type": "mmsh_push", "path": "live"}]`,
	}, plainDial)
	// It would not start with so few.
	if err := unix.Prlimit(p.PID(), unix.RLIMIT_NOFILE, &unix.Rlimit{Cur: fewDescriptors, Max: fewDescriptors}, nil); err != nil {
		t.Fatal(err)
	}
	startFeed(t, p, plainDial, p.Addr.String(), "live", synth.Plain(300_000))
	stays := startReader(t, watching{name: "who was there", addr: p.Addr.String(), path: "live"})
	stays.more(t, 5)

	crowd := &crowd{t: t, p: p}
	t.Cleanup(crowd.leave)
	crowd.arrive(tooMany)
	p.Await("cannot be accepted", "descriptor limit")
	s := p.await("the pump runs out of descriptors", func(s engine.Snapshot) bool { return s.AcceptFails > 0 })
	told := crowd.told()
	stays.more(t, 20)
	stays.whole(t)
	t.Logf("%d connections of %d, %d failed accepts, one was told: %.40q", s.Connections, tooMany, s.AcceptFails, told)

	crowd.leave()
	p.await("the crowd has gone", func(s engine.Snapshot) bool { return s.Connections == 2 })
	late := startReader(t, watching{name: "who came later", addr: p.Addr.String(), path: "live"})
	late.more(t, 20)
	late.whole(t)
	stays.whole(t)
	if err := p.Terminate(); err != nil {
		t.Errorf("%v\n%s", err, p.tail())
	}
}

// crowd is connections that ask for nothing.
type crowd struct {
	t     *testing.T
	p     *pump
	conns []net.Conn
}

// arrive opens connections; the kernel takes those that the pump cannot.
func (c *crowd) arrive(n int) {
	c.t.Helper()
	for i := range n {
		d := net.Dialer{Timeout: patience, LocalAddr: &net.TCPAddr{IP: sourceAddress(i)}}
		conn, err := d.DialContext(context.Background(), "tcp", c.p.Addr.String())
		if err != nil {
			c.t.Fatal(err)
		}
		c.conns = append(c.conns, conn)
	}
}

// told waits until one of the crowd is told that there is no room, and returns
// the words. A connection that is closed without a word fails the test.
func (c *crowd) told() (words string) {
	c.t.Helper()
	b := make([]byte, 1024)
	for deadline := time.Now().Add(patience); words == "" && time.Now().Before(deadline); {
		for _, conn := range c.conns {
			_ = conn.SetReadDeadline(time.Now().Add(time.Millisecond))
			n, err := conn.Read(b)
			switch {
			case strings.Contains(string(b[:n]), " 503 "):
				words = string(b[:n])
			case n == 0 && !errors.Is(err, os.ErrDeadlineExceeded):
				c.t.Fatalf("a connection was closed without a word: %v\n%s", err, c.p.tail())
			}
		}
	}
	if words == "" {
		c.t.Fatalf("none of the crowd was told that there is no room\n%s", c.p.tail())
	}
	return words
}

// leave closes all connections.
func (c *crowd) leave() {
	for _, conn := range c.conns {
		_ = conn.Close()
	}
	c.conns = nil
}
