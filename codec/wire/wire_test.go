package wire

import (
	"bytes"
	"testing"
)

// TestIntegers holds every consume function against its append function, and
// against every input that is too short.
func TestIntegers(t *testing.T) {
	cases := []struct {
		name    string
		value   uint64
		wire    []byte
		consume func([]byte) (uint64, int)
		append  func([]byte, uint64) []byte
		peek    func([]byte) uint64
		put     func([]byte, uint64)
	}{
		{"u16", 0x1577, []byte{0x77, 0x15},
			func(b []byte) (uint64, int) { v, n := ConsumeU16(b); return uint64(v), n },
			func(b []byte, v uint64) []byte { return AppendU16(b, uint16(v)) },
			func(b []byte) uint64 { return uint64(U16(b)) },
			func(b []byte, v uint64) { PutU16(b, uint16(v)) }},
		{"u32", 0x0D2F0009, []byte{0x09, 0x00, 0x2F, 0x0D},
			func(b []byte) (uint64, int) { v, n := ConsumeU32(b); return uint64(v), n },
			func(b []byte, v uint64) []byte { return AppendU32(b, uint32(v)) },
			func(b []byte) uint64 { return uint64(U32(b)) },
			func(b []byte, v uint64) { PutU32(b, uint32(v)) }},
		{"u64", 0x0123456789ABCDEF, []byte{0xEF, 0xCD, 0xAB, 0x89, 0x67, 0x45, 0x23, 0x01},
			ConsumeU64, AppendU64, U64, PutU64},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			if got := c.append(nil, c.value); !bytes.Equal(got, c.wire) {
				t.Errorf("append = %x, want %x", got, c.wire)
			}
			if v, n := c.consume(append(c.wire, 0xFF)); v != c.value || n != len(c.wire) {
				t.Errorf("consume = %x, %d", v, n)
			}
			for short := range c.wire {
				if v, n := c.consume(c.wire[:short]); n >= 0 || v != 0 {
					t.Errorf("consume of %d bytes = %x, %d", short, v, n)
				}
			}
			put := make([]byte, len(c.wire))
			c.put(put, c.value)
			if !bytes.Equal(put, c.wire) || c.peek(put) != c.value {
				t.Errorf("put = %x, peek = %x", put, c.peek(put))
			}
		})
	}
}

func TestConsumeU8(t *testing.T) {
	if v, n := ConsumeU8([]byte("abc")); v != 'a' || n != 1 {
		t.Errorf("byte = %d, %d", v, n)
	}
	if _, n := ConsumeU8(nil); n >= 0 {
		t.Errorf("byte of nothing = %d", n)
	}
}

func TestGUID(t *testing.T) {
	const text = "75B22630-668E-11CF-A6D9-00AA0062CE6C"
	g := GUID{0x30, 0x26, 0xB2, 0x75, 0x8E, 0x66, 0xCF, 0x11, 0xA6, 0xD9, 0x00, 0xAA, 0x00, 0x62, 0xCE, 0x6C}
	if g.String() != text {
		t.Errorf("String = %s", g)
	}
	for _, s := range []string{text, "{" + text + "}", "75b22630-668e-11cf-a6d9-00aa0062ce6c"} {
		if got, ok := ParseGUID(s); !ok || got != g {
			t.Errorf("ParseGUID(%q) = %v, %t", s, got, ok)
		}
	}
	for _, s := range []string{"", text[1:], "{" + text, "75B22630+668E-11CF-A6D9-00AA0062CE6C", "75B2263G-668E-11CF-A6D9-00AA0062CE6C"} {
		if got, ok := ParseGUID(s); ok {
			t.Errorf("ParseGUID(%q) = %v", s, got)
		}
	}
	if got, n := ConsumeGUID(AppendGUID(nil, g)); got != g || n != GUIDSize {
		t.Errorf("round trip = %v, %d", got, n)
	}
	if _, n := ConsumeGUID(g[:15]); n >= 0 {
		t.Errorf("15 bytes = %d", n)
	}
}

func TestReader(t *testing.T) {
	var b []byte
	b = append(b, 7)
	b = AppendU16(b, 0x0102)
	b = AppendU32(b, 0x03040506)
	b = AppendU64(b, 0x0708090A0B0C0D0E)
	b = AppendGUID(b, GUID{1, 2, 3})
	b = append(b, "skipkeeprest"...)
	r := NewReader(b)
	if r.U8() != 7 || r.U16() != 0x0102 || r.U32() != 0x03040506 || r.U64() != 0x0708090A0B0C0D0E {
		t.Error("integers differ")
	}
	if r.GUID() != (GUID{1, 2, 3}) {
		t.Error("GUID differs")
	}
	r.Skip(4)
	if got := string(r.Bytes(4)); got != "keep" {
		t.Errorf("Bytes = %q", got)
	}
	if r.Left() != 4 || r.Offset() != len(b)-4 {
		t.Errorf("Left %d, Offset %d", r.Left(), r.Offset())
	}
	if got := string(r.Rest()); got != "rest" || !r.OK() || r.Left() != 0 {
		t.Errorf("Rest = %q, OK %t", got, r.OK())
	}
}

// TestReaderFirstFailure: what follows the field that does not fit is not read,
// however small.
func TestReaderFirstFailure(t *testing.T) {
	for _, fail := range []func(*Reader){
		func(r *Reader) { r.U32() },
		func(r *Reader) { r.GUID() },
		func(r *Reader) { r.Skip(-1) },
		func(r *Reader) { r.Bytes(1 << 30) },
	} {
		r := NewReader([]byte{1, 2, 3, 4})
		r.U8()
		fail(&r)
		if r.OK() || r.Offset() != 1 || r.U8() != 0 || r.Rest() != nil || r.Offset() != 1 {
			t.Errorf("after the failure: OK %t, offset %d", r.OK(), r.Offset())
		}
	}
}

func TestNoAllocations(t *testing.T) {
	b := make([]byte, 64)
	n := testing.AllocsPerRun(100, func() {
		r := NewReader(b)
		r.U8()
		r.U64()
		r.GUID()
		r.Bytes(8)
	})
	if n != 0 {
		t.Errorf("%v allocations", n)
	}
}
