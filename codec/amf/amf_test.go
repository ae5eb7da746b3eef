package amf

import (
	"bytes"
	"errors"
	"math"
	"slices"
	"strings"
	"testing"
)

// values are single values, as they stand on the wire.
var values = []struct {
	name, hex string
	want      Value // without Raw
}{
	{"Number", "00 3ff0000000000000", Value{Marker: Number, Number: 1}},
	{"Infinity", "00 7ff0000000000000", Value{Marker: Number, Number: math.Inf(1)}},
	{"True", "01 01", Value{Marker: Boolean, Bool: true}},
	{"TrueToo", "01 80", Value{Marker: Boolean, Bool: true}},
	{"False", "01 00", Value{Marker: Boolean}},
	{"String", "02 0004 6c697665", Value{Marker: String, Text: []byte("live")}},
	{"EmptyString", "02 0000", Value{Marker: String, Text: []byte{}}},
	{"NoUTF8", "02 0003 00ff80", Value{Marker: String, Text: []byte{0, 0xFF, 0x80}}},
	{"Object", "03 0001 61 05 000009", Value{Marker: Object}},
	{"EmptyObject", "03 000009", Value{Marker: Object}},
	{"EmptyKey", "03 0000 05 000009", Value{Marker: Object}},
	{"Null", "05", Value{Marker: Null}},
	{"Undefined", "06", Value{Marker: Undefined}},
	{"Reference", "07 0102", Value{Marker: Reference, Number: 258}},
	{"Array", "08 00000001 0001 61 05 000009", Value{Marker: Array}},
	{"ArrayCountsWrong", "08 ffffffff 000009", Value{Marker: Array}},
	{"Strict", "0a 00000002 05 0101", Value{Marker: Strict}},
	{"EmptyStrict", "0a 00000000", Value{Marker: Strict}},
	{"Date", "0b 4270000000000000 0000", Value{Marker: Date, Number: 1 << 40}},
	{"LongString", "0c 00000002 6162", Value{Marker: LongString, Text: []byte("ab")}},
	{"Unsupported", "0d", Value{Marker: Unsupported}},
	{"XML", "0f 00000004 3c612f3e", Value{Marker: XML, Text: []byte("<a/>")}},
	{"Typed", "10 0001 43 0001 61 05 000009", Value{Marker: Typed, Text: []byte("C")}},
	{"AMF3", "11 0a0b01 09", Value{Marker: AMF3}},
	{"AMF3Inside", "03 0001 61 11 0a0b01 0001 62 05", Value{Marker: Object}},
	{"AMF3InArrays", "0a 00000003 05 0a 00000009 11 04", Value{Marker: Strict}},
}

func TestNext(t *testing.T) {
	for _, c := range values {
		t.Run(c.name, func(t *testing.T) {
			b := unhex(t, c.hex)
			got := one(t, b)
			c.want.Raw = b
			if !same(got, c.want) {
				t.Errorf("%+v, want %+v", got, c.want)
			}
		})
	}
}

func same(a, b Value) bool {
	return a.Marker == b.Marker && math.Float64bits(a.Number) == math.Float64bits(b.Number) && a.Bool == b.Bool &&
		bytes.Equal(a.Text, b.Text) && bytes.Equal(a.Raw, b.Raw)
}

// TestCut: a value without its last bytes does not end, whatever is missing. AMF3 alone,
// whose end is unknown, has none.
func TestCut(t *testing.T) {
	for _, c := range values {
		if strings.HasPrefix(c.name, "AMF3") {
			continue
		}
		t.Run(c.name, func(t *testing.T) {
			b := unhex(t, c.hex)
			for n := range b {
				r := NewReader(b[:n:n])
				if v, err := r.Next(); !errors.Is(err, ErrShort) || v.Raw != nil {
					t.Errorf("%x: %+v, %v", b[:n], v, err)
				}
				if _, err := r.Next(); !errors.Is(err, ErrShort) || r.More() || len(r.Rest()) != n {
					t.Errorf("%x: the error has not stayed: %v", b[:n], err)
				}
			}
		})
	}
}

// nested is a value in n objects, or arrays.
func nested(t *testing.T, n int, before, after string) []byte {
	return unhex(t, strings.Repeat(before, n)+"05"+strings.Repeat(after, n))
}

