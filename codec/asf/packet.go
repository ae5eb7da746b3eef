package asf

import (
	"fmt"

	"streampump/codec/wire"
)

// LengthType is the two-bit code that says how wide a field of a data packet is.
type LengthType uint8

// The four codes [ASF 5.2.2].
const (
	None  LengthType = iota // the field is absent
	Byte                    // 8 bits
	Word                    // 16 bits
	DWord                   // 32 bits
)

// Width is the field's width in bytes.
func (t LengthType) Width() int { return int("\x00\x01\x02\x04"[t&3]) }

// Bits of the first bytes of a data packet [ASF 5.2.1, 5.2.2].
const (
	ecPresent    = 0x80 // first byte: error correction data follows
	ecLengthMask = 0x0F
	ecReserved   = 0x70 // opaque data and length type: must be zero

	lfMultiple      = 0x01
	lfSequenceShift = 1
	lfPaddingShift  = 3
	lfLengthShift   = 5

	pfOffsetShift = 2
	pfObjectShift = 4
	pfStreamShift = 6

	payloadCountMask       = 0x3F
	payloadLengthTypeShift = 6
)

// timesSize is send time and duration.
const timesSize = 4 + 2

// Packet is where things are in one data packet: offsets and small values, so
// that it may live on the stack and be copied. It is meaningless without the
// bytes it was parsed from, which its methods take again.
type Packet struct {
	sendTime  uint32
	duration  uint16
	lf, pf    uint8      // length type flags and property flags
	count     uint8      // of payloads
	sizes     LengthType // of the payload length fields; None in a single-payload packet
	flagsAt   int        // of lf
	lengthAt  int        // of the packet length, or where it would be
	paddingAt int        // of the padding length, or where it would be
	timesAt   int        // of the send time
	first     int        // of the first payload
	size      int        // what the packet's fields count as its length
	padding   int        // value of the padding length
	end       int        // of the payloads' room
	missing   int        // bytes of the length it tells that are not there
}

// SendTime is when the packet is due, in milliseconds on the stream's own line,
// which wraps at 2^32.
func (p *Packet) SendTime() uint32 { return p.sendTime }

// Duration is how many milliseconds of stream the packet spans.
func (p *Packet) Duration() uint16 { return p.duration }

// Presented is the presentation time of the first payload that has one, see
// [Payload.Time]; ok is false if none has. b is what p was parsed from.
func (p *Packet) Presented(b []byte) (ms uint32, ok bool) {
	it := p.Iter(b)
	for it.Next() {
		if it.Compressed || len(it.Replicated) > 0 {
			return it.Time, true
		}
	}
	return 0, false
}

// Payloads is the number of payloads.
func (p *Packet) Payloads() int { return int(p.count) }

// Multiple reports whether the packet has the form for multiple payloads, even if it
// has only one.
func (p *Packet) Multiple() bool { return p.lf&lfMultiple != 0 }

// Explicit reports whether the packet tells its own length.
func (p *Packet) Explicit() bool { return p.lengthType() != None }

func (p *Packet) lengthType() LengthType   { return LengthType(p.lf>>lfLengthShift) & 3 }
func (p *Packet) sequenceType() LengthType { return LengthType(p.lf>>lfSequenceShift) & 3 }
func (p *Packet) paddingType() LengthType  { return LengthType(p.lf>>lfPaddingShift) & 3 }

// Parse reads one data packet under a header with the given packet size. A shorter b
// is a packet whose padding was stripped. Everything is checked down to the
// sub-payloads of compressed payloads, so that what works on a parsed packet cannot
// run out of it. An error is a [*SyntaxError], or wraps [ErrTooLong]; then p is
// meaningless. Without an error Parse allocates nothing.
func (p *Packet) Parse(b []byte, packetSize int) error {
	if len(b) > packetSize {
		return fmt.Errorf("a data packet of %d bytes is %w (%d)", len(b), ErrTooLong, packetSize)
	}
	*p = Packet{}
	if err := p.parseFields(b); err != nil {
		return err
	}
	if err := p.parseExtent(b, packetSize); err != nil {
		return err
	}
	it := p.Iter(b)
	for it.Next() {
	}
	if it.err != nil {
		return it.err
	}
	return nil
}

