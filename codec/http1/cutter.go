package http1

import (
	"fmt"
	"slices"
)

const (
	// MaxHead is the most bytes of a head unless a [Cutter] says otherwise.
	// The longest request of a known player is below 2 KiB; proxies add cookies.
	MaxHead = 16 << 10
	// MaxFields is the most header fields of one head. Players send about 15.
	MaxFields = 100
)

// Error is why a head or body is refused. Status is the answer that says so.
type Error struct {
	Status int    // the HTTP status for the peer
	What   string // what is wrong, for the operator
	Offset int    // where in the head, in bytes; -1 for the head as a whole
}

// Error is the operator's sentence.
func (e *Error) Error() string {
	if e.Offset < 0 {
		return e.What
	}
	return fmt.Sprintf("%s at byte %d of the head", e.What, e.Offset)
}

// Cutter cuts one head off the front of a byte stream. It keeps bytes of its
// own only for a head that came in several pieces. The zero value is ready.
type Cutter struct {
	// Max is the most bytes of a head, its blank line and what precedes it
	// included; 0 means [MaxHead].
	Max int
	// Strict refuses a line that ends without CR. Of a request two readers must see the
	// same (RFC 9112, 11.2): in front of us may be a proxy that does not take a lone LF
	// for an end. No player or encoder sends one; old servers do, in answers.
	Strict bool

	buf  []byte // what came of a cut head
	seen int    // bytes of the head so far
	line int    // bytes of the present line, without its end
	text bool   // the start line has begun
	cr   bool   // the last byte was a CR
	done bool   // the last call yielded a head
}

// Started reports whether part of a head has come, but not all of it.
func (c *Cutter) Started() bool { return !c.done && c.seen > 0 }

// Consume takes bytes from the front of b up to the end of the head. A nil head
// without an error means that all of b was taken and more is needed. The head ends
// with its blank line; it is part of b or of the cutter's buffer and valid until the
// next call, which begins a new head. Empty lines before a start line are passed over
// (RFC 9112, 2.2). An [*Error] is permanent.
func (c *Cutter) Consume(b []byte) (n int, head []byte, err error) {
	if c.done {
		*c = Cutter{Max: c.Max, Strict: c.Strict}
	}
	start := 0 // where the head begins in b
	for i := 0; i < len(b); i++ {
		if i += c.run(b[i:]); i == len(b) {
			break
		}
		if c.seen >= c.max() {
			return i, nil, &Error{431, fmt.Sprintf("the head is longer than %d bytes", c.max()), -1}
		}
		x := b[i]
		if x == 0 && !c.text && c.seen == len(proxyMark) {
			return i, nil, &Error{400, proxied(2), -1}
		}
		if x == tlsMark && !c.text && c.seen == 0 {
			return i, nil, &Error{400, encrypted, -1}
		}
		if what := c.bad(x); what != "" {
			return i, nil, &Error{400, what, c.seen}
		}
		c.seen++
		end := c.step(x)
		if !c.text {
			start = i + 1
			continue
		}
		if end {
			c.done = true
			return i + 1, c.take(b[start : i+1]), nil
		}
	}
	if c.text {
		c.buf = append(c.buf, b[start:]...)
	}
	return len(b), nil, nil
}

// run takes the bytes at the front of b that are ordinary within a line, as nearly
// all are, and returns how many. The others are looked at one by one.
func (c *Cutter) run(b []byte) (n int) {
	if !c.text || c.cr {
		return 0
	}
	b = b[:min(len(b), c.max()-c.seen)]
	for n < len(b) && b[n] >= ' ' && b[n] != 0x7F {
		n++
	}
	c.seen += n
	c.line += n
	return n
}

// step follows one legal byte; it reports the end of the head.
func (c *Cutter) step(x byte) bool {
	switch {
	case x == '\r':
		c.cr = true
		return false
	case x == '\n':
		end := c.text && c.line == 0
		c.cr, c.line = false, 0
		return end
	default:
		c.text = true
		c.line++
		return false
	}
}

// bad says what is wrong with the next byte. A control byte, or a first byte that
// begins no message, is refused at once, so that we do not wait for a peer that
// speaks another protocol.
func (c *Cutter) bad(x byte) string {
	switch {
	case c.cr && x != '\n':
		return "a CR that ends no line"
	case x == '\n' && c.Strict && !c.cr:
		return "a line that ends with LF alone"
	case x == '\r' || x == '\n' || x == '\t' && c.text:
		return ""
	case x < ' ' || x == 0x7F:
		return fmt.Sprintf("control byte 0x%02X", x)
	case !c.text && !IsTokenByte(x):
		return fmt.Sprintf("byte 0x%02X, which begins no message,", x)
	default:
		return ""
	}
}

// tlsMark is the byte that a TLS handshake begins with (RFC 8446, 5.1).
const tlsMark = 0x16

// encrypted is what is wrong with a connection that begins so.
const encrypted = "the connection begins with a TLS handshake, and TLS is not spoken here: its address begins with http://, mms:// or rtsp://"

// proxyMark is what a header of the PROXY protocol's version 2 begins with,
// before a byte 0. To us it is two empty lines.
const proxyMark = "\r\n\r\n"

// proxied is what is wrong with a connection that a proxy introduces: it names its
// client in front of the first request, where nobody looks for that.
func proxied(version int) string {
	return fmt.Sprintf("the connection begins with the PROXY protocol, version %d, which is believed only from addresses in proxy_protocol_from: name the proxy there, or turn the protocol off in the proxy", version)
}

// take joins the last piece to those before it.
func (c *Cutter) take(last []byte) []byte {
	if len(c.buf) == 0 {
		return last
	}
	c.buf = append(slices.Grow(c.buf, len(last)), last...)
	head := c.buf
	c.buf = nil // the caller's until the next call, then nobody's
	return head
}

func (c *Cutter) max() int {
	if c.Max > 0 {
		return c.Max
	}
	return MaxHead
}
