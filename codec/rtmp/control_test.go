package rtmp

import (
	"bytes"
	"testing"
)

func TestControl(t *testing.T) {
	for _, c := range []struct {
		name string
		got  []byte
		hex  string
	}{
		{"ChunkSize", appendChunkSize(nil), "02 000000 000004 01 00000000 00010000"},
		{"Ack", appendAck(nil, 1<<32+7), "02 000000 000004 03 00000000 00000007"},
		{"Window", appendWindow(nil, 2500000), "02 000000 000004 05 00000000 002625a0"},
		{"Bandwidth", appendBandwidth(nil, 2500000), "02 000000 000005 06 00000000 002625a0 02"},
		{"StreamEOF", appendUserControl(nil, eventStreamEOF, 1), "02 000000 000006 04 00000000 0001 00000001"},
		{"BufferLength", appendBufferLength(nil, 1, 3000), "02 000000 00000a 04 00000000 0003 00000001 00000bb8"},
	} {
		if !bytes.Equal(c.got, unhex(t, c.hex)) {
			t.Errorf("%s: %x, want %s", c.name, c.got, c.hex)
		}
	}
	if event, stream, ok := userControl(unhex(t, "0003 00000001 00000bb8")); event != eventBufferLength || stream != 1 || !ok {
		t.Errorf("%d, %d, %t", event, stream, ok)
	}
	if _, _, ok := userControl(unhex(t, "0006 000000")); ok {
		t.Error("an event that is cut is one")
	}
	if v, ok := figure(unhex(t, "002625a0 02")); v != 2500000 || !ok {
		t.Errorf("%d, %t", v, ok)
	}
	if _, ok := figure(unhex(t, "002625")); ok {
		t.Error("a figure that is cut is one")
	}
}

// TestAcks: at least once in the window that a peer has asked for, and bounded both ways.
func TestAcks(t *testing.T) {
	for _, c := range []struct {
		name string
		body string // of the peer's Window Acknowledgement Size; "" for none
		want uint64 // bytes between two
	}{
		{"NotSaid", "", 1 << 19},
		{"Cut", "0003d0", 1 << 19},
		{"Zero", "00000000", 1 << 19},
		{"Usual", "0003d090", 125000},
		{"Long", "ffffffff", 1 << 19},
		{"Short", "00000001", 4 << 10},
	} {
		t.Run(c.name, func(t *testing.T) {
			var a acks
			if c.body != "" {
				a.set(unhex(t, c.body))
			}
			for _, from := range []uint64{0, 1<<32 - 100} {
				a.said = from
				if a.due(from) || a.due(from+c.want-1) {
					t.Error("too early")
				}
				if !a.due(from + c.want) {
					t.Error("too late")
				}
				if a.due(from + c.want) {
					t.Error("twice")
				}
			}
		})
	}
}
