package player

import (
	"bytes"
	"errors"
	"testing"

	"streampump/codec/asf"
)

// clip is a file of pictures alone, cut where a key frame would follow, so that its
// last object is whole.
func clip(t *testing.T) *sample {
	t.Helper()
	s := spec()
	s.Streams, s.Multiple, s.Padding = s.Streams[:1], false, asf.Word
	m := take(t, s, 300)
	m.packets = m.packets[:m.key(t, 150)]
	return m
}

// rounds is the body of a viewer of a file: rounds from packet to packet, one behind
// the other in one row of LocationIds and on one line of time.
func (m *sample) rounds(t *testing.T, rounds ...[2]int) [][]byte {
	t.Helper()
	body := [][]byte{mms('H', 0, 0x0C, m.header)}
	for i, r := range rounds {
		for _, b := range m.packets[r[0]:r[1]] {
			b = bytes.Clone(b)
			if err := asf.ShiftTimes(b, m.size, uint32(i)*60_000); err != nil {
				t.Fatal(err)
			}
			body = append(body, mms('D', uint32(len(body)-1), 0, b))
		}
	}
	return body
}

func always() bool            { return true }
func unchecked(*Object) error { return nil }
func fileOptions(plain bool) Options {
	return Options{Plain: plain, Rounds: always, Object: unchecked}
}

// A looping file begins again at its end: that is neither a fault nor a gap. Anything
// else is one, as ever.
func TestRoundsOfAFile(t *testing.T) {
	m := clip(t)
	n, second := len(m.packets), m.key(t, 1)
	third := m.key(t, second+1)
	inside := 1
	for p := new(dataPacket); p.parse(m.packets[inside], m.size) != nil || p.payloads[0].begins(); {
		inside++
	}
	for name, c := range map[string]struct {
		rounds [][2]int
		want   int // -1: broken
	}{
		"whole":                  {[][2]int{{0, n}, {0, n}, {0, n}}, 2},
		"joined-inside":          {[][2]int{{second, n}, {0, n}, {0, n}}, 2},
		"lost-to-a-delta-frame":  {[][2]int{{0, n}, {0, n}, {1, n}}, -1},
		"lost-the-beginning":     {[][2]int{{0, n}, {0, n}, {second, n}}, -1},
		"lost-a-group-of-frames": {[][2]int{{0, n}, {0, second}, {third, n}}, -1},
		"cut-inside-an-object":   {[][2]int{{0, inside}, {0, n}}, -1},
		"lost-a-packet":          {[][2]int{{0, 20}, {21, n}}, -1},
		"doubled-a-packet":       {[][2]int{{0, 20}, {19, n}}, -1},
	} {
		t.Run(name, func(t *testing.T) {
			v, err := verify(fileOptions(false), m.rounds(t, c.rounds...)...)
			var f *Fault
			switch {
			case c.want < 0 && (!errors.As(err, &f) || f.Rule != RuleObject):
				t.Errorf("found %v, %+v", err, v.Counts())
			case c.want >= 0 && (err != nil || v.Counts().Rounds != c.want || v.Counts().Gaps+v.Counts().Cut != 0):
				t.Errorf("%v, %+v", err, v.Counts())
			}
		})
	}
	if _, err := verify(Options{Object: unchecked}, m.rounds(t, [2]int{0, n}, [2]int{0, n})...); err == nil {
		t.Error("a round passes where there are none")
	}
}

// A viewer without numbers sees a round too, and no gap.
func TestRoundsOfAFileAsRawASF(t *testing.T) {
	m := clip(t)
	n := len(m.packets)
	body := bytes.Clone(m.header)
	for _, b := range m.rounds(t, [2]int{0, n}, [2]int{0, n})[1:] {
		var err error
		if body, err = asf.AppendInflated(body, b[12:], m.size); err != nil {
			t.Fatal(err)
		}
	}
	v, err := verify(fileOptions(true), body)
	if c := v.Counts(); err != nil || c.Rounds != 1 || c.Gaps != 0 {
		t.Errorf("%v, %+v", err, c)
	}
}

// That a stream may be a file hides nothing: what is found is found all the same, but
// for the bytes, which nobody knows then.
func TestSabotageOfAFile(t *testing.T) {
	m := take(t, spec(), 400)
	for _, s := range sabotages {
		if s.rule == RuleBytes {
			continue
		}
		t.Run(s.name, func(t *testing.T) {
			_, err := verify(fileOptions(false), s.do(t, m, m.framed(t, m.key(t, 20), len(m.packets)))...)
			var f *Fault
			if !errors.As(err, &f) || f.Rule != s.rule {
				t.Errorf("found %v, want a broken rule %s", err, s.rule)
			}
		})
	}
}

// The synthetic encoder says in each object where it belongs, so it has no rounds.
func TestRoundsAreAskedFor(t *testing.T) {
	m := clip(t)
	asked := false
	o := fileOptions(false)
	o.Rounds = func() bool { asked = true; return false }
	if _, err := verify(o, m.rounds(t, [2]int{0, len(m.packets)}, [2]int{0, 9})...); err == nil || !asked {
		t.Errorf("%v, asked %v", err, asked)
	}
}
