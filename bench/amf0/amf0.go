// Package amf0 writes and reads values of AMF0 (Adobe's Action Message Format, the version
// of 2007), which the commands and the metadata of RTMP are made of.
//
//	amf0.Append(nil, "play", 4.0, nil, "live") ──► bytes ──► amf0.Values
//
// It is written apart from codec/amf on purpose, as package bench says: a mistake that both
// sides shared would not be seen. Nothing here is meant for hot paths.
package amf0

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
)

// Values in Go: float64, bool, string, nil for null, and these.
type (
	// Undefined is a value that says no more than that.
	Undefined struct{}
	// Unsupported stands for what its writer could not put into AMF0.
	Unsupported struct{}
	// Reference names an object that came before, by its number.
	Reference uint16
	// Object is an anonymous object, Array an ECMA array: their properties as they came.
	Object []Property
	// Array is written with the number of its properties.
	Array []Property
	// List is a strict array.
	List []any
	// Date is milliseconds since 1970, and a time zone that means nothing.
	Date struct {
		Milliseconds float64
		Zone         int16
	}
	// XML is a document as text.
	XML string
	// Long is a string that is written with the marker of long ones, however long it is. Read
	// strings are no Long.
	Long string
	// Typed is an object of a named class.
	Typed struct {
		Class      string
		Properties Object
	}
	// AMF3 is one value of the other version, undecoded: all the bytes that are left.
	AMF3 []byte
)

// Property is a property of an object.
type Property struct {
	Name  string
	Value any
}

// The markers (AMF0, 2.1).
const (
	number byte = iota
	boolean
	text
	object
	movie
	null
	undefined
	reference
	array
	end
	list
	date
	long
	unsupported
	recordset
	xml
	typed
	amf3
)

// mostDepth is how deep values may lie in each other.
const mostDepth = 16

// Append appends values. One that has no form in AMF0 is a mistake of the caller's, who is
// told by a panic.
func Append(dst []byte, values ...any) []byte {
	for _, v := range values {
		dst = appendOne(dst, v)
	}
	return dst
}

func appendOne(dst []byte, v any) []byte {
	switch v := v.(type) {
	case float64:
		return binary.BigEndian.AppendUint64(append(dst, number), math.Float64bits(v))
	case int:
		return appendOne(dst, float64(v))
	case bool:
		if v {
			return append(dst, boolean, 1)
		}
		return append(dst, boolean, 0)
	case string:
		if len(v) > math.MaxUint16 {
			return appendOne(dst, Long(v))
		}
		return appendText(append(dst, text), v)
	case Long:
		return append(binary.BigEndian.AppendUint32(append(dst, long), uint32(len(v))), v...) //nolint:gosec // memory is smaller
	case XML:
		return append(binary.BigEndian.AppendUint32(append(dst, xml), uint32(len(v))), v...) //nolint:gosec // memory is smaller
	case nil:
		return append(dst, null)
	case Undefined:
		return append(dst, undefined)
	case Unsupported:
		return append(dst, unsupported)
	case Reference:
		return binary.BigEndian.AppendUint16(append(dst, reference), uint16(v))
	case Date:
		dst = binary.BigEndian.AppendUint64(append(dst, date), math.Float64bits(v.Milliseconds))
		return binary.BigEndian.AppendUint16(dst, uint16(v.Zone)) //nolint:gosec // its bits
	case AMF3:
		return append(append(dst, amf3), v...)
	}
	return appendMany(dst, v)
}

// appendMany appends a value that holds others.
func appendMany(dst []byte, v any) []byte {
	switch v := v.(type) {
	case Object:
		return appendProperties(append(dst, object), v)
	case Array:
		dst = binary.BigEndian.AppendUint32(append(dst, array), uint32(len(v))) //nolint:gosec // memory is smaller
		return appendProperties(dst, v)
	case Typed:
		return appendProperties(appendText(append(dst, typed), v.Class), v.Properties)
	case List:
		dst = binary.BigEndian.AppendUint32(append(dst, list), uint32(len(v))) //nolint:gosec // memory is smaller
		return Append(dst, v...)
	}
	panic(fmt.Sprintf("amf0: a %T has no form", v))
}