func TestErrors(t *testing.T) {
	for _, c := range []struct {
		name string
		b    []byte
		want error
	}{
		{"MovieClip", unhex(t, "04"), ErrMarker},
		{"RecordSet", unhex(t, "0e"), ErrMarker},
		{"End", unhex(t, "09"), ErrMarker},
		{"Beyond", unhex(t, "12 00"), ErrMarker},
		{"EndBehindKey", unhex(t, "03 0001 61 09"), ErrMarker},
		{"BadInside", unhex(t, "0a 00000001 ff"), ErrMarker},
		{"KeyIsCut", unhex(t, "03 0005 61"), ErrShort},
		{"StringIsLonger", unhex(t, "02 ffff 61"), ErrShort},
		{"LongStringIsLonger", unhex(t, "0c ffffffff 61"), ErrShort},
		{"StrictCountsWrong", unhex(t, "0a ffffffff 05 05"), ErrShort},
		{"ClassIsCut", unhex(t, "10 0005 61 000009"), ErrShort},
		{"DeepObjects", nested(t, MaxDepth+1, "03 0001 61", "000009"), ErrDeep},
		{"DeepArrays", nested(t, MaxDepth+1, "0a 00000001", ""), ErrDeep},
		{"DeepForEver", nested(t, 1<<16, "0a 00000001", ""), ErrDeep},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := NewReader(c.b)
			if v, err := r.Next(); !errors.Is(err, c.want) {
				t.Errorf("%+v, %v; want %v", v, err, c.want)
			}
		})
	}
	one(t, nested(t, MaxDepth, "03 0001 61", "000009"))
	one(t, nested(t, MaxDepth, "0a 00000001", ""))
}

// connect is what an encoder says first.
const connect = `02 0007 636f6e6e656374 | 00 3ff0000000000000 |
	03 0003 617070 02 0004 6c697665 | 0004 74797065 02 000a 6e6f6e70726976617465 |
	0005 7463 55726c 02 000d 72746d703a2f2f682f6c697665 | 000009`

func TestCommand(t *testing.T) {
	r := NewReader(unhex(t, connect))
	name, err := r.Next()
	if err != nil || !name.IsText() || string(name.Text) != "connect" {
		t.Fatalf("%+v, %v", name, err)
	}
	id, err := r.Next()
	if err != nil || id.Marker != Number || id.Number != 1 || id.IsText() {
		t.Fatalf("%+v, %v", id, err)
	}
	object, err := r.Next()
	if err != nil || r.More() {
		t.Fatalf("%+v, %v", object, err)
	}
	for key, want := range map[string]string{"app": "live", "type": "nonprivate", "tcUrl": "rtmp://h/live"} {
		if v, ok := object.Field(key); !ok || string(v.Text) != want {
			t.Errorf("%s: %q, %t", key, v.Text, ok)
		}
	}
	for _, key := range []string{"", "App", "ap", "live"} {
		if v, ok := object.Field(key); ok || v.Raw != nil {
			t.Errorf("%q: %+v", key, v)
		}
	}
	if _, ok := name.Field("connect"); ok {
		t.Error("a string has fields")
	}
	if _, err := r.Next(); !errors.Is(err, ErrShort) {
		t.Errorf("behind the end: %v", err)
	}
}

