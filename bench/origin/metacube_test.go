package origin

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math/big"
	"testing"
)

// crcOf is the CRC by its definition: the remainder of a division of
// polynomials over two elements. The dividend is the first value, the message
// and sixteen zeros.
func crcOf(message []byte) uint16 {
	v := new(big.Int).SetBytes(append([]byte{0x12, 0x34}, message...))
	v.Lsh(v, 16)
	divisor := big.NewInt(0x18FDB)
	for v.BitLen() > 16 {
		v.Xor(v, new(big.Int).Lsh(divisor, uint(v.BitLen()-divisor.BitLen())))
	}
	return uint16(v.Uint64())
}

// metablock is one block as a server reads it.
type metablock struct {
	flags uint16
	data  []byte
}

// nextBlock takes a block off the front of b; nil data means that there is no
// whole one.
func nextBlock(b []byte) (k metablock, rest []byte, err error) {
	if len(b) < 16 {
		return k, b, nil
	}
	if string(b[:8]) != "cube!map" {
		return k, b, fmt.Errorf("no block begins with %q", b[:8])
	}
	if got, want := binary.BigEndian.Uint16(b[14:]), crcOf(b[8:14]); got != want {
		return k, b, fmt.Errorf("the CRC is %#04x, want %#04x", got, want)
	}
	size := int(binary.BigEndian.Uint32(b[8:]))
	if len(b) < 16+size {
		return k, b, nil
	}
	return metablock{binary.BigEndian.Uint16(b[12:]), b[16 : 16+size]}, b[16+size:], nil
}

// TestMetacubeVectors: divided by hand, apart from both programs.
func TestMetacubeVectors(t *testing.T) {
	for _, c := range []struct {
		size  int
		flags uint16
		crc   uint16
	}{{0, 0, 0xD4F2}, {1, 0, 0x8B53}, {5, flagHeader, 0xF5D7}, {1400, flagNotStart, 0x1915}} {
		b := appendBlock([]byte("before"), c.flags, bytes.Repeat([]byte{7}, c.size))
		want := fmt.Appendf(nil, "beforecube!map%s%s", binary.BigEndian.AppendUint16(binary.BigEndian.AppendUint32(nil, uint32(c.size)), c.flags),
			binary.BigEndian.AppendUint16(nil, c.crc))
		if !bytes.Equal(b[:len(want)], want) || len(b) != len(want)+c.size {
			t.Errorf("%d bytes: %x, want %x", c.size, b[:len(want)], want)
		}
		if k, rest, err := nextBlock(b[6:]); err != nil || k.flags != c.flags || len(k.data) != c.size || len(rest) != 0 {
			t.Errorf("read back: %+v, %d bytes left, %v", k, len(rest), err)
		}
	}
}

func TestMetacubeCRCFindsBrokenFields(t *testing.T) {
	good := appendBlock(nil, flagNotStart, make([]byte, 1400))
	for bit := range 8 * 8 {
		b := bytes.Clone(good)
		b[8+bit/8] ^= 1 << (bit % 8)
		if _, _, err := nextBlock(b); err == nil {
			t.Errorf("bit %d is flipped, and nobody notices", bit)
		}
	}
}
