package loop

import (
	"slices"
	"strings"
	"testing"
	"time"
	"unsafe"

	"streampump/engine/ring"
	"streampump/engine/settings"
)

// crowd is a lab with n silent viewers, spread over its loops, and a source that
// sends a burst of packets at a steady rate.
type crowd struct {
	*lab
	enc     *peer
	viewers []*peer
	line    []byte
	every   time.Duration
	burst   int   // packets at once
	worst   int64 // the longest that a packet was held
}

func newCrowd(t testing.TB, n int, perSecond float64, cfg settings.Config) *crowd {
	c := &crowd{lab: newLab(t, cfg), burst: 1, line: []byte("P " + strings.Repeat("x", 1000) + "\n")}
	c.every = time.Duration(float64(time.Second) / perSecond)
	c.silent = true
	c.enc = c.encoder("live", "H A audio")
	for range n {
		c.join()
	}
	for _, k := range c.loops {
		k.before = c.watch
	}
	return c
}

func (c *crowd) join() {
	p := c.viewer("v", len(c.viewers)%len(c.loops), "PLAY live")
	p.mute, p.got = true, nil
	c.viewers = append(c.viewers, p)
}

// watch notes how old the oldest packet is that a write call is about to carry.
func (c *crowd) watch(p *peer) {
	if v := p.c.viewer(); v != nil && v.trim == false {
		if s := v.prog.Ring.At(v.next); s != nil {
			c.worst = max(c.worst, c.now-s.At())
		}
	}
}

// publish sends packets for the given time.
func (c *crowd) publish(d time.Duration) {
	for end := c.now + int64(d); c.now < end; {
		for range c.burst {
			c.enc.sendBytes(c.line)
		}
		c.advance(c.every)
	}
}

// held: nobody may have something to get that is older than the budget.
func (c *crowd) held(budget time.Duration) {
	c.t.Helper()
	for _, p := range c.viewers {
		v := p.c.viewer()
		if v == nil {
			continue
		}
		if s := v.prog.Ring.At(v.next); s != nil && c.now-s.At() > int64(budget) {
			c.t.Fatalf("a viewer has waited %v for packet %d", time.Duration(c.now-s.At()), v.next)
		}
	}
}

// When the source pauses, what is held goes out within the budget, on the
// engine's own clock.
func TestHeldPacketsGoOutWhenTheSourcePauses(t *testing.T) {
	plainOnly(t, "holding knows no transport")
	cfg := labConfig()
	c := newCrowd(t, 1500, 89, cfg)
	c.publish(1200 * time.Millisecond)
	c.worst = 0
	head := c.e.order[0].Current().Ring.Head()
	c.advance(cfg.Fanout.Budget)
	for _, p := range c.viewers {
		if v := p.c.viewer(); v.next != head {
			t.Fatalf("a viewer is at %d, the head is %d, long after the last packet", v.next, head)
		}
	}
	if c.worst > int64(cfg.Fanout.Budget) {
		t.Errorf("a packet was held %v", time.Duration(c.worst))
	}
	c.finish()
}

// Viewers that leave and join during a sweep move others about in the show: no
// one is passed over by that, while the source sends and when it pauses.
func TestNobodyWaitsLongerWhenOthersComeAndGo(t *testing.T) {
	plainOnly(t, "holding knows no transport")
	cfg := labConfig()
	c := newCrowd(t, 1200, 89, cfg)
	c.publish(1200 * time.Millisecond)
	c.worst = 0
	for i := range 60 {
		c.enc.sendBytes(c.line)
		for k := range 3 {
			c.leave((i*7 + k*131) % 50)
			c.join()
			c.advance(c.every / 3)
			c.held(cfg.Fanout.Budget)
		}
	}
	for round := range 6 {
		c.enc.sendBytes(c.line)
		for i := range 15 {
			c.advance(cfg.Fanout.Budget / 15)
			if round%2 == 0 {
				c.leave(i * (1 + 60*round))
			} else {
				c.join()
			}
			c.silent = false
			c.check()
			c.silent = true
		}
		c.advance(time.Millisecond)
		c.held(0)
	}
	c.silent = false
	c.check()
	if c.worst > int64(cfg.Fanout.Budget) {
		t.Errorf("a packet was held %v", time.Duration(c.worst))
	}
	c.finish()
}

// leave closes the viewer that stands at the given place of the show.
func (c *crowd) leave(slot int) {
	s := c.e.loops[0].showOf(c.e.order[0])
	c.loops[0].socks[int(s.viewers[slot%len(s.viewers)].conn.fd)].hangup()
}

