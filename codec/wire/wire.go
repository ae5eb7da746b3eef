// Package wire moves little-endian integers and GUIDs between bytes and values. It
// does not know what the values mean, keeps no state and allocates nothing.
//
// A Consume function reads from the front of b and returns the value and how many
// bytes it took; a negative count means that b is too short, and the caller decides
// what that means: a parser of streams waits for more, a parser of a complete message
// refuses it. An Append function appends to b as the built-in does. [Reader] is the
// same for long lists of fields: it remembers the first failure, so that the caller
// asks once at the end.
//
//	v, n := wire.ConsumeU16(b)
//	if n < 0 {
//		return need more
//	}
//	b = b[n:]
package wire

import "encoding/binary"

// Short is the count that Consume functions return for input that is too short.
const Short = -1

// ConsumeU8 consumes one byte.
func ConsumeU8(b []byte) (v uint8, n int) {
	if len(b) < 1 {
		return 0, Short
	}
	return b[0], 1
}

// ConsumeU16 consumes a 16-bit integer.
func ConsumeU16(b []byte) (v uint16, n int) {
	if len(b) < 2 {
		return 0, Short
	}
	return binary.LittleEndian.Uint16(b), 2
}

// ConsumeU32 consumes a 32-bit integer.
func ConsumeU32(b []byte) (v uint32, n int) {
	if len(b) < 4 {
		return 0, Short
	}
	return binary.LittleEndian.Uint32(b), 4
}

// ConsumeU64 consumes a 64-bit integer.
func ConsumeU64(b []byte) (v uint64, n int) {
	if len(b) < 8 {
		return 0, Short
	}
	return binary.LittleEndian.Uint64(b), 8
}

// AppendU16 appends a 16-bit integer.
func AppendU16(b []byte, v uint16) []byte { return binary.LittleEndian.AppendUint16(b, v) }

// AppendU32 appends a 32-bit integer.
func AppendU32(b []byte, v uint32) []byte { return binary.LittleEndian.AppendUint32(b, v) }

// AppendU64 appends a 64-bit integer.
func AppendU64(b []byte, v uint64) []byte { return binary.LittleEndian.AppendUint64(b, v) }

// PutU16 overwrites the first two bytes of b, which must be there.
func PutU16(b []byte, v uint16) { binary.LittleEndian.PutUint16(b, v) }

// PutU32 overwrites the first four bytes of b, which must be there.
func PutU32(b []byte, v uint32) { binary.LittleEndian.PutUint32(b, v) }

// PutU64 overwrites the first eight bytes of b, which must be there.
func PutU64(b []byte, v uint64) { binary.LittleEndian.PutUint64(b, v) }

// U16 reads the first two bytes of b, which must be there.
func U16(b []byte) uint16 { return binary.LittleEndian.Uint16(b) }

// U32 reads the first four bytes of b, which must be there.
func U32(b []byte) uint32 { return binary.LittleEndian.Uint32(b) }

// U64 reads the first eight bytes of b, which must be there.
func U64(b []byte) uint64 { return binary.LittleEndian.Uint64(b) }
