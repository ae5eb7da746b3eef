package amf0

import (
	"bytes"
	"encoding/hex"
	"reflect"
	"strings"
	"testing"
)

// everything has each kind of value, in each other as far as that goes.
var everything = []any{
	"connect", 1.0, nil, true, false, Undefined{}, Unsupported{}, Reference(7), Date{1.5e12, -60}, XML("<a/>"),
	Object{{"app", "live"}, {"deep", Object{{"list", List{1.0, "two", Object{}}}}}},
	Array{{"width", 640.0}, {"", 1.0}}, Typed{"Point", Object{{"x", 1.0}}}, List(nil), "", AMF3{0x0A, 1},
}

func TestRoundTrip(t *testing.T) {
	b := Append(nil, everything...)
	got, err := Values(b)
	if err != nil {
		t.Fatal(err)
	}
	want := append([]any(nil), everything...)
	want[10] = Object{{"app", "live"}, {"deep", Object{{"list", List{1.0, "two", Object(nil)}}}}}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %#v\nwant %#v", got, want)
	}
	if again := Append(nil, got...); !bytes.Equal(again, b) {
		t.Errorf("% x becomes % x", b, again)
	}
}

func TestBytes(t *testing.T) {
	for text, value := range map[string]any{
		"003ff0000000000000": 1, "0101": true, "05": nil, "06": Undefined{}, "02000161": "a", "0c0000000161": Long("a"),
		"030003617070020001780000" + "09": Object{{"app", "x"}}, "0800000001000161" + "05000009": Array{{"a", nil}}, "0a0000000105": List{nil},
	} {
		if got := hex.EncodeToString(Append(nil, value)); got != text {
			t.Errorf("%#v is %s, want %s", value, got, text)
		}
	}
	long := strings.Repeat("x", 1<<16)
	if b := Append(nil, long); b[0] != 0x0C {
		t.Errorf("a string of %d bytes begins with %02x", len(long), b[0])
	} else if all, err := Values(b); err != nil || all[0] != long {
		t.Errorf("it is read with %v", err)
	}
	// The count of an array is only a hint.
	if all, err := Values([]byte{8, 0xFF, 0xFF, 0xFF, 0xFF, 0, 0, 9}); err != nil || !reflect.DeepEqual(all, []any{Array(nil)}) {
		t.Errorf("%#v, %v", all, err)
	}
}

// Bytes that end anywhere are an error, or fewer values.
func TestCutBytes(t *testing.T) {
	b := Append(nil, everything[:15]...)
	for n := range b {
		all, err := Values(b[:n])
		if err == nil && (len(all) >= 15 || !bytes.Equal(Append(nil, all...), b[:n])) {
			t.Errorf("%d bytes of %d are %#v", n, len(b), all)
		}
	}
}

func TestBrokenBytes(t *testing.T) {
	for text, want := range map[string]string{
		"0e": "marker 0e", "04": "marker 04", "0affffffff05": "end inside a value", "0200": "end inside a value",
		strings.Repeat("0a00000001", 18) + "05": "more than 16 deep", "03000161": "end inside a value",
	} {
		b, err := hex.DecodeString(text)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := Values(b); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", text, err, want)
		}
	}
}

func TestField(t *testing.T) {
	for _, v := range []any{Object{{"a", 1.0}}, Array{{"a", 1.0}}, Typed{"c", Object{{"a", 1.0}}}} {
		if got := Field(v, "a"); got != 1.0 {
			t.Errorf("%#v has %v", v, got)
		}
		if got := Field(v, "b"); got != nil {
			t.Errorf("%#v has %v", v, got)
		}
	}
	if got := Field("text", "a"); got != nil {
		t.Error(got)
	}
}

// FuzzValues: what is read is written back and read as the same.
func FuzzValues(f *testing.F) {
	f.Add(Append(nil, everything...))
	f.Fuzz(func(t *testing.T, b []byte) {
		all, err := Values(b)
		if err != nil {
			return
		}
		written := Append(nil, all...)
		again, err := Values(written)
		if err != nil || !bytes.Equal(Append(nil, again...), written) {
			t.Errorf("% x is read as %#v, and that as %#v, %v", b, all, again, err)
		}
	})
}
