package engine

import (
	"math"
	"sync/atomic"
	"time"

	"streampump/codec"
	"streampump/engine/ring"
)

// programme is one header and the ring of its packets. A stream is a sequence
// of them: a header that can not continue the old one ends it and starts the
// next.
type programme struct {
	// Set once.
	stream *stream
	codec  codec.Programme
	media  codec.Media
	ring   *ring.Ring
	heads  [codec.Forms][]byte
	keyed  bool // viewers start at key frames only
	burst  int64

	// Read by anyone.
	next    atomic.Pointer[programme] // what follows; set before the ring ends, nil if nothing does
	lost    atomic.Bool               // the ring ended because the source did not come back
	viewers atomic.Int64
	rate    atomic.Int64 // packets in a thousand seconds

	// Guarded by stream.mu.
	meter rateMeter
	ended int64 // when the ring did
}

// formBits is how many bits of a [ring.Variant] hold the form; the next one is
// set for the trimmed variant.
const formBits = 1

// variantOf is the ring's variant for a form of the contract.
func variantOf(f codec.Form, trimmed bool) ring.Variant {
	v := ring.Variant(f)
	if trimmed {
		v |= 1 << formBits
	}
	return v
}

// newProgramme starts a programme of st from the codec's.
func newProgramme(st *stream, cp codec.Programme) *programme {
	p := &programme{stream: st, codec: cp, media: cp.Media()}
	for f := range p.heads {
		p.heads[f] = cp.Head(codec.Form(f))
	}
	p.keyed = p.media.KeyFrames()
	b := st.eng.cfg.Backlog
	burst := b.JoinBurst
	if !p.keyed {
		// Nothing marks a good place to start, so a joiner gets what its
		// player wants to have before it plays.
		burst = max(burst, p.media.Preroll())
	}
	// Whoever starts further back than MaxLag would be moved forward at once.
	p.burst = int64(min(burst, b.MaxLag/2))
	derive := func(dst, primary []byte, v ring.Variant) ([]byte, bool) {
		return cp.Derive(dst, primary, codec.Form(v&(1<<formBits-1)), v>>formBits != 0)
	}
	p.ring = ring.New(ring.Limits{Bytes: b.Bytes, Duration: b.Duration}, derive, st.eng.epochs, &st.eng.buffers)
	return p
}

// start is where a joiner begins; ok is false if it must wait for a key frame.
// Only inside a pass.
func (p *programme) start(now int64) (seq uint64, ok bool) {
	notAfter := int64(math.MaxInt64)
	if p.burst > 0 {
		notAfter = now - p.burst
	}
	return p.ring.KeyStart(notAfter)
}

// packetRate is the packets per second that the source sends.
func (p *programme) packetRate() float64 { return float64(p.rate.Load()) / 1000 }

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
