package player

import (
	"encoding/binary"
	"fmt"
)

// The kinds of MMS packet [MS-WMSP] 2.2.3.1.1, each the letter on the wire.
const (
	KindChange   = 'C' // another header follows
	KindData     = 'D' // one data packet
	KindEnd      = 'E' // the stream, or this entry of it, is over
	KindFiller   = 'F' // pushes only
	KindHeader   = 'H' // the header, or a piece of it
	KindMetadata = 'M' // kills every open-source player
	KindPair     = 'P' // packet pair, for who asked for it
	KindTest     = 'T' // pipeline test, for who asked for it
)

// Sizes of the framing.
const (
	framingSize = 4 // '$', kind, u16 length of what follows
	reasonSize  = 4 // in $C and $E
	mmsSize     = 8 // the MMS data packet header of $H, $D and $M [MS-WMSP] 2.2.3.1.2

	// maxPacket is the longest MMS packet that its 16-bit length allows.
	maxPacket = framingSize + 0xFFFF
)

// Packet is one MMS packet as a viewer gets it.
type Packet struct {
	Kind   byte // the letter
	Burst  bool // the B flag
	Length int  // PacketLength: the bytes behind the framing's four

	// $C and $E.
	Reason uint32

	// $H, $D and $M.
	LocationID  uint32
	Incarnation uint8
	AFFlags     uint8
	Confirm     int // PacketSize, which repeats PacketLength

	// Payload is what remains: the ASF bytes of $H and $D, noise behind the
	// reason of $C and $E. It is valid until the next call of the parser.
	Payload []byte
}

// Framing cuts the body of a Play into MMS packets. The zero value is ready.
// It gathers a packet that arrives in pieces in a buffer of its own, and
// looks into whole ones where they lie. It is used by one goroutine.
type Framing struct {
	held []byte // the beginning of a packet
	done bool   // held was given out by the last call
}

// Next takes n bytes from the front of b. If they complete a packet ok is true
// and p is that packet; otherwise all of b was taken. An error is final: the
// bytes are not MMSH, or a packet is too short for its kind.
func (f *Framing) Next(b []byte) (n int, p Packet, ok bool, err error) {
	if f.done {
		f.held, f.done = f.held[:0], false
	}
	if len(f.held) == 0 {
		size, err := packetSize(b)
		if err != nil {
			return 0, Packet{}, false, err
		}
		if size > 0 && size <= len(b) {
			p, err = parsePacket(b[:size])
			return size, p, err == nil, err
		}
	}
	return f.gather(b)
}

// gather moves bytes to the held ones, never past the packet's end.
func (f *Framing) gather(b []byte) (n int, p Packet, ok bool, err error) {
	if missing := framingSize - len(f.held); missing > 0 {
		n = min(missing, len(b))
		f.held = append(f.held, b[:n]...)
	}
	size, err := packetSize(f.held)
	if err != nil || size == 0 {
		return n, Packet{}, false, err
	}
	more := min(size-len(f.held), len(b)-n)
	f.held = append(f.held, b[n:n+more]...)
	n += more
	if len(f.held) < size {
		return n, Packet{}, false, nil
	}
	f.done = true
	p, err = parsePacket(f.held)
	return n, p, err == nil, err
}

// Held is how many bytes of an incomplete packet were taken so far.
func (f *Framing) Held() int {
	if f.done {
		return 0
	}
	return len(f.held)
}

// packetSize is the size of the packet that begins b, its framing included; 0
// if b is too short to tell.
func packetSize(b []byte) (int, error) {
	if len(b) > 0 && b[0]&0x7F != '$' {
		return 0, fmt.Errorf("a packet begins with byte %#02x and not with '$'", b[0])
	}
	if len(b) < framingSize {
		return 0, nil
	}
	return framingSize + int(binary.LittleEndian.Uint16(b[2:])), nil
}

// parsePacket parses the one whole packet that b is.
func parsePacket(b []byte) (Packet, error) {
	p := Packet{Kind: b[1], Burst: b[0]&0x80 != 0, Length: len(b) - framingSize}
	rest := b[framingSize:]
	switch p.Kind {
	case KindChange, KindEnd:
		if len(rest) < reasonSize {
			return p, fmt.Errorf("$%c has a length of %d and no room for its reason", p.Kind, len(rest))
		}
		p.Reason = binary.LittleEndian.Uint32(rest)
		rest = rest[reasonSize:]
	case KindHeader, KindData, KindMetadata:
		if len(rest) < mmsSize {
			return p, fmt.Errorf("$%c has a length of %d and no room for the MMS data packet header", p.Kind, len(rest))
		}
		p.LocationID = binary.LittleEndian.Uint32(rest)
		p.Incarnation, p.AFFlags = rest[4], rest[5]
		p.Confirm = int(binary.LittleEndian.Uint16(rest[6:]))
		rest = rest[mmsSize:]
	}
	p.Payload = rest
	return p, nil
}