func appendText(dst []byte, s string) []byte {
	return append(binary.BigEndian.AppendUint16(dst, uint16(len(s))), s...) //nolint:gosec // longer ones are Long
}

// appendProperties appends properties and what ends them: an empty name and a marker.
func appendProperties(dst []byte, all []Property) []byte {
	for _, p := range all {
		dst = appendOne(appendText(dst, p.Name), p.Value)
	}
	return append(dst, 0, 0, end)
}

// Field is the value of an object's property; nil if there is none, or v is no object.
func Field(v any, name string) any {
	all, _ := v.(Object)
	switch v := v.(type) {
	case Array:
		all = Object(v)
	case Typed:
		all = v.Properties
	}
	for _, p := range all {
		if p.Name == name {
			return p.Value
		}
	}
	return nil
}

// Values reads all values of b.
func Values(b []byte) (all []any, err error) {
	r := reader{rest: b}
	for len(r.rest) > 0 && r.err == nil {
		all = append(all, r.value(0))
	}
	if r.err != nil {
		return nil, fmt.Errorf("at byte %d of %d: %w", len(b)-len(r.rest), len(b), r.err)
	}
	return all, nil
}

// errShort is said of bytes that end in a value.
var errShort = errors.New("the bytes end inside a value")

// reader reads values. Behind an error it gives zeros.
type reader struct {
	rest []byte
	err  error
}

// take takes n bytes.
func (r *reader) take(n int) []byte {
	if r.err != nil || n > len(r.rest) {
		r.fail(errShort)
		return make([]byte, min(n, 8)) // a fixed field is no longer
	}
	b := r.rest[:n]
	r.rest = r.rest[n:]
	return b
}

func (r *reader) fail(err error) {
	if r.err == nil {
		r.err = err
	}
}

func (r *reader) number() float64 {
	return math.Float64frombits(binary.BigEndian.Uint64(r.take(8)))
}
func (r *reader) short() int   { return int(binary.BigEndian.Uint16(r.take(2))) }
func (r *reader) count() int   { return int(binary.BigEndian.Uint32(r.take(4))) }
func (r *reader) name() string { return string(r.take(r.short())) }

// value reads a value that lies so deep.
func (r *reader) value(depth int) any {
	if depth > mostDepth {
		r.fail(fmt.Errorf("values lie more than %d deep in each other", mostDepth))
		return nil
	}
	switch marker := r.take(1)[0]; marker {
	case number:
		return r.number()
	case boolean:
		return r.take(1)[0] != 0
	case text:
		return r.name()
	case long:
		return string(r.take(r.count()))
	case xml:
		return XML(r.take(r.count()))
	case null:
		return nil
	case undefined:
		return Undefined{}
	case unsupported:
		return Unsupported{}
	case reference:
		return Reference(r.short()) //nolint:gosec // it has two bytes
	case date:
		return Date{r.number(), int16(r.short())} //nolint:gosec // its bits
	case amf3:
		return AMF3(r.take(len(r.rest)))
	default:
		return r.many(marker, depth)
	}
}

// many reads a value that holds others.
func (r *reader) many(marker byte, depth int) any {
	switch marker {
	case object:
		return r.properties(depth)
	case array:
		r.count() // a hint, no more
		return Array(r.properties(depth))
	case typed:
		return Typed{r.name(), r.properties(depth)}
	case list:
		var all List
		for n := r.count(); n > 0 && r.err == nil; n-- {
			all = append(all, r.value(depth+1))
		}
		return all
	}
	r.fail(fmt.Errorf("there is no value with the marker %02x", marker))
	return nil
}

// properties reads up to the end of an object.
func (r *reader) properties(depth int) (all Object) {
	for r.err == nil {
		name := r.name()
		if name == "" && len(r.rest) > 0 && r.rest[0] == end {
			r.rest = r.rest[1:]
			return all
		}
		all = append(all, Property{name, r.value(depth + 1)})
	}
	return all
}
