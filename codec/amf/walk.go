package amf

import "encoding/binary"

// Each calls f with what is in an object, an array or a typed object, in order, until f
// returns false. The key is nil in a strict array. A value of any other type holds
// nothing.
func (v Value) Each(f func(key []byte, v Value) bool) {
	inside, count := v.inside()
	keys := v.Marker != Strict
	for r := NewReader(inside); r.More() && (keys || count > 0); count-- {
		var key []byte
		if keys {
			k, n, last := cutKey(r.Rest())
			if n == 0 || last {
				return
			}
			key = k
			r.at += n
		}
		if value, err := r.Next(); err != nil || !f(key, value) {
			return
		}
	}
}

// inside is the part of v in which its values are, and how many of a strict array.
func (v Value) inside() (b []byte, count uint32) {
	head := 0
	switch v.Marker {
	case Object:
		head = 1
	case Array, Strict:
		head = countHead
	case Typed:
		head = stringHead + len(v.Text)
	}
	if head == 0 || len(v.Raw) < head {
		return nil, 0
	}
	if v.Marker == Strict {
		count = binary.BigEndian.Uint32(v.Raw[1:])
	}
	return v.Raw[head:], count
}

// Field is the value of an object, an ECMA array or a typed object under a key, the
// first one of several; ok is false if there is none. Keys are compared as they are.
func (v Value) Field(name string) (value Value, ok bool) {
	if v.Marker == Strict {
		return Value{}, false
	}
	v.Each(func(key []byte, in Value) bool {
		if ok = string(key) == name; ok {
			value = in
		}
		return !ok
	})
	return value, ok
}
