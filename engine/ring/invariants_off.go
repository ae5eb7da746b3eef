//go:build !invariants && !race

package ring

// invariants is off in ordinary builds.
const invariants = false
