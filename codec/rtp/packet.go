package rtp

import (
	"encoding/binary"
	"errors"
)

// HeaderSize is the size of a packet's header in bytes, without CSRCs and extension.
const HeaderSize = 12

// Bits of a header's first two bytes (RFC 3550 5.1).
const (
	version       = 2
	versionShift  = 6
	paddingBit    = 0x20
	extensionBit  = 0x10
	countMask     = 0x0F
	markerBit     = 0x80
	typeMask      = 0x7F
	csrcSize      = 4
	extensionHead = 4
)

// What is wrong with a packet. None of these can be read any further.
var (
	ErrShort   = errors.New("an RTP packet ends before its payload")
	ErrVersion = errors.New("a packet is not of RTP version 2")
	ErrPadding = errors.New("an RTP packet has more padding than payload")
)

// Packet is one RTP packet.
type Packet struct {
	Marker bool
	Type   uint8  // payload type, 0 to 127
	Seq    uint16 // sequence number, which wraps
	Time   uint32 // timestamp in units of the track's clock, which wraps
	SSRC   uint32 // who sends it
	// Payload is without CSRCs, extension and padding. It is part of the bytes that were
	// parsed, and may be empty.
	Payload []byte
}

// Parse reads one packet. An error is one of [ErrShort], [ErrVersion] and [ErrPadding].
// A padding that counts 0 bytes, which the standard does not allow, is none.
func Parse(b []byte) (Packet, error) {
	if len(b) < HeaderSize {
		return Packet{}, ErrShort
	}
	if b[0]>>versionShift != version {
		return Packet{}, ErrVersion
	}
	at := HeaderSize + int(b[0]&countMask)*csrcSize
	if b[0]&extensionBit != 0 {
		if len(b) < at+extensionHead {
			return Packet{}, ErrShort
		}
		at += extensionHead + 4*int(binary.BigEndian.Uint16(b[at+2:]))
	}
	if len(b) < at {
		return Packet{}, ErrShort
	}
	end := len(b)
	if b[0]&paddingBit != 0 {
		// The count is no byte of the header, which may get others.
		if end == at || end-int(b[end-1]) < at {
			return Packet{}, ErrPadding
		}
		end -= int(b[end-1])
	}
	return Packet{
		Marker:  b[1]&markerBit != 0,
		Type:    b[1] & typeMask,
		Seq:     binary.BigEndian.Uint16(b[2:]),
		Time:    binary.BigEndian.Uint32(b[4:]),
		SSRC:    binary.BigEndian.Uint32(b[8:]),
		Payload: b[at:end:end],
	}, nil
}

// Append appends p as a packet without CSRCs, extension and padding.
func (p *Packet) Append(dst []byte) []byte {
	second := p.Type & typeMask
	if p.Marker {
		second |= markerBit
	}
	dst = append(dst, version<<versionShift, second)
	dst = binary.BigEndian.AppendUint16(dst, p.Seq)
	dst = binary.BigEndian.AppendUint32(dst, p.Time)
	dst = binary.BigEndian.AppendUint32(dst, p.SSRC)
	return append(dst, p.Payload...)
}

// Rewrite gives the packet b, which [Parse] has accepted, other numbers in place.
// Everything else stays as it is: marker, CSRCs, extension, payload and padding.
func Rewrite(b []byte, typ uint8, seq uint16, time, ssrc uint32) {
	_ = b[HeaderSize-1]
	b[1] = b[1]&markerBit | typ&typeMask
	binary.BigEndian.PutUint16(b[2:], seq)
	binary.BigEndian.PutUint32(b[4:], time)
	binary.BigEndian.PutUint32(b[8:], ssrc)
}
