//go:build race

package secure

// raced: the race detector is on, which allocates and is slow.
const raced = true
