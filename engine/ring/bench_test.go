package ring

import (
	"math"
	"testing"
)

// benchPacket is a packet's size in the benchmarks, and benchKept how many the
// ring holds: ten seconds of 1 Mbit/s.
const (
	benchPacket = 1400
	benchKept   = 890
	benchGOP    = 178 // packets from one key start to the next: two seconds
)

// benchRing is a ring that is full, with packets one nanosecond apart, and what
// appends one more. Of each of the first few units, which have so many packets, the last
// one is pinned, as by a stalled reader: it is the dearest to find.
func benchRing(loops, pinned, unit int) (r *Ring, step func()) {
	r = NewMemory(1<<30, 0, nil, NewEpochs(loops), new(Buffers)).NewRing(benchKept, variantOf, 0)
	packet := make([]byte, benchPacket)
	at := int64(0)
	step = func() {
		r.Append(append(r.Room(len(packet)), packet...), at, Mark{Key: at%benchGOP == 0, Start: at%int64(unit) == 0})
		at++
	}
	for i := range 3*benchKept + pinned*unit {
		step()
		if i < pinned*unit && i%unit == unit-1 {
			r.At(uint64(i)).Pin()
		}
	}
	return r, step
}

// BenchmarkAppend takes a packet in, its copy included, and evicts the oldest.
func BenchmarkAppend(b *testing.B) {
	for _, c := range []struct {
		name         string
		pinned, unit int
	}{{"beside_250_stalled", 250, 1}, {"beside_250_stalled_in_units", 250, 20}, {"plain", 0, 1}, {"units", 0, 20}} {
		b.Run(c.name, func(b *testing.B) {
			r, step := benchRing(1, c.pinned, c.unit)
			for b.Loop() {
				step()
			}
			if r.Limbo() < c.pinned {
				b.Fatalf("%d slots in limbo, %d were pinned", r.Limbo(), c.pinned)
			}
		})
	}
}

// BenchmarkDerive makes one packet's other form, which readers then share.
func BenchmarkDerive(b *testing.B) {
	r, step := benchRing(1, 0, 1)
	scratch := new(Scratch)
	both := func() {
		step()
		r.enter(0)
		scratch.Reset()
		_ = r.At(r.Head()-1).Bytes(1, scratch)
		r.leave(0)
	}
	for range 3 * benchKept {
		both() // until there are buffers enough
	}
	for b.Loop() {
		both()
	}
}

func BenchmarkKeyStart(b *testing.B) {
	r, _ := benchRing(1, 0, 1)
	newest := r.At(r.Head() - 1).At()
	for _, c := range []struct {
		name     string
		notAfter int64
	}{
		{"newest", math.MaxInt64},
		{"oldest", math.MinInt64},
		{"two_GOPs_ago", newest - 2*benchGOP},
	} {
		b.Run(c.name, func(b *testing.B) {
			r.enter(0)
			defer r.leave(0)
			for b.Loop() {
				if _, ok := r.KeyStart(c.notAfter); !ok {
					b.Fatal("no key start")
				}
			}
		})
	}
}

// BenchmarkPass is one loop's announcement of a pass, and its end.
func BenchmarkPass(b *testing.B) {
	r, _ := benchRing(2, 0, 1)
	for b.Loop() {
		r.enter(1)
		r.leave(1)
	}
}

// BenchmarkRead is one packet appended, and read by a pass of each loop.
func BenchmarkRead(b *testing.B) {
	for _, c := range []struct {
		name  string
		loops int
	}{{"1_loop", 1}, {"2_loops", 2}, {"8_loops", 8}} {
		b.Run(c.name, func(b *testing.B) {
			r, step := benchRing(c.loops, 0, 1)
			next := make([]uint64, c.loops)
			for i := range next {
				next[i] = r.Head()
			}
			read := 0
			for b.Loop() {
				step()
				for i := range next {
					r.enter(i)
					for ; next[i] < r.Head(); next[i]++ {
						read += len(r.At(next[i]).Bytes(0, nil))
					}
					r.leave(i)
				}
			}
			if want := b.N * c.loops * benchPacket; read != want {
				b.Fatalf("%d bytes were read, want %d", read, want)
			}
		})
	}
}
