package rtp

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

// start is when windows of tests begin.
var start = time.Unix(1_800_000_000, 0)

// numbered is a packet that tells its number and which copy it is.
func numbered(seq uint16, size int) []byte {
	return append(binary.BigEndian.AppendUint16(nil, seq), bytes.Repeat([]byte{byte(seq)}, size)...)
}

// feeder gives packets to a window and writes down what comes: the number, with "+" and
// how many were lost before it, or "!" if the sender counts anew.
type feeder struct {
	t     testing.TB
	w     *Window
	extra int // bytes of each packet
	at    time.Duration
	got   []string
}

func (f *feeder) push(seq uint16) Arrival {
	f.t.Helper()
	b := numbered(seq, f.size(seq))
	a := f.w.Push(seq, b, start.Add(f.at))
	if a == InOrder {
		f.note(Passed{Data: b})
	}
	clear(b) // nothing of it is kept
	f.pop()
	return a
}

func (f *feeder) pop() {
	f.t.Helper()
	for p, ok := f.w.Pop(start.Add(f.at)); ok; p, ok = f.w.Pop(start.Add(f.at)) {
		f.note(p)
	}
}

func (f *feeder) note(p Passed) {
	f.t.Helper()
	seq := binary.BigEndian.Uint16(p.Data)
	if !bytes.Equal(p.Data, numbered(seq, f.size(seq))) {
		f.t.Errorf("packet %d is %x", seq, p.Data)
	}
	f.got = append(f.got, passedText(seq, p.Lost, p.Restarted))
}

func (f *feeder) size(seq uint16) int { return f.extra + int(seq%7) }

func passedText(seq uint16, lost int, restarted bool) string {
	s := fmt.Sprint(seq)
	if lost > 0 {
		s += fmt.Sprintf("+%d", lost)
	}
	if restarted {
		s += "!"
	}
	return s
}

