package ring

import "unsafe"

// The pool's counters lie on multiples of eight bytes, or a 32-bit machine panics
// at the first packet. That is so by chance on a 64-bit one, and elsewhere it is
// the compiler, or "GOARCH=386 go vet", that finds a negative number here.
var layout Buffers

const (
	_ = 0 - unsafe.Offsetof(layout.segments)%8
	_ = 0 - unsafe.Sizeof(layout.segments)%8
)

// What the budget counts for a slot and for a form is no less than it takes.
const (
	_ = slotCost - unsafe.Sizeof(Slot{}) - unsafe.Sizeof(resting{})
	_ = formCost - unsafe.Sizeof(form{})
	_ = segmentCost - unsafe.Sizeof(segment{})
	_ = ringCost - unsafe.Sizeof(Ring{})
)
