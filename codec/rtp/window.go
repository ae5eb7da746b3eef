package rtp

import "time"

// Limits of a [Window].
const (
	// WindowDelay is how long a packet waits for those before it. Players wait as long.
	WindowDelay = 100 * time.Millisecond
	// WindowPackets is how far ahead of the next packet one may be to wait for it.
	WindowPackets = 256
	// WindowBytes is how many bytes of packets wait before the oldest gap is given up.
	WindowBytes = 1 << 20
)

const (
	// maxDropout is from where on packets that are missing are none, but the sender
	// counts anew (RFC 3550 A.1, whose figure it is).
	maxDropout = 3000
	// windowBuffer is what the sizes of buffers are multiples of, in bytes.
	windowBuffer = 2048
)

// Arrival is what became of a packet that was given to a [Window].
type Arrival uint8

// What becomes of packets. All but the first two are left out.
const (
	InOrder   Arrival = iota // it is the next one and is not kept: it goes on first
	Waits                    // it is kept, and comes from Pop
	Duplicate                // it is here, or was passed on before
	Late                     // its place in the order is past
	Stray                    // its number is far from all others; if the next follows it, both come from Pop
	Refused                  // Pop was not asked to the end before
)

// Passed is a packet that a [Window] passes on.
type Passed struct {
	// Data is the packet. It is overwritten by the next Push or Pop.
	Data []byte
	// Lost is how many packets before it did not come.
	Lost int
	// Restarted says that the sender counts anew from this one on, so that nobody knows
	// what is missing.
	Restarted bool
}

// A Window puts packets that come by datagrams into the order of their sequence numbers,
// which wrap. A packet waits until those before it have come, but no longer than
// [WindowDelay], and no more wait than [WindowPackets] and [WindowBytes] say; then what is
// missing is lost. Packets are copied only if they have to wait.
//
// After each Push, and at the time that Due says, the caller asks Pop until there is
// nothing. A Window is used by one goroutine at a time, and after its buffers have
// grown it does not allocate.
type Window struct {
	next    uint16 // the number of the packet that is passed on next
	started bool
	begun   time.Time // the time from which others count

	slots  [WindowPackets]waiting // by number
	passed [WindowPackets]uint16  // by number, those passed on last
	count  int                    // of waiting
	bytes  int                    // of waiting
	oldest time.Duration          // arrival of the one that waits longest
	stale  bool                   // oldest has to be looked for

	// aside is a packet too far away for the slots, or a stray one and its successor.
	aside     [2]waiting
	asides    int
	ready     bool // they follow when nothing else waits
	restarted bool // with them the sender counts anew

	out      []byte   // what was passed on last
	free     [][]byte // buffers without a packet
	capacity int      // of all buffers
}

type waiting struct {
	data []byte // nil if there is none
	at   time.Duration
	seq  uint16
}

// NewWindow is a window whose first packet may have any number.
func NewWindow() *Window { return &Window{} }

// Push takes the packet b with the given sequence number, which arrives now; now must not
// go back. b may be reused after the call.
func (w *Window) Push(seq uint16, b []byte, now time.Time) Arrival {
	w.recycle()
	if !w.started {
		w.begin(seq)
		w.begun = now
		w.pass()
		return InOrder
	}
	at := now.Sub(w.begun)
	ahead := seq - w.next
	switch {
	case w.ready:
		return Refused
	case ahead >= maxDropout && ahead < 1<<16-WindowPackets:
		return w.stray(seq, b, at)
	}
	w.dropAsides() // a stray packet was one
	switch {
	case ahead == 0:
		w.pass()
		return InOrder
	case ahead < WindowPackets:
		return w.wait(seq, b, at)
	case ahead < maxDropout:
		w.putAside(seq, b, at)
		w.ready = true
		return Waits
	case w.passed[seq%WindowPackets] == seq:
		return Duplicate
	default:
		return Late
	}
}

// begin makes seq the next number, of a sender that counts from there.
func (w *Window) begin(seq uint16) {
	w.started, w.next = true, seq
	for i := range w.passed {
		w.passed[i] = uint16(i) + 1 // a number that never stands there
	}
}

// pass counts the next packet as passed on.
func (w *Window) pass() {
	w.passed[w.next%WindowPackets] = w.next
	w.next++
}

