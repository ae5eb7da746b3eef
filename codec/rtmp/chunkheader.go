package rtmp

import "encoding/binary"

// A chunk (RTMP 1.0, 5.3.1):
//
//	fmt(2) csid(6, or 0 and 8 more bits, or 1 and 16)
//	fmt 0  time(3) length(3) type(1) stream(4, little-endian)
//	fmt 1  delta(3) length(3) type(1)
//	fmt 2  delta(3)
//	fmt 3                                a message goes on, or begins with all as before
//	[time or delta(4)]                   if the last one of three bytes was FFFFFF
//	payload

const (
	// longTime in three bytes says that four others have the time.
	longTime = 0xFFFFFF
	// maxLength is the longest body that a header can announce.
	maxLength = 0xFFFFFF
	// maxHeader is the longest header, with a time of four bytes.
	maxHeader = 3 + 11 + 4
)

// fmtSize is how many bytes each format has behind the chunk stream.
var fmtSize = [4]int{11, 7, 3, 0}

// partial is what was taken of a header that is not complete.
type partial struct {
	head [maxHeader]byte
	have uint8 // bytes of head
	// again is what was taken for the repeated time of a chunk and is its payload, which
	// comes before the bytes that are given next. It lies in back.
	again []byte
	back  [3]byte
}

// header takes a chunk's header, or what there is of it.
func (c *chunks) header(b []byte) (n int, found bool, err error) {
	r := c.reading
	was := int(r.have)
	if was == 0 {
		if n, found, err = c.parse(b); n == 0 && err == nil {
			r.have = uint8(copy(r.head[:], b))
			n = len(b)
		}
		return n, found, err
	}
	k := copy(r.head[was:], b)
	n, found, err = c.parse(r.head[: was+k : was+k])
	switch {
	case err != nil:
		return 0, false, err
	case n == 0:
		r.have += uint8(k)
		return k, false, nil
	case n < was: // only what looked like a time is longer than the header is
		r.again = r.back[:copy(r.back[:], r.head[n:was])]
		n = was
	}
	r.have = 0
	return n - was, found, nil
}

// parse reads the header at the front of b, and begins its chunk. n is 0 if b is too
// short; it is then shorter than maxHeader.
func (c *chunks) parse(b []byte) (n int, found bool, err error) {
	format := b[0] >> 6
	csid, n := cutStream(b)
	if n == 0 || len(b) < n+fmtSize[format] {
		return 0, false, nil
	}
	r := c.reading
	at := r.find(csid)
	if at == none && format > 1 {
		return 0, false, errNoHeader
	}
	var s chunkStream
	if at != none {
		s = r.streams[at]
	}
	s.csid = csid
	fields := b[n : n+fmtSize[format]]
	n += len(fields)
	begins := !s.open()
	if format < 3 {
		if !begins {
			return 0, false, errInterrupted
		}
		s.read(fields)
	}
	if s.extended {
		k := s.readTime(b[n:], format == 3 && !begins)
		if k < 0 {
			return 0, false, nil
		}
		n += k
	}
	if begins {
		s.begin(format == 0)
	}
	found, err = c.enter(at, s, begins)
	return n, found, err
}

// cutStream reads the chunk stream; n is 0 if b is too short.
func cutStream(b []byte) (csid uint32, n int) {
	switch csid = uint32(b[0] & 63); {
	case csid > 1:
		return csid, 1
	case csid == 0 && len(b) > 1:
		return 64 + uint32(b[1]), 2
	case csid == 1 && len(b) > 2:
		return 64 + uint32(b[1]) + uint32(b[2])<<8, 3
	default:
		return 0, 0
	}
}

// read takes over the fields of a header that has any.
func (s *chunkStream) read(b []byte) {
	s.delta = u24(b)
	s.extended = s.delta == longTime
	if len(b) >= 7 {
		s.length, s.typ = u24(b[3:]), b[6]
	}
	if len(b) == 11 {
		s.stream = binary.LittleEndian.Uint32(b[7:])
	}
}

// readTime reads the four bytes of a long time; negative says that b is too short. Those
// of a chunk with which a message goes on are a repetition, or missing: many encoders
// leave them out. What is equal is taken for a repetition, so the bytes after the first
// that is not need not be there, as they may never come.
func (s *chunkStream) readTime(b []byte, goesOn bool) (n int) {
	if !goesOn {
		if len(b) < 4 {
			return -1
		}
		s.delta = binary.BigEndian.Uint32(b)
		return 4
	}
	var last [4]byte
	binary.BigEndian.PutUint32(last[:], s.delta)
	for i, x := range last {
		if i == len(b) {
			return -1
		}
		if b[i] != x {
			return 0
		}
	}
	return 4
}

// begin gives a new message its time. One that begins without a header repeats the last
// delta; behind a header of format 0 that is the time in it (RTMP 1.0, 5.3.1.2.4).
func (s *chunkStream) begin(absolute bool) {
	if absolute {
		s.time = s.delta
	} else {
		s.time += s.delta
	}
}

// enter begins the chunk of s, whose place in the table is at.
func (c *chunks) enter(at int, s chunkStream, begins bool) (found bool, err error) {
	r := c.reading
	if begins && int(s.length) > c.limits.most(s.typ) {
		return false, &tooLongError{typ: s.typ, length: s.length, most: c.limits.most(s.typ)}
	}
	if at == none {
		if len(r.streams) >= c.limits.streams {
			return false, errTooManyStreams
		}
		at = len(r.streams)
		r.streams = append(r.streams, chunkStream{})
	}
	r.streams[at] = s
	if s.length == 0 {
		return c.complete(&r.streams[at], nil)
	}
	r.left = min(r.size, s.length-s.got())
	r.current = at
	return false, nil
}

// u24 reads 24 bits.
func u24(b []byte) uint32 { return uint32(b[0])<<16 | uint32(b[1])<<8 | uint32(b[2]) }
