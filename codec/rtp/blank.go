package rtp

import "bytes"

// Payloads that say nothing. Each is a whole one, and can stand in front of the others of
// an access unit.
var (
	blankH264 = []byte{h264AUD, 0xF0}                         // a delimiter, before slices of all types (7.3.2.4)
	blankH265 = []byte{h265AUD << 1, 1, 0x50}                 // the same (7.3.2.5)
	blankAV1  = []byte{av1OneElement | av1NewSequence, av1TD} // a temporal delimiter, which receivers ignore (AOM 5)
	blankMP2T = append([]byte{tsSync, noPID >> 8, noPID & 0xFF, tsPayload}, bytes.Repeat([]byte{0xFF}, tsSize-tsHead)...)
)

// Blank is a payload that a packet in front of an access unit may have: with it nothing is
// lost, and if it comes nothing is different. It is empty if f has none, and must not be
// changed.
func Blank(f Format) []byte {
	switch f := f.(type) {
	case *h264:
		return blankH264
	case *h265:
		if f.don {
			return nil // a decoding order number would have to be made up
		}
		return blankH265
	case av1:
		return blankAV1
	case *mp2t:
		return blankMP2T
	default:
		return nil
	}
}

// SaysNothing reports whether a payload is blank, of the format's or, where that names the
// types of the slices that follow, another.
func SaysNothing(payload, blank []byte) bool {
	if len(blank) == 0 || len(payload) != len(blank) {
		return false
	}
	n := len(blank) - 1 // where a delimiter has the types
	return bytes.Equal(payload[:n], blank[:n])
}
