package main

import (
	"fmt"
	"time"
)

// bound is what a flag's value must be.
type bound struct {
	flag, must string
	holds      bool
	is         any
}

// inBounds returns what is wrong with the first value that is out of its bound, in the
// words of the command line: what a package says of its options names what nobody
// typed.
func inBounds(all ...bound) error {
	for _, b := range all {
		if !b.holds {
			return fmt.Errorf("--%s must be %s, not %v", b.flag, b.must, b.is)
		}
	}
	return nil
}

// above0 is the bound of a number or a time that must be above 0.
func above0[N int | float64 | time.Duration](flag string, is N) bound {
	return bound{flag, "more than 0", is > 0, is}
}

// notBelow0 is the bound of one that may be 0.
func notBelow0[N int | float64 | time.Duration](flag string, is N) bound {
	return bound{flag, "0 or more", is >= 0, is}
}
