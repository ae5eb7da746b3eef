package secure

import (
	"crypto/cipher"
	"reflect"
	"unsafe"
)

// line is the bytes that a processor fetches at a time.
const line = 64

// Warm has the processor fetch the memory that the next records of some connections
// need, for all of them side by side. With thousands of connections nothing of that is
// in the cache when its turn comes: hundreds of bytes of expanded keys, each piece
// found by the one before it.
func Warm(conns []*Conn) {
	for _, c := range conns {
		touch(c.sealer.memory)
	}
}

// touch reads a byte of each line. It is not inlined, so that it is not left out: nobody
// wants the result.
//
//go:noinline
func touch(b []byte) (all byte) {
	for i := 0; i < len(b); i += line {
		all |= b[i]
	}
	return all
}

// memoryOf is the memory of a cipher, to be read by nobody but [Warm]; nil if it is not
// in one piece.
func memoryOf(a cipher.AEAD) []byte {
	v := reflect.ValueOf(a)
	if v.Kind() != reflect.Pointer {
		return nil
	}
	return unsafe.Slice((*byte)(v.UnsafePointer()), v.Type().Elem().Size())
}
