package stream

import (
	"math"
	"slices"
	"sync/atomic"
	"time"

	"streampump/codec"
	"streampump/engine/ring"
)

// Programme is one header and the ring of its packets. A stream is a sequence
// of them: a header that cannot continue the old one ends it and starts the
// next.
type Programme struct {
	// Set once.
	Stream *Stream
	Ring   *ring.Ring
	Heads  [codec.Forms][]byte // shared and immutable
	codec  codec.Programme
	keyed  bool // viewers start at key frames only
	burst  int64

	// Read by anyone.
	Next    atomic.Pointer[Programme] // what follows; set before the ring ends, nil if nothing does
	Lost    atomic.Bool               // the ring ended because the source did not come back
	Viewers atomic.Int64              // counted by the loops
	rate    atomic.Int64              // packets in a thousand seconds
	bitrate atomic.Int64              // bits a second, in the last window
	demand  atomic.Int64              // bits a second that a viewer takes, averaged
	lastKey atomic.Int64              // when the newest key start came, or the first packet before there was any; 0: none
	keyless atomic.Bool               // a viewer was started without a key frame, and that was logged

	// Guarded by stream.mu.
	meter   rateMeter
	held    int   // bytes that the codec has kept for its next packet
	kept    int64 // bytes that it keeps beside the packets
	windows int64 // of the meter
	ended   int64 // when the ring did
	crowded bool  // a packet was left out for want of memory, and that was said
	gap     bool  // the newest packets were left out for want of memory, and the codec knows
}

// programmeCost is what a programme takes besides its ring, its heads and its
// packets, in bytes.
const programmeCost = 1 << 10

// formBits is how many bits of a [ring.Variant] hold the form; the next one is
// set for the trimmed variant.
const formBits = 2

// Variant is the ring's variant for a form of the contract.
func Variant(f codec.Form, trimmed bool) ring.Variant {
	v := ring.Variant(f)
	if trimmed {
		v |= 1 << formBits
	}
	return v
}

// Trimmed is the trimmed variant of an untrimmed one.
func Trimmed(v ring.Variant) ring.Variant { return v | 1<<formBits }

// newProgramme starts a programme of st from the codec's; nil if there is no memory.
func newProgramme(st *Stream, cp codec.Programme) *Programme {
	p := &Programme{Stream: st, codec: cp}
	media := cp.Media()
	cost := int64(programmeCost)
	for f := range p.Heads {
		p.Heads[f] = cp.Head(codec.Form(f))
		if !sharesMemory(p.Heads[f], p.Heads[:f]) {
			cost += int64(len(p.Heads[f]))
		}
	}
	p.keyed = media.KeyFrames()
	p.demand.Store(int64(media.Bitrate()))
	b := st.env.Settings.Backlog
	burst := b.JoinBurst
	if !p.keyed {
		// Nothing marks a good place to start, so a joiner gets what its player wants
		// before it plays.
		burst = max(burst, media.Preroll())
	}
	// Whoever starts further back than MaxLag would be moved forward at once.
	p.burst = int64(min(burst, b.MaxLag/2))
	derive := func(dst, primary []byte, v ring.Variant) ([]byte, bool) {
		return cp.Derive(dst, primary, codec.Form(v&(1<<formBits-1)), v>>formBits != 0)
	}
	if p.Ring = st.memory.NewRing(b.Duration, derive, cost); p.Ring == nil {
		return nil
	}
	return p
}

// sharesMemory reports whether a head is one of others, as it is where forms differ in
// their packets only.
func sharesMemory(head []byte, others [][]byte) bool {
	return slices.ContainsFunc(others, func(o []byte) bool {
		return len(head) > 0 && len(o) == len(head) && &o[0] == &head[0]
	})
}

// Media is the programme's header as it stands: what its packets have said since it
// began may have renewed it. Any goroutine may call it.
func (p *Programme) Media() codec.Media { return p.codec.Media() }

