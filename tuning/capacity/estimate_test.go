package capacity

import (
	"math"
	"testing"
	"time"
)

// always has a viewer's turn come once in so long, whoever asks.
func always(d time.Duration) func(int, float64, float64) time.Duration {
	return func(int, float64, float64) time.Duration { return d }
}

// plan is a machine on which the processors give out first: 1 Mbit/s in packets
// of 1250 bytes is 100 packets a second, twenty in a call of a fifth of a second.
func plan() *Plan {
	return &Plan{
		Streams: []Stream{{Name: "live", Bitrate: 1_000_000, PacketSize: 1250, Share: 1, Backlog: 4 << 20}},
		Loops:   2, Processors: 2, Turn: always(200 * time.Millisecond),
		Price: Price{Call: 6e-6, PerByte: 1e-10},
		Card:  100e9, Memory: 64 << 30, SocketPages: 1 << 24, Descriptors: 1 << 20, Reserved: 128, Sessions: 1 << 20,
	}
}

func TestProcessors(t *testing.T) {
	// Five calls a second of 20 x 1262 bytes, 6 µs and 2.524 µs.
	perLoop := FullLoop / (5 * PumpFactor * (6e-6 + 25240e-10))
	for _, c := range []struct {
		name   string
		change func(*Plan)
		want   float64
	}{
		{"two_loops", func(*Plan) {}, 2 * perLoop},
		{"one_loop_on_many", func(p *Plan) { p.Loops, p.Processors = 1, 8 }, perLoop},
		{"quota_below_the_loops", func(p *Plan) { p.Loops, p.Processors = 2, 1.5 }, 1.5 * perLoop},
		{"more_loops_than_processors", func(p *Plan) { p.Loops = 4 }, 2 * perLoop},
		// A full loop comes every 125 ms all the same: 12.5 packets.
		{"nothing_held", func(p *Plan) { p.Turn = always(0) }, 2 * FullLoop / (8 * PumpFactor * (6e-6 + 15775e-10))},
		{"half_for_a_slow_stream", func(p *Plan) {
			// Five packets a second: one in a call, and as many calls as the other.
			p.Streams[0].Share = 0.5
			p.Streams = append(p.Streams, Stream{Name: "slow", Bitrate: 50_000, PacketSize: 1250, Share: 0.5})
		}, 2 * FullLoop / (5 * PumpFactor * (6e-6 + 0.5*25240e-10 + 0.5*1262e-10))},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := plan()
			c.change(p)
			e := Make(p)
			if got := e.Viewers(); e.Limits[0].Resource != "processors" || math.Abs(float64(got)-c.want) > 8 {
				t.Errorf("%d by %s, want %.0f by the processors", got, e.Limits[0].Resource, c.want)
			}
		})
	}
}

// Encryption costs by the byte, and is told apart.
func TestProcessorsOverTLS(t *testing.T) {
	p := plan()
	p.Cipher = 2e-10
	e := Make(p)
	want := 2 * FullLoop / (5 * (PumpFactor*(6e-6+25240e-10) + TLSFactor*25240*2e-10))
	if l := e.Limits[0]; l.Resource != "processors over TLS" || math.Abs(float64(l.Viewers)-want) > 8 || e.Limits[1].Resource != "processors" {
		t.Errorf("%+v, want %.0f", e.Limits[:2], want)
	}
}

// The rule is asked for the viewers of all loops and what they are owed together,
// for each stream with its own bursts.
func TestTurnIsAskedForAllLoops(t *testing.T) {
	p := plan()
	p.Streams[0].Share, p.Streams[0].Bursts = 0.5, 25
	p.Streams = append(p.Streams, Stream{Name: "slow", Bitrate: 100_000, PacketSize: 1250, Share: 0.5, Bursts: 25})
	bursts := map[float64]time.Duration{25: 200 * time.Millisecond, 10: 300 * time.Millisecond}
	var viewers int
	p.Turn = func(n int, packets, each float64) time.Duration {
		if want := float64(n) * 55; math.Abs(packets-want) > 1e-6*want {
			t.Fatalf("%d viewers are owed %.1f packets a second, want %.1f", n, packets, want)
		}
		if bursts[each] == 0 {
			t.Fatalf("%v bursts a second", each)
		}
		viewers = n
		return bursts[each]
	}
	e := Make(p)
	if e.Viewers() != viewers || e.Calls[0].Packets != 20 || e.Calls[0].Bytes != 25240 || e.Calls[1].Packets != 3 {
		t.Errorf("%d viewers, asked for %d, %+v", e.Viewers(), viewers, e.Calls)
	}
}

