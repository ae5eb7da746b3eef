package loop

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"streampump/engine/reason"
)

// restless is peers that do anything at any time, by chance.
type restless struct {
	b       *lab
	rnd     *rand.Rand
	enc     *peer // the encoder at work
	key     string
	silent  time.Duration // since it sent
	viewers []*peer
	others  []*peer
	rules   *whim // nil: everybody may do everything
	unit    int   // the newest
	inside  int   // packets that it has
}

// TestRestlessPeers has viewers that close their side, stop, break, ask on and come
// back, strangers that crowd an address and are evicted, and encoders that come back
// with their session on another loop, in the middle of all that. The books are checked
// at each step, and what each viewer got: whole packets, in order, and a start behind
// each gap.
func TestRestlessPeers(t *testing.T) {
	seeds := uint64(12)
	if raced {
		seeds = 2
	}
	got, datagrams, closes := 0, 0, map[string]uint64{}
	for seed := range seeds {
		c := &restless{rnd: rand.New(rand.NewPCG(seed, 7))}
		cfg := labConfig()
		cfg.Loops = 1 + int(seed%3)
		cfg.Limits.LoosePerAddress = 5
		cfg.Limits.Packets = []int{20_000, 100, 20}[seed/3%3] // some encoders are too fast
		cfg.Backlog.Bytes, cfg.Backlog.MaxLag = 64<<10, 3*time.Second
		cfg.Timeouts.Stall, cfg.Timeouts.PushHold = 4*time.Second, time.Hour
		c.b = newLab(t, cfg)
		c.encoder()
		for range 600 {
			c.step()
		}
		c.b.advance(time.Second)
		for _, p := range c.viewers {
			checkWhole(t, seed, p, nil)
			got += len(p.got)
		}
		c.b.finish()
		for _, k := range c.b.loops {
			datagrams += k.datagrams.runs
		}
		for r, n := range c.b.e.Totals().Closes {
			closes[r] += n
		}
	}
	if datagrams < 1000 && !*overTLS && !raced {
		t.Errorf("%d runs of datagrams were sent", datagrams)
	}
	if got < 1000 {
		t.Errorf("all viewers got %d bytes", got)
	}
	for _, r := range []reason.Reason{reason.PushReturned, reason.PushLost, reason.TooManyIdle, reason.ViewerStalled, reason.ViewerFloods, reason.ViewerLeft} {
		if closes[r.String()] == 0 {
			t.Errorf("no connection ended with %v", r)
		}
	}
}

func (c *restless) loop() int { return c.rnd.IntN(len(c.b.loops)) }

// encoder begins the stream's session.
func (c *restless) encoder() {
	c.enc = c.b.dial("enc", c.loop(), "10.0.0.9")
	c.enc.send("PUBLISH live u=anna:x\n" + c.header() + "\nPk x\n")
	if _, err := fmt.Sscanf(string(c.enc.got), "OK Publish %s", &c.key); err != nil {
		c.b.t.Fatalf("the encoder got %q", c.enc.got)
	}
	c.silent = 0
}

// step is one thing that happens.
func (c *restless) step() {
	switch n := c.rnd.IntN(100); {
	case n < 45:
		c.packets()
	case n < 52:
		c.comeBack()
	case n < 62:
		c.join()
	case n < 72:
		c.stranger()
	case n < 76 && len(c.others) > 0:
		c.others[c.rnd.IntN(len(c.others))].c.Evict()
		c.b.run()
	case n < 90 && len(c.viewers) > 0:
		c.disturb(c.viewers[c.rnd.IntN(len(c.viewers))])
	default:
		d := time.Duration(c.rnd.IntN(1500)) * time.Millisecond
		c.silent += d
		c.b.advance(d)
	}
}

