package rtmp

import (
	"fmt"
	"slices"
)

// maxKept is the longest buffer that is kept for the next message, in bytes. Longer
// messages are pictures of which there is one in a while.
const maxKept = 64 << 10

// tooLongError is a message that announces more than is allowed.
type tooLongError struct {
	typ    uint8
	length uint32
	most   int
}

// Error is one sentence for the operator.
func (e *tooLongError) Error() string {
	return fmt.Sprintf("a message (type %d) of %d bytes is longer than the %d that are allowed", e.typ, e.length, e.most)
}

// chunkStream is what is known of a chunk stream: its last header, and its message.
type chunkStream struct {
	csid   uint32
	stream uint32
	time   uint32 // of its last message
	delta  uint32 // the last time field: the time itself after format 0
	length uint32
	typ    uint8
	// extended says that the last time field was one of four bytes.
	extended bool
	body     *body // nil if none was gathered
}

// body is a buffer for bodies that come in parts.
type body struct{ b []byte }

// got is how much of the message is gathered.
func (s *chunkStream) got() uint32 {
	if s.body == nil {
		return 0
	}
	return uint32(len(s.body.b))
}

// open reports whether a message has begun and is not complete.
func (s *chunkStream) open() bool { return s.got() > 0 }

// find is the place of a chunk stream in the table. There are few.
func (r *reading) find(csid uint32) int {
	return slices.IndexFunc(r.streams, func(s chunkStream) bool { return s.csid == csid })
}

// store is the memory of all gathered bodies.
type store struct {
	unfinished int // bytes of bodies
	held       int // bytes of buffers
}

// keep gathers bytes of a message. The room for it grows with what has come, not with what
// is announced: a stranger's twelve bytes do not cost us megabytes.
func (r *reading) keep(s *chunkStream, b []byte, total int) error {
	if r.unfinished+len(b) > total {
		return errUnfinished
	}
	r.unfinished += len(b)
	if s.body == nil {
		s.body = &body{}
	}
	buf := s.body.b
	if need := len(buf) + len(b); need > cap(buf) {
		r.held -= cap(buf)
		buf = append(make([]byte, 0, min(2*need, int(s.length))), buf...)
		r.held += cap(buf)
	}
	s.body.b = append(buf, b...)
	return nil
}

// drop forgets what is gathered of a message, and keeps the buffer.
func (r *reading) drop(s *chunkStream) {
	if s.body != nil {
		r.unfinished -= len(s.body.b)
		s.body.b = s.body.b[:0]
	}
}

// free gives up the buffer of a chunk stream without a message.
func (r *reading) free(s *chunkStream) {
	r.held -= cap(s.body.b)
	s.body = nil
}

// release gives up the buffers of all chunk streams without a message.
func (r *reading) release() {
	for i := range r.streams {
		if s := &r.streams[i]; s.body != nil && !s.open() {
			r.free(s)
		}
	}
	r.streams = slices.Clip(r.streams)
}
