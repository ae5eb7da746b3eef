package player

import (
	"bytes"
	"encoding/binary"
	"slices"
	"testing"

	"streampump/codec/asf"
)

// record is what a viewer remembers of a body.
func record(t *testing.T, body [][]byte) []Record {
	t.Helper()
	v, err := verify(Options{Records: 1000}, body...)
	if err != nil {
		t.Fatal(err)
	}
	return v.Records()
}

// renumber shifts the LocationIds of a body, as a pump does that pulls.
func renumber(body [][]byte, by uint32) [][]byte {
	out := slices.Clone(body)
	for i := 1; i < len(out); i++ {
		out[i] = bytes.Clone(out[i])
		binary.LittleEndian.PutUint32(out[i][4:], binary.LittleEndian.Uint32(out[i][4:])+by)
	}
	return out
}

func TestCompare(t *testing.T) {
	m := take(t, spec(), 150)
	sent := make([]Record, 0, len(m.packets))
	for i, b := range m.packets {
		r, err := RecordOf(uint32(i), b, m.size)
		if err != nil {
			t.Fatal(err)
		}
		sent = append(sent, r)
	}
	early, late := m.framed(t, m.key(t, 10), 150), m.framed(t, m.key(t, 60), 150)
	a, b := record(t, early), record(t, renumber(late, ^uint32(4)))
	if !a[0].Start || a[1].Start || len(a) != len(early)-1 {
		t.Errorf("%d records of %d packets, the first are %+v", len(a), len(early)-1, a[:2])
	}
	for name, c := range map[string][2][]Record{
		"encoder-and-viewer": {sent, a}, "two-viewers": {a, b}, "the-other-way": {b, a}, "with-itself": {a, a},
	} {
		for _, by := range []By{ByHash, ByContent} {
			n, err := Compare(c[0], c[1], by)
			if want := min(len(c[0]), len(c[1])) - 1; err != nil || n != want {
				t.Errorf("%s: %d equal packets, %v; want %d", name, n, err, want)
			}
		}
	}
	b[20].Hash++
	if _, err := Compare(a, b, ByHash); err == nil {
		t.Error("a packet that differs passes")
	}
	if n, err := Compare(a, b[:1], ByHash); err == nil {
		t.Errorf("%d packets are equal where there is none to compare", n)
	}
}

// TestContentSurvivesOuterFields: what a pump may change in a packet is not in
// Content, and everything else is.
func TestContentSurvivesOuterFields(t *testing.T) {
	s := shapes()["single-stripped"]
	m := take(t, s, 60)
	for i, b := range m.packets {
		inflated, err := asf.AppendInflated(nil, b, m.size)
		if err != nil {
			t.Fatal(err)
		}
		if err := asf.ShiftTimes(inflated, m.size, 12345); err != nil {
			t.Fatal(err)
		}
		r1, err1 := RecordOf(0, b, m.size)
		r2, err2 := RecordOf(0, inflated, m.size)
		if err1 != nil || err2 != nil || r1.Content != r2.Content || r1.Hash == r2.Hash {
			t.Errorf("packet %d: %+v and %+v", i, r1, r2)
		}
		changed := bytes.Clone(b)
		changed[len(changed)-1] ^= 1
		if r3, err := RecordOf(0, changed, m.size); err != nil || r3.Content == r1.Content {
			t.Errorf("packet %d with another byte has the same content (%v)", i, err)
		}
	}
}
