package capacity

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"sort"
	"time"

	"streampump/tuning"
)

// mostViewers bounds the search: far more than any machine carries.
const mostViewers = 10_000_000

// Limit is how many viewers one resource allows.
type Limit struct {
	Resource string
	Viewers  int
	From     string // how the number is reached
}

// Unknown is the resources of which nothing is known.
type Unknown struct{ Resource, Why string }

// Estimate is the answer.
type Estimate struct {
	Limits  []Limit // the least first; at least the processors'
	Unknown []Unknown
	// Calls are what the loops do at the processors' limit, one for each stream.
	Calls []Calls
}

// Calls is how a stream is sent.
type Calls struct {
	Stream  string
	Packets float64       // in a call, on average
	Bytes   int           // in a call, with framing
	Turn    time.Duration // from one call for a viewer to the next, where there is a packet for it
}

// Viewers is how many can be carried.
func (e *Estimate) Viewers() int { return e.Limits[0].Viewers }

// Make computes the estimate for a plan, which has at least one stream and loop.
func Make(p *Plan) *Estimate {
	e := &Estimate{}
	cpu, calls := p.processors("processors", 0)
	e.Limits, e.Calls = append(e.Limits, cpu), calls
	if p.Cipher > 0 {
		cpu, _ := p.processors("processors over TLS", p.Cipher*TLSFactor)
		cpu.From = fmt.Sprintf("if all are encrypted: %.2g s for each GB, measured, times %.2f for what the pump does besides", 1e9*p.Cipher, TLSFactor)
		e.Limits = append(e.Limits, cpu)
	}
	e.divide("network card", p.Card > 0, p.wire(calls), FullCard*p.Card, "its speed is unknown",
		func(each, _ float64) string {
			return fmt.Sprintf("%.4g Mbit/s, of which %.0f%% may be used, at %.4g Mbit/s on the wire for a viewer", p.Card/1e6, 100*FullCard, each/1e6)
		})
	e.divide("memory", p.Memory > 0, p.viewerMemory(), p.memory(), "how much is free could not be read",
		func(each, all float64) string {
			return fmt.Sprintf("%s beside the streams' backlogs, at %s for a viewer", tuning.SizeText(int64(all)), tuning.SizeText(int64(each)))
		})
	e.divide("sockets' memory", p.SocketPages > 0, socketData(), float64(p.SocketPages)*tuning.PageSize, "net.ipv4.tcp_mem could not be read",
		func(each, all float64) string {
			return fmt.Sprintf("%s before the kernel shrinks buffers (net.ipv4.tcp_mem), at %s for a viewer", tuning.SizeText(int64(all)), tuning.SizeText(int64(each)))
		})
	if left := p.Budget.Left(); p.Budget.Memory > 0 {
		e.add("memory budget", float64(left)/float64(p.Budget.Each()), fmt.Sprintf(
			"the pump takes viewers up to %s beside the most that its backlogs may take", tuning.SizeText(left)))
	}
	e.divide("descriptors", p.Descriptors > 0, 1, float64(p.Descriptors)-float64(p.Reserved), "the limit could not be read",
		func(_, _ float64) string {
			return fmt.Sprintf("the limit is %d, less %d", p.Descriptors, p.Reserved)
		})
	e.settings(p)
	e.bandwidths(p)
	slices.SortStableFunc(e.Limits, func(a, b Limit) int { return cmp.Compare(a.Viewers, b.Viewers) })
	return e
}

// divide adds how many viewers share what there is, if that is known.
func (e *Estimate) divide(resource string, known bool, each, all float64, missing string, from func(each, all float64) string) {
	if !known {
		e.Unknown = append(e.Unknown, Unknown{resource, missing})
		return
	}
	n := int(min(max(0, all/each), mostViewers))
	e.Limits = append(e.Limits, Limit{resource, n, from(each, all)})
}

// settings adds what somebody has set.
func (e *Estimate) settings(p *Plan) {
	for _, l := range []struct {
		resource string
		viewers  int64
		from     string
	}{
		{"tracked connections", p.Tracked, "the firewall's table (net.netfilter.nf_conntrack_max)"},
		{"limits.connections", int64(p.Connections), "as configured"},
		{"limits.viewers", int64(p.Viewers), "as configured"},
		{"limits.sessions", int64(p.Sessions), "as configured, or by default"},
	} {
		if l.viewers > 0 {
			e.Limits = append(e.Limits, Limit{l.resource, int(min(l.viewers, mostViewers)), l.from})
		}
	}
}

