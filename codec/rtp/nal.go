package rtp

import (
	"bytes"
	"encoding/binary"
)

// firstInPicture is the first bit of a slice. In H.264 it is the whole of
// first_mb_in_slice if that is 0 (7.3.3), in H.265 it is first_slice_segment_in_pic_flag
// (7.3.6.1). Without it a slice is no beginning, so that a picture whose first packets
// are lost is none to start at.
const firstInPicture = 0x80

// hints are what came since the last picture and says how the next one is meant.
type hints uint8

const (
	hintSets     hints = 1 << iota // a sequence parameter set
	hintRecovery                   // a recovery point
	hintAtOnce                     // one from which on everything is right
)

var startCode = []byte{0, 0, 1}

// cutStartCode returns the NAL unit at the front of b and what is behind the start code
// that ends it; rest is nil if none does. No NAL unit contains one (Annex B).
func cutStartCode(b []byte) (unit, rest []byte) {
	unit, rest, found := bytes.Cut(b, startCode)
	if !found {
		return unit, nil
	}
	return bytes.TrimRight(unit, "\x00"), rest
}

// afterStartCode returns what is behind the start code that b begins with, or b.
func afterStartCode(b []byte) []byte {
	if len(b) > 0 && b[0] == 0 {
		if after, ok := bytes.CutPrefix(b[1:], startCode); ok {
			return after
		}
	}
	return bytes.TrimPrefix(b, startCode)
}

// cutSized takes a NAL unit behind its 16-bit size from the front of an aggregation
// packet.
func cutSized(b []byte) (unit, rest []byte, ok bool) {
	if len(b) < 2 {
		return nil, nil, false
	}
	size := int(binary.BigEndian.Uint16(b))
	if b = b[2:]; size > len(b) {
		return nil, nil, false
	}
	return b[:size], b[size:], true
}

// bitReader reads the bits of a NAL unit's payload without the bytes that are there
// only to keep start codes out: 3 after two zeros (H.264 7.4.1, H.265 7.4.2).
type bitReader struct {
	b     []byte
	byte  byte
	left  int // bits of byte
	zeros int // zero bytes just read
}

// next returns the next byte, for what is aligned; ok is false at the end.
func (r *bitReader) next() (v byte, ok bool) {
	if r.zeros >= 2 && len(r.b) > 0 && r.b[0] == 3 {
		r.b, r.zeros = r.b[1:], 0
	}
	if len(r.b) == 0 {
		return 0, false
	}
	v, r.b = r.b[0], r.b[1:]
	if r.zeros++; v != 0 {
		r.zeros = 0
	}
	return v, true
}

func (r *bitReader) bit() (v byte, ok bool) {
	if r.left == 0 {
		if r.byte, ok = r.next(); !ok {
			return 0, false
		}
		r.left = 8
	}
	r.left--
	return r.byte >> r.left & 1, true
}

// maxUE is the longest prefix of an Exp-Golomb code that matters here: what is read is
// an identifier below 256 or a count of pictures below 65536.
const maxUE = 16

// ue reads an unsigned Exp-Golomb code (H.264 9.1).
func (r *bitReader) ue() (v uint32, ok bool) {
	zeros := 0
	for {
		b, ok := r.bit()
		if !ok || zeros > maxUE {
			return 0, false
		}
		if b == 1 {
			break
		}
		zeros++
	}
	v = 1
	for range zeros {
		b, ok := r.bit()
		if !ok {
			return 0, false
		}
		v = v<<1 | uint32(b)
	}
	return v - 1, true
}

// recoveryPoint is the type of the SEI message that both standards call so.
const recoveryPoint = 6

// maxSEI is how much of an SEI unit is searched, in bytes.
const maxSEI = 1024

// findRecovery looks for a recovery point among the messages of an SEI unit without its
// header (H.264 7.3.2.3.1). atOnce says that its count of pictures, which both standards
// put first, is 0: signed or not, that is one bit.
func findRecovery(body []byte) (found, atOnce bool) {
	r := bitReader{b: body[:min(len(body), maxSEI)]}
	for {
		kind, ok := r.sum()
		if !ok {
			return false, false
		}
		size, ok := r.sum()
		if !ok {
			return false, false
		}
		if kind == recoveryPoint {
			first, ok := r.next()
			return ok && size > 0, ok && first&0x80 != 0
		}
		for range size {
			if _, ok := r.next(); !ok {
				return false, false
			}
		}
	}
}

// sum reads a type or size of an SEI message: bytes of 255 and a last one.
func (r *bitReader) sum() (v int, ok bool) {
	for {
		b, ok := r.next()
		if !ok {
			return 0, false
		}
		if v += int(b); b != 255 {
			return v, true
		}
	}
}
