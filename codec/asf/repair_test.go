package asf

import (
	"bytes"
	"fmt"
	"slices"
	"testing"

	"streampump/codec/wire"
)

// lone is a packet with a single payload of n bytes and no packet length; its
// padding length has the type and the value given.
func lone(t LengthType, padding, n int) []byte {
	b := []byte{0x82, 0, 0, uint8(t) << lfPaddingShift, propertyFlags}
	b = append(b, make([]byte, t.Width())...)
	putField(b, 5, t, padding)
	b = append(b, 1, 0, 0, 0, 2, 0, 0x81, 3, 0, 0, 0, 0, 8, 9, 9, 9, 0, 7, 7, 0, 0)
	for i := range n {
		b = append(b, byte(i)|1)
	}
	return append(b, make([]byte, padding)...)
}

// TestInflate goes over every type of padding length and every way in which the
// padding does, just does and does not fit it.
func TestInflate(t *testing.T) {
	const size = 1000
	for padding := None; padding <= DWord; padding++ {
		for _, was := range []int{0, 1, 200} {
			if padding == None && was > 0 {
				continue
			}
			for _, need := range []int{0, 1, 2, 3, 54, 55, 56, 57, 254, 255, 256, 257, 258, 500} {
				t.Run(fmt.Sprintf("type=%d,padding=%d,need=%d", padding, was, need), func(t *testing.T) {
					b := lone(padding, was, size-need-26-padding.Width()-was)
					if len(b) != size-need {
						t.Fatalf("%d bytes", len(b))
					}
					out, err := AppendInflated([]byte("x"), b, size)
					if err != nil || len(out) != 1+size || out[0] != 'x' {
						t.Fatalf("%d bytes, %v", len(out), err)
					}
					if got, want := payloads(t, out[1:], size), payloads(t, b, size); !slices.Equal(got, want) {
						t.Errorf("got  %v\nwant %v", got, want)
					}
					checkRepaired(t, b, size, need > 0 && was != need)
				})
			}
		}
	}
}

// checkRepaired: the repaired packet says the same at its own length and as
// players fill it up, which b itself does not if it wanted repair.
func checkRepaired(t *testing.T, b []byte, size int, want bool) {
	t.Helper()
	out, repaired, err := AppendRepaired(nil, b, size)
	if err != nil || repaired != want {
		t.Fatalf("repaired %t, %v", repaired, err)
	}
	said := payloads(t, b, size)
	if want && slices.Equal(payloads(t, zeroFill(b, size), size), said) {
		t.Error("a packet was repaired that no player misunderstands")
	}
	if !repaired && !bytes.Equal(out, b) {
		t.Error("changed without need")
	}
	if !slices.Equal(payloads(t, out, size), said) || !slices.Equal(payloads(t, zeroFill(out, size), size), said) {
		t.Error("the repaired packet says something else")
	}
	if _, again, err := AppendRepaired(nil, out, size); again || err != nil {
		t.Errorf("repaired twice, %v", err)
	}
}

// cutAt is a packet with multiple payloads that tells the length of the whole
// packet size, of which n bytes are there.
func cutAt(n, size, padding int) []byte {
	b := []byte{0x82, 0, 0, lfMultiple | uint8(Word)<<lfLengthShift | uint8(Word)<<lfPaddingShift, propertyFlags}
	b = wire.AppendU16(b, uint16(size))
	b = wire.AppendU16(b, uint16(padding))
	b = append(b, 1, 0, 0, 0, 2, 0, uint8(Word)<<payloadLengthTypeShift|2)
	b = append(b, 0x81, 3, 0, 0, 0, 0, 0, 3, 0, 'o', 'n', 'e')
	b = append(b, 5, 9, 0, 0, 0, 0, 0, 3, 0, 't', 'w', 'o')
	return append(b, make([]byte, size)...)[:n]
}

// TestRepairCutPadding: a packet that tells a length with padding that was cut
// off gets it back; where more than padding is missing it is none.
func TestRepairCutPadding(t *testing.T) {
	const size = 500
	const fields = 16 + 2*12
	for _, padding := range []int{0, 1, size - fields} {
		for n := fields; n <= size; n++ {
			b := cutAt(n, size, padding)
			out, repaired, err := AppendRepaired(nil, b, size)
			if err != nil || repaired != (n < size) || !bytes.Equal(out, cutAt(size, size, padding)) {
				t.Fatalf("padding %d, %d bytes: %d, %t, %v", padding, n, len(out), repaired, err)
			}
			if got := payloads(t, b, size); !slices.Equal(got, payloads(t, out, size)) || len(got) != 2 {
				t.Fatalf("padding %d, %d bytes: %v", padding, n, got)
			}
			if full, err := AppendInflated(nil, b, size); err != nil || !bytes.Equal(full, out) {
				t.Fatalf("padding %d, %d bytes: %v", padding, n, err)
			}
		}
		if _, _, err := AppendRepaired(nil, cutAt(fields-1, size, padding), size); err == nil {
			t.Errorf("padding %d: half a payload passes", padding)
		}
	}
}

// TestRepairForm: an explicit length where there is room for it, else the
// padding it had.
func TestRepairForm(t *testing.T) {
	for _, c := range []struct {
		need int
		size int
	}{{1, 1000}, {2, 1000}, {3, 999}, {500, 502}} {
		b := lone(None, 0, 1000-c.need-26)
		out, _, err := AppendRepaired(nil, b, 1000)
		if err != nil || len(out) != c.size {
			t.Errorf("short by %d: %d bytes, %v", c.need, len(out), err)
		}
		if p := parsePacket(t, out, 1000); p.Explicit() != (c.need > 1) {
			t.Errorf("short by %d: explicit length %t", c.need, p.Explicit())
		}
	}
}

func TestShiftTimes(t *testing.T) {
	b := handmade(2<<5,
		piece{1, 1, true, 5, false, "K"}, piece{2, 2, false, 300, true, "A"})
	b[7], b[8], b[9], b[10] = 0xF0, 0xFF, 0xFF, 0xFF // send time
	want := bytes.Clone(b)
	if err := ShiftTimes(b, 1000, 0x20); err != nil {
		t.Fatal(err)
	}
	copy(want[7:], []byte{0x10, 0, 0, 0})              // wrapped
	copy(want[14+7+4:], []byte{0x29, 9, 0, 0})         // presentation time of the first
	copy(want[14+18+2:], []byte{300%256 + 0x20, 1, 0}) // the second's is in the offset field
	if !bytes.Equal(b, want) {
		t.Errorf("got  %x\nwant %x", b, want)
	}
	if err := ShiftTimes(b, 1000, ^uint32(0x20-1)); err != nil || names(t, b, 1000) != "K A" {
		t.Error(err)
	}
}
