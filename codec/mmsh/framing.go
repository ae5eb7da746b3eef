package mmsh

import (
	"encoding/binary"
	"fmt"
)

// The PacketIDs that exist in either direction ([MS-WMSP] 2.2.3, [MS-WMHTTP] 2.2.3).
const (
	IDChange   byte = 'C' // $C: another header follows; in a push it is inside
	IDData     byte = 'D' // $D: one ASF data packet
	IDEnd      byte = 'E' // $E: end of the stream, or of an entry of it
	IDFiller   byte = 'F' // $F: fills a push's body up to its Content-Length
	IDHeader   byte = 'H' // $H: the ASF header, or a piece of it
	IDMetadata byte = 'M' // $M: text from servers of version 9 and later
	IDPair     byte = 'P' // $P: packet-pair experiment; its length field is wrong
	IDTest     byte = 'T' // $T: pipeline test
)

// Sizes of the framing.
const (
	FramingSize    = 4 // '$', PacketID, PacketLength ([MS-WMSP] 2.2.3.1.1)
	ReasonSize     = 4 // of $C, $E and $P; counted in PacketLength
	DataHeaderSize = 8 // the MMS data packet header ([MS-WMSP] 2.2.3.1.2)
	// PrefixSize is what precedes the payload of $H and $D towards viewers.
	PrefixSize = FramingSize + DataHeaderSize
	// MaxLength is the most that PacketLength can say.
	MaxLength = 1<<16 - 1
	// MaxPayload is the most payload of one $D towards viewers, and with that
	// the largest ASF data packet.
	MaxPayload = MaxLength - DataHeaderSize
	// MaxPiece is the most payload of one $H towards viewers. VLC reads a packet and
	// its framing into 64 KiB, and refuses more ("invalid size2").
	MaxPiece = 1<<16 - PrefixSize
)

// AFFlags of $H: which piece of the header it is ([MS-WMSP] 2.2.3.1.2).
const (
	FlagFirst byte = 0x04
	FlagLast  byte = 0x08
	FlagWhole      = FlagFirst | FlagLast
)

// Reasons of $E ([MS-WMSP] 2.2.3.4).
const (
	ReasonOver uint32 = 0 // the stream is over
	ReasonNext uint32 = 1 // another entry follows: $C and a new header
)

const (
	frameByte = 0x24 // '$'
	bFlag     = 0x80 // "the next packet follows at once"; never sent, ignored when received
)

// Framing is a framing header without its Reason.
type Framing struct {
	ID     byte
	Length int // bytes that follow, PacketLength
}

// ConsumeFraming reads a framing header from the front of b. n is 0 when b is
// too short to tell and negative when b does not begin with one. The B flag is
// masked.
func ConsumeFraming(b []byte) (f Framing, n int) {
	if len(b) > 0 && b[0]&^bFlag != frameByte {
		return Framing{}, -1
	}
	if len(b) < FramingSize {
		return Framing{}, 0
	}
	return Framing{b[1], int(binary.LittleEndian.Uint16(b[2:]))}, FramingSize
}

// AppendFraming appends a framing header. Length is the PacketLength, at most
// [MaxLength].
func AppendFraming(dst []byte, id byte, length int) []byte {
	dst = append(dst, frameByte, id)
	return binary.LittleEndian.AppendUint16(dst, uint16(length))
}

// DataHeader is the MMS data packet header, which $H, $D and $M have towards
// viewers and lack in a push.
type DataHeader struct {
	LocationID  uint32 // $D: the packet's number; $H: the piece's
	Incarnation byte   // always 0 from us; ignored when received
	Flags       byte   // AFFlags
	Size        int    // PacketSize: this header and the payload
}

// ConsumeDataHeader reads an MMS data packet header from the front of b, which is a
// whole packet's body. n is negative when b is too short for one.
func ConsumeDataHeader(b []byte) (h DataHeader, n int) {
	if len(b) < DataHeaderSize {
		return DataHeader{}, -1
	}
	return DataHeader{
		LocationID:  binary.LittleEndian.Uint32(b),
		Incarnation: b[4],
		Flags:       b[5],
		Size:        int(binary.LittleEndian.Uint16(b[6:])),
	}, DataHeaderSize
}

// AppendPrefix appends the twelve bytes that precede payload bytes of $H or $D
// towards a viewer. They hold the length twice; MPlayer compares.
func AppendPrefix(dst []byte, id byte, location uint32, flags byte, payload int) []byte {
	dst = AppendFraming(dst, id, DataHeaderSize+payload)
	dst = binary.LittleEndian.AppendUint32(dst, location)
	dst = append(dst, 0, flags)
	return binary.LittleEndian.AppendUint16(dst, uint16(DataHeaderSize+payload))
}

// setPayload rewrites the two lengths of a prefix.
func setPayload(prefix []byte, payload int) {
	binary.LittleEndian.PutUint16(prefix[2:], uint16(DataHeaderSize+payload))
	binary.LittleEndian.PutUint16(prefix[10:], uint16(DataHeaderSize+payload))
}

// AppendReason appends a whole $E or $C towards a viewer.
func AppendReason(dst []byte, id byte, reason uint32) []byte {
	dst = AppendFraming(dst, id, ReasonSize)
	return binary.LittleEndian.AppendUint32(dst, reason)
}

// AppendHead appends an ASF header as $H packets: one if it fits, else several
// with LocationIds from 0 ([MS-WMSP] 2.2.3.1.2).
func AppendHead(dst, header []byte) []byte {
	flags := FlagFirst
	for location := uint32(0); ; location++ {
		n := min(len(header), MaxPiece)
		if n == len(header) {
			flags |= FlagLast
		}
		dst = AppendPrefix(dst, IDHeader, location, flags, n)
		dst = append(dst, header[:n]...)
		if header = header[n:]; len(header) == 0 {
			return dst
		}
		flags = 0
	}
}

// reason reads the Reason at the front of a $C or $E. A missing one is 0;
// what follows it is noise (ffmpeg ends its streams with four bytes more).
func reason(body []byte) uint32 {
	if len(body) < ReasonSize {
		return ReasonOver
	}
	return binary.LittleEndian.Uint32(body)
}

// idName is a PacketID for the operator.
func idName(id byte) string {
	if id < 'A' || id > 'Z' {
		return fmt.Sprintf("packet type 0x%02X", id)
	}
	return "$" + string(rune(id))
}
