// Package payload fills the payloads of synthetic sources, so that whoever sees one knows
// what it must hold, whatever is missing before it.
//
//	... bytes that follow from these three ... SP run track number 80
//
// A source that is sent in real time is called by the millisecond at which it began: then
// its payloads say when they were due, too.
package payload

import (
	"fmt"
	"math/rand/v2"
	"time"
)

// ID names a payload.
type ID struct {
	// Run tells runs of a source apart.
	Run uint32
	// Track is a digit.
	Track int
	// Number counts a track's payloads from 0.
	Number uint32
}

// Trailer is the size of how each payload ends: a mark, its run, its track and its number,
// in digits, so that nothing in it looks like a start code, and the bit that ends what H.264
// carries (RFC 6184, 1.3).
const Trailer = 2 + 8 + 1 + 8 + 1

// endBit is that bit.
const endBit = 0x80

// Fill fills a payload that begins with b up to a size. No byte of it is 0.
func Fill(b []byte, id ID, size int) []byte {
	r := rand.New(rand.NewPCG(uint64(id.Run), uint64(id.Track)<<32|uint64(id.Number))) //nolint:gosec // it must be the same each time
	for len(b) < size-Trailer {
		b = append(b, byte(1+r.IntN(255)))
	}
	return append(fmt.Appendf(b, "SP%08x%d%08x", id.Run, id.Track, id.Number), endBit)
}

// Read reads what the end of a payload says.
func Read(payload []byte) (id ID, err error) {
	if len(payload) < Trailer {
		return id, fmt.Errorf("a payload of %d bytes is none of the source's", len(payload))
	}
	end := string(payload[len(payload)-Trailer:])
	if _, err := fmt.Sscanf(end, "SP%8x%1d%8x", &id.Run, &id.Track, &id.Number); err != nil {
		return id, fmt.Errorf("a payload ends with %q, and those of the source do not", end)
	}
	return id, nil
}

// Begin is the run that begins at the next full millisecond of a clock in nanoseconds, and
// when that is.
func Begin(now uint64) (run uint32, at uint64) {
	ms := now/uint64(time.Millisecond) + 1
	return uint32(ms), ms * uint64(time.Millisecond) //nolint:gosec // it wraps after 49 days
}

// Began is when a run that [Begin] has named began, by the same clock, which is at now.
func Began(run uint32, now uint64) uint64 {
	ms := now / uint64(time.Millisecond)
	age := uint32(ms) - run //nolint:gosec // it wraps
	return (ms - uint64(age)) * uint64(time.Millisecond)
}
