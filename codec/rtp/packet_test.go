package rtp

import (
	"bytes"
	"errors"
	"strings"
	"testing"
)

// packets are whole packets and what they say. Those that are plain are what Append
// makes of it.
var packets = []struct {
	name  string
	hex   string
	want  Packet
	plain bool
}{
	{"SPS", "8060 0001 00000e10 c0ffee01 | 674d401e",
		Packet{false, 96, 1, 3600, 0xC0FFEE01, []byte{0x67, 0x4D, 0x40, 0x1E}}, true},
	{"Marker", "80e0 ffff ffffffff 00000000 | 41",
		Packet{true, 96, 65535, 1<<32 - 1, 0, []byte{0x41}}, true},
	// What ffmpeg sends to open a way through a NAT.
	{"Punch", "8000 0000 00000000 00000000", Packet{Payload: []byte{}}, true},
	{"Padding", "a060 0001 00000e10 c0ffee01 | 6741 | 000003",
		Packet{false, 96, 1, 3600, 0xC0FFEE01, []byte{0x67, 0x41}}, false},
	{"PaddingOnly", "a060 0001 00000e10 c0ffee01 | 0002",
		Packet{false, 96, 1, 3600, 0xC0FFEE01, []byte{}}, false},
	{"PaddingOfNone", "a060 0001 00000e10 c0ffee01 | 674100",
		Packet{false, 96, 1, 3600, 0xC0FFEE01, []byte{0x67, 0x41, 0}}, false},
	// ONVIF's extension: a time of three words.
	{"Extension", "9060 0001 00000e10 c0ffee01 | abac0003 eeb6480d e9374bc6 80000000 | 65",
		Packet{false, 96, 1, 3600, 0xC0FFEE01, []byte{0x65}}, false},
	{"CSRC", "8260 0001 00000e10 c0ffee01 | 00000007 00000008 | 65",
		Packet{false, 96, 1, 3600, 0xC0FFEE01, []byte{0x65}}, false},
	{"CSRCs", "8f60 0001 00000e10 c0ffee01 |" + strings.Repeat("00000007", 15) + "| 65",
		Packet{false, 96, 1, 3600, 0xC0FFEE01, []byte{0x65}}, false},
	{"EmptyExtension", "9060 0001 00000e10 c0ffee01 | bede0000",
		Packet{false, 96, 1, 3600, 0xC0FFEE01, []byte{}}, false},
	{"Everything", "b1e0 0001 00000e10 c0ffee01 | 00000007 | bede0001 10aa0000 | 65 | 01",
		Packet{true, 96, 1, 3600, 0xC0FFEE01, []byte{0x65}}, false},
}

func TestParse(t *testing.T) {
	for _, c := range packets {
		t.Run(c.name, func(t *testing.T) {
			b := unhex(t, c.hex)
			p, err := Parse(b)
			if err != nil || !same(p, c.want) {
				t.Errorf("%+v, %v; want %+v", p, err, c.want)
			}
			if c.plain && !bytes.Equal(p.Append(nil), b) {
				t.Errorf("appended as %x", p.Append(nil))
			}
			if cap(p.Payload) != len(p.Payload) {
				t.Error("appending to the payload would overwrite what follows")
			}
		})
	}
}

// same compares by value.
func same(a, b Packet) bool {
	equal := bytes.Equal(a.Payload, b.Payload)
	a.Payload, b.Payload = nil, nil
	return equal && a.Marker == b.Marker && a.Type == b.Type && a.Seq == b.Seq && a.Time == b.Time && a.SSRC == b.SSRC
}

func TestParseRefuses(t *testing.T) {
	for _, c := range []struct {
		name, hex string
		want      error
	}{
		{"Nothing", "", ErrShort},
		// What live555 sends to open a way through a NAT.
		{"Punch", "cefaedfe", ErrShort},
		{"Head", "8060 0001 00000e10 c0ffee", ErrShort},
		{"Version1", "4060 0001 00000e10 c0ffee01", ErrVersion},
		{"Version3", "c060 0001 00000e10 c0ffee01", ErrVersion},
		{"CSRC", "8160 0001 00000e10 c0ffee01 000000", ErrShort},
		{"ExtensionHead", "9060 0001 00000e10 c0ffee01 bede00", ErrShort},
		{"Extension", "9060 0001 00000e10 c0ffee01 bede0001 000000", ErrShort},
		{"ExtensionOfAll", "9060 0001 00000e10 c0ffee01 bedeffff 00000000", ErrShort},
		{"Padding", "a060 0001 00000e10 c0ffee01 | 6503", ErrPadding},
		{"PaddingInHeader", "a060 0001 00000e10 c0ffee01", ErrPadding},
		{"PaddingOfNoneInHeader", "a060 0001 00000e10 c0ffee00", ErrPadding},
		{"PaddingInExtension", "b060 0001 00000e10 c0ffee01 | bede0001 00000001", ErrPadding},
	} {
		t.Run(c.name, func(t *testing.T) {
			if p, err := Parse(unhex(t, c.hex)); !errors.Is(err, c.want) || !same(p, Packet{}) {
				t.Errorf("%+v, %v; want %v", p, err, c.want)
			}
		})
	}
}

// TestRewrite: other numbers, and everything else as it was.
func TestRewrite(t *testing.T) {
	for _, c := range packets {
		t.Run(c.name, func(t *testing.T) {
			b := unhex(t, c.hex)
			want := c.want
			want.Type, want.Seq, want.Time, want.SSRC = 127, 0x1234, 0xFFFFFF00, 0xFEEDBEEF
			Rewrite(b, 0xFF, want.Seq, want.Time, want.SSRC) // a type has seven bits
			if p, err := Parse(b); err != nil || !same(p, want) {
				t.Errorf("%+v, %v; want %+v", p, err, want)
			}
			Rewrite(b, c.want.Type, c.want.Seq, c.want.Time, c.want.SSRC)
			if !bytes.Equal(b, unhex(t, c.hex)) {
				t.Errorf("there and back is %x", b)
			}
		})
	}
}

func TestStatic(t *testing.T) {
	for typ, want := range map[uint8]Encoding{
		0:  {"PCMU", 8000, 1},
		8:  {"PCMA", 8000, 1},
		9:  {"G722", 8000, 1}, // though it samples at 16000
		10: {"L16", 44100, 2},
		11: {"L16", 44100, 1},
		14: {"MPA", 90000, 0},
		26: {"JPEG", 90000, 0},
		32: {"MPV", 90000, 0},
		33: {"MP2T", 90000, 0},
		34: {"H263", 90000, 0},
	} {
		if e, ok := Static(typ); !ok || e != want {
			t.Errorf("%d: %+v, %t", typ, e, ok)
		}
	}
	count := 0
	for typ := range 256 {
		if e, ok := Static(uint8(typ)); ok {
			count++
			if e.Clock < 8000 {
				t.Errorf("%d: a clock of %d", typ, e.Clock)
			}
		} else if e != (Encoding{}) {
			t.Errorf("%d: %+v", typ, e)
		}
	}
	if count != 24 {
		t.Errorf("%d static types; RFC 3551 has 24", count)
	}
	for _, typ := range []uint8{1, 2, 19, 20, 35, 72, 76, 95, 96, 127, 255} {
		if e, ok := Static(typ); ok {
			t.Errorf("%d: %+v", typ, e)
		}
	}
}
