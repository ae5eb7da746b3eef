package wire

// Reader reads a list of fields and remembers the first one that did not fit:
// after that every method returns zero and takes nothing. The zero value with
// bytes from [NewReader] is ready; it is used by one goroutine.
type Reader struct {
	b      []byte
	at     int
	failed bool
}

// NewReader reads from b, which it neither copies nor changes.
func NewReader(b []byte) Reader { return Reader{b: b} }

// Offset is how many bytes were taken so far; after a failure, where the field that
// did not fit begins.
func (r *Reader) Offset() int { return r.at }

// Left is how many bytes remain.
func (r *Reader) Left() int { return len(r.b) - r.at }

// OK reports whether every field so far was there.
func (r *Reader) OK() bool { return !r.failed }

// take advances by n, or fails for n < 0 as well as at the end of the bytes.
func (r *Reader) take(n int) []byte {
	if r.failed || n < 0 || n > r.Left() {
		r.failed = true
		return nil
	}
	r.at += n
	return r.b[r.at-n : r.at : r.at]
}

// U8 reads one byte.
func (r *Reader) U8() uint8 {
	v, _ := ConsumeU8(r.take(1))
	return v
}

// U16 reads a 16-bit integer.
func (r *Reader) U16() uint16 {
	v, _ := ConsumeU16(r.take(2))
	return v
}

// U32 reads a 32-bit integer.
func (r *Reader) U32() uint32 {
	v, _ := ConsumeU32(r.take(4))
	return v
}

// U64 reads a 64-bit integer.
func (r *Reader) U64() uint64 {
	v, _ := ConsumeU64(r.take(8))
	return v
}

// GUID reads a GUID.
func (r *Reader) GUID() GUID {
	v, _ := ConsumeGUID(r.take(GUIDSize))
	return v
}

// Bytes reads n bytes; they are part of the bytes given to [NewReader].
func (r *Reader) Bytes(n int) []byte { return r.take(n) }

// Skip passes over n bytes.
func (r *Reader) Skip(n int) { r.take(n) }

// Rest reads everything that is left.
func (r *Reader) Rest() []byte { return r.take(r.Left()) }
