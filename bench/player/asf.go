package player

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
)

// This file reads ASF apart from codec/asf, from the same specification, and
// only as much of it as the verifier asks about.

// GUIDs as they stand on the wire [ASF] 10.
const (
	guidHeader      = "\x30\x26\xB2\x75\x8E\x66\xCF\x11\xA6\xD9\x00\xAA\x00\x62\xCE\x6C"
	guidData        = "\x36\x26\xB2\x75\x8E\x66\xCF\x11\xA6\xD9\x00\xAA\x00\x62\xCE\x6C"
	guidFile        = "\xA1\xDC\xAB\x8C\x47\xA9\xCF\x11\x8E\xE4\x00\xC0\x0C\x20\x53\x65"
	guidStream      = "\x91\x07\xDC\xB7\xB7\xA9\xCF\x11\x8E\xE6\x00\xC0\x0C\x20\x53\x65"
	guidExtension   = "\xB5\x03\xBF\x5F\x2E\xA9\xCF\x11\x8E\xE3\x00\xC0\x0C\x20\x53\x65"
	guidExtStream   = "\xCB\xA5\xE6\x14\x72\xC6\x32\x43\x83\x99\xA9\x69\x52\x06\x5B\x5A"
	guidVideo       = "\xC0\xEF\x19\xBC\x4D\x5B\xCF\x11\xA8\xFD\x00\x80\x5F\x5C\x44\x2B"
	guidSize        = 16
	objectHeadSize  = guidSize + 8
	dataHeadSize    = 50 // of the Data Object, what stands before its packets
	headerFixedSize = 30 // of the Header Object, what stands before its children
)

// facts is what the verifier knows of a header. It holds no bytes of it.
type facts struct {
	packetSize int
	broadcast  bool
	named      [128]bool // by stream number
	video      [128]bool
	noClean    [128]bool // the key bit says nothing ("no clean points")
	hasVideo   bool
}

// headerSize is the size of a header with the Data Object's first 50 bytes,
// from its first 24 bytes; 0 if b is too short to tell.
func headerSize(b []byte) (int, error) {
	if len(b) < objectHeadSize {
		return 0, nil
	}
	if string(b[:guidSize]) != guidHeader {
		return 0, errors.New("it does not begin with the Header Object's GUID")
	}
	size := binary.LittleEndian.Uint64(b[guidSize:])
	if size < headerFixedSize || size > maxHeader {
		return 0, fmt.Errorf("its Header Object claims %d bytes", size)
	}
	return int(size) + dataHeadSize, nil
}

// parseFacts parses a whole header: Header Object and 50 bytes of Data Object.
func parseFacts(b []byte) (*facts, error) {
	size, err := headerSize(b)
	if err != nil {
		return nil, err
	}
	if size == 0 || size != len(b) {
		return nil, fmt.Errorf("it has %d bytes, its Header Object and the Data Object's head make %d", len(b), size)
	}
	data := b[len(b)-dataHeadSize:]
	if string(data[:guidSize]) != guidData || data[48] != 1 || data[49] != 1 {
		return nil, errors.New("no head of a Data Object stands behind its Header Object")
	}
	f := new(facts)
	if err := f.children(b[headerFixedSize : len(b)-dataHeadSize]); err != nil {
		return nil, err
	}
	if f.packetSize == 0 {
		return nil, errors.New("it has no File Properties Object with a packet size")
	}
	return f, nil
}

// children takes in a row of objects.
func (f *facts) children(b []byte) error {
	for len(b) > 0 {
		if len(b) < objectHeadSize {
			return fmt.Errorf("%d bytes are too few for an object", len(b))
		}
		size := binary.LittleEndian.Uint64(b[guidSize:])
		if size < objectHeadSize || size > uint64(len(b)) {
			return fmt.Errorf("an object claims %d bytes where there are %d", size, len(b))
		}
		if err := f.object(string(b[:guidSize]), b[:size]); err != nil {
			return err
		}
		b = b[size:]
	}
	return nil
}