func TestWindow(t *testing.T) {
	type push struct {
		at   int // milliseconds
		seq  uint16
		want Arrival
	}
	for _, c := range []struct {
		name   string
		pushes []push
		want   []string
		then   []string // 100 ms after the last
	}{
		{"InOrder", []push{{0, 7, InOrder}, {1, 8, InOrder}, {2, 9, InOrder}}, []string{"7", "8", "9"}, nil},
		{"Swapped", []push{{0, 7, InOrder}, {1, 9, Waits}, {2, 8, InOrder}}, []string{"7", "8", "9"}, nil},
		{"Wrap", []push{{0, 65534, InOrder}, {1, 0, Waits}, {2, 1, Waits}, {3, 65535, InOrder}}, []string{"65534", "65535", "0", "1"}, nil},
		{"Twice", []push{{0, 7, InOrder}, {1, 7, Duplicate}, {2, 9, Waits}, {3, 9, Duplicate}, {4, 8, InOrder}, {5, 8, Duplicate}},
			[]string{"7", "8", "9"}, nil},
		{"Lost", []push{{0, 7, InOrder}, {10, 9, Waits}, {109, 10, Waits}}, []string{"7"}, []string{"9+1", "10"}},
		{"LostInTime", []push{{0, 7, InOrder}, {10, 9, Waits}, {110, 10, Waits}}, []string{"7", "9+1", "10"}, nil},
		{"Late", []push{{0, 7, InOrder}, {10, 9, Waits}, {110, 10, Waits}, {111, 8, Late}, {112, 6, Late}}, []string{"7", "9+1", "10"}, nil},
		// What waits longest decides, also for what came later and belongs before it.
		{"TwoGaps", []push{{0, 1, InOrder}, {10, 5, Waits}, {60, 3, Waits}, {110, 7, Waits}}, []string{"1", "3+1", "5+1"}, []string{"7+1"}},
		{"GapBehindGap", []push{{0, 1, InOrder}, {10, 3, Waits}, {60, 5, Waits}, {110, 7, Waits}}, []string{"1", "3+1"}, []string{"5+1", "7+1"}},
		{"Edge", []push{{0, 1, InOrder}, {1, 2 + 255, Waits}}, []string{"1"}, []string{"257+255"}},
		{"TooFar", []push{{0, 1, InOrder}, {1, 3, Waits}, {2, 2 + 256, Waits}, {3, 4, Late}, {4, 3, Duplicate}, {5, 2, Stray}, {6, 259, InOrder}}, []string{"1", "3+1", "258+254", "259"}, nil},
		{"Farthest", []push{{0, 1, InOrder}, {1, 2 + 2999, Waits}}, []string{"1", "3001+2999"}, nil},
		{"Stray", []push{{0, 1, InOrder}, {1, 2 + 3000, Stray}, {2, 2, InOrder}, {3, 3003, Stray}, {4, 3, InOrder}}, []string{"1", "2", "3"}, nil},
		{"Restart", []push{{0, 1, InOrder}, {1, 3, Waits}, {2, 40000, Stray}, {3, 40001, Waits}, {4, 40002, InOrder}, {5, 4, Stray}},
			[]string{"1", "3+1", "40000!", "40001", "40002"}, nil},
		{"RestartBehind", []push{{0, 1000, InOrder}, {1, 743, Stray}, {2, 744, Waits}, {3, 745, InOrder}}, []string{"1000", "743!", "744", "745"}, nil},
		{"NotBehind", []push{{0, 1000, InOrder}, {1, 745, Late}, {2, 744, Stray}, {3, 743, Stray}}, []string{"1000"}, nil},
		{"StraysOfManyPlaces", []push{{0, 1, InOrder}, {1, 20000, Stray}, {2, 30000, Stray}, {3, 20001, Stray}, {4, 20002, Waits}},
			[]string{"1", "20001!", "20002"}, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := feeder{t: t, w: NewWindow()}
			for i, p := range c.pushes {
				f.at = time.Duration(p.at) * time.Millisecond
				if a := f.push(p.seq); a != p.want {
					t.Errorf("push %d of %d: %d, want %d", i, p.seq, a, p.want)
				}
			}
			if !slices.Equal(f.got, c.want) {
				t.Errorf("came %v, want %v", f.got, c.want)
			}
			f.got = nil
			f.at += WindowDelay
			f.pop()
			if !slices.Equal(f.got, c.then) {
				t.Errorf("then came %v, want %v", f.got, c.then)
			}
		})
	}
}

func TestWindowDue(t *testing.T) {
	f := feeder{t: t, w: NewWindow()}
	due := func(want time.Duration) {
		t.Helper()
		if when, ok := f.w.Due(); ok != (want != 0) || ok && !when.Equal(start.Add(want)) {
			t.Errorf("due %v, %t, want %v", when.Sub(start), ok, want)
		}
	}
	due(0)
	f.push(1)
	due(0)
	f.at = 10 * time.Millisecond
	f.push(5)
	f.at = 30 * time.Millisecond
	f.push(3)
	due(110 * time.Millisecond)
	f.at = 50 * time.Millisecond
	f.push(7)
	f.at = 110*time.Millisecond - 1
	f.pop()
	due(110 * time.Millisecond)
	f.at++
	f.pop() // 3 and 5
	due(150 * time.Millisecond)
	f.push(6)
	due(0)
}

// TestWindowRefuses: who does not ask Pop loses packets, and nothing else.
func TestWindowRefuses(t *testing.T) {
	w := NewWindow()
	for i, want := range []Arrival{InOrder, Waits, Refused} {
		if a := w.Push([]uint16{1, 1000, 2}[i], numbered(1, 1), start); a != want {
			t.Errorf("push %d: %d, want %d", i, a, want)
		}
	}
	if p, ok := w.Pop(start); !ok || p.Lost != 998 {
		t.Errorf("%+v, %t", p, ok)
	}
	if _, ok := w.Pop(start); ok {
		t.Error("there is another")
	}
	if a := w.Push(1001, numbered(1001, 1), start); a != InOrder {
		t.Errorf("%d", a)
	}
}

