//go:build e2e

package e2e

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"strings"
	"testing"

	"streampump/bench/player"
	"streampump/bench/push"
	"streampump/bench/synth"
	"streampump/e2e/rig"
	"streampump/engine"
)

// pushed is the configuration of one stream that is pushed.
const pushed = `"streams": [{"type": "mmsh_push", "path": "live"}]`

// chaosEncoder is an encoder that can be cut in the middle of a packet and come
// back, with the same session or as another.
type chaosEncoder struct {
	t    *testing.T
	addr string
	src  *synth.Encoder
	pace push.Pace
	c    *push.Client
	cut  []byte // the packet that did not get through
}

func newChaosEncoder(t *testing.T, p *pump, spec synth.Spec) *chaosEncoder {
	t.Helper()
	src, err := synth.New(spec)
	if err != nil {
		t.Fatal(err)
	}
	e := &chaosEncoder{t: t, addr: p.Addr.String(), src: src, pace: push.RealTime(1)}
	e.dial("")
	if _, err := e.c.Setup(context.Background(), push.AutoDestroy); err != nil {
		t.Fatal(err)
	}
	e.must(e.c.Start(context.Background(), push.Endless))
	e.must(e.c.Header(context.Background(), src.Header()))
	return e
}

func (e *chaosEncoder) must(err error) {
	e.t.Helper()
	if err != nil {
		e.t.Fatal(err)
	}
}

// dial opens a connection for a session; "" is none yet.
func (e *chaosEncoder) dial(session string) {
	e.t.Helper()
	c, err := push.Dial(context.Background(), e.addr, push.Options{Path: "/streams/live_push", PushID: session})
	e.must(err)
	e.t.Cleanup(func() { _ = c.Close() })
	e.c = c
}

// send sends so many packets, each when it is due.
func (e *chaosEncoder) send(packets int) {
	e.t.Helper()
	for range packets {
		packet, at, err := e.src.Next()
		e.must(err)
		e.must(e.pace(context.Background(), at))
		e.must(e.c.Data(context.Background(), packet))
	}
}

// crash sends half a packet and cuts the connection.
func (e *chaosEncoder) crash() {
	e.t.Helper()
	packet, _, err := e.src.Next()
	e.must(err)
	e.cut = append(e.cut[:0], packet...)
	b := binary.LittleEndian.AppendUint16([]byte("$D"), uint16(len(packet)))
	e.must(e.c.Raw(context.Background(), append(b, packet[:len(packet)/2]...)))
	_ = e.c.Close()
}

// comeBack goes on with the session on another connection, from the packet that
// was cut.
func (e *chaosEncoder) comeBack() {
	e.t.Helper()
	e.dial(e.c.PushID())
	e.must(e.c.Start(context.Background(), push.Endless))
	e.must(e.c.Data(context.Background(), e.cut))
}

// An encoder that is killed in the middle of a packet: its viewers are kept;
// it comes back to its session, and nothing is missing; it is killed again, and
// another with an equivalent header takes its place without a new header.
func TestEncoderKilledInTheMiddleOfAPacket(t *testing.T) {
	t.Parallel()
	p := startPump(t, rig.Options{Config: `"timeouts": {"push_hold": "30s"},` + pushed}, plainDial)
	e := newChaosEncoder(t, p, megabit())
	e.send(60)
	watch := func(name string, c player.Client) *reader {
		return startReader(t, watching{name: name, client: c, opts: player.Options{Plain: c.Plain}, addr: p.Addr.String(), path: "live"})
	}
	viewers := []*reader{watch("vlc", player.VLC()), watch("curl", player.Curl())}
	e.send(60)

	e.crash()
	p.awaitHeld("live", len(viewers))
	p.refusesJoiners(t)
	e.comeBack()
	e.send(60)
	for _, r := range viewers {
		c := r.reaches(t, viewers[0], 180) // 60, 60, the one that was cut, 60; from 0
		if c.Gaps+c.Cut != 0 || c.Headers != 1 {
			t.Errorf("%s: the encoder came back to its session, and the viewer sees %+v", r.name, c)
		}
	}

	e.crash()
	p.awaitHeld("live", len(viewers))
	other := newChaosEncoder(t, p, megabit().Again())
	other.send(80)
	for _, r := range viewers {
		c := r.reaches(t, viewers[0], 261)
		missing := int64(1) // the packet that was cut; raw ASF has no numbers
		if r == viewers[1] {
			missing = 0
		}
		if c.Gaps != 1 || c.Missing != missing || c.Headers != 1 || c.Ended {
			t.Errorf("%s: another encoder went on, and the viewer sees %+v", r.name, c)
		}
		r.alive(t)
	}
	p.checkBuffers()
}

// reaches waits until the numbered reader has the packet of that number, and r
// one of the same time.
func (r *reader) reaches(t *testing.T, numbered *reader, location uint32) player.Counts {
	t.Helper()
	at := numbered.await(t, fmt.Sprintf("packet %d", location), func(c player.Counts) bool { return c.Last == location })
	return r.await(t, "the newest packet", func(c player.Counts) bool { return c.SendTime == at.SendTime })
}

// awaitHeld waits until a stream's source is gone and its viewers are kept.
func (p *pump) awaitHeld(path string, viewers int) {
	p.t.Helper()
	p.await(path+" is held", func(s engine.Snapshot) bool {
		st := streamOf(s, path)
		return st.State == "held" && st.Viewers == int64(viewers)
	})
}