// parseFields reads everything before the payloads.
func (p *Packet) parseFields(b []byte) *SyntaxError {
	if err := p.parseCorrection(b); err != nil {
		return err
	}
	at := p.flagsAt
	if len(b) < at+2 {
		return packetError(len(b), "it ends before its length type flags")
	}
	p.lf, p.pf = b[at], b[at+1]
	if p.pf>>pfStreamShift != uint8(Byte) {
		return packetError(at+1, "stream numbers are not one byte wide")
	}
	p.lengthAt = at + 2
	sequenceAt := p.lengthAt + p.lengthType().Width()
	p.paddingAt = sequenceAt + p.sequenceType().Width()
	p.timesAt = p.paddingAt + p.paddingType().Width()
	p.first = p.timesAt + timesSize
	if len(b) < p.first {
		return packetError(len(b), "it ends before its payloads")
	}
	p.sendTime, p.duration = wire.U32(b[p.timesAt:]), wire.U16(b[p.timesAt+4:])
	return p.parseCount(b)
}

// parseCorrection passes over error correction data [ASF 5.2.1].
func (p *Packet) parseCorrection(b []byte) *SyntaxError {
	switch {
	case len(b) == 0:
		return packetError(0, "it is empty")
	case b[0]&ecPresent == 0:
		return nil
	case b[0]&ecReserved != 0:
		return packetError(0, "error correction data has an unknown form")
	}
	p.flagsAt = 1 + int(b[0]&ecLengthMask)
	return nil
}

// parseCount reads the payload flags [ASF 5.2.3.3].
func (p *Packet) parseCount(b []byte) *SyntaxError {
	if !p.Multiple() {
		p.count = 1
		return nil
	}
	at := p.first
	if len(b) <= at {
		return packetError(at, "it ends before its payload flags")
	}
	p.first++
	p.count, p.sizes = b[at]&payloadCountMask, LengthType(b[at]>>payloadLengthTypeShift)
	if p.count == 0 {
		return packetError(at, "it announces no payload")
	}
	if p.sizes == None {
		return packetError(at, "multiple payloads without lengths")
	}
	return nil
}

// parseExtent finds where the payloads' room ends. The packet's size is what it
// says itself; without that the packet size of the header, or, when padding was
// stripped, what is there. A sender may strip padding and leave the padding
// length as it was, which shows when the two add up to the packet size.
func (p *Packet) parseExtent(b []byte, packetSize int) *SyntaxError {
	length := getField(b, p.lengthAt, p.lengthType())
	padding := getField(b, p.paddingAt, p.paddingType())
	switch {
	case p.Explicit() && (length == 0 || length > uint32(packetSize)):
		return packetError(p.lengthAt, "its packet length is not within the packet size")
	case padding > uint32(packetSize):
		return packetError(p.paddingAt, "its padding is longer than the packet size")
	case p.Explicit():
		p.size = int(length)
	case padding > 0 && int(padding) == packetSize-len(b):
		p.size = packetSize
	default:
		p.size = len(b)
	}
	p.padding = int(padding)
	p.end = p.size - p.padding
	if p.end < p.first {
		return packetError(p.paddingAt, "its padding leaves no room for payloads")
	}
	if p.Explicit() {
		p.missing = max(p.size-len(b), 0)
	}
	if p.end > len(b) && !p.Multiple() {
		return packetError(len(b), "it ends before its own packet length")
	}
	// With multiple payloads each tells its length, so that what is missing is
	// padding wherever they are whole.
	p.end = min(p.end, len(b))
	return nil
}

// getField reads a field that is known to be there; an absent one is 0.
func getField(b []byte, at int, t LengthType) uint32 {
	switch t {
	case Byte:
		return uint32(b[at])
	case Word:
		return uint32(wire.U16(b[at:]))
	case DWord:
		return wire.U32(b[at:])
	}
	return 0
}

// putField overwrites a field that is there; the value must fit.
func putField(b []byte, at int, t LengthType, v int) {
	switch t {
	case Byte:
		b[at] = uint8(v)
	case Word:
		wire.PutU16(b[at:], uint16(v))
	case DWord:
		wire.PutU32(b[at:], uint32(v))
	}
}
