//go:build !race

package engine

// raced: the race detector is on, which allocates and is slow.
const raced = false
