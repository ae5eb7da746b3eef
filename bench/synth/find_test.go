package synth

import (
	"bytes"
	"math/rand/v2"
	"testing"
)

// TestFindMark: every mark of bare objects and pictures is found, wherever the
// bytes are cut, and nothing else.
func TestFindMark(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	var all []byte
	var want []Mark
	for i := range uint32(200) {
		m := Mark{Stream: 1, Sequence: i, Stamp: uint64(i) * 40, Carrier: Carrier(i % 2)}
		all = append(all, "noise SPMO SPM \xFF\xD8\xFF\xFE\x00\x1ESPMO"...)
		all = AppendObject(all, m, 300+r.IntN(300))
		want = append(want, m)
	}
	var got []Mark
	var held []byte
	for rest := all; len(rest) > 0; {
		n := min(1+r.IntN(100), len(rest))
		held, rest = append(held, rest[:n]...), rest[n:]
		for {
			m, from, ok := FindMark(held)
			held = held[from:]
			if !ok {
				break
			}
			got = append(got, m)
		}
		if len(held) > 100 {
			t.Fatalf("%d bytes are held", len(held))
		}
	}
	if len(got) != len(want) {
		t.Fatalf("%d marks, want %d", len(got), len(want))
	}
	for i := range want {
		if got[i] != want[i] {
			t.Fatalf("mark %d is %+v, want %+v", i, got[i], want[i])
		}
	}
	if m, _, ok := FindMark(bytes.Repeat(magic, 100)); ok {
		t.Errorf("%+v", m)
	}
}
