package ring

import (
	"sync"
	"sync/atomic"

	"github.com/valyala/bytebufferpool"
)

// Buffers are the pools of segments and of other forms of packets. They count what is
// out, so that a leak shows in the status and fails a test. Any goroutine may use
// them.
type Buffers struct {
	// Segment is the size of a segment; [SegmentSize] if 0. It is set before
	// first use.
	Segment int

	segments pool
	forms    sync.Pool // of *form
	out      atomic.Int64
}

// pool is aligned so that 64-bit atomics work on 32-bit machines too: the library's
// pool uses plain integers for them, and merely panics where they are misaligned.
type pool struct {
	_ [0]atomic.Uint64
	bytebufferpool.Pool
}

// poisonByte overwrites recycled buffers in builds with the invariants tag: a
// reader that still looks at one sees it, and the race detector too.
const poisonByte = 0xDB

// form makes a form of the given bytes. A recycled buffer that is much too large is
// left to the garbage collector: another stream's packets may be of another size.
func (b *Buffers) form(bytes []byte) *form {
	b.out.Add(1)
	f, _ := b.forms.Get().(*form)
	if f == nil {
		f = new(form)
	}
	if n := cap(f.bytes); n < len(bytes) || n > 2*len(bytes)+formCost {
		f.bytes = make([]byte, 0, len(bytes))
	}
	f.bytes = append(f.bytes[:0], bytes...)
	return f
}

// putForm gives a form back; its bytes must not be touched after that.
func (b *Buffers) putForm(f *form) {
	poison(f.bytes)
	b.out.Add(-1)
	f.more = nil
	b.forms.Put(f)
}

// segment takes a buffer of the given size. Buffers of the usual size are pooled.
func (b *Buffers) segment(size int) *bytebufferpool.ByteBuffer {
	b.out.Add(1)
	if size != b.segmentSize() {
		return &bytebufferpool.ByteBuffer{B: make([]byte, size)}
	}
	buf := b.segments.Get()
	if cap(buf.B) < size {
		buf.B = make([]byte, size)
	}
	buf.B = buf.B[:size]
	return buf
}

func (b *Buffers) segmentSize() int {
	if b.Segment > 0 {
		return b.Segment
	}
	return SegmentSize
}

// putSegment gives a segment's buffer back.
func (b *Buffers) putSegment(buf *bytebufferpool.ByteBuffer) {
	poison(buf.B)
	b.out.Add(-1)
	if len(buf.B) == b.segmentSize() {
		b.segments.Put(buf)
	}
}

// poison overwrites a buffer that nobody may look at after that.
func poison(buf []byte) {
	if !invariants {
		return
	}
	all := buf[:cap(buf)]
	for i := range all {
		all[i] = poisonByte
	}
}

// Out is the number of buffers taken and not yet given back.
func (b *Buffers) Out() int64 { return b.out.Load() }
