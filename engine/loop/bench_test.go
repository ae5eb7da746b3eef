package loop

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"streampump/engine/reason"
	"streampump/engine/settings"

	"golang.org/x/sys/unix"
)

// sink is a kernel that takes everything at once, or nothing from a viewer that
// is stalled: what a benchmark sees is the engine's own work, and not the lab's.
type sink struct {
	labKernel
	stalled []bool // by descriptor
}

func (s *sink) Writev(fd int, iov []unix.Iovec) (n int, errno unix.Errno) {
	if s.stalled[fd] {
		return 0, unix.EAGAIN
	}
	for i := range iov {
		n += int(iov[i].Len)
	}
	return n, 0
}

func (s *sink) Ready([]int32) int { return 0 }
func (s *sink) Watch(int) error   { return nil }
func (s *sink) Unwatch(int)       {}
func (s *sink) HalfClose(int)     {}

// load is what a benchmark of the fan-out offers: packets of 1400 bytes, 89 a
// second on each stream, as at 1 Mbit/s.
type load struct {
	viewers, streams, loops int
	budget                  time.Duration // 0 holds nothing
	stalled                 int           // viewers that take nothing
	form                    string        // of the viewers; empty: framed
}

func (ld load) String() string {
	s := fmt.Sprintf("viewers=%d/streams=%d/loops=%d/budget=%v/stalled=%d", ld.viewers, ld.streams, ld.loops, ld.budget, ld.stalled)
	if ld.form != "" {
		s += "/form=" + ld.form
	}
	return s
}

const benchEvery = time.Second / 89

// stage is a lab with a load on it.
type stage struct {
	*lab
	encoders []*peer
	line     []byte
}

func newStage(b *testing.B, ld load) *stage {
	cfg := labConfig()
	cfg.Loops = ld.loops
	cfg.Fanout.Budget = ld.budget
	cfg.Backlog.Duration = time.Second // the backlog has its size soon
	cfg.Timeouts.Stall, cfg.Timeouts.PushIdle = 1000*time.Hour, 1000*time.Hour
	cfg.Timeouts.Session = time.Second // as many are remembered, soon
	var streams []settings.Stream
	for i := range ld.streams {
		streams = append(streams, settings.Stream{Path: fmt.Sprintf("s%d", i), Push: true})
	}
	s := &stage{lab: newLab(b, cfg, streams...), line: []byte("P " + strings.Repeat("x", 1390) + "\n")}
	s.silent = true
	for i := range ld.streams {
		s.encoders = append(s.encoders, s.encoder(fmt.Sprintf("s%d", i), "H A audio"))
	}
	most := s.nextFd + ld.viewers + 10
	for _, k := range s.loops {
		k.loop.kernel = &sink{labKernel: labKernel{k}, stalled: make([]bool, most)}
	}
	for i := range ld.viewers {
		p := s.viewer("v", i%ld.loops, fmt.Sprintf("PLAY s%d %s", i/ld.loops%ld.streams, ld.form))
		if i < ld.stalled {
			p.at.loop.kernel.(*sink).stalled[p.c.fd] = true
		}
	}
	for range 3 * 89 {
		s.tick()
	}
	return s
}

// tick publishes a packet on each stream and lets the time until the next pass.
func (s *stage) tick() {
	for _, p := range s.encoders {
		p.sendBytes(s.line)
	}
	s.advance(benchEvery)
}

// BenchmarkFanout is one packet on each stream, to all its viewers.
func BenchmarkFanout(b *testing.B) {
	const budget = 90 * time.Millisecond
	for _, ld := range []load{
		{viewers: 1000, streams: 1, loops: 1},
		{viewers: 1000, streams: 1, loops: 1, stalled: 50},
		{viewers: 1000, streams: 1, loops: 1, budget: budget},
		{viewers: 1000, streams: 1, loops: 2},
		{viewers: 1000, streams: 8, loops: 1},
		{viewers: 5000, streams: 1, loops: 1},
		{viewers: 5000, streams: 1, loops: 1, stalled: 250},
		{viewers: 5000, streams: 1, loops: 1, budget: budget},
		{viewers: 5000, streams: 1, loops: 1, budget: budget, stalled: 250},
		{viewers: 5000, streams: 8, loops: 1},
		{viewers: 5000, streams: 8, loops: 1, budget: budget},
		{viewers: 1000, streams: 1, loops: 1, form: "video"},
		{viewers: 1000, streams: 1, loops: 1, budget: budget, form: "video"},
	} {
		b.Run(ld.String(), func(b *testing.B) {
			s := newStage(b, ld)
			packets, writes := s.sent()
			for b.Loop() {
				s.tick()
			}
			p, w := s.sent()
			delivered := float64(p - packets)
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/delivered, "ns/packet")
			b.ReportMetric(float64(w-writes)/delivered, "writes/packet")
		})
	}
}

// BenchmarkManyStreams is one packet on one of many streams, each with a viewer:
// what a pass costs that has something to do for one of them.
func BenchmarkManyStreams(b *testing.B) {
	for _, n := range []int{1, 64, 512} {
		b.Run(fmt.Sprintf("streams=%d", n), func(b *testing.B) {
			s := newStage(b, load{viewers: n, streams: n, loops: 1})
			for i := 0; b.Loop(); i++ {
				s.encoders[i%n].sendBytes(s.line)
				s.advance(benchEvery / time.Duration(n))
			}
		})
	}
}

// BenchmarkJoin is a viewer that connects, asks, gets the answer, the head and
// its first packet, and leaves. The tests' protocol is part of it.
func BenchmarkJoin(b *testing.B) {
	for _, viewers := range []int{1000, 5000} {
		b.Run(fmt.Sprintf("viewers=%d", viewers), func(b *testing.B) {
			s := newStage(b, load{viewers: viewers, streams: 1, loops: 1})
			k, play := s.loops[0], []byte("PLAY s0\n")
			peer := netip.MustParseAddrPort("10.0.0.2:5000")
			_, writes := s.sent()
			for b.Loop() {
				ticket, refused := s.books.Enter(peer.Addr())
				if refused != reason.None {
					b.Fatal(refused.Info().Text)
				}
				c := NewConn(k.loop, peer, ticket, refused)
				k.loop.Opened(c, nil, s.nextFd+1)
				k.loop.Traffic(c, play)
				if c.phase != phaseView {
					b.Fatal("the viewer did not get in")
				}
				k.loop.Closed(c)
				s.advance(10 * time.Millisecond)
				s.log.Reset()
			}
			_, w := s.sent()
			b.ReportMetric(float64(w-writes)/float64(b.N), "writes/join")
		})
	}
}
