//go:build e2e

package e2e

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"syscall"
	"testing"
	"time"

	"streampump/bench/player"
	"streampump/e2e/rig"
	"streampump/engine"
)

// A pulled source that is killed and started again, twice: the viewers of who
// pulls are kept, and go on without a new header.
func TestPullSourceKilledAndRevived(t *testing.T) {
	t.Parallel()
	const deaths = 2
	origin := startPump(t, rig.Options{Config: pushed}, plainDial)
	addr := origin.Addr.String()
	spec := megabit()
	encoder := startFeed(t, origin, plainDial, addr, "live", spec)
	edge := startPump(t, rig.Options{Config: fmt.Sprintf(`"timeouts": {"pull_first_retry": "0.1s", "pull_retry": "0.2s", "pull_retry_jitter": 0, "pull_hold": "60s"},
		"streams": [{"type": "mmsh_pull", "path": "far", "source_options": {"url": "mmsh://%s/streams/live"}}]`, addr)}, plainDial)
	edge.awaitUp("far")
	var viewers []*reader
	for _, c := range []player.Client{player.VLC(), player.FFmpeg(), player.Curl()} {
		viewers = append(viewers, startReader(t, watching{name: c.Name, client: c,
			opts: player.Options{Plain: c.Plain}, addr: edge.Addr.String(), path: "far"}))
	}
	for i := range deaths {
		for _, r := range viewers {
			r.more(t, 20)
		}
		origin.Kill()
		encoder.stop()
		edge.awaitHeld("far", len(viewers))
		origin = startPump(t, rig.Options{Config: pushed, Listen: addr}, plainDial)
		spec = spec.Again()
		encoder = startFeed(t, origin, plainDial, addr, "live", spec)
		edge.await("the edge has found the source again", func(s engine.Snapshot) bool {
			st := streamOf(s, "far")
			return st.State == "up" && st.Splices == uint64(i+1)
		})
	}
	for _, r := range viewers {
		c := r.more(t, 40)
		r.alive(t)
		if c.Headers != 1 || c.Ended {
			t.Errorf("%s saw %+v", r.name, c)
		}
		t.Logf("%s: %+v", r.name, c)
	}
	edge.checkBuffers()
}

// A pump that ends, however it ends, can be started again at once at the same
// address, although its viewers' connections are still known to the kernel.
func TestRestartAtOnceOnTheSamePort(t *testing.T) {
	t.Parallel()
	ends := []struct {
		name string
		end  func(p *pump) error
	}{
		{"killed", func(p *pump) error { p.Kill(); return nil }},
		{"terminated", func(p *pump) error { return p.Terminate() }},
		{"killed-again", func(p *pump) error { p.Kill(); return nil }},
	}
	p := startPump(t, rig.Options{Config: pushed}, plainDial)
	addr := p.Addr.String()
	for _, e := range ends {
		encoder := startFeed(t, p, plainDial, addr, "live", megabit())
		for i := range 10 {
			startReader(t, watching{name: fmt.Sprintf("%s-%d", e.name, i), addr: addr, path: "live"}).more(t, 2)
		}
		if err := e.end(p); err != nil {
			t.Errorf("%s: %v", e.name, err)
		}
		p = startPump(t, rig.Options{Config: pushed, Listen: addr}, plainDial) // fails if the address is in use
		encoder.stop()
	}
	startFeed(t, p, plainDial, addr, "live", megabit())
	r := startReader(t, watching{name: "after", addr: addr, path: "live"})
	r.more(t, 20)
	r.whole(t)
}

// shutdownTime is what the pump is given to end, and shutdownLate when it is
// certainly late: the machine may be busy.
const (
	shutdownTime = 2 * time.Second
	shutdownLate = shutdownTime + 8*time.Second
)

// SIGTERM: each viewer is told that the stream is over, and its connection ends
// between two packets; one whose socket is full does not keep the others, nor
// the program, which ends within its time and with exit code 0.
func TestTerminateTellsEverybody(t *testing.T) {
	t.Parallel()
	p := startPump(t, rig.Options{Config: fmt.Sprintf(`"timeouts": {"shutdown": "%v"}, "fanout": {"notsent_lowat": "4KiB"},`, shutdownTime) + pushed}, plainDial)
	encoder := startFeed(t, p, plainDial, p.Addr.String(), "live", megabit())
	var viewers []*reader
	for _, c := range player.Clients() {
		viewers = append(viewers, startReader(t, watching{name: c.Name, client: c,
			opts: player.Options{Plain: c.Plain, Switch: c.Switch}, addr: p.Addr.String(), path: "live"}))
	}
	stalled := startReader(t, watching{name: "stalled", addr: p.Addr.String(), path: "live", dial: dialSmall})
	stalled.stop()
	p.await("one viewer's socket is full", func(s engine.Snapshot) bool { return s.Stalled == 1 })

	began := time.Now()
	if err := p.Terminate(); err != nil {
		t.Errorf("the pump ended with: %v\n%s", err, p.tail())
	}
	if took := time.Since(began); took > shutdownLate {
		t.Errorf("it took %v to end", took)
	} else {
		t.Logf("it took %v to end", took.Round(time.Millisecond))
	}
	for i, c := range player.Clients() {
		err, seen := viewers[i].ended(t), viewers[i].seen()
		if err != nil || seen.Gaps != 0 || seen.Ended == c.Plain {
			t.Errorf("%s: its stream ended with %v, $E %v: %+v", c.Name, err, seen.Ended, seen)
		}
	}
	<-encoder.done
	if encoder.err == nil || errors.Is(encoder.err, context.Canceled) {
		t.Errorf("the encoder was not told: %v", encoder.err)
	}
	t.Logf("the encoder ended with: %v", encoder.err)
	if strings.Contains(p.Log(), "panic") || strings.Contains(p.Log(), "level=ERROR") {
		t.Errorf("errors while going down:\n%s", p.tail())
	}
}

// dialSmall dials with a receive buffer that is full after some packets.
func dialSmall(ctx context.Context, network, addr string) (net.Conn, error) {
	const small = 8 << 10
	d := net.Dialer{Control: func(_, _ string, c syscall.RawConn) (err error) {
		if e := c.Control(func(fd uintptr) {
			err = syscall.SetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_RCVBUF, small)
		}); e != nil {
			return e
		}
		return err
	}}
	return d.DialContext(ctx, network, addr)
}
