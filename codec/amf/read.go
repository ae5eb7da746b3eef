package amf

import (
	"encoding/binary"
	"errors"
	"math"
)

// Marker is the type of a value: its first byte.
type Marker uint8

// The markers (AMF0 2.1). Those of movie clips and record sets are reserved: nothing
// says how such a value ends, and it is an error.
const (
	Number      Marker = 0x00
	Boolean     Marker = 0x01
	String      Marker = 0x02
	Object      Marker = 0x03
	Null        Marker = 0x05
	Undefined   Marker = 0x06
	Reference   Marker = 0x07
	Array       Marker = 0x08 // an ECMA array: an object with a count before it
	End         Marker = 0x09 // behind an empty key, the end of an object; no value
	Strict      Marker = 0x0A // an array without keys
	Date        Marker = 0x0B
	LongString  Marker = 0x0C
	Unsupported Marker = 0x0D
	XML         Marker = 0x0F
	Typed       Marker = 0x10 // an object with a class
	AMF3        Marker = 0x11
)

// MaxDepth is how deep objects and arrays may lie in one another. Commands and metadata
// have two or three.
const MaxDepth = 16

// What is wrong with a value. Nothing behind it can be read.
var (
	ErrShort  = errors.New("an AMF value does not end")
	ErrMarker = errors.New("an AMF value is of a type that does not exist")
	ErrDeep   = errors.New("AMF objects lie more than 16 deep in one another")
)

// Value is one value. Its slices are part of the bytes that were read.
type Value struct {
	Marker Marker
	// Number is the figure of a Number, the milliseconds since 1970 of a Date, and the
	// index of a Reference.
	Number float64
	// Bool is the value of a Boolean.
	Bool bool
	// Text is the text of a String, a LongString and an XML, and the class of a Typed. It
	// may hold any bytes.
	Text []byte
	// Raw is the whole value with its marker.
	Raw []byte
}

// IsText reports whether v is a string, whichever way its length is written.
func (v Value) IsText() bool { return v.Marker == String || v.Marker == LongString }

// Reader reads values one behind the other. It is used by one goroutine.
type Reader struct {
	b   []byte
	at  int
	err error
}

// NewReader reads from b, which it neither copies nor changes.
func NewReader(b []byte) Reader { return Reader{b: b} }

// More reports whether there is another value; false after an error.
func (r *Reader) More() bool { return r.err == nil && r.at < len(r.b) }

// Rest is what was not read yet; after an error, from the broken value on.
func (r *Reader) Rest() []byte { return r.b[r.at:] }

// Next reads a value. An error is one of [ErrShort], which is also that of a Reader
// without another value, [ErrMarker] and [ErrDeep], and stays. A value that is AMF3, or
// holds such a one, is the last.
func (r *Reader) Next() (Value, error) {
	if r.err != nil {
		return Value{}, r.err
	}
	n, _, err := measure(r.b[r.at:], 0)
	if err != nil {
		r.err = err
		return Value{}, err
	}
	v := decode(r.b[r.at : r.at+n : r.at+n])
	r.at += n
	return v, nil
}

// decode looks at a whole value.
func decode(raw []byte) Value {
	v := Value{Marker: Marker(raw[0]), Raw: raw}
	switch v.Marker {
	case Number, Date:
		v.Number = math.Float64frombits(binary.BigEndian.Uint64(raw[1:]))
	case Boolean:
		v.Bool = raw[1] != 0
	case Reference:
		v.Number = float64(binary.BigEndian.Uint16(raw[1:]))
	case String, Typed:
		end := stringHead + int(binary.BigEndian.Uint16(raw[1:]))
		v.Text = raw[stringHead:end:end]
	case LongString, XML:
		v.Text = raw[countHead:len(raw):len(raw)]
	}
	return v
}

// Sizes of what stands before the bytes of a string, and before the values of an array.
const (
	stringHead = 3 // marker and 16 bits
	countHead  = 5 // marker and 32 bits
)

// measure says how long the value at the front of b is, which lies depth deep in others.
// open says that it goes to the end of b because nobody can tell where its AMF3 ends.
func measure(b []byte, depth int) (n int, open bool, err error) {
	if len(b) == 0 {
		return 0, false, ErrShort
	}
	switch Marker(b[0]) {
	case Number:
		n = 9
	case Boolean:
		n = 2
	case Null, Undefined, Unsupported:
		n = 1
	case Reference:
		n = 3
	case Date:
		n = 11
	case String:
		n = stringSize(b)
	case LongString, XML:
		n = longSize(b)
	case Object:
		return properties(b, 1, depth)
	case Array:
		return properties(b, countHead, depth)
	case Typed:
		return properties(b, stringSize(b), depth)
	case Strict:
		return elements(b, depth)
	case AMF3:
		return len(b), true, nil
	default:
		return 0, false, ErrMarker
	}
	if n > len(b) {
		return 0, false, ErrShort
	}
	return n, false, nil
}

// stringSize is the size of a marker and a string; more than b has if its length is cut.
func stringSize(b []byte) int {
	if len(b) < stringHead {
		return stringHead
	}
	return stringHead + int(binary.BigEndian.Uint16(b[1:]))
}

// longSize is the same for a long string, with a length that is no int everywhere.
func longSize(b []byte) int {
	if len(b) < countHead {
		return countHead
	}
	return countHead + int(min(binary.BigEndian.Uint32(b[1:]), math.MaxInt32-countHead))
}

// properties measures a value of b with keys and values from at on.
func properties(b []byte, at, depth int) (n int, open bool, err error) {
	if depth == MaxDepth {
		return 0, false, ErrDeep
	}
	for at <= len(b) {
		_, n, last := cutKey(b[at:])
		if n == 0 {
			break
		}
		if at += n; last {
			return at, false, nil
		}
		n, open, err := measure(b[at:], depth+1)
		if err != nil {
			return 0, false, err
		}
		if at += n; open {
			return at, true, nil
		}
	}
	return 0, false, ErrShort
}

// cutKey reads a key, or the end of an object; n is 0 if b is too short for that.
func cutKey(b []byte) (key []byte, n int, last bool) {
	if len(b) < 2 {
		return nil, 0, false
	}
	n = 2 + int(binary.BigEndian.Uint16(b))
	switch {
	case n >= len(b): // a value follows, or the marker of the end
		return nil, 0, false
	case n == 2 && Marker(b[2]) == End:
		return nil, 3, true
	default:
		return b[2:n:n], n, false
	}
}

// elements measures a strict array.
func elements(b []byte, depth int) (n int, open bool, err error) {
	if depth == MaxDepth {
		return 0, false, ErrDeep
	}
	if len(b) < countHead {
		return 0, false, ErrShort
	}
	at := countHead
	for range binary.BigEndian.Uint32(b[1:]) { // each has a byte, at least
		n, open, err := measure(b[at:], depth+1)
		if err != nil {
			return 0, false, err
		}
		if at += n; open {
			return at, true, nil
		}
	}
	return at, false, nil
}