// The path from publish to the write calls allocates nothing, whether each
// packet goes out at once or some are held. Waking a loop is the reactor's
// affair and counted apart.
func TestPassDoesNotAllocate(t *testing.T) {
	most := 0.0
	if *overTLS {
		most = 3 // crypto/tls, for the record that the encoder sends
	}
	for _, n := range []int{50, 500} {
		cfg := labConfig()
		cfg.Backlog.Duration = time.Second
		c := newCrowd(t, n, 89, cfg)
		c.loops[0].before = nil
		c.publish(6 * time.Second) // the backlog and its spare slots have their size
		for _, p := range c.viewers {
			p.deaf = true
		}
		var in [][]byte // over TLS the encoder's own side allocates
		for range 201 {
			in = append(in, c.enc.seals(c.line))
		}
		allocs := testing.AllocsPerRun(200, func() {
			c.loops[0].loop.Traffic(c.enc.c, in[0])
			in = in[1:]
			c.run()
			c.now += int64(c.every)
			c.loops[0].loop.Run()
		})
		if allocs > most && !raced {
			t.Errorf("%v allocations for a packet and %d viewers", allocs, n)
		}
		c.finish()
	}
}

// Viewers share a packet's memory: their write calls point at the same bytes.
func TestPayloadIsNotCopied(t *testing.T) {
	plainOnly(t, "each viewer has records of its own")
	c := newCrowd(t, 3, 10, labConfig())
	plain := c.viewer("p", 0, "PLAY live plain")
	for _, p := range append(c.viewers, plain) {
		p.keep = true
	}
	c.enc.sendBytes(c.line)
	a, b := c.viewers[0].bases, c.viewers[1].bases
	if len(a) != 1 || !slices.Equal(a, b) {
		t.Errorf("two viewers were sent %v and %v, want the same memory", a, b)
	}
	if want := (*byte)(unsafe.Add(unsafe.Pointer(a[0]), 1)); len(plain.bases) != 1 || plain.bases[0] != want {
		t.Errorf("the plain form is sent from %v, want it within the packet at %v", plain.bases, a[0])
	}
	c.finish()
}

// A stalled viewer costs no write call until its socket takes bytes again.
func TestNoWriteAttemptOnStalledViewers(t *testing.T) {
	cfg := labConfig()
	c := newCrowd(t, 10, 90, cfg)
	for _, p := range c.viewers[:5] {
		p.room = 0
	}
	c.publish(time.Second)
	var before []int
	for _, p := range c.viewers[:5] {
		before = append(before, p.tries)
	}
	c.publish(5 * time.Second)
	for i, p := range c.viewers[:5] {
		if p.tries != before[i] {
			t.Errorf("%d write calls on a stalled viewer", p.tries-before[i])
		}
	}
	if got := c.viewers[7].tries - before[0]; got < 5*89 {
		t.Errorf("a healthy viewer beside them got %d writes", got)
	}
	c.finish()
}

// A batch of packets wakes each loop that has viewers once.
func TestOneWakeForABatch(t *testing.T) {
	cfg := labConfig()
	cfg.Loops = 3
	b := newLab(t, cfg)
	enc := b.encoder("live", "H A")
	b.viewer("v", 0, "PLAY live")
	b.viewer("w", 2, "PLAY live")
	before := b.e.Totals().Wakes
	enc.send(strings.Repeat("Pk x\n", 50))
	if n := b.e.Totals().Wakes - before; n != 2 {
		t.Errorf("%d wakes for one batch and viewers on two loops of three", n)
	}
	b.finish()
}

// The bounds follow from 1.5 KB for a viewer, everything included: gnet's connection
// is 248 bytes, its two addresses, its table entry and the runtime's rounding some
// 300, a session of a protocol up to 200, the two map entries here 100 and the
// session table's 60. That leaves 500 for what is ours. A viewer is as large as a
// cache line.
const (
	viewerBound = 64
	connBound   = 288 // where a class of the allocator ends
)

func TestViewerIsSmall(t *testing.T) {
	if n := unsafe.Sizeof(viewer{}); n > viewerBound {
		t.Errorf("a viewer takes %d bytes, the bound is %d", n, viewerBound)
	}
	if n := unsafe.Sizeof(Conn{}); n > connBound {
		t.Errorf("a connection takes %d bytes, the bound is %d", n, connBound)
	}
}

// One large packet does not make the small ones after it take more memory.
func TestSmallPacketsShareSegmentsAfterALargeOne(t *testing.T) {
	b := newLab(t, labConfig())
	enc := b.encoder("live", "H A")
	enc.send("Pk " + strings.Repeat("x", 60000) + "\n")
	enc.send(strings.Repeat("P "+strings.Repeat("x", 100)+"\n", 2000))
	size := b.e.order[0].Snapshot().Backlog
	if n, most := b.env.Buffers.Out(), 2*size/ring.SegmentSize+2; n > most {
		t.Errorf("%d bytes of packets take %d segments, want no more than %d", size, n, most)
	}
	b.finish()
}
