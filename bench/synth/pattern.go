package synth

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
)

// The pattern of a media object is a head of 28 bytes
//
//	off 0   u32  magic "SPMO"
//	off 4   u8   stream number
//	off 5   u8   bit 0: key frame
//	off 6   u16  epoch: which run of the encoder
//	off 8   u32  sequence: the object's number in its stream and epoch, from 0
//	off 12  u32  size of the whole object
//	off 16  u64  stamp: when the encoder made the object, in nanoseconds of
//	             whatever clock its user chose; 0 if nobody stamps
//	off 24  u32  CRC-32C of the 24 bytes before
//
// and noise that follows from stream, epoch and sequence. How a [Carrier] puts
// them into an object:
//
//	Bare  head, noise
//	JPEG  start of image, comment with the head, picture, end of image, noise
//	PCM   head in samples of four bits, noise in samples of four bits
//	Text  "TEXT", the head in hexadecimal digits, both in UTF-16 with their zeros
//
// So each object proves its every byte, and that it is the one that should
// come next, to a receiver that has nothing but the object.
const (
	patternMagic = 0x4F4D5053 // "SPMO" on the wire
	patternHead  = 28
)

// Mark is what the pattern says of a media object.
type Mark struct {
	Carrier  Carrier
	Stream   uint8
	Key      bool
	Epoch    uint16
	Sequence uint32
	Stamp    uint64
}

// castagnoli is a table of CRC-32C.
var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// checksum is the CRC-32C of what a head holds before it. The library's function
// would have the head allocated.
func (h *head) checksum() uint32 {
	crc := ^uint32(0)
	for _, b := range h[:patternHead-4] {
		crc = castagnoli[byte(crc)^b] ^ crc>>8
	}
	return ^crc
}

// AppendObject appends a media object of size bytes that carries the pattern.
// A size below [Carrier.MinObject] is taken for that; Text takes no other.
func AppendObject(dst []byte, m Mark, size int) []byte {
	size = m.Carrier.size(size)
	at := len(dst)
	h := m.head(size)
	dst = m.Carrier.appendHead(dst, &h)
	dst = m.appendBody(dst)
	return m.appendNoise(dst, at+size-len(dst))
}

// head is the head of an object of size bytes.
func (m *Mark) head(size int) (h head) {
	binary.LittleEndian.PutUint32(h[:], patternMagic)
	h[4], h[5] = m.Stream, m.flags()
	binary.LittleEndian.PutUint16(h[6:], m.Epoch)
	binary.LittleEndian.PutUint32(h[8:], m.Sequence)
	binary.LittleEndian.PutUint32(h[12:], uint32(size))
	binary.LittleEndian.PutUint64(h[16:], m.Stamp)
	binary.LittleEndian.PutUint32(h[24:], h.checksum())
	return h
}

func (m *Mark) flags() uint8 {
	if m.Key {
		return 1
	}
	return 0
}

// mark reads a head; ok is false if its checksum is another.
func (h *head) mark(c Carrier) (m Mark, ok bool) {
	return Mark{
		Carrier:  c,
		Stream:   h[4],
		Key:      h[5]&1 != 0,
		Epoch:    binary.LittleEndian.Uint16(h[6:]),
		Sequence: binary.LittleEndian.Uint32(h[8:]),
		Stamp:    binary.LittleEndian.Uint64(h[16:]),
	}, h.checksum() == binary.LittleEndian.Uint32(h[24:])
}

// CheckObject checks every byte of a media object, whatever carries the
// pattern, and returns what it says. It allocates nothing unless it fails.
func CheckObject(b []byte) (Mark, error) {
	h, c, ok := findHead(b)
	if !ok {
		return Mark{}, fmt.Errorf("an object of %d bytes does not begin with the pattern", len(b))
	}
	m, ok := h.mark(c)
	if !ok {
		return Mark{}, fmt.Errorf("the head of the pattern, % x, has another checksum", b[:c.headEnd()])
	}
	if size := binary.LittleEndian.Uint32(h[12:]); int64(size) != int64(len(b)) {
		return m, fmt.Errorf("an object made with %d bytes has %d", size, len(b))
	}
	if size := c.size(len(b)); size != len(b) {
		return m, fmt.Errorf("%s of %d bytes was not made here, it would have %d", forms[c].name, len(b), size)
	}
	if at := m.differs(b); at >= 0 {
		return m, fmt.Errorf("byte %d of object %d of stream %d, epoch %d, is not what the encoder made",
			at, m.Sequence, m.Stream, m.Epoch)
	}
	return m, nil
}

// ReadMark reads the mark from the first bytes of a media object, of which more
// need not be there. ok is false where the pattern's head is not whole, or they
// are something else.
func ReadMark(b []byte) (m Mark, ok bool) {
	h, c, ok := findHead(b)
	if !ok {
		return Mark{}, false
	}
	if m, ok = h.mark(c); !ok {
		return Mark{}, false
	}
	return m, true
}

// differs is the first place behind the head where the object b, which is large
// enough for its carrier, is not what was made, or -1.
func (m *Mark) differs(b []byte) int {
	at := m.Carrier.headEnd()
	var room [pictureMax]byte
	for _, want := range m.appendBody(room[:0]) {
		if b[at] != want {
			return at
		}
		at++
	}
	if n := m.noiseDiffers(b[at:]); n >= 0 {
		return at + n
	}
	return -1
}

// appendNoise appends size bytes of noise.
func (m *Mark) appendNoise(dst []byte, size int) []byte {
	n := m.noise()
	for ; size >= 8; size -= 8 {
		dst = binary.LittleEndian.AppendUint64(dst, n.next())
	}
	for last := n.next(); size > 0; size-- {
		dst = append(dst, byte(last))
		last >>= 8
	}
	return dst
}

// noiseDiffers is the first place where the noise is not b, or -1.
func (m *Mark) noiseDiffers(b []byte) int {
	n := m.noise()
	at := 0
	for ; at+8 <= len(b); at += 8 {
		if binary.LittleEndian.Uint64(b[at:]) != n.next() {
			return at
		}
	}
	for last := n.next(); at < len(b); at++ {
		if b[at] != byte(last) {
			return at
		}
		last >>= 8
	}
	return -1
}

// noise is a row of numbers that follows from its seed (the generator
// SplitMix64): eight bytes a step, no state but a counter. Of each byte a
// carrier may use only some bits, and shift them.
type noise struct {
	at, mask, base uint64
}

func (m *Mark) noise() noise {
	f := &forms[m.Carrier]
	const each = 0x0101010101010101
	return noise{
		at:   uint64(m.Stream)<<48 ^ uint64(m.Epoch)<<32 ^ uint64(m.Sequence),
		mask: each * uint64(f.mask), base: each * uint64(f.base),
	}
}

func (n *noise) next() uint64 {
	n.at += 0x9E3779B97F4A7C15
	z := n.at
	z = (z ^ z>>30) * 0xBF58476D1CE4E5B9
	z = (z ^ z>>27) * 0x94D049BB133111EB
	return (z^z>>31)&n.mask + n.base
}