// TestWindowSorts: whatever is not late comes, in order, across the wrap.
func TestWindowSorts(t *testing.T) {
	type packet struct {
		seq uint16
		at  time.Duration
	}
	for seed := range uint64(20) {
		r := rand.New(rand.NewPCG(seed, 1))
		var packets []packet
		for i := range 2000 {
			sent := time.Duration(i) * time.Millisecond
			packets = append(packets, packet{uint16(64000 + i), sent + time.Duration(r.IntN(99))*time.Millisecond})
		}
		packets[0].at = 0
		slices.SortStableFunc(packets, func(a, b packet) int { return cmp.Compare(a.at, b.at) })
		f := feeder{t: t, w: NewWindow()}
		for _, p := range packets {
			f.at = p.at
			f.push(p.seq)
		}
		if len(f.got) != 2000 {
			t.Fatalf("seed %d: %d packets", seed, len(f.got))
		}
		for i, got := range f.got {
			if got != fmt.Sprint(uint16(64000+i)) {
				t.Fatalf("seed %d: packet %d is %s", seed, i, got)
			}
		}
	}
}

// TestWindowIsBounded: packets of the largest size are given up earlier, and buffers of
// that size do not stay.
func TestWindowIsBounded(t *testing.T) {
	w := NewWindow()
	big := make([]byte, 65000)
	w.Push(0, big, start)
	for seq := uint16(2); seq < 5000; seq += 2 { // every other is lost
		w.Push(seq, big, start)
		for _, ok := w.Pop(start); ok; _, ok = w.Pop(start) {
		}
		if w.bytes > WindowBytes || w.capacity > WindowBytes+WindowPackets*windowBuffer+len(big) {
			t.Fatalf("%d bytes in %d wait", w.bytes, w.capacity)
		}
	}
	if w.count < 10 {
		t.Errorf("%d packets wait: the test shows nothing", w.count)
	}
	later := start.Add(time.Second)
	for _, ok := w.Pop(later); ok; _, ok = w.Pop(later) {
	}
	kept := 0
	for _, b := range append(w.free, w.out) {
		kept += cap(b)
	}
	if w.count != 0 || w.bytes != 0 || kept != w.capacity || w.capacity > WindowBytes+len(big)+windowBuffer {
		t.Errorf("%d packets, %d bytes left, %d bytes of buffers, counted as %d", w.count, w.bytes, kept, w.capacity)
	}
}

// TestWindowNoAllocations: once it has buffers for what waits.
func TestWindowNoAllocations(t *testing.T) {
	w := NewWindow()
	b := make([]byte, 1400)
	now, seq := start, uint16(0)
	passed := 0
	group := func() {
		// One is lost of each eight, the others come in pairs that are swapped.
		for _, d := range []uint16{1, 0, 3, 2, 6, 5, 7} {
			now = now.Add(5 * time.Millisecond)
			if w.Push(seq+d, b, now) == InOrder {
				passed++
			}
			for _, ok := w.Pop(now); ok; _, ok = w.Pop(now) {
				passed++
			}
		}
		seq += 8
	}
	for range 100 {
		group()
	}
	passed = 0
	if n := testing.AllocsPerRun(100, group); n != 0 {
		t.Errorf("%v allocations", n)
	}
	if passed < 7*100 {
		t.Errorf("%d packets", passed)
	}
}

func BenchmarkWindow(b *testing.B) {
	packet := make([]byte, 1400)
	for _, c := range []struct {
		name  string
		order []uint16
	}{{"in_order", []uint16{0, 1, 2, 3}}, {"swapped", []uint16{1, 0, 3, 2}}} {
		b.Run(c.name, func(b *testing.B) {
			w := NewWindow()
			w.Push(65535, packet, start)
			for i := 0; b.Loop(); i++ {
				w.Push(uint16(i)&^3+c.order[i&3], packet, start)
				for _, ok := w.Pop(start); ok; _, ok = w.Pop(start) {
				}
			}
		})
	}
}
