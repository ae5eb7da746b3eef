// Package meter reads what a benchmark needs of the machine: the clock that
// the encoder and the viewers on one machine have in common, and what a process
// uses, from the kernel's own accounts. It keeps no state and starts nothing.
package meter
