package cli

import (
	"errors"
	"strconv"
	"strings"
)

// Bits is a bitrate on the command line: a number of bits per second, or of
// thousands or millions of them: 64k, 1M, 2.5M.
type Bits int

// MaxBits is the highest bitrate that can be asked for: ten times that of the
// fastest stream anybody sends over MMSH, and far below an overflow.
const MaxBits = 1_000_000_000

// String implements [pflag.Value].
func (b *Bits) String() string {
	switch n := int(*b); {
	case n >= 1_000_000 && n%100_000 == 0:
		return strconv.FormatFloat(float64(n)/1e6, 'g', -1, 64) + "M"
	case n >= 1000 && n%1000 == 0:
		return strconv.Itoa(n/1000) + "k"
	default:
		return strconv.Itoa(n)
	}
}

// Type implements [pflag.Value].
func (b *Bits) Type() string { return "bits/s" }

// Set implements [pflag.Value].
func (b *Bits) Set(s string) error {
	factor := 1.0
	number := s
	switch {
	case strings.HasSuffix(s, "k"):
		factor, number = 1e3, s[:len(s)-1]
	case strings.HasSuffix(s, "M"):
		factor, number = 1e6, s[:len(s)-1]
	}
	f, err := strconv.ParseFloat(number, 64)
	if err != nil || !(f*factor >= 1 && f*factor <= MaxBits) {
		return errors.New("a bitrate is a number of bits per second up to 1000M, such as 64k or 1.5M")
	}
	*b = Bits(f * factor)
	return nil
}
