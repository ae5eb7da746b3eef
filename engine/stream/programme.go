package stream

import (
	"math"
	"sync/atomic"
	"time"

	"streampump/codec"
	"streampump/engine/ring"
)

// Programme is one header and the ring of its packets. A stream is a sequence
// of them: a header that can not continue the old one ends it and starts the
// next.
type Programme struct {
	// Set once.
	Stream *Stream
	Media  codec.Media
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

	// Guarded by stream.mu.
	meter   rateMeter
	ended   int64 // when the ring did
	crowded bool  // a packet was left out for want of memory, and that was said
}

// programmeCost is what a programme takes beside its ring, its heads and its
// packets.
const programmeCost = 1 << 10

// formBits is how many bits of a [ring.Variant] hold the form; the next one is
// set for the trimmed variant.
const formBits = 1

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

// newProgramme starts a programme of st from the codec's; nil if there is no memory
// for it.
func newProgramme(st *Stream, cp codec.Programme) *Programme {
	p := &Programme{Stream: st, codec: cp, Media: cp.Media()}
	cost := int64(programmeCost)
	for f := range p.Heads {
		p.Heads[f] = cp.Head(codec.Form(f))
		cost += int64(len(p.Heads[f]))
	}
	p.keyed = p.Media.KeyFrames()
	b := st.env.Settings.Backlog
	burst := b.JoinBurst
	if !p.keyed {
		// Nothing marks a good place to start, so a joiner gets what its
		// player wants to have before it plays.
		burst = max(burst, p.Media.Preroll())
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

// Start is where a joiner begins; ok is false if it must wait for a key frame.
// Only inside a pass.
func (p *Programme) Start(now int64) (seq uint64, ok bool) {
	notAfter := int64(math.MaxInt64)
	if p.burst > 0 {
		notAfter = now - p.burst
	}
	return p.Ring.KeyStart(notAfter)
}

// PacketRate is the packets per second that the source sends.
func (p *Programme) PacketRate() float64 { return float64(p.rate.Load()) / 1000 }

// rateMeter counts packets over windows of a second or more.
type rateMeter struct {
	since int64
	count int64
}

// add counts a packet at the given time; ready says that perThousand is the
// rate of a window that just ended, in packets per thousand seconds.
func (m *rateMeter) add(now int64) (perThousand int64, ready bool) {
	if m.count == 0 {
		m.since = now
	}
	m.count++
	d := now - m.since
	if d < int64(time.Second) {
		return 0, false
	}
	perThousand = int64(float64(m.count-1) * 1000 * float64(time.Second) / float64(d))
	m.since, m.count = now, 1
	return perThousand, true
}
