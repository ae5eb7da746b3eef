package amf

import (
	"encoding/binary"
	"math"
)

// text is what strings and keys are given as.
type text interface{ ~string | ~[]byte }

// AppendNumber appends a number.
func AppendNumber(dst []byte, v float64) []byte {
	return binary.BigEndian.AppendUint64(append(dst, byte(Number)), math.Float64bits(v))
}

// AppendBool appends a boolean.
func AppendBool(dst []byte, v bool) []byte {
	if v {
		return append(dst, byte(Boolean), 1)
	}
	return append(dst, byte(Boolean), 0)
}

// AppendString appends a string, a long one above 65,535 bytes.
func AppendString[T text](dst []byte, s T) []byte {
	if len(s) > math.MaxUint16 {
		dst = binary.BigEndian.AppendUint32(append(dst, byte(LongString)), uint32(len(s)))
		return append(dst, s...)
	}
	return AppendKey(append(dst, byte(String)), s)
}

// AppendNull appends null.
func AppendNull(dst []byte) []byte { return append(dst, byte(Null)) }

// AppendUndefined appends undefined.
func AppendUndefined(dst []byte) []byte { return append(dst, byte(Undefined)) }

// AppendObject begins an object. Keys with a value behind each follow, and [AppendEnd].
func AppendObject(dst []byte) []byte { return append(dst, byte(Object)) }

// AppendArray begins an ECMA array of n values, which goes on as an object does.
func AppendArray(dst []byte, n int) []byte {
	return binary.BigEndian.AppendUint32(append(dst, byte(Array)), uint32(n))
}

// AppendKey appends the key of a value in an object or an ECMA array. Of a longer one
// than 65,535 bytes there are only those.
func AppendKey[T text](dst []byte, name T) []byte {
	name = name[:min(len(name), math.MaxUint16)]
	return append(append(dst, byte(len(name)>>8), byte(len(name))), name...)
}

// AppendEnd ends an object or an ECMA array.
func AppendEnd(dst []byte) []byte { return append(dst, 0, 0, byte(End)) }

// AppendStrict begins a strict array. Exactly n values follow, and no end.
func AppendStrict(dst []byte, n int) []byte {
	return binary.BigEndian.AppendUint32(append(dst, byte(Strict)), uint32(n))
}
