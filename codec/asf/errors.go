package asf

import (
	"errors"
	"fmt"
)

// ErrTooLong is wrapped by the error for a packet that is longer than the header's
// packet size; such a packet cannot be carried on.
var ErrTooLong = errors.New("longer than the packet size that the header announced")

// SyntaxError says what is wrong with a header or a data packet, and where.
type SyntaxError struct {
	Thing  string // "ASF header", "ASF data packet" or "ASF file"
	Offset int    // in bytes from the beginning of the header or packet
	What   string
}

// Error is one sentence for the operator.
func (e *SyntaxError) Error() string {
	return fmt.Sprintf("%s is malformed at byte %d: %s", e.Thing, e.Offset, e.What)
}

func headerError(at int, format string, args ...any) error {
	return &SyntaxError{"ASF header", at, fmt.Sprintf(format, args...)}
}

// packetError takes no arguments to format, so that it boxes nothing on the hot path.
func packetError(at int, what string) *SyntaxError {
	return &SyntaxError{"ASF data packet", at, what}
}
