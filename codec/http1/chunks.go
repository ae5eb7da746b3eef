package http1

import "fmt"

// MaxChunkLine is the most bytes in the line that begins a chunk, or in all lines
// after the last one. Nobody who sends a stream says anything there.
const MaxChunkLine = 256

// Chunks tells the data of a chunked body from what frames it (RFC 9112, 7.1), in
// bytes that come in any pieces. It keeps none of them. The zero value is ready.
//
//	size[;extension] CRLF  data CRLF  …  0 CRLF  [trailer CRLF …]  CRLF
//
// Only CRLF ends a line: everyone who reads a body must agree where it ends.
type Chunks struct {
	at   chunkState
	left uint64 // data bytes of the chunk still to come; while its line is read, its size so far
	line int    // bytes of the line, or of all lines of the trailer
	any  bool   // the line has a digit, or the trailer's line is not empty
}

// chunkState is what the next byte belongs to.
type chunkState uint8

const (
	chunkSize    chunkState = iota // digits; ";", a blank or CR ends them
	chunkIgnored                   // an extension, up to CR
	chunkLF                        // the LF that ends the chunk's line
	chunkData                      // data, as many bytes as were announced
	chunkCR                        // the CR behind it
	chunkNext                      // and its LF
	chunkTrailer                   // lines behind the last chunk, up to CR
	chunkLast                      // and their LF; an empty line is the end
	chunkDone
)

// Next passes over what frames the data at the front of b, n bytes, and says how many
// bytes of b[n:] are data; Take is told how many of them were used. Without data, all
// of b was taken and more is needed, or the body is over: Done tells. An error is an
// [*Error], and permanent.
func (c *Chunks) Next(b []byte) (n, data int, err error) {
	for ; n < len(b) && c.at != chunkDone; n++ {
		if c.at == chunkData {
			return n, int(min(c.left, uint64(len(b)-n))), nil
		}
		if !c.step(b[n]) {
			return n, 0, &Error{400, fmt.Sprintf("the body's chunks are broken: 0x%02X where none belongs", b[n]), -1}
		}
		if c.line > MaxChunkLine {
			return n, 0, &Error{400, fmt.Sprintf("the body's chunks are broken: more than %d bytes of framing in one place", MaxChunkLine), -1}
		}
	}
	return n, 0, nil
}

// Take notes that k bytes of data were used.
func (c *Chunks) Take(k int) {
	if c.left -= uint64(k); c.left == 0 && c.at == chunkData {
		c.at = chunkCR
	}
}

// Done reports whether the whole body has come.
func (c *Chunks) Done() bool { return c.at == chunkDone }

// step takes one byte of framing; false if it cannot be there.
func (c *Chunks) step(x byte) bool {
	c.line++
	switch c.at {
	case chunkSize:
		return c.size(x)
	case chunkIgnored:
		if x == '\r' {
			c.at = chunkLF
		}
		return x != '\n'
	case chunkLF:
		if c.at, c.line, c.any = chunkData, 0, false; c.left == 0 {
			c.at = chunkTrailer
		}
		return x == '\n'
	case chunkCR:
		c.at = chunkNext
		return x == '\r'
	case chunkNext:
		*c = Chunks{}
		return x == '\n'
	case chunkTrailer:
		if x == '\r' {
			c.at = chunkLast
		} else {
			c.any = true
		}
		return x != '\n'
	default: // chunkLast
		if c.at = chunkTrailer; !c.any {
			c.at = chunkDone
		}
		c.any = false
		return x == '\n'
	}
}

// size takes one byte of a chunk's size.
func (c *Chunks) size(x byte) bool {
	const most = 1 << 56 // another digit fits
	switch d, ok := hexDigit(x); {
	case ok:
		c.left, c.any = c.left<<4|uint64(d), true
		return c.left < most
	case x == ';' || x == ' ' || x == '\t':
		c.at = chunkIgnored
	case x == '\r':
		c.at = chunkLF
	default:
		return false
	}
	return c.any
}
