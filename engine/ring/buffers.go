package ring

import (
	"sync/atomic"

	"github.com/valyala/bytebufferpool"
)

// Buffers is the pools of segments and of other forms of packets. It counts what
// is out, so that a leak shows in the status and fails a test. Any goroutine may
// use it.
type Buffers struct {
	// Segment is the size of a segment; [SegmentSize] if 0. It is set before
	// first use.
	Segment int

	pool     pool // of variants
	segments pool // apart, because that pool learns the usual size
	out      atomic.Int64
}

// pool lies where 64-bit atomics work on 32-bit machines too: the library's pool
// has plain integers for them, and asks for that place only by panicking.
type pool struct {
	_ [0]atomic.Uint64
	bytebufferpool.Pool
}

// poisonByte overwrites recycled buffers in builds with the invariants tag: a
// reader that still looks at one sees it, and the race detector too.
const poisonByte = 0xDB

// Get takes an empty buffer.
func (b *Buffers) Get() *bytebufferpool.ByteBuffer {
	b.out.Add(1)
	return b.pool.Get()
}

// Put gives a buffer back; its bytes must not be touched any more.
func (b *Buffers) Put(buf *bytebufferpool.ByteBuffer) {
	poison(buf)
	b.out.Add(-1)
	b.pool.Put(buf)
}

// segment takes a buffer of [SegmentSize], or more if size is.
func (b *Buffers) segment(size int) *bytebufferpool.ByteBuffer {
	b.out.Add(1)
	buf := b.segments.Get()
	if size = max(size, b.segmentSize()); cap(buf.B) < size {
		buf.B = make([]byte, size)
	}
	buf.B = buf.B[:cap(buf.B)]
	return buf
}

func (b *Buffers) segmentSize() int {
	if b.Segment > 0 {
		return b.Segment
	}
	return SegmentSize
}

// putSegment gives such a buffer back.
func (b *Buffers) putSegment(buf *bytebufferpool.ByteBuffer) {
	poison(buf)
	b.out.Add(-1)
	if len(buf.B) > b.segmentSize() {
		return // of one large packet; kept for small ones it would be waste
	}
	b.segments.Put(buf)
}

// poison overwrites a buffer that nobody may look at any more.
func poison(buf *bytebufferpool.ByteBuffer) {
	if !invariants {
		return
	}
	all := buf.B[:cap(buf.B)]
	for i := range all {
		all[i] = poisonByte
	}
}

// Out is the number of buffers taken and not yet given back.
func (b *Buffers) Out() int64 { return b.out.Load() }
