//go:build !race

package loop

// raced: the race detector is on, which allocates and is slow.
const raced = false