func TestEach(t *testing.T) {
	for _, c := range []struct{ name, hex, want string }{
		{"Object", "03 0001 61 05 0000 06 0001 61 07 0001 000009", `"a"=05 ""=06 "a"=07`},
		{"Empty", "03 000009", ""},
		{"Array", "08 00000009 0001 61 05 000009", `"a"=05`},
		{"Typed", "10 0001 43 0001 61 05 000009", `"a"=05`},
		{"Strict", "0a 00000002 05 06", `=05 =06`},
		{"Inside", "03 0001 61 03 0001 62 05 000009 0001 63 06 000009", `"a"=03 "c"=06`},
		{"AMF3", "03 0001 61 05 0001 62 11 000009", `"a"=05 "b"=11`},
		{"AMF3InStrict", "0a 00000003 05 11 05", `=05 =11`},
		{"String", "02 0001 61", ""},
		{"Number", "00 3ff0000000000000", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			var got []string
			one(t, unhex(t, c.hex)).Each(func(key []byte, v Value) bool {
				s := ""
				if key != nil {
					s = `"` + string(key) + `"`
				}
				got = append(got, s+"="+string("0123456789abcdef"[v.Marker>>4])+string("0123456789abcdef"[v.Marker&15]))
				return true
			})
			if s := strings.Join(got, " "); s != c.want {
				t.Errorf("%s, want %s", s, c.want)
			}
		})
	}
	count := 0
	one(t, unhex(t, "0a 00000003 05 05 05")).Each(func([]byte, Value) bool {
		count++
		return count < 2
	})
	if count != 2 {
		t.Errorf("%d values after enough", count)
	}
	for _, v := range []Value{{}, {Marker: Object}, {Marker: Strict}, {Marker: Typed}, {Marker: Array, Raw: []byte{8}}} {
		v.Each(func([]byte, Value) bool { t.Errorf("something is in %+v", v); return true })
	}
}

// TestFieldIsFirst: of several values under a key the first one counts.
func TestFieldIsFirst(t *testing.T) {
	v, ok := one(t, unhex(t, "03 0001 61 05 0001 61 06 000009")).Field("a")
	if !ok || v.Marker != Null {
		t.Errorf("%+v, %t", v, ok)
	}
}

func TestAppend(t *testing.T) {
	long := strings.Repeat("x", 65536)
	for _, c := range []struct {
		name string
		got  []byte
		hex  string
	}{
		{"Number", AppendNumber(nil, 1), "00 3ff0000000000000"},
		{"True", AppendBool(nil, true), "01 01"},
		{"False", AppendBool(nil, false), "01 00"},
		{"String", AppendString(nil, "live"), "02 0004 6c697665"},
		{"Bytes", AppendString(nil, []byte{0xFF}), "02 0001 ff"},
		{"EmptyString", AppendString(nil, ""), "02 0000"},
		{"Null", AppendNull(nil), "05"},
		{"Undefined", AppendUndefined(nil), "06"},
		{"Object", AppendEnd(AppendNull(AppendKey(AppendObject(nil), "a"))), "03 0001 61 05 000009"},
		{"Array", AppendEnd(AppendNull(AppendKey(AppendArray(nil, 1), []byte("a")))), "08 00000001 0001 61 05 000009"},
		{"Strict", AppendNull(AppendNull(AppendStrict(nil, 2))), "0a 00000002 05 05"},
	} {
		if !bytes.Equal(c.got, unhex(t, c.hex)) {
			t.Errorf("%s: %x, want %s", c.name, c.got, c.hex)
		}
	}
	if v := one(t, AppendString(nil, long[1:])); v.Marker != String || string(v.Text) != long[1:] {
		t.Errorf("65,535 bytes: %d, %d", v.Marker, len(v.Text))
	}
	if v := one(t, AppendString(nil, long)); v.Marker != LongString || string(v.Text) != long || !v.IsText() {
		t.Errorf("65,536 bytes: %d, %d", v.Marker, len(v.Text))
	}
	if v, ok := one(t, AppendEnd(AppendNull(AppendKey(AppendObject(nil), long)))).Field(long[1:]); !ok || v.Marker != Null {
		t.Error("a key that is too long breaks the object")
	}
}

// TestNoAllocations: metadata are looked at while a stream goes on.
func TestNoAllocations(t *testing.T) {
	b := unhex(t, connect)
	dst := make([]byte, 0, 256)
	found := 0
	if n := testing.AllocsPerRun(100, func() {
		for r := NewReader(b); r.More(); {
			v, err := r.Next()
			if err != nil {
				t.Fatal(err)
			}
			if url, ok := v.Field("tcUrl"); ok && url.IsText() {
				found++
			}
			v.Each(func(key []byte, v Value) bool {
				if string(key) == "app" {
					found++
				}
				return v.IsText()
			})
		}
		dst = AppendEnd(AppendString(AppendKey(AppendNumber(AppendKey(AppendObject(dst[:0]), "a"), 1), "b"), "c"))
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
	if found == 0 || !slices.Contains(dst, 'c') {
		t.Error("nothing is found: the test shows nothing")
	}
}
