package mmsh

import (
	"fmt"
	"slices"
)

// unframer takes packets out of a byte stream that comes in any pieces. A packet that
// lies whole in the given bytes is handed out where it is; a cut one is gathered, at
// most one and so at most 65,539 bytes. Packets that nobody reads are passed over by
// their lengths and not kept.
type unframer struct {
	buf   []byte // the cut packet from its framing header on
	given bool   // buf was handed out: the next call forgets it
	want  int    // how long the cut packet is in all; 0 until its framing is complete
	skip  int    // bytes of an unread packet still to come
	pos   int64  // bytes taken so far, for the operator
	pairs int    // $P packets seen: their lengths depend on their order
}

// next takes the next packet that is read at all off the front of b. id 0 means that
// all of b was taken and no packet is complete. The body, without the framing header,
// is valid until the next call.
func (u *unframer) next(b []byte) (n int, id byte, body []byte, err error) {
	if u.given {
		u.buf, u.given, u.want = u.buf[:0], false, 0
	}
	for n < len(b) {
		if u.skip > 0 {
			k := min(u.skip, len(b)-n)
			u.skip -= k
			n += u.took(k)
			continue
		}
		var k int
		if len(u.buf) > 0 {
			k, id, body, err = u.gather(b[n:])
		} else {
			k, id, body, err = u.whole(b[n:])
		}
		n += u.took(k)
		if id != 0 || err != nil {
			return n, id, body, err
		}
	}
	return n, 0, nil, nil
}

// whole reads a packet at the front of b, or begins to gather it.
func (u *unframer) whole(b []byte) (n int, id byte, body []byte, err error) {
	f, n := ConsumeFraming(b)
	switch {
	case n < 0:
		return 0, 0, nil, u.bad(b[0])
	case n > 0 && !read(f.ID):
		return u.ignore(f, b), 0, nil, nil
	case n > 0 && len(b)-n >= f.Length:
		return n + f.Length, f.ID, b[n : n+f.Length], nil
	}
	u.want = 0
	if n > 0 {
		u.want = n + f.Length
	}
	u.keep(b)
	return len(b), 0, nil, nil
}

// gather goes on with a cut packet: first its framing header, then the rest.
func (u *unframer) gather(b []byte) (n int, id byte, body []byte, err error) {
	if u.want == 0 {
		n = min(u.headSize()-len(u.buf), len(b))
		u.keep(b[:n])
		f, k := ConsumeFraming(u.buf)
		switch {
		case k == 0 || len(u.buf) < u.headSize():
			return n, 0, nil, nil
		case !read(f.ID):
			u.ignore(f, u.buf)
			u.buf = u.buf[:0]
			return n, 0, nil, nil
		}
		u.want = k + f.Length
	}
	k := min(u.want-len(u.buf), len(b)-n)
	u.keep(b[n : n+k])
	n += k
	if len(u.buf) < u.want {
		return n, 0, nil, nil
	}
	u.given = true
	return n, u.buf[1], u.buf[FramingSize:], nil
}

// headSize is how much of the gathered packet must be there before its length
// is known: $P's is in its Reason.
func (u *unframer) headSize() int {
	if len(u.buf) > 1 && u.buf[1] == IDPair {
		return FramingSize + ReasonSize
	}
	return FramingSize
}

// ignore passes over a packet that nobody reads. b begins with it.
func (u *unframer) ignore(f Framing, b []byte) (n int) {
	if f.ID != IDPair {
		u.skip = f.Length
		return FramingSize
	}
	if len(b) < FramingSize+ReasonSize {
		u.want = 0
		u.keep(b)
		return len(b)
	}
	u.skip = pairSize(u.pairs, reason(b[FramingSize:]))
	u.pairs++
	return FramingSize + ReasonSize
}

// pairSize is the real number of payload bytes of the n-th $P, counted from 0
// ([MS-WMSP] 2.2.3.7): the length field says 504, 504 and 1048, while the bytes
// of the HTTP head, which Reason gives, are taken off the first and put on to
// the third.
func pairSize(n int, head uint32) int {
	const most = 504
	h := int(min(head, most))
	switch n {
	case 0:
		return most - h
	case 1:
		return most
	default:
		return 1048 + h
	}
}

// keep adds to the gathered packet. The room for it grows with what has come, not
// with what is announced: a stranger's four bytes do not cost us 64 KiB. Later
// packets find the room of the longest so far.
func (u *unframer) keep(b []byte) {
	if need := len(u.buf) + len(b); need > cap(u.buf) {
		u.buf = slices.Grow(u.buf, min(2*need, max(u.want, need))-len(u.buf))
	}
	u.buf = append(u.buf, b...)
}

func (u *unframer) took(n int) int {
	u.pos += int64(n)
	return n
}

// between reports whether no packet has begun.
func (u *unframer) between() bool {
	return u.skip == 0 && (len(u.buf) == 0 || u.given)
}

// bad is the error of a wrong first byte.
func (u *unframer) bad(x byte) error {
	return fmt.Errorf("byte %d of the stream is 0x%02X where a packet must begin with 0x24 ($)", u.pos, x)
}

// read reports whether packets of this type are read at all.
func read(id byte) bool {
	return id == IDData || id == IDHeader || id == IDChange || id == IDEnd
}

// release gives up the buffer of the last cut packet.
func (u *unframer) release() { u.buf, u.given, u.want = nil, false, 0 }

// cutPrefix takes the MMS data packet header off the body of a $H or $D.
func cutPrefix(id byte, body []byte) (h DataHeader, payload []byte, err error) {
	h, n := ConsumeDataHeader(body)
	if n < 0 {
		return h, nil, fmt.Errorf("a %s of %d bytes has no room for its MMS header of %d", idName(id), len(body), DataHeaderSize)
	}
	return h, body[n:], nil
}