// object takes in one object; o begins with its head, so that the offsets are
// the specification's.
func (f *facts) object(guid string, o []byte) error {
	switch guid {
	case guidFile:
		return f.fileProperties(o)
	case guidStream:
		return f.streamProperties(o)
	case guidExtension:
		if len(o) < 46 {
			return errors.New("the Header Extension Object is too short")
		}
		return f.children(o[46:])
	case guidExtStream:
		return f.extendedStream(o)
	}
	return nil
}

func (f *facts) fileProperties(o []byte) error {
	if len(o) < 104 {
		return errors.New("the File Properties Object is too short")
	}
	f.broadcast = o[88]&1 != 0
	least, most := binary.LittleEndian.Uint32(o[92:]), binary.LittleEndian.Uint32(o[96:])
	if least != most || least == 0 || least > 1<<20 {
		return fmt.Errorf("its packet sizes are %d and %d", least, most)
	}
	f.packetSize = int(least)
	return nil
}

func (f *facts) streamProperties(o []byte) error {
	if len(o) < 78 {
		return errors.New("a Stream Properties Object is too short")
	}
	f.named[o[72]&0x7F] = true
	if string(o[24:40]) == guidVideo {
		f.video[o[72]&0x7F] = true
		f.hasVideo = true
	}
	return nil
}

// extendedStream takes in an Extended Stream Properties Object, which may hold
// the Stream Properties of a stream that is listed nowhere else.
func (f *facts) extendedStream(o []byte) error {
	if len(o) < 88 {
		return errors.New("an Extended Stream Properties Object is too short")
	}
	const noCleanPoints = 4
	if o[68]&noCleanPoints != 0 {
		f.noClean[o[72]&0x7F] = true
	}
	names, systems := binary.LittleEndian.Uint16(o[84:]), binary.LittleEndian.Uint16(o[86:])
	at := 88
	for range names {
		if at+4 > len(o) {
			return errors.New("a stream name runs past its object")
		}
		at += 4 + int(binary.LittleEndian.Uint16(o[at+2:]))
	}
	for range systems {
		if at+22 > len(o) {
			return errors.New("a payload extension system runs past its object")
		}
		info := binary.LittleEndian.Uint32(o[at+18:])
		if info > uint32(len(o)) {
			return errors.New("a payload extension system runs past its object")
		}
		at += 22 + int(info)
	}
	if at > len(o) {
		return errors.New("an Extended Stream Properties Object is too short for its names and systems")
	}
	return f.children(o[at:])
}

// payload is one payload of a data packet. Data points into the packet.
type payload struct {
	stream     uint8
	key        bool
	compressed bool
	number     uint32 // media object number
	mask       uint32 // of its width: numbers are counted modulo mask+1
	offset     uint32 // into the object; presentation time when compressed
	size       uint32 // of the whole object; 0 if not told
	time       uint32 // presentation time
	extension  []byte // replicated data behind size and time; the one byte of time delta when compressed
	data       []byte
}

// begins reports whether the payload holds the beginning of an object.
func (p *payload) begins() bool { return p.compressed || p.offset == 0 }

// dataPacket is a parsed data packet [ASF] 5.2.
type dataPacket struct {
	sendTime uint32
	duration uint16
	unsafe   bool // short, and its payload's length cannot be known by players that pad it
	payloads []payload
}

// numberMasks are the masks of media object numbers by their width's code.
var numberMasks = [4]uint32{0, math.MaxUint8, math.MaxUint16, math.MaxUint32}

// field is a little-endian field whose width is coded in two bits.
func field(b []byte, at int, code byte) (v uint32, next int, ok bool) {
	switch code & 3 {
	case 0:
		return 0, at, true
	case 1:
		if at+1 > len(b) {
			return 0, at, false
		}
		return uint32(b[at]), at + 1, true
	case 2:
		if at+2 > len(b) {
			return 0, at, false
		}
		return uint32(binary.LittleEndian.Uint16(b[at:])), at + 2, true
	default:
		if at+4 > len(b) {
			return 0, at, false
		}
		return binary.LittleEndian.Uint32(b[at:]), at + 4, true
	}
}

// errShort: a field or a payload runs past the packet.
var errShort = errors.New("a field or payload runs past the packet's end")

