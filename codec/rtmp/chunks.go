// Package rtmp speaks RTMP: it reads what a peer sends chunk by chunk, and writes what
// goes out in a form that all viewers share.
package rtmp

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// firstChunk is how much of a message each chunk holds until a peer says otherwise.
const firstChunk = 128

// limits bound what a peer can make us keep. They may change between two calls, and hold
// for messages that begin after that.
type limits struct {
	// message is the longest body in bytes; of what is neither sound nor pictures,
	// maxTold if that is less.
	message int
	// total is the most bytes of bodies that are not complete.
	total int
	// streams is the most chunk streams: each costs, as the state of its last header
	// has to be kept for the life of the connection.
	streams int
}

// What is allowed to those of whom no more is known yet, or who only listen; to encoders whose
// stream has not begun, of which there may be many at once; and to those who send a stream.
var (
	tight = limits{message: 16 << 10, total: 32 << 10, streams: 16}
	early = limits{message: 2 << 20, total: 2 << 20, streams: 64}
	wide  = limits{message: 4 << 20, total: 16 << 20, streams: 64}
)

// maxTold is the longest body of a command, of metadata and of everything else that is
// not media, in bytes. Metadata have some hundreds.
const maxTold = 64 << 10

// most is the longest body of a message of the type.
func (l limits) most(typ uint8) int {
	if carriesMedia(typ) {
		return l.message
	}
	return min(l.message, maxTold)
}

// What is wrong with chunks. After an error nothing that follows can be read.
var (
	errTooManyStreams = errors.New("the peer uses more chunk streams than it may")
	errUnfinished     = errors.New("the peer has begun more messages than there is room for")
	errNoHeader       = errors.New("a chunk refers to a header that never came")
	errInterrupted    = errors.New("a message begins within another one of its chunk stream")
	errChunkSize      = errors.New("the peer announces a chunk size that does not exist")
)

// chunks puts the messages of one direction of a connection together. They come in any
// pieces; a body that lies in one piece and one chunk is handed out where it is, all others
// are gathered. Set Chunk Size and Abort are obeyed here and not handed out. The zero value
// with limits is ready.
type chunks struct {
	limits limits
	// msg is the message that next has found.
	msg message
	// received counts the bytes that were taken, for acknowledgements.
	received uint64
	// reading is nil until the first byte, as it is for most connections at most times.
	reading *reading
}

// reading is how far chunks has come.
type reading struct {
	size    uint32 // of the peer's chunks, in bytes
	left    uint32 // bytes of the present chunk still to come
	current int    // whose they are, in streams; none: a header is next
	given   int    // whose gathered body was handed out; none: nobody's
	streams []chunkStream
	partial
	store
}

// none stands for no chunk stream.
const none = -1

// next takes bytes from the front of b. found says that msg is a whole message, otherwise
// all of b was taken. An error is the operator's sentence, and permanent.
func (c *chunks) next(b []byte) (n int, found bool, err error) {
	if c.reading == nil {
		if len(b) == 0 {
			return 0, false, nil
		}
		c.reading = &reading{size: firstChunk, current: none, given: none}
	}
	r := c.reading
	c.takeBack()
	for !found && err == nil && (n < len(b) || len(r.again) > 0) {
		var k int
		if len(r.again) > 0 {
			k, found, err = c.step(r.again)
			r.again = r.again[k:]
			continue
		}
		k, found, err = c.step(b[n:])
		c.received += uint64(k)
		n += k
	}
	return n, found, err
}

// step takes a header, or what there is of the present chunk.
func (c *chunks) step(b []byte) (n int, found bool, err error) {
	if c.reading.current == none {
		return c.header(b)
	}
	return c.payload(b)
}

// payload takes bytes of the present chunk.
func (c *chunks) payload(b []byte) (n int, found bool, err error) {
	r := c.reading
	s := &r.streams[r.current]
	n = int(min(r.left, uint32(min(len(b), maxLength))))
	if n == int(s.length) && !s.open() {
		r.left, r.current = 0, none
		found, err = c.complete(s, b[:n:n])
		return n, found, err
	}
	if err := r.keep(s, b[:n], c.limits.total); err != nil {
		return 0, false, err
	}
	r.left -= uint32(n)
	if r.left > 0 {
		return n, false, nil
	}
	at := r.current
	r.current = none
	if s.got() < s.length {
		return n, false, nil
	}
	r.given = at
	if found, err = c.complete(s, s.body.b); !found {
		c.takeBack()
	}
	return n, found, err
}

// complete is called with each whole message. It obeys those that are about chunks.
func (c *chunks) complete(s *chunkStream, body []byte) (found bool, err error) {
	switch s.typ {
	case typeChunkSize:
		return false, c.resize(body)
	case typeAbort:
		c.abort(body)
		return false, nil
	}
	c.msg = message{typ: s.typ, stream: s.stream, time: s.time, body: body}
	return true, nil
}

// resize obeys Set Chunk Size (RTMP 1.0, 5.4.1), from the next chunk on.
func (c *chunks) resize(body []byte) error {
	if len(body) < 4 {
		return errChunkSize
	}
	size := binary.BigEndian.Uint32(body)
	if size == 0 || size>>31 != 0 {
		return fmt.Errorf("%w: %d", errChunkSize, size)
	}
	c.reading.size = size
	return nil
}

// abort obeys Abort (RTMP 1.0, 5.4.2). Of a chunk stream without a message it says
// nothing.
func (c *chunks) abort(body []byte) {
	if len(body) < 4 {
		return
	}
	r := c.reading
	if at := r.find(binary.BigEndian.Uint32(body)); at != none {
		r.drop(&r.streams[at])
	}
}

// takeBack ends the use of the body that was handed out last. Its buffer is kept, unless
// it is long, or all buffers together are much of what a peer may have.
func (c *chunks) takeBack() {
	c.msg = message{}
	r := c.reading
	if r.given == none {
		return
	}
	s := &r.streams[r.given]
	r.given = none
	r.drop(s)
	if cap(s.body.b) > maxKept || r.held > c.limits.total/2 {
		r.free(s)
	}
}

// release gives up all memory that is not needed to go on, for a peer that will not say
// much more. A body that was handed out is no longer valid.
func (c *chunks) release() {
	if c.reading == nil {
		return
	}
	c.takeBack()
	c.reading.release()
}
