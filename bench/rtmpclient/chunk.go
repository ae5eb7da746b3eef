package rtmpclient

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// extended is the time in three bytes that says that it stands behind the header in four.
const extended = 0xFFFFFF

// headSizes are the bytes of a chunk's header behind its first ones, by its form (RTMP 1.0,
// 5.3.1.2).
var headSizes = [4]int{11, 7, 3, 0}

// AppendBasic appends how a chunk begins: its form and its chunk stream, 2 to 65,599, in the
// shortest way (RTMP 1.0, 5.3.1.1).
func AppendBasic(dst []byte, form uint8, chunk uint32) []byte {
	switch {
	case chunk < 64:
		return append(dst, form<<6|byte(chunk))
	case chunk < 64+256:
		return append(dst, form<<6, byte(chunk-64))
	default:
		return append(dst, form<<6|1, byte(chunk-64), byte((chunk-64)>>8))
	}
}

// AppendHead appends a chunk's whole header. time is absolute with form 0 and a difference
// with 1 and 2; with form 3 it is that of the header before, and stands there only if it is
// in four bytes.
func AppendHead(dst []byte, form uint8, m Message, time uint32, length int) []byte {
	dst = AppendBasic(dst, form, m.Chunk)
	short := min(time, extended)
	if form < 3 {
		dst = append(dst, byte(short>>16), byte(short>>8), byte(short))
	}
	if form < 2 {
		dst = append(dst, byte(length>>16), byte(length>>8), byte(length), m.Type)
	}
	if form == 0 {
		dst = binary.LittleEndian.AppendUint32(dst, m.Stream)
	}
	if short == extended {
		dst = binary.BigEndian.AppendUint32(dst, time)
	}
	return dst
}

// AppendMessage appends a message in chunks of at most the given size: a header with all, and
// then such with nothing but, where it is needed, the time.
func AppendMessage(dst []byte, m Message, size int) []byte {
	dst = AppendHead(dst, 0, m, m.Time, len(m.Body))
	rest := m.Body
	for {
		n := min(len(rest), size)
		dst = append(dst, rest[:n]...)
		if rest = rest[n:]; len(rest) == 0 {
			return dst
		}
		dst = AppendHead(dst, 3, m, m.Time, 0)
	}
}

// Reader makes messages of chunks. It knows the specification of 2012 and no other: behind
// a time in four bytes, each chunk of the message repeats it.
type Reader struct {
	// Size is that of the chunks that come. A message that sets it has it set here.
	Size    int
	streams map[uint32]*chunkStream
}

// chunkStream is what is known of a chunk stream.
type chunkStream struct {
	m      Message // the newest header
	length int     // of a message
	delta  uint32  // by which a message without a time is later than the one before
	left   int     // bytes of the message that are missing
}

// NewReader begins with chunks of 128 bytes.
func NewReader() *Reader { return &Reader{Size: firstChunk, streams: map[uint32]*chunkStream{}} }

// Take takes the next chunk from the front of b, of which it keeps nothing: n bytes, or 0 if
// it is not all there. m is the message that it ends; nil if it ends none.
func (r *Reader) Take(b []byte) (m *Message, n int, err error) {
	form, id, n := basic(b)
	if n == 0 {
		return nil, 0, nil
	}
	s := r.streams[id]
	if s == nil {
		if form > 1 {
			return nil, n, fmt.Errorf("chunk stream %d begins with a header of form %d", id, form)
		}
		s = &chunkStream{m: Message{Chunk: id}}
	}
	next := *s
	size, err := next.head(form, b[n:])
	if size < 0 || err != nil {
		return nil, 0, err
	}
	n += size
	part := min(next.left, r.Size)
	if len(b) < n+part {
		return nil, 0, nil
	}
	*s, r.streams[id] = next, s
	s.m.Body = append(s.m.Body, b[n:n+part]...)
	s.m.Chunks++
	n += part
	if s.left -= part; s.left > 0 {
		return nil, n, nil
	}
	whole := s.m
	s.m.Body = nil
	return &whole, n, r.obey(&whole)
}

// obey does what a message about chunks says.
func (r *Reader) obey(m *Message) error {
	switch m.Type {
	case TypeChunkSize:
		if m.Number() == 0 || m.Number()>>31 != 0 {
			return fmt.Errorf("a chunk size is set to %d", m.Number())
		}
		r.Size = int(m.Number())
	case TypeAbort:
		s := r.streams[m.Number()]
		if s == nil {
			return errors.New("a message is aborted on a chunk stream that was never used")
		}
		s.left, s.m.Body = 0, nil
	}
	return nil
}

// basic reads how a chunk begins; n is 0 if that is not all there.
func basic(b []byte) (form uint8, chunk uint32, n int) {
	if len(b) == 0 {
		return 0, 0, 0
	}
	form = b[0] >> 6
	switch id := b[0] & 0x3F; {
	case id > 1:
		return form, uint32(id), 1
	case id == 0 && len(b) > 1:
		return form, 64 + uint32(b[1]), 2
	case id == 1 && len(b) > 2:
		return form, 64 + uint32(b[1]) + 256*uint32(b[2]), 3
	}
	return 0, 0, 0
}

// head reads the rest of a chunk's header; n is less than 0 if that is not all there.
func (s *chunkStream) head(form uint8, b []byte) (n int, err error) {
	n = headSizes[form]
	inside := s.left > 0
	switch {
	case inside && form != 3:
		return n, fmt.Errorf("on chunk stream %d a message begins with %d bytes of another missing", s.m.Chunk, s.left)
	case len(b) < n:
		return -1, nil
	}
	time := s.delta
	if form < 3 {
		time = uint32(b[0])<<16 | uint32(b[1])<<8 | uint32(b[2])
		s.m.Extended = time == extended
	}
	if s.m.Extended {
		if len(b) < n+4 {
			return -1, nil
		}
		time = binary.BigEndian.Uint32(b[n:])
		n += 4
	}
	if !inside {
		s.begin(form, time, b)
	}
	return n, nil
}

// begin begins a message. What its header leaves out is as in the one before: with form 3
// the time is later by as much as that one's header said (RTMP 1.0, 5.3.1.2.4).
func (s *chunkStream) begin(form uint8, time uint32, b []byte) {
	if form < 2 {
		s.length, s.m.Type = int(b[3])<<16|int(b[4])<<8|int(b[5]), b[6]
	}
	if form == 0 {
		s.m.Stream, s.m.Time = binary.LittleEndian.Uint32(b[7:]), 0
	}
	s.delta, s.left = time, s.length
	s.m.Time += time
	s.m.Form, s.m.Chunks = form, 0
	s.m.Body = make([]byte, 0, min(s.left, 64<<10))
}

// inside reports whether a part of a message has come and the rest has not.
func (r *Reader) inside() bool {
	for _, s := range r.streams {
		if s.left > 0 {
			return true
		}
	}
	return false
}
