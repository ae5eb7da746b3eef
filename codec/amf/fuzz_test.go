package amf

import (
	"bytes"
	"testing"
)

// FuzzReader: values lie one behind the other in the bytes that were read; each alone reads
// as the same; what is in it lies in it; and written again from what was read it says the
// same.
func FuzzReader(f *testing.F) {
	for _, c := range values {
		f.Add(unhex(f, c.hex))
	}
	f.Add(unhex(f, connect))
	f.Fuzz(func(t *testing.T, b []byte) {
		was := bytes.Clone(b)
		at := 0
		for r := NewReader(b); r.More(); {
			v, err := r.Next()
			if err != nil {
				if v.Raw != nil || r.More() || len(r.Rest()) != len(b)-at {
					t.Fatalf("%+v behind %v", v, err)
				}
				break
			}
			if len(v.Raw) == 0 || &v.Raw[0] != &b[at] {
				t.Fatal("a value does not lie where it was read")
			}
			at += len(v.Raw)
			check(t, v)
			if out, complete := rewrite(t, nil, v, MaxDepth); complete && !bytes.Equal(out, v.Raw) {
				t.Fatalf("%x is written as %x", v.Raw, out)
			}
		}
		if !bytes.Equal(b, was) {
			t.Fatal("the bytes are changed")
		}
	})
}

func check(t *testing.T, v Value) {
	if again := one(t, v.Raw); !same(again, v) {
		t.Fatalf("%+v alone is %+v", v, again)
	}
	if !bytes.Contains(v.Raw, v.Text) {
		t.Fatal("a text that is not in its value")
	}
}

// rewrite appends v from what is known of it, and says whether that is all: not what has no
// function to append it, and what AMF3 leaves open.
func rewrite(t *testing.T, dst []byte, v Value, depth int) (out []byte, complete bool) {
	if depth < 0 {
		t.Fatal("too deep")
	}
	switch v.Marker {
	case Number:
		return AppendNumber(dst, v.Number), true
	case Boolean:
		return AppendBool(dst, v.Bool), v.Raw[1] < 2
	case String:
		return AppendString(dst, v.Text), true
	case LongString:
		return AppendString(dst, v.Text), len(v.Text) > 65535
	case Null:
		return AppendNull(dst), true
	case Undefined:
		return AppendUndefined(dst), true
	case Object:
		dst = AppendObject(dst)
	case Array:
		dst = append(AppendArray(dst, 0)[:len(dst)+1], v.Raw[1:countHead]...)
	case Strict:
		dst = append(AppendStrict(dst, 0)[:len(dst)+1], v.Raw[1:countHead]...)
	default:
		v.Each(func(_ []byte, in Value) bool {
			check(t, in)
			rewrite(t, nil, in, depth-1)
			return true
		})
		return dst, false
	}
	complete = true
	v.Each(func(key []byte, in Value) bool {
		if v.Marker != Strict {
			dst = AppendKey(dst, key)
		}
		var all bool
		check(t, in)
		dst, all = rewrite(t, dst, in, depth-1)
		complete = complete && all
		return true
	})
	if v.Marker != Strict {
		dst = AppendEnd(dst)
	}
	return dst, complete
}
