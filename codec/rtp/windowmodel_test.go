package rtp

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

// windowModel says the same as a [Window], by sorting all that waits each time.
type windowModel struct {
	size    func(seq uint16) int
	started bool
	next    uint16
	stray   []uint16
	waiting []modelPacket
	passed  []uint16
	got     []string
}

type modelPacket struct {
	seq uint16
	at  time.Duration
}

func (m *windowModel) push(seq uint16, at time.Duration) Arrival {
	defer m.drain(at)
	ahead := seq - m.next
	if !m.started {
		m.started = true
		m.pass(seq, 0, false)
		return InOrder
	}
	if ahead >= 3000 && ahead < 65280 {
		if len(m.stray) == 1 && m.stray[0]+1 == seq {
			m.flush()
			m.stray, m.passed = nil, nil
			m.pass(seq-1, 0, true)
			m.pass(seq, 0, false)
			return Waits
		}
		m.stray = []uint16{seq}
		return Stray
	}
	m.stray = nil
	is := func(p modelPacket) bool { return p.seq == seq }
	switch {
	case ahead == 0:
		m.pass(seq, 0, false)
		return InOrder
	case slices.ContainsFunc(m.waiting, is) || ahead >= 65280 && slices.Contains(m.passed, seq):
		return Duplicate
	case ahead < 256:
		m.waiting = append(m.waiting, modelPacket{seq, at})
		return Waits
	case ahead < 3000:
		m.flush()
		m.pass(seq, int(seq-m.next), false)
		return Waits
	default:
		return Late
	}
}

// pass passes on a packet and forgets those that nobody asks for any more.
func (m *windowModel) pass(seq uint16, lost int, restarted bool) {
	m.got = append(m.got, passedText(seq, lost, restarted))
	m.next = seq + 1
	m.passed = append(m.passed, seq)
	m.passed = slices.DeleteFunc(m.passed, func(s uint16) bool { return m.next-s > 256 })
}

// first takes the first packet that waits.
func (m *windowModel) first() {
	slices.SortFunc(m.waiting, func(a, b modelPacket) int { return int(a.seq-m.next) - int(b.seq-m.next) })
	seq := m.waiting[0].seq
	m.waiting = m.waiting[1:]
	m.pass(seq, int(seq-m.next), false)
}

func (m *windowModel) flush() {
	for len(m.waiting) > 0 {
		m.first()
	}
}

func (m *windowModel) drain(now time.Duration) {
	for len(m.waiting) > 0 {
		oldest, bytes, next := now, 0, false
		for _, p := range m.waiting {
			oldest, next = min(oldest, p.at), next || p.seq == m.next
			bytes += 2 + m.size(p.seq)
		}
		if !next && now-oldest < WindowDelay && bytes <= WindowBytes {
			return
		}
		m.first()
	}
}

// against runs operations on both. Each is three bytes: what, and how much.
func against(t *testing.T, extra int, ops []byte) (f feeder) {
	f = feeder{t: t, w: NewWindow(), extra: extra}
	m := windowModel{size: f.size}
	at := uint16(65500)
	for i := 0; i+2 < len(ops); i += 3 {
		n := uint16(ops[i+1])<<8 | uint16(ops[i+2])
		seq := at
		switch ops[i] % 8 {
		case 0, 1, 2: // the next one
			at++
		case 3: // some are left out
			at += n%8 + 1
			seq = at
		case 4: // one near by
			seq = at - 40 + n%64
		case 5: // one around the window's edges
			seq = m.next + []uint16{254, 255, 256, 257, 2999, 3000, 65279, 65280, 65281, 65535}[n%10]
		case 6: // from anywhere on
			at = n
			seq = n
			at++
		case 7:
			f.at += time.Duration(n%120) * time.Millisecond
			f.pop()
			m.drain(f.at)
			continue
		}
		if got, want := f.push(seq), m.push(seq, f.at); got != want {
			t.Fatalf("operation %d, packet %d: %d, want %d", i/3, seq, got, want)
		}
		if !slices.Equal(f.got, m.got) {
			t.Fatalf("operation %d, packet %d: came %v, want %v", i/3, seq, f.got, m.got)
		}
		f.got, m.got = f.got[:0], m.got[:0]
		checkDue(t, &f, &m)
	}
	return f
}

// checkDue: nothing that waits is forgotten.
func checkDue(t *testing.T, f *feeder, m *windowModel) {
	t.Helper()
	when, ok := f.w.Due()
	if ok != (len(m.waiting) > 0) {
		t.Fatalf("due %t with %d waiting", ok, len(m.waiting))
	}
	for _, p := range m.waiting {
		if start.Add(p.at + WindowDelay).Before(when) {
			t.Fatalf("due at %v, but %d is so earlier", when.Sub(start), p.seq)
		}
	}
}

func TestWindowAgainstModel(t *testing.T) {
	for seed := range uint64(30) {
		r := rand.New(rand.NewPCG(seed, 2))
		ops := make([]byte, 3*500)
		for i := range ops {
			ops[i] = byte(r.Uint32())
		}
		for i := 0; i < len(ops); i += 3 {
			if ops[i]%8 == 6 && r.IntN(10) > 0 { // a restart is rare
				ops[i] = 4
			}
		}
		against(t, []int{0, 0, 60000}[seed%3], ops)
	}
}

// FuzzWindow: any packets at any time come as the model says.
func FuzzWindow(f *testing.F) {
	f.Add(false, []byte("\x00\x00\x00\x03\x00\x02\x04\x00\x27\x07\x00\x64\x00\x00\x00"))
	f.Add(true, []byte("\x05\x00\x00\x05\x00\x01\x05\x00\x02\x05\x00\x04\x05\x00\x05\x05\x00\x07\x05\x00\x08"))
	f.Add(true, []byte("\x00\x00\x00\x03\x00\x07\x06\x40\x00\x00\x00\x00\x00\x00\x00\x07\x00\x77"))
	f.Fuzz(func(t *testing.T, large bool, ops []byte) {
		extra := 0
		if large {
			extra = 60000
		}
		against(t, extra, ops[:min(len(ops), 3*400)])
	})
}