// packets come from the encoder, if it has a connection.
func (c *restless) packets() {
	if c.enc.gone || c.enc.c.phase != phaseIngest {
		c.comeBack()
		return
	}
	var lines strings.Builder
	for range 1 + c.rnd.IntN(4) {
		verb := "P"
		if c.rnd.IntN(8) == 0 {
			verb = "Pk"
		}
		size := 1 + c.rnd.IntN(60)
		if c.rnd.IntN(10) == 0 {
			size *= 100
		} else if c.rules != nil {
			verb = c.place(verb)
		}
		fmt.Fprintf(&lines, "%s %s%s\n", verb, c.tail(), c.payload(verb, size))
	}
	c.enc.send(lines.String())
	c.silent = 0
	c.b.advance(20 * time.Millisecond)
}

// place puts a small packet into the newest unit, into one of its own, or into the next
// programme.
func (c *restless) place(verb string) string {
	switch n := c.rnd.IntN(60); {
	case verb == "P" && n < 40 && c.inside > 0 && c.inside < 20:
		return "Pi"
	case n == 59:
		return "OVER"
	}
	return verb
}

// payload says which packet of which unit it is.
func (c *restless) payload(verb string, size int) string {
	if verb != "Pi" {
		c.unit, c.inside = c.unit+1, 0
	}
	c.inside++
	return fmt.Sprintf("u%d.%d.%s", c.unit, c.inside, strings.Repeat("x", size))
}

// comeBack has the encoder come back with its session on another connection, while
// the old one hangs, goes, or closes its side.
func (c *restless) comeBack() {
	if wait := 3*time.Second - c.silent; wait > 0 && c.rnd.IntN(4) > 0 {
		c.b.advance(wait)
	}
	old := c.enc
	c.inside = 0
	c.enc = c.b.dial("enc", c.loop(), "10.0.0.9")
	c.enc.arrives([]byte("PUBLISH live " + c.key + " u=anna:x\n" + c.header() + "\nPk y\n"))
	switch c.rnd.IntN(5) {
	case 0:
		old.at.hangup(old)
	case 1:
		old.halfClose()
	case 2:
		c.enc.halfClose()
	}
	c.b.run()
	switch busy := strings.Contains(string(c.enc.got), "BUSY"); {
	case busy:
		c.enc.hangup()
		c.enc = old
	case c.enc.gone || c.enc.c.phase != phaseIngest:
		c.b.run()
	case strings.Contains(string(c.enc.got), "OK Publish "):
		c.silent = 0
		_, _ = fmt.Sscanf(string(c.enc.got), "OK Publish %s", &c.key)
	}
}

// join opens a viewer, some behind other requests, some closing their side at once.
func (c *restless) join() {
	hosts := 200
	if c.rules != nil {
		hosts = 4 // some come back
	}
	p := c.b.dial("v", c.loop(), fmt.Sprintf("10.1.0.%d", c.rnd.IntN(hosts)))
	p.room = []int{-1, 0, 30, 5000}[c.rnd.IntN(4)]
	if c.rules != nil {
		p.chunk = []int{0, 0, 7, 1000}[c.rnd.IntN(4)]
	}
	wish := c.wish()
	if p.tls == nil && c.rnd.IntN(3) == 0 {
		p.port = uint16(10_000 + 4*c.b.nextFd)
		wish += fmt.Sprintf(" port=%d", p.port)
	}
	p.arrives([]byte(strings.Repeat("REPLY\n", c.rnd.IntN(2*requestTurn)) + wish + "\n"))
	if c.rnd.IntN(3) == 0 {
		p.halfClose()
	}
	c.b.run()
	c.viewers = append(c.viewers, p)
}

// stranger opens one of the connections of a crowded address, and some ask.
func (c *restless) stranger() {
	p := c.b.dial("s", c.loop(), "10.0.0.7")
	if p.gone || p.c.phase >= phaseEnding {
		return
	}
	requests := []string{"REP", "REPLY\n", strings.Repeat("REPLY\n", 2*requestBurst) + "REP", "SETUP live\n", "PLAY other\n"}
	if c.rules != nil {
		requests = append(requests, "DESCRIBE live\nLOOKUP live\n", "PUBLISH live\nH X\nPk x\n", "STOP s=1\nCONTROL s=2\n")
	}
	p.send(requests[c.rnd.IntN(len(requests))])
	if c.rnd.IntN(4) == 0 {
		p.halfClose()
	}
	c.others = append(c.others, p)
}