// bandwidths adds the limits on bandwidth, and those of the streams. What a stream's
// limit allows is told as the viewers of all streams, of which it has its share.
func (e *Estimate) bandwidths(p *Plan) {
	average := 0.0 // bits a second that an average viewer reserves
	for _, s := range p.Streams {
		average += s.Share * float64(s.Bitrate)
	}
	if p.Bandwidth > 0 && average > 0 {
		e.add("limits.bandwidth", float64(p.Bandwidth)/average,
			fmt.Sprintf("%s as configured, at %s for a viewer", rateText(float64(p.Bandwidth)), rateText(average)))
	}
	for _, s := range p.Streams {
		if s.Share <= 0 {
			continue
		}
		if s.Viewers > 0 {
			e.add(s.Name+": viewers", float64(s.Viewers)/s.Share, fmt.Sprintf("%d of this stream, as configured, which has %.4g%% of all", s.Viewers, 100*s.Share))
		}
		if s.Bandwidth > 0 {
			e.add(s.Name+": bandwidth", float64(s.Bandwidth)/float64(s.Bitrate)/s.Share,
				fmt.Sprintf("%s for this stream, as configured, which has %.4g%% of all viewers", rateText(float64(s.Bandwidth)), 100*s.Share))
		}
	}
}

// add adds a limit.
func (e *Estimate) add(resource string, viewers float64, from string) {
	e.Limits = append(e.Limits, Limit{resource, int(min(viewers, mostViewers)), from})
}

// rateText is a rate for people.
func rateText(bits float64) string { return fmt.Sprintf("%.4g Mbit/s", bits/1e6) }

// processors is how many viewers the loops can serve, and with what calls, if each byte
// costs so many seconds more.
func (p *Plan) processors(resource string, byteCost float64) (Limit, []Calls) {
	whole := min(float64(p.Loops), p.Processors)
	busy := FullLoop * whole / float64(p.Loops) // of each loop
	perLoop := sort.Search(mostViewers, func(n int) bool { return p.load(n, byteCost) > busy }) - 1
	calls := p.calls(perLoop)
	return Limit{
		resource, perLoop * p.Loops,
		fmt.Sprintf("%d event loops, each busy at %.0f%%; %s", p.Loops, 100*busy, p.costText(calls)),
	}, calls
}

// calls are what full loops with the given number of viewers each do for each stream.
// What is held is decided for the viewers of all loops together.
func (p *Plan) calls(perLoop int) (all []Calls) {
	viewers, owed := perLoop*p.Loops, 0.0
	for _, s := range p.Streams {
		owed += float64(viewers) * s.Share * s.packets()
	}
	for _, s := range p.Streams {
		all = append(all, s.callsFor(max(FullTurn, p.Turn(viewers, owed, s.bursts()))))
	}
	return all
}

// load is how busy a loop is with the given number of viewers, if each byte costs so
// many seconds more.
func (p *Plan) load(perLoop int, byteCost float64) float64 {
	load := 0.0
	for i, c := range p.calls(perLoop) {
		s := p.Streams[i]
		calls := float64(perLoop) * s.Share * s.packets() / c.Packets
		load += calls * (PumpFactor*p.Price.of(c.Bytes) + byteCost*float64(c.Bytes))
	}
	return load
}

// costText tells the price of the calls.
func (p *Plan) costText(calls []Calls) string {
	least, most := math.MaxInt, 0
	for _, c := range calls {
		least, most = min(least, c.Bytes), max(most, c.Bytes)
	}
	text := fmt.Sprintf("%.1f µs measured for a call of %d bytes", 1e6*p.Price.of(most), most)
	if least != most {
		text += fmt.Sprintf(", %.1f µs for one of %d", 1e6*p.Price.of(least), least)
	}
	return text + fmt.Sprintf(", times %.2f for what the pump does besides", PumpFactor)
}

// wire is what an average viewer takes of the wire, in bits per second.
func (p *Plan) wire(calls []Calls) (bits float64) {
	for i, c := range calls {
		s := p.Streams[i]
		segments := (c.Bytes + SegmentPayload - 1) / SegmentPayload
		bits += s.Share * s.packets() / c.Packets * 8 * float64(c.Bytes+segments*SegmentHead)
	}
	return bits
}

// Extremes are the calls of the fewest and the most bytes that loops with unlimited
// viewers would make: those to measure.
func (p *Plan) Extremes() (least, most Calls) {
	for i, c := range p.calls(mostViewers) {
		if i == 0 || c.Bytes < least.Bytes {
			least = c
		}
		if c.Bytes > most.Bytes {
			most = c
		}
	}
	return least, most
}