// parse parses b, one data packet whose full size is packetSize, into p, whose
// slice it uses again. The payloads point into b.
func (p *dataPacket) parse(b []byte, packetSize int) error {
	*p = dataPacket{payloads: p.payloads[:0]}
	at := 0
	if len(b) > 0 && b[0]&0x80 != 0 {
		if b[0]&0x70 != 0 {
			return fmt.Errorf("its error correction flags are %#02x", b[0])
		}
		at = 1 + int(b[0]&0x0F) // its data; always two bytes so far
	}
	if at+2 > len(b) {
		return errShort
	}
	lf, pf := b[at], b[at+1]
	length, at, ok1 := field(b, at+2, lf>>5)
	_, at, ok2 := field(b, at, lf>>1) // sequence
	padding, at, ok3 := field(b, at, lf>>3)
	if !ok1 || !ok2 || !ok3 || at+6 > len(b) {
		return errShort
	}
	p.sendTime, p.duration = binary.LittleEndian.Uint32(b[at:]), binary.LittleEndian.Uint16(b[at+4:])
	multiple, explicit := lf&1 != 0, lf>>5&3 != 0
	// Padding that is told although it was stripped: players fill the packet up.
	stripped := !explicit && padding > 0 && int64(padding) == int64(packetSize-len(b))
	p.unsafe = !multiple && !explicit && len(b) < packetSize && !stripped
	end := len(b)
	if explicit {
		if int64(length) > int64(len(b)) {
			return fmt.Errorf("it claims a length of %d and has %d bytes", length, len(b))
		}
		end = int(length)
	}
	if !stripped {
		end -= int(min(padding, math.MaxInt32))
	}
	if end < at+6 {
		return fmt.Errorf("its padding of %d leaves no room for payloads", padding)
	}
	return p.walk(b[:end], at+6, pf, multiple)
}

// walk parses the payloads, which end with b.
func (p *dataPacket) walk(b []byte, at int, pf byte, multiple bool) error {
	count, lengths := 1, byte(0)
	if multiple {
		if at >= len(b) {
			return errShort
		}
		count, lengths = int(b[at]&0x3F), b[at]>>6
		at++
		if count == 0 || lengths == 0 {
			return errors.New("its payload flags tell no count or no lengths")
		}
	}
	for range count {
		next, err := p.payload(b, at, pf, lengths)
		if err != nil {
			return err
		}
		at = next
	}
	return nil
}

// payload parses one payload at an offset and returns where it ends.
func (p *dataPacket) payload(b []byte, at int, pf, lengths byte) (int, error) {
	if at >= len(b) {
		return 0, errShort
	}
	pl := payload{stream: b[at] & 0x7F, key: b[at]&0x80 != 0, mask: numberMasks[pf>>4&3]}
	var replicated uint32
	var ok1, ok2, ok3 bool
	pl.number, at, ok1 = field(b, at+1, pf>>4)
	pl.offset, at, ok2 = field(b, at, pf>>2)
	replicated, at, ok3 = field(b, at, pf)
	if !ok1 || !ok2 || !ok3 || int64(replicated) > int64(len(b)-at) {
		return 0, errShort
	}
	switch {
	case replicated == 1:
		pl.compressed, pl.time = true, pl.offset
		pl.extension = b[at : at+1]
	case replicated >= 8:
		pl.size, pl.time = binary.LittleEndian.Uint32(b[at:]), binary.LittleEndian.Uint32(b[at+4:])
		pl.extension = b[at+8 : at+int(replicated)]
	case replicated != 0:
		return 0, fmt.Errorf("a payload has %d bytes of replicated data", replicated)
	}
	at += int(replicated)
	end := len(b)
	if lengths != 0 {
		length, next, ok := field(b, at, lengths)
		if !ok || int64(length) > int64(len(b)-next) {
			return 0, errShort
		}
		at, end = next, next+int(length)
	}
	pl.data = b[at:end]
	p.payloads = append(p.payloads, pl)
	return end, nil
}

// starts reports whether a payload of a video stream begins a key frame.
func (f *facts) starts(p *payload) bool {
	return f.video[p.stream] && p.begins() && (p.key || f.noClean[p.stream])
}
