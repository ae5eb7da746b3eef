package push

import (
	"context"
	"encoding/binary"
	"fmt"

	"streampump/bench/answer"
)

// Sizes of the framing [MS-WMHTTP] 2.2.3.1. There is no MMS data packet header
// in a push.
const (
	framingSize = 4
	maxFiller   = 65531 // of one $F
)

// Header sends $H: a whole header, at most 65,531 bytes [MS-WMHTTP] 2.2.3.6.
func (c *Client) Header(ctx context.Context, header []byte) error {
	return c.packet(ctx, 'H', nil, header)
}

// Data sends $D: one data packet, which may have lost its padding
// [MS-WMHTTP] 2.2.3.3.
func (c *Client) Data(ctx context.Context, packet []byte) error {
	return c.packet(ctx, 'D', nil, packet)
}

// Change sends $C with the header that follows the present one
// [MS-WMHTTP] 2.2.3.2, or, with a nil header, the bare $C of the pull
// protocol, behind which a $H is to come.
func (c *Client) Change(ctx context.Context, header []byte) error {
	return c.packet(ctx, 'C', []byte{0, 0, 0, 0}, header)
}

// End sends $E [MS-WMHTTP] 2.2.3.4: reason 0 ends the stream, 1 says that a
// $C follows.
func (c *Client) End(ctx context.Context, reason uint32) error {
	return c.packet(ctx, 'E', binary.LittleEndian.AppendUint32(nil, reason), nil)
}

// Filler sends $F with n bytes of nothing [MS-WMHTTP] 2.2.3.5.
func (c *Client) Filler(ctx context.Context, n int) error {
	return c.packet(ctx, 'F', nil, make([]byte, n))
}

// packet sends one packet, if the body has room for it.
func (c *Client) packet(ctx context.Context, kind byte, reason, payload []byte) error {
	length := len(reason) + len(payload)
	if length > 0xFFFF {
		return fmt.Errorf("$%c of %d bytes does not fit the framing's length", kind, length)
	}
	if !c.fits(length) {
		return ErrBodyFull
	}
	c.b = append(c.b[:0], '$', kind)
	c.b = binary.LittleEndian.AppendUint16(c.b, uint16(length))
	c.b = append(append(c.b, reason...), payload...)
	return c.Raw(ctx, c.b)
}

// fits reports whether a packet of length bytes behind its framing leaves
// nothing of the body, or enough for a filler.
func (c *Client) fits(length int) bool {
	after := c.left - framingSize - int64(length)
	return after == 0 || after >= framingSize
}

// Complete fills the rest of the body with $F and returns the answer that is
// due then. The session goes on with another Start.
func (c *Client) Complete(ctx context.Context) (*answer.Head, error) {
	for c.left > 0 {
		if err := c.Filler(ctx, nextFiller(c.left)); err != nil {
			return nil, err
		}
	}
	return c.Answer(ctx)
}

// nextFiller is the size of the next $F where left bytes are to be filled.
func nextFiller(left int64) int {
	n := min(left-framingSize, maxFiller)
	if after := left - framingSize - n; after > 0 && after < framingSize {
		n -= framingSize
	}
	return int(n)
}
