package payload

import (
	"bytes"
	"testing"
	"time"
)

func TestFilled(t *testing.T) {
	id := ID{Run: 0xCAFE, Track: 1, Number: 1 << 20}
	b := Fill([]byte{1, 2}, id, 100)
	if len(b) != 100 || !bytes.HasPrefix(b, []byte{1, 2}) || bytes.IndexByte(b, 0) >= 0 {
		t.Errorf("% x", b)
	}
	if got, err := Read(b); err != nil || got != id {
		t.Errorf("%+v, %v", got, err)
	}
	for _, other := range []ID{{0xCAFD, 1, 1 << 20}, {0xCAFE, 0, 1 << 20}, {0xCAFE, 1, 1<<20 + 1}} {
		if bytes.Equal(Fill([]byte{1, 2}, other, 100)[:80], b[:80]) {
			t.Errorf("%+v is filled as %+v", other, id)
		}
	}
	for _, b := range [][]byte{b[:99], b[90:], nil} {
		if id, err := Read(b); err == nil {
			t.Errorf("% x is %+v", b, id)
		}
	}
}

// A run says itself when it began, also where its name wraps.
func TestBegan(t *testing.T) {
	for _, now := range []uint64{1_234_567_891, 1<<32*1_000_000 - 500_000} {
		run, at := Begin(now)
		if at <= now || at-now > uint64(time.Millisecond) {
			t.Errorf("at %d a run begins at %d", now, at)
		}
		if began := Began(run, at+3_000_000_000); began != at {
			t.Errorf("a run that began at %d began at %d", at, began)
		}
	}
}

func TestRuns(t *testing.T) {
	type source struct {
		run  uint32
		name string
	}
	r := NewRuns([]source{{1, "a"}, {2, "b"}}, func(s *source) *uint32 { return &s.run })
	if s := r.Of(2, false); s == nil || s.name != "b" || r.Of(3, false) != nil {
		t.Errorf("%+v", s)
	}
	n := 0
	r.All(func(*source) bool { n++; return n < 1 })
	if s := r.Of(3, true); s == nil || *s != (source{3, "a"}) || r.Of(3, false) != s || r.Of(1, false) != nil || n != 1 {
		t.Errorf("%+v, %d", s, n)
	}
}