func TestWhatGivesOutFirst(t *testing.T) {
	for _, c := range []struct {
		resource string
		change   func(*Plan)
		want     int
	}{
		// 1.0096 Mbit/s, and 18 heads of 90 bytes to 25,240: 1.0744 Mbit/s each.
		{"network card", func(p *Plan) { p.Card = 1e9 }, 884},
		{"memory", func(p *Plan) { p.Memory = 256 << 20 }, 3596},
		{"sockets' memory", func(p *Plan) { p.SocketPages = 1000 }, 101},
		{"descriptors", func(p *Plan) { p.Descriptors = 1024 }, 896},
		{"descriptors", func(p *Plan) { p.Descriptors = 100 }, 0},
		{"memory", func(p *Plan) { p.Memory = 1 << 20 }, 0},
		{"tracked connections", func(p *Plan) { p.Tracked = 500 }, 500},
		{"limits.connections", func(p *Plan) { p.Connections = 300 }, 300},
		{"limits.sessions", func(p *Plan) { p.Sessions = 400 }, 400},
		{"limits.viewers", func(p *Plan) { p.Viewers = 200 }, 200},
		{"limits.bandwidth", func(p *Plan) { p.Bandwidth = 50_000_000 }, 50},
		{"live: viewers", func(p *Plan) { p.Streams[0].Viewers = 70 }, 70},
		{"live: bandwidth", func(p *Plan) { p.Streams[0].Bandwidth = 60_500_000 }, 60},
		{"slow: viewers", func(p *Plan) {
			p.Streams[0].Share = 0.75
			p.Streams = append(p.Streams, Stream{Name: "slow", Bitrate: 50_000, PacketSize: 1250, Share: 0.25, Viewers: 10})
		}, 40},
		{"descriptors", func(p *Plan) { p.Descriptors, p.Reserved = 1024, 200 }, 824},
		// 230 MiB, of which 64 are the program's and 10 the backlogs'.
		{"memory budget", func(p *Plan) { p.Budget = Budget{Memory: 256 << 20, Streams: 10, Backlog: 1 << 20} }, 3551},
	} {
		p := plan()
		c.change(p)
		e := Make(p)
		if l := e.Limits[0]; l.Resource != c.resource || l.Viewers != c.want || l.From == "" {
			t.Errorf("%+v, want %d by %s", l, c.want, c.resource)
		}
		for i := range e.Limits[1:] {
			if e.Limits[i].Viewers > e.Limits[i+1].Viewers {
				t.Errorf("not in order: %+v", e.Limits)
			}
		}
	}
}

// What is not known is said, and does not limit.
func TestUnknown(t *testing.T) {
	p := plan()
	p.Card, p.Memory, p.SocketPages, p.Descriptors, p.Sessions = 0, 0, 0, 0, 0
	e := Make(p)
	if len(e.Limits) != 1 || len(e.Unknown) != 4 {
		t.Fatalf("limits %+v, unknown %+v", e.Limits, e.Unknown)
	}
	for _, u := range e.Unknown {
		if u.Resource == "" || u.Why == "" {
			t.Errorf("%+v", u)
		}
	}
}

func TestLine(t *testing.T) {
	for _, c := range []struct {
		name    string
		bytes1  int
		cost1   float64
		bytes2  int
		cost2   float64
		call    float64
		perByte float64
	}{
		{"a_line", 1000, 5e-6, 11000, 6e-6, 4.9e-6, 1e-10},
		{"the_other_way_round", 11000, 6e-6, 1000, 5e-6, 4.9e-6, 1e-10},
		{"one_size", 1000, 5e-6, 1000, 5e-6, 5e-6, 0},
		{"noise", 1000, 5e-6, 2000, 4e-6, 5e-6, 0},
		{"steeper_than_nothing_for_the_call", 1000, 1e-6, 2000, 4e-6, 4e-6, 0},
	} {
		got := Line(c.bytes1, c.cost1, c.bytes2, c.cost2)
		if math.Abs(got.Call-c.call) > 1e-12 || math.Abs(got.PerByte-c.perByte) > 1e-16 {
			t.Errorf("%s: %+v, want %v and %v", c.name, got, c.call, c.perByte)
		}
	}
}

func TestExtremes(t *testing.T) {
	p := plan()
	p.Streams = append(p.Streams, Stream{Name: "slow", Bitrate: 64_000, PacketSize: 1400}, Stream{Name: "fast", Bitrate: 10_000_000, PacketSize: 1400})
	least, most := p.Extremes()
	if least.Stream != "slow" || math.Abs(least.Packets-1.14) > 0.01 || least.Bytes != 1614 || most.Stream != "fast" || math.Abs(most.Packets-178.57) > 0.01 {
		t.Errorf("%+v and %+v", least, most)
	}
}
