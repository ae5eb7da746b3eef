package player

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"time"

	"streampump/bench/answer"
)

// DefaultTimeout is how long a viewer waits for a pump to say anything. A
// joiner may be held for a key frame for 15 s.
const DefaultTimeout = 20 * time.Second

// readSize is how much a viewer reads at once: some packets of any size.
const readSize = 64 << 10

// Conn is a viewer's connection. It is used by one goroutine; only Close may
// be called from another.
type Conn struct {
	net.Conn
	timeout time.Duration
	b       []byte // the read buffer
	rest    []byte // what of it was read and not taken
	framing Framing
}

// NewConn makes a viewer's connection of c, which it owns from then on. Each
// read and each write may take timeout; 0 stands for [DefaultTimeout].
func NewConn(c net.Conn, timeout time.Duration) *Conn {
	if timeout == 0 {
		timeout = DefaultTimeout
	}
	return &Conn{Conn: c, timeout: timeout}
}

// Do sends a request and reads the head of its answer.
func (c *Conn) Do(ctx context.Context, request []byte) (*answer.Head, error) {
	defer c.until(ctx)()
	if _, err := c.Conn.Write(request); err != nil {
		return nil, fmt.Errorf("sending a request: %w", err)
	}
	h, rest, err := answer.Read(io.MultiReader(&left{c}, c.Conn))
	if err != nil {
		return nil, fmt.Errorf("reading the answer: %w", err)
	}
	c.rest = rest
	return h, nil
}

// Read reads what follows in the body into b.
func (c *Conn) Read(b []byte) (int, error) {
	if len(c.rest) > 0 {
		n := copy(b, c.rest)
		c.rest = c.rest[n:]
		return n, nil
	}
	return c.Conn.Read(b)
}

// Body reads n bytes of the body.
func (c *Conn) Body(ctx context.Context, n int64) ([]byte, error) {
	defer c.until(ctx)()
	b := make([]byte, n)
	if _, err := io.ReadFull(c, b); err != nil {
		return nil, fmt.Errorf("reading a body of %d bytes: %w", n, err)
	}
	return b, nil
}

// All reads the body to the connection's end, at most limit bytes.
func (c *Conn) All(ctx context.Context, limit int64) ([]byte, error) {
	defer c.until(ctx)()
	return io.ReadAll(io.LimitReader(c, limit))
}

// Packet reads the next MMS packet. Its payload is valid until the next read.
// At the end of the connection between packets the error is io.EOF.
func (c *Conn) Packet(ctx context.Context) (Packet, error) {
	defer c.until(ctx)()
	for {
		n, p, ok, err := c.framing.Next(c.rest)
		c.rest = c.rest[n:]
		if ok || err != nil {
			return p, err
		}
		if err := c.fill(); err != nil {
			if errors.Is(err, io.EOF) && c.framing.Held() > 0 {
				err = io.ErrUnexpectedEOF
			}
			return p, err
		}
	}
}

// fill reads more of the body once all before is taken.
func (c *Conn) fill() error {
	if c.b == nil {
		c.b = make([]byte, readSize)
	}
	n, err := c.Conn.Read(c.b)
	c.rest = c.b[:n]
	if n > 0 {
		return nil
	}
	return err
}

// Verify feeds the body to v until enough says so, asked after each read with
// what v has counted, or until the connection ends. It returns the first
// broken rule, or what went wrong with the connection; its end is no error. A
// caller that wants a viewer to stall returns from enough and calls again later.
func (c *Conn) Verify(ctx context.Context, v *Verifier, enough func(Counts) bool) error {
	defer c.until(ctx)()
	for {
		if _, err := v.Write(c.rest); err != nil {
			return err
		}
		c.rest = nil
		if enough(v.Counts()) {
			return nil
		}
		c.arm(ctx)
		switch err := c.fill(); {
		case errors.Is(err, io.EOF):
			return v.End()
		case err != nil:
			return fmt.Errorf("after %d data packets: %w", v.Counts().Packets, err)
		}
	}
}

// until arms the deadline of a call and has a context that ends cut it short.
// What it returns must be called when the call is done.
func (c *Conn) until(ctx context.Context) (done func() bool) {
	c.arm(ctx)
	return context.AfterFunc(ctx, func() { _ = c.Conn.SetDeadline(past()) })
}

// arm sets the deadline to one timeout from now. A context that ends while it
// is set has perhaps set its own before, so it is looked at afterwards. An
// error means that the connection is closed, which the next call says better.
func (c *Conn) arm(ctx context.Context) {
	_ = c.Conn.SetDeadline(time.Now().Add(c.timeout))
	if ctx.Err() != nil {
		_ = c.Conn.SetDeadline(past())
	}
}

// past is a deadline that is over.
func past() time.Time { return time.Unix(1, 0) }

// left reads what a connection has read and not taken.
type left struct{ c *Conn }

// Read gives out the rest once.
func (l *left) Read(b []byte) (int, error) {
	if len(l.c.rest) == 0 {
		return 0, io.EOF
	}
	n := copy(b, l.c.rest)
	l.c.rest = l.c.rest[n:]
	return n, nil
}