// wait keeps a packet that is not the next.
func (w *Window) wait(seq uint16, b []byte, at time.Duration) Arrival {
	s := &w.slots[seq%WindowPackets]
	if s.data != nil {
		return Duplicate
	}
	*s = waiting{w.copied(b), at, seq}
	if w.count == 0 {
		w.oldest, w.stale = at, false
	}
	w.count++
	w.bytes += len(b)
	return Waits
}

// stray keeps a packet that belongs to another sequence, if there is one: two in a row
// prove it (RFC 3550 A.1).
func (w *Window) stray(seq uint16, b []byte, at time.Duration) Arrival {
	if w.asides == 1 && seq == w.aside[0].seq+1 {
		w.putAside(seq, b, at)
		w.ready, w.restarted = true, true
		return Waits
	}
	w.dropAsides()
	w.putAside(seq, b, at)
	return Stray
}

func (w *Window) putAside(seq uint16, b []byte, at time.Duration) {
	w.aside[w.asides] = waiting{w.copied(b), at, seq}
	w.asides++
}

func (w *Window) dropAsides() {
	for i := range w.asides {
		w.giveBack(w.aside[i].data)
		w.aside[i] = waiting{}
	}
	w.asides = 0
}

// Pop passes the next packet on; ok is false if there is none that may go yet.
func (w *Window) Pop(now time.Time) (p Passed, ok bool) {
	w.recycle()
	switch {
	case w.count > 0 && w.mayGo(now):
		return w.popWaiting(), true
	case w.count == 0 && w.ready:
		return w.popAside(), true
	default:
		return Passed{}, false
	}
}

// mayGo reports whether the first packet that waits goes on, with or without those
// before it.
func (w *Window) mayGo(now time.Time) bool {
	return w.slots[w.next%WindowPackets].data != nil || w.ready || w.bytes > WindowBytes ||
		now.Sub(w.begun)-w.longest() >= WindowDelay
}

// popWaiting passes on the first packet that waits; there is one.
func (w *Window) popWaiting() (p Passed) {
	for w.slots[w.next%WindowPackets].data == nil {
		w.next++
		p.Lost++
	}
	s := &w.slots[w.next%WindowPackets]
	p.Data, w.out = s.data, s.data
	w.count--
	w.bytes -= len(s.data)
	w.stale = w.stale || s.at == w.oldest
	*s = waiting{}
	w.pass()
	return p
}

// popAside passes on the first packet that was put aside; nothing else waits.
func (w *Window) popAside() (p Passed) {
	a := w.aside[0]
	w.aside[0], w.aside[1] = w.aside[1], waiting{}
	w.asides--
	w.ready = w.asides > 0
	if p.Restarted = w.restarted; p.Restarted {
		w.restarted = false
		w.begin(a.seq)
	}
	p.Lost = int(a.seq - w.next)
	p.Data, w.out = a.data, a.data
	w.next = a.seq
	w.pass()
	return p
}

// Due is when Pop passes on a packet that waits now, whatever comes; ok is false if none
// waits.
func (w *Window) Due() (when time.Time, ok bool) {
	if w.count == 0 {
		return time.Time{}, false
	}
	return w.begun.Add(w.longest() + WindowDelay), true
}

// longest is when the packet arrived that waits longest; there is one.
func (w *Window) longest() time.Duration {
	if !w.stale {
		return w.oldest
	}
	w.stale = false
	first := true
	for i := range w.slots {
		if s := &w.slots[i]; s.data != nil && (first || s.at < w.oldest) {
			w.oldest, first = s.at, false
		}
	}
	return w.oldest
}

// copied is b in a buffer of the window's.
func (w *Window) copied(b []byte) []byte {
	var buffer []byte
	if last := len(w.free) - 1; last >= 0 {
		buffer, w.free = w.free[last], w.free[:last]
	}
	if cap(buffer) < len(b) || buffer == nil {
		w.capacity -= cap(buffer)
		size := max(len(b)+windowBuffer-1, windowBuffer) / windowBuffer * windowBuffer
		buffer = make([]byte, 0, size)
		w.capacity += size
	}
	return append(buffer[:0], b...)
}

// recycle takes back what was passed on last.
func (w *Window) recycle() {
	if w.out != nil {
		w.giveBack(w.out)
		w.out = nil
	}
}

// giveBack keeps a buffer for another packet, unless there is enough of them.
func (w *Window) giveBack(buffer []byte) {
	if w.capacity > WindowBytes {
		w.capacity -= cap(buffer)
		return
	}
	w.free = append(w.free, buffer)
}
