//go:build invariants || race

package ring

// invariants is on in test builds (the race detector, or the tag): recycled
// buffers are overwritten.
const invariants = true
