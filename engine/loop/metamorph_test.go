package loop

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"streampump/engine/internal/text"
)

// shape is one way of running the same packets: none of it may show in what a
// viewer receives.
type shape struct {
	loops, batch int
	budget       time.Duration
	chunk        int // bytes a socket takes at once; 0: all
	packets      int // that the encoder may send a second; 0: as many as it likes
}

var shapes = []shape{
	{1, 1, 0, 0, 0},
	{1, 7, 90 * time.Millisecond, 0, 0},
	{2, 3, 90 * time.Millisecond, 11, 15},
	{3, 50, 20 * time.Millisecond, 0, 10},
	{4, 5, 90 * time.Millisecond, 3, 0},
	{4, 1, 5 * time.Millisecond, 200, 0},
}

// script makes the same source lines for every shape: packets of all sizes, some of which
// belong together, key frames at random, splices.
func script(seed uint64) (lines []string) {
	rnd := rand.New(rand.NewPCG(seed, 1))
	for i := range 250 {
		verb, tail := []string{"P", "Pi"}[rnd.IntN(2)], ""
		if i == 0 || rnd.IntN(12) == 0 {
			verb = "Pk"
			if rnd.IntN(2) == 0 {
				tail = "tail|"
			}
		}
		if i > 0 && rnd.IntN(60) == 0 {
			lines = append(lines, "H A\n")
		}
		lines = append(lines, fmt.Sprintf("%s %s%s\n", verb, tail, strings.Repeat(string(rune('a'+i%26)), 1+rnd.IntN(40))))
	}
	return lines
}

func TestSameBytesWhateverTheShape(t *testing.T) {
	seeds := uint64(4)
	if raced {
		seeds = 1 // the shapes run on one goroutine each
	}
	for seed := range seeds {
		lines := script(seed)
		var want map[string][]byte
		for _, sh := range shapes {
			got := runShape(t, sh, lines, seed)
			if want == nil {
				want = got
				continue
			}
			for request, b := range got {
				if !bytes.Equal(b, want[request]) {
					t.Fatalf("seed %d, %+v: %q got %d bytes that are not the %d of the first shape", seed, sh, request, len(b), len(want[request]))
				}
			}
		}
	}
}

// runShape returns what the steady viewers received, by request; those of all
// loops must have received the same.
func runShape(t *testing.T, sh shape, lines []string, seed uint64) map[string][]byte {
	t.Helper()
	rnd := rand.New(rand.NewPCG(seed, uint64(sh.batch)))
	cfg := labConfig()
	cfg.Loops, cfg.Fanout.Budget = sh.loops, sh.budget
	cfg.Limits.Packets = sh.packets
	cfg.Backlog.MaxLag, cfg.Backlog.Duration, cfg.Timeouts.Stall = 3*time.Second, time.Hour, time.Hour
	b := newLab(t, cfg)
	enc := b.encoder("live", "H A")
	enc.send(lines[0]) // where everybody begins, whatever else comes in the same batch
	lines = lines[1:]
	var steady, stalling []*peer
	for loop := range sh.loops {
		for _, request := range append([]string{"PLAY live video", "PLAY live audio"}, text.SteadyRequests...) {
			p := b.viewer(request, loop, request)
			p.chunk = sh.chunk
			steady = append(steady, p)
		}
		stalling = append(stalling, b.viewer("stalls", loop, "PLAY live"), b.viewer("stalls", loop, "PLAY live plain"))
	}
	for _, p := range stalling {
		p.got = nil
	}
	for i := 0; i < len(lines); i += sh.batch {
		enc.send(strings.Join(lines[i:min(i+sh.batch, len(lines))], ""))
		b.advance(time.Duration(sh.batch) * 50 * time.Millisecond)
		takeAll(steady)
		p := stalling[rnd.IntN(len(stalling))]
		p.setRoom([]int{-1, 0, 5, 37}[rnd.IntN(4)])
	}
	for _, p := range stalling {
		p.setRoom(-1)
	}
	b.advance(time.Second)
	for enc.quiet {
		b.advance(100 * time.Millisecond)
		takeAll(steady)
	}
	got := map[string][]byte{}
	for _, p := range steady {
		_, stream, _ := bytes.Cut(p.got, []byte("\n"))
		if was, ok := got[p.name]; ok && !bytes.Equal(was, stream) {
			t.Fatalf("%+v: two viewers with %q got different bytes", sh, p.name)
		}
		got[p.name] = stream
	}
	for _, p := range stalling {
		checkGaps(t, p)
	}
	b.finish()
	return got
}

// takeAll has peers whose sockets take some bytes at once take all there are.
func takeAll(peers []*peer) {
	for _, p := range peers {
		for p.full {
			p.setRoom(-1)
		}
	}
}

// checkGaps: whole packets, in order, and after every gap a start.
func checkGaps(t *testing.T, p *peer) {
	t.Helper()
	last := 0
	for _, packet := range strings.SplitAfter(string(p.got), ";") {
		if packet == "" {
			continue
		}
		number := 0
		head, payload, ok := strings.Cut(strings.TrimPrefix(packet, "<"), ":")
		if _, err := fmt.Sscanf(head, "%d", &number); err != nil || !ok || !strings.HasSuffix(payload, ";") {
			t.Fatalf("a packet is not whole: %q", packet)
		}
		isKey := strings.HasSuffix(head, "T") || strings.HasSuffix(head, "K")
		switch {
		case number <= last:
			t.Fatalf("packet %d came after %d", number, last)
		case number != last+1 && !isKey:
			t.Fatalf("after %d came %d, which is no key frame", last, number)
		case number != last+1 && strings.Contains(payload, "|"):
			t.Fatalf("the start %d after a gap is not trimmed", number)
		}
		last = number
	}
	if last == 0 {
		t.Fatal("a stalling viewer got nothing at all")
	}
}
