package ring

import (
	"sync/atomic"

	"github.com/valyala/bytebufferpool"
)

// Buffers is the pool of packet buffers. It counts what is out, so that a leak
// shows in the status and fails a test. Any goroutine may use it.
type Buffers struct {
	pool bytebufferpool.Pool
	out  atomic.Int64
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
	if invariants {
		all := buf.B[:cap(buf.B)]
		for i := range all {
			all[i] = poisonByte
		}
	}
	b.out.Add(-1)
	b.pool.Put(buf)
}

// Out is the number of buffers taken and not yet given back.
func (b *Buffers) Out() int64 { return b.out.Load() }