// disturb has something happen to a viewer.
func (c *restless) disturb(p *peer) {
	n := 11
	if c.rules != nil {
		n = 14
	}
	switch c.rnd.IntN(n) {
	case 11, 12:
		if p.c.phase == phaseView && !p.c.half {
			p.send("HALT\n" + strings.Repeat(c.wish()+"\n", c.rnd.IntN(2)))
		}
	case 13:
		c.b.loops[c.loop()].loop.showOf(c.b.e.order[0]).LetGo()
		c.enc.send([]string{"ASK\n", "ASK live\n"}[c.rnd.IntN(2)])
	case 10:
		p.error = []unix.Errno{0, unix.EPERM}[c.rnd.IntN(2)]
		p.alone = c.rnd.IntN(2) == 0
	case 9:
		p.at.setDatagramRoom([]int{-1, -1, 0, 3, 50}[c.rnd.IntN(5)])
	case 0:
		p.halfClose()
	case 1:
		p.broken = true
	case 2:
		p.hangup()
	case 3:
		if p.c.phase == phaseView && !p.c.half {
			p.send("REPLY\n")
		}
	case 4:
		if p.c.phase == phaseView && !p.c.half {
			p.send(strings.Repeat("x", c.rnd.IntN(8)*talkBurst))
		}
	default:
		p.setRoom([]int{-1, -1, 0, 1, 40, 3000}[c.rnd.IntN(6)])
	}
}

// unitSeen is how many packets of each unit any viewer got.
type unitSeen map[int]int

// unitOf is the unit that a packet says it is in, and which of its packets it is; 0 if it
// does not say so.
func unitOf(packet string) (unit, inside int) {
	if _, mark, ok := strings.Cut(packet, "u"); ok {
		_, _ = fmt.Sscanf(mark, "%d.%d.", &unit, &inside)
	}
	return unit, inside
}

// note looks at what a viewer got.
func (s unitSeen) note(p *peer) {
	for b := p.got; len(b) > 0; {
		_, n := p.token(b)
		if n == 0 {
			return
		}
		unit, inside := unitOf(string(b[:n]))
		s[unit] = max(s[unit], inside)
		b = b[n:]
	}
}

// checkWhole looks at what a viewer got: lines, its heads, and then packets of each
// programme from its own first on, and behind each gap a start, with whole units in front
// of it. Only the last one of a viewer whose connection is over may be in pieces.
func checkWhole(t *testing.T, seed uint64, p *peer, units unitSeen) {
	t.Helper()
	b, unit, inside := p.got, 0, 0
	for last, headed := -1, false; len(b) > 0; {
		word, n := p.token(b)
		if n == 0 {
			return // the rest is on its way, or never came
		}
		packet := string(b[:n])
		b = b[n:]
		switch packet[0] {
		case '{', '[':
			last, headed = -1, true
			continue
		case 'O':
			if packet == "OK Halt\n" {
				last = -1
			}
			continue
		case '"', '<', '0', '1', '2', '3', '4', '5', '6', '7', '8', '9':
		default:
			continue // a line
		}
		number := 0
		if _, err := fmt.Sscanf(word, "%d", &number); err != nil || !headed {
			t.Fatalf("seed %d: a packet is not whole, or has no head: %q", seed, packet)
		}
		start := bytes.ContainsAny([]byte(word), "KT")
		if number <= last || last >= 0 && number != last+1 && !start {
			t.Fatalf("seed %d: after %d came %q", seed, last, packet[:min(len(packet), 20)])
		}
		if last >= 0 && number != last+1 && inside < units[unit] {
			t.Fatalf("seed %d: after packet %d of unit %d, of %d, came %q", seed, inside, unit, units[unit], packet[:min(len(packet), 20)])
		}
		unit, inside = unitOf(packet)
		last = number
	}
}
