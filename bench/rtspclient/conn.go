package rtspclient

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"time"

	"streampump/bench/answer"
	"streampump/bench/incoming"
)

// frameHead is what stands before an interleaved packet: $, its channel and its length.
const frameHead = 4

// maxBody is the longest body of an answer that is read.
const maxBody = 1 << 20

// Conn is a connection to a server. It is used by one goroutine; only Close may be called
// from another.
type Conn struct {
	net.Conn
	timeout time.Duration
	in      incoming.Bytes
	frames  func(channel byte, packet []byte) error
}

// NewConn makes a connection of c, which it owns from then on. Each call that waits may
// take timeout.
func NewConn(c net.Conn, timeout time.Duration) *Conn {
	return &Conn{Conn: c, timeout: timeout, frames: func(channel byte, packet []byte) error {
		return fmt.Errorf("a packet of %d bytes comes on channel %d, where an answer was to come", len(packet), channel)
	}}
}

// Frames has f get the packets that come while an answer is waited for. Before, they are
// an error.
func (c *Conn) Frames(f func(channel byte, packet []byte) error) { c.frames = f }

// Item is what comes from a server: an answer or request with its body, or a packet.
type Item struct {
	Answer  *answer.Head // nil for a packet
	Body    []byte
	Channel byte
	Packet  []byte // valid until the next read
}

// Next reads the next item. At the connection's end, between items, the error is io.EOF.
func (c *Conn) Next(ctx context.Context) (Item, error) {
	defer c.until(ctx)()
	for {
		it, n, err := Parse(c.in.Rest)
		if n > 0 || err != nil {
			c.in.Rest = c.in.Rest[n:]
			return it, err
		}
		if err := c.fill(); err != nil {
			if errors.Is(err, io.EOF) && len(c.in.Rest) > 0 {
				err = io.ErrUnexpectedEOF
			}
			return Item{}, err
		}
	}
}

// Parse parses an item from the front of b; n is 0 if it is not all there. The packet is
// part of b.
func Parse(b []byte) (it Item, n int, err error) {
	switch {
	case len(b) == 0:
		return it, 0, nil
	case b[0] == '$':
		if len(b) < frameHead {
			return it, 0, nil
		}
		n = frameHead + int(binary.BigEndian.Uint16(b[2:]))
		if len(b) < n {
			return it, 0, nil
		}
		return Item{Channel: b[1], Packet: b[frameHead:n]}, n, nil
	case b[0] != 'R' && b[0] != 'H': // RTSP, and HTTP on the same port
		return it, 0, fmt.Errorf("between messages comes % x", b[:min(len(b), 16)])
	}
	h, head, err := answer.Parse(b)
	if h == nil || err != nil {
		return it, 0, err
	}
	length, _ := h.ContentLength()
	if length > maxBody {
		return it, 0, fmt.Errorf("%v has a body of %d bytes", h, length)
	}
	if len(b) < head+int(length) {
		return it, 0, nil
	}
	return Item{Answer: h, Body: append([]byte(nil), b[head:head+int(length)]...)}, head + int(length), nil
}

// fill reads more.
func (c *Conn) fill() error { return c.in.Fill(c.Conn) }

// Send sends bytes.
func (c *Conn) Send(ctx context.Context, b []byte) error {
	defer c.until(ctx)()
	_, err := c.Write(b)
	return err
}

// Answer reads the next answer. Packets before it go to who gets them.
func (c *Conn) Answer(ctx context.Context) (*answer.Head, []byte, error) {
	for {
		it, err := c.Next(ctx)
		if err != nil {
			return nil, nil, fmt.Errorf("waiting for an answer: %w", err)
		}
		if it.Answer != nil {
			return it.Answer, it.Body, nil
		}
		if err := c.frames(it.Channel, it.Packet); err != nil {
			return nil, nil, err
		}
	}
}

// Do sends a request and reads its answer.
func (c *Conn) Do(ctx context.Context, request string) (*answer.Head, []byte, error) {
	if err := c.Send(ctx, []byte(request)); err != nil {
		return nil, nil, fmt.Errorf("sending a request: %w", err)
	}
	return c.Answer(ctx)
}

// AppendFrame appends a packet as it goes over a channel of the connection.
func AppendFrame(dst []byte, channel byte, packet []byte) []byte {
	dst = append(dst, '$', channel)
	dst = binary.BigEndian.AppendUint16(dst, uint16(len(packet))) //nolint:gosec // packets are shorter
	return append(dst, packet...)
}

// until arms the deadline of a call and has a context that ends cut it short. What it
// returns must be called when the call is done.
func (c *Conn) until(ctx context.Context) (done func() bool) {
	past := time.Unix(1, 0)
	_ = c.SetDeadline(time.Now().Add(c.timeout))
	if ctx.Err() != nil {
		_ = c.SetDeadline(past)
	}
	return context.AfterFunc(ctx, func() { _ = c.SetDeadline(past) })
}