// refusesJoiners fails the test if a viewer can join a stream without a source.
func (p *pump) refusesJoiners(t *testing.T) {
	t.Helper()
	v := player.Viewer{Client: player.MPlayer(), Addr: p.Addr.String(), Path: "/streams/live", Timeout: patience}
	_, _, err := v.Play(context.Background())
	var status *player.StatusError
	if !errors.As(err, &status) || status.Head.Status != 503 || status.Head.Get("Retry-After") == "" {
		t.Errorf("a joiner of a held stream is told: %v", err)
	}
}

// The flood: so many packets as fast as the pump takes them, into a backlog of
// so many bytes. The memory that the program may use for it is the backlog's,
// twice over for what is collected late, and its own.
const (
	floodPackets = 60000 // 190 MB
	floodBacklog = 4 << 20
	floodMemory  = 48 << 20
)

// An encoder that sends as fast as it can harms nobody: memory stays within the
// backlog's bound, its own viewers get whole packets, and those of another
// stream miss nothing.
func TestEncoderThatFloods(t *testing.T) {
	t.Parallel()
	p := startPump(t, rig.Options{Config: `"backlog": {"bytes": "4MiB"}, "streams": [
		{"type": "mmsh_push", "path": "live"}, {"type": "mmsh_push", "path": "flood"}]`}, plainDial)
	startFeed(t, p, plainDial, p.Addr.String(), "live", megabit())
	calm := startReader(t, watching{name: "calm", addr: p.Addr.String(), path: "live"})
	calm.more(t, 10)

	spec := megabit()
	spec.Packets = floodPackets
	src, err := synth.New(spec)
	if err != nil {
		t.Fatal(err)
	}
	// The first packets in real time, so that there is something to join.
	slow, live := 40, push.RealTime(1)
	pace := func(ctx context.Context, at uint32) error {
		if slow--; slow > 0 {
			return live(ctx, at)
		}
		return ctx.Err()
	}
	f := startSource(t, p, plainDial, p.Addr.String(), "flood", src, pace)
	wet := startReader(t, watching{name: "wet", addr: p.Addr.String(), path: "flood"})
	most := int64(0)
	for over := false; !over; {
		select {
		case <-f.done:
			over = true
		default:
			most = max(most, p.resident())
			if b := p.status().Backlog; b > 2*floodBacklog { // of both streams
				t.Errorf("the backlogs hold %d bytes", b)
			}
		}
	}
	if f.err != nil {
		t.Errorf("the flood was not taken to its end: %v\n%s", f.err, p.tail())
	}
	if err := wet.ended(t); err != nil {
		t.Errorf("the flood's viewer: %v", err)
	}
	calm.more(t, 20)
	calm.whole(t)
	t.Logf("resident at most %d KiB; the flood's viewer saw %+v", most>>10, wet.seen())
	if most > floodMemory {
		t.Errorf("resident memory was %d KiB", most>>10)
	}
}

// Viewers that send what no viewer sends while they play: whatever becomes of
// them, what they get is whole packets, and nobody else notices.
func TestViewersThatSendGarbage(t *testing.T) {
	t.Parallel()
	p := startPump(t, rig.Options{Config: pushed}, plainDial)
	startFeed(t, p, plainDial, p.Addr.String(), "live", megabit())
	watch := func(name string, c player.Client) *reader {
		return startReader(t, watching{name: name, client: c, addr: p.Addr.String(), path: "live"})
	}
	healthy := watch("healthy", player.MPlayer())
	noise := make([]byte, 64<<10)
	dice := rand.New(rand.NewPCG(1, 2))
	for i := range noise {
		noise[i] = byte(dice.Uint32())
	}
	garbage := []struct {
		name string
		send func(c net.Conn) error
	}{
		{"noise", func(c net.Conn) error { _, err := c.Write(noise); return err }},
		{"endless-line", func(c net.Conn) error { _, err := c.Write([]byte(strings.Repeat("A", 1<<20))); return err }},
		{"another-request", func(c net.Conn) error {
			_, err := c.Write(player.PlayOnly().AppendPlay(nil, "/streams/live", p.Addr.String(), 0))
			return err
		}},
		{"a-push", func(c net.Conn) error {
			_, err := c.Write([]byte("POST /streams/live_push HTTP/1.1\r\nHost: pump\r\nContent-Type: application/x-wms-pushstart\r\nContent-Length: 2147483647\r\n\r\n$H\x04\x00abcd"))
			return err
		}},
		{"half-close", func(c net.Conn) error { return c.(*net.TCPConn).CloseWrite() }},
	}
	for _, g := range garbage {
		r := watch(g.name, player.PlayOnly())
		r.more(t, 10)
		if err := g.send(r.conn.Conn); err != nil {
			t.Logf("%s: sending ends with: %v", g.name, err)
		}
		healthy.more(t, 30)
		_ = r.conn.Close()
		<-r.done
		var fault *player.Fault
		if errors.As(r.err, &fault) {
			t.Errorf("%s: what it got is broken: %v", g.name, fault)
		}
		t.Logf("%s: it ended with %v after %d packets", g.name, r.err, r.seen().Packets)
	}
	healthy.whole(t)
	s := p.await("only the healthy one is left", func(s engine.Snapshot) bool { return s.Viewers == 1 && s.Connections == 2 })
	t.Logf("closes: %v", s.Closes)
	p.checkBuffers()
}
