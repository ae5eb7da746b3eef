//go:build e2e

package e2e

import (
	"io"
	"net"
	"testing"
	"time"

	"streampump/bench/player"
	"streampump/bench/synth"
	"streampump/e2e/rig"
	"streampump/engine"
)

// A viewer may cost so much resident memory, everything included.
const (
	memoryViewers   = 4000
	memoryPerViewer = 1536
)

// What a viewer costs: the resident memory with four thousand of them, less
// that without, garbage collected both times. Both are read from the system,
// so that stacks, tables and the event loops' own state are in it.
func TestMemoryPerViewer(t *testing.T) {
	p := startPump(t, rig.Options{Config: `"backlog": {"duration": "3s", "max_lag": "3s"},
		"streams": [{"type": "mmsh_push", "path": "live"}]`}, plainDial)
	startFeed(t, p, plainDial, p.Addr.String(), "live", synth.Plain(64_000))
	first := startReader(t, watching{name: "first", addr: p.Addr.String(), path: "live"})
	p.fill(3 * time.Second)
	before := p.settled()

	for i := range memoryViewers {
		drain(t, p, i)
	}
	p.await("all viewers are attached", func(s engine.Snapshot) bool { return s.Viewers == memoryViewers+1 })
	first.more(t, 30) // everybody has been served some times
	after, s := p.settled(), p.status()
	each := (after - before) / memoryViewers

	t.Logf("%d bytes a viewer: %d KiB with one, %d KiB with %d more; %d connections are full",
		each, before>>10, after>>10, memoryViewers, s.Stalled)
	if each > memoryPerViewer {
		t.Errorf("a viewer costs %d bytes, and %d at most are allowed", each, memoryPerViewer)
	}
	if s.Viewers != memoryViewers+1 {
		t.Errorf("%d viewers are left of %d", s.Viewers, memoryViewers+1)
	}
	first.whole(t)
}

// drain opens a viewer that takes what it gets and looks at none of it. It has
// a goroutine of its own, which ends with its connection.
func drain(t *testing.T, p *pump, i int) {
	t.Helper()
	d := net.Dialer{Timeout: patience, LocalAddr: &net.TCPAddr{IP: sourceAddress(i)}}
	c, err := d.Dial("tcp", p.Addr.String())
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	t.Cleanup(func() {
		_ = c.Close()
		<-done
	})
	if _, err := c.Write(player.PlayOnly().AppendPlay(nil, "/streams/live", p.Addr.String(), 0)); err != nil {
		close(done)
		t.Fatal(err)
	}
	go func() {
		defer close(done)
		_, _ = io.Copy(io.Discard, c)
	}()
}