// AppendJoin appends what a viewer is sent before the packet whose primary form first
// is, when it starts there, or goes on there after left packets were left out. Any
// goroutine may call it.
func (p *Programme) AppendJoin(dst []byte, f codec.Form, first []byte, left uint64) []byte {
	return p.codec.AppendJoin(dst, f, first, left)
}

// Datagram takes the first datagram off what goes to a viewer. Any goroutine may call it.
func (p *Programme) Datagram(b []byte) (datagram []byte, channel uint8, size int) {
	return p.codec.Datagram(b)
}

// room is where the packet goes that the codec makes of one of n bytes; nil if there is no
// memory for it, or for what the codec keeps since the last one.
func (p *Programme) room(n int) []byte {
	if !p.Ring.Keep(p.kept) {
		return nil
	}
	return p.Ring.Room(codec.Room(n))
}

// Start is where a joiner begins; ok is false if it must wait for a key frame.
// Only inside a pass.
func (p *Programme) Start(now int64) (seq uint64, ok bool) {
	notAfter := int64(math.MaxInt64)
	if p.burst > 0 {
		notAfter = now - p.burst
	}
	return p.Ring.KeyStart(notAfter)
}

// Keyless reports whether viewers start at key frames and none has come for as long
// as they would wait. Any goroutine may call it.
func (p *Programme) Keyless(now int64) bool {
	last := p.lastKey.Load()
	return p.keyed && last != 0 && now-last >= int64(p.Stream.env.Settings.Timeouts.KeyWait)
}

// StartedAnywhere counts a viewer that was started without a key frame, and logs the
// first.
func (p *Programme) StartedAnywhere() {
	p.Stream.stats.anywhere.Add(1)
	if !p.keyless.Swap(true) {
		p.Stream.log.Warn("no key frame comes: viewers start without one, and see damaged pictures until one does",
			"waited", p.Stream.env.Settings.Timeouts.KeyWait)
	}
}

// PacketRate is the number of packets a second that the source sends.
func (p *Programme) PacketRate() float64 { return float64(p.rate.Load()) / 1000 }

// Demand is how many bits a second a viewer of the programme takes, in the form that
// takes most: what was measured, or else what the header says; 0 if neither is known.
// Any goroutine may call it.
func (p *Programme) Demand() int64 { return p.demand.Load() }

// demandWeight is over how many windows of the meter the demand is averaged: seconds
// with a key frame and seconds without one make no difference then.
const demandWeight = 8

// measured takes a window's rates.
func (p *Programme) measured(r rates) {
	p.rate.Store(r.perThousand)
	p.bitrate.Store(r.bits)
	was := p.demand.Load()
	if p.windows < demandWeight {
		p.windows++
	}
	if p.windows == 1 {
		was = 0
	}
	p.demand.Store(was + (r.most-was)/p.windows)
}

// rateMeter counts packets and their bytes over windows of a second or more.
type rateMeter struct {
	since int64
	count int64 // packets
	bytes int64 // of those behind the first
	most  int64 // the same, in the longest form
}

// rates are what a window gave.
type rates struct {
	perThousand int64 // packets in a thousand seconds
	bits        int64 // a second
	most        int64 // the same, in the longest form
}

// add counts a packet of size bytes, most in its longest form, at the given time; ready says that a window has
// just ended, and r is its rates.
func (m *rateMeter) add(now int64, size, most int) (r rates, ready bool) {
	if m.count == 0 {
		m.since, m.bytes, m.most = now, -int64(size), -int64(most) // the window begins behind it
	}
	m.count++
	m.bytes += int64(size)
	m.most += int64(most)
	d := float64(now - m.since)
	if d < float64(time.Second) {
		return rates{}, false
	}
	r = rates{
		perThousand: int64(float64(m.count-1) * 1000 * float64(time.Second) / d),
		bits:        int64(float64(m.bytes) * 8 * float64(time.Second) / d),
		most:        int64(float64(m.most) * 8 * float64(time.Second) / d),
	}
	m.since, m.count, m.bytes, m.most = now, 1, 0, 0
	return r, true
}
