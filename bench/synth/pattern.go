package synth

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
)

// The pattern of a media object:
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
//	off 28  …    noise that follows from stream, epoch and sequence
//
// So each object proves its every byte, and that it is the one that should
// come next, to a receiver that has nothing but the object.
const (
	patternMagic = 0x4F4D5053 // "SPMO" on the wire
	patternHead  = 28

	// MinObject is the smallest media object that can carry the pattern.
	MinObject = patternHead
)

// Mark is what the pattern says of a media object.
type Mark struct {
	Stream   uint8
	Key      bool
	Epoch    uint16
	Sequence uint32
	Stamp    uint64
}

// castagnoli is a table of CRC-32C, which processors compute themselves.
var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// AppendObject appends a media object of size bytes that carries the pattern;
// a size below [MinObject] is taken for MinObject.
func AppendObject(dst []byte, m Mark, size int) []byte {
	size = max(size, MinObject)
	at := len(dst)
	dst = binary.LittleEndian.AppendUint32(dst, patternMagic)
	dst = append(dst, m.Stream, m.flags())
	dst = binary.LittleEndian.AppendUint16(dst, m.Epoch)
	dst = binary.LittleEndian.AppendUint32(dst, m.Sequence)
	dst = binary.LittleEndian.AppendUint32(dst, uint32(size))
	dst = binary.LittleEndian.AppendUint64(dst, m.Stamp)
	dst = binary.LittleEndian.AppendUint32(dst, crc32.Checksum(dst[at:], castagnoli))
	n := m.noise()
	for size -= patternHead; size >= 8; size -= 8 {
		dst = binary.LittleEndian.AppendUint64(dst, n.next())
	}
	for last := n.next(); size > 0; size-- {
		dst = append(dst, byte(last))
		last >>= 8
	}
	return dst
}

func (m Mark) flags() uint8 {
	if m.Key {
		return 1
	}
	return 0
}

// CheckObject checks every byte of a media object and returns what its pattern
// says. It allocates nothing unless it fails.
func CheckObject(b []byte) (Mark, error) {
	if len(b) < patternHead || binary.LittleEndian.Uint32(b) != patternMagic {
		return Mark{}, fmt.Errorf("an object of %d bytes does not begin with the pattern", len(b))
	}
	m, ok := ReadMark(b)
	if !ok {
		return Mark{}, fmt.Errorf("the head of the pattern, % x, has another checksum", b[:patternHead])
	}
	if size := binary.LittleEndian.Uint32(b[12:]); int64(size) != int64(len(b)) {
		return m, fmt.Errorf("an object made with %d bytes has %d", size, len(b))
	}
	if at := m.differs(b[patternHead:]); at >= 0 {
		return m, fmt.Errorf("byte %d of object %d of stream %d, epoch %d, is not what the encoder made",
			patternHead+at, m.Sequence, m.Stream, m.Epoch)
	}
	return m, nil
}

// Magic is how the pattern begins, for whoever looks for marks in bytes that
// are not cut into media objects. The caller does not change it.
func Magic() []byte { return magic[:] }

var magic = [4]byte{'S', 'P', 'M', 'O'}

// ReadMark reads the mark from the first bytes of a media object, of which more
// need not be there. ok is false where fewer than [MinObject] bytes are, or they
// are not the pattern's.
func ReadMark(b []byte) (m Mark, ok bool) {
	if len(b) < patternHead || binary.LittleEndian.Uint32(b) != patternMagic ||
		crc32.Checksum(b[:24], castagnoli) != binary.LittleEndian.Uint32(b[24:]) {
		return Mark{}, false
	}
	return Mark{
		Stream:   b[4],
		Key:      b[5]&1 != 0,
		Epoch:    binary.LittleEndian.Uint16(b[6:]),
		Sequence: binary.LittleEndian.Uint32(b[8:]),
		Stamp:    binary.LittleEndian.Uint64(b[16:]),
	}, true
}

// differs is the first place where the noise is not b, or -1.
func (m Mark) differs(b []byte) int {
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
// SplitMix64): eight bytes a step, no state but a counter.
type noise uint64

func (m Mark) noise() noise {
	return noise(uint64(m.Stream)<<48 ^ uint64(m.Epoch)<<32 ^ uint64(m.Sequence))
}

func (n *noise) next() uint64 {
	*n += 0x9E3779B97F4A7C15
	z := uint64(*n)
	z = (z ^ z>>30) * 0xBF58476D1CE4E5B9
	z = (z ^ z>>27) * 0x94D049BB133111EB
	return z ^ z>>31
}

// Checker follows the media objects of all streams and checks that each is
// what the encoder made and comes where it should. The zero value is ready.
type Checker struct {
	next [128]struct {
		epoch    uint16
		known    bool
		sequence uint32
	}
	last Mark
}

// Check checks one media object that arrived as part of a stream, with the key
// bit of its payloads. loose says that objects may be missing before it, as at
// a join, a gap, or where the encoder restarted; never may one come again or
// too early. It allocates nothing unless it fails.
func (c *Checker) Check(stream uint8, key, loose bool, b []byte) error {
	m, err := CheckObject(b)
	if err != nil {
		return err
	}
	c.last = m
	if m.Stream != stream || m.Key != key {
		return fmt.Errorf("an object made for stream %d with key bit %v came as stream %d with key bit %v",
			m.Stream, m.Key, stream, key)
	}
	n := &c.next[stream&0x7F]
	behind := n.known && (m.Epoch < n.epoch || m.Epoch == n.epoch && m.Sequence < n.sequence)
	jumped := n.known && (m.Epoch != n.epoch || m.Sequence != n.sequence)
	if behind || jumped && !loose {
		return fmt.Errorf("object %d of epoch %d came where object %d of epoch %d should",
			m.Sequence, m.Epoch, n.sequence, n.epoch)
	}
	n.epoch, n.known, n.sequence = m.Epoch, true, m.Sequence+1
	return nil
}

// Last is what the newest object's pattern says; its stamp tells the delay.
func (c *Checker) Last() Mark { return c.last }
