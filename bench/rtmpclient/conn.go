package rtmpclient

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"time"

	"streampump/bench/incoming"
)

// DefaultTimeout is how long each call that waits may take if nothing else is said.
const DefaultTimeout = 10 * time.Second

// Options say how a server is connected to.
type Options struct {
	// TLS is how TLS is spoken; nil is plain TCP.
	TLS *tls.Config
	// Timeout is how long each call that waits may take; 0 is DefaultTimeout.
	Timeout time.Duration
	// Dialer connects.
	Dialer net.Dialer
}

// Dial connects to a server and says nothing yet.
func Dial(ctx context.Context, addr string, o Options) (*Conn, error) {
	if o.Timeout == 0 {
		o.Timeout = DefaultTimeout
	}
	if o.Dialer.Timeout == 0 {
		o.Dialer.Timeout = o.Timeout
	}
	dial := o.Dialer.DialContext
	if o.TLS != nil {
		dial = (&tls.Dialer{NetDialer: &o.Dialer, Config: o.TLS}).DialContext
	}
	c, err := dial(ctx, "tcp", addr)
	if err != nil {
		return nil, err
	}
	return NewConn(c, o.Timeout), nil
}

// Conn is a connection to a server. It is used by one goroutine for what is sent and by one
// for what comes; only Close may be called from others.
type Conn struct {
	net.Conn
	// In makes messages of what comes.
	In *Reader
	// Size is that of the chunks that are sent; who changes it tells the server so, or uses
	// SetSize.
	Size int

	timeout time.Duration
	in      incoming.Bytes
}

// NewConn makes a connection of c, which it owns from then on. Each call that waits may
// take timeout.
func NewConn(c net.Conn, timeout time.Duration) *Conn {
	return &Conn{Conn: c, In: NewReader(), Size: firstChunk, timeout: timeout}
}

// Send sends bytes as they are.
func (c *Conn) Send(ctx context.Context, b []byte) error {
	defer until(ctx, c.SetWriteDeadline, c.timeout)()
	_, err := c.Write(b)
	return err
}

// Put sends messages in one write.
func (c *Conn) Put(ctx context.Context, all ...Message) error {
	var b []byte
	for _, m := range all {
		b = AppendMessage(b, m, c.Size)
	}
	return c.Send(ctx, b)
}

// SetSize tells the server a size of chunks, which those have that are sent from then on.
func (c *Conn) SetSize(ctx context.Context, size int) error {
	err := c.Put(ctx, NumberMessage(TypeChunkSize, uint32(size))) //nolint:gosec // sizes are small
	c.Size = size
	return err
}

// Next reads the next message. At the connection's end, between messages, the error is
// io.EOF.
func (c *Conn) Next(ctx context.Context) (Message, error) { return c.next(ctx, c.timeout) }

// next is Next with another time that it may take; 0 is any.
func (c *Conn) next(ctx context.Context, timeout time.Duration) (Message, error) {
	defer until(ctx, c.SetReadDeadline, timeout)()
	for {
		m, n, err := c.In.Take(c.in.Rest)
		c.in.Rest = c.in.Rest[n:]
		switch {
		case err != nil:
			return Message{}, err
		case m != nil:
			return *m, nil
		case n > 0:
			continue
		}
		if err := c.fill(); err != nil {
			if errors.Is(err, io.EOF) && (len(c.in.Rest) > 0 || c.In.inside()) {
				err = io.ErrUnexpectedEOF
			}
			return Message{}, err
		}
	}
}

// Bytes reads n bytes as they are, which are the caller's.
func (c *Conn) Bytes(ctx context.Context, n int) ([]byte, error) {
	defer until(ctx, c.SetReadDeadline, c.timeout)()
	for len(c.in.Rest) < n {
		if err := c.fill(); err != nil {
			if errors.Is(err, io.EOF) && len(c.in.Rest) > 0 {
				err = io.ErrUnexpectedEOF
			}
			return nil, err
		}
	}
	b := append([]byte(nil), c.in.Rest[:n]...)
	c.in.Rest = c.in.Rest[n:]
	return b, nil
}

// HalfClose says that nothing more is sent, and reports whether that was possible.
func (c *Conn) HalfClose() bool {
	half, ok := c.Conn.(interface{ CloseWrite() error })
	return ok && half.CloseWrite() == nil
}

// fill reads more.
func (c *Conn) fill() error { return c.in.Fill(c.Conn) }

// The parts of the handshake (RTMP 1.0, 5.2).
const (
	version  = 3
	greeting = 1536
	// AnswerSize is that of the server's three parts.
	AnswerSize = 1 + 2*greeting
)

// Greeting is C0 and C1 of the simple handshake: the version, no time, four zeros, and bytes
// that are the same each time.
func Greeting() []byte {
	b := make([]byte, 1+greeting)
	b[0] = version
	for i := 9; i < len(b); i++ {
		b[i] = byte(i*i>>3 ^ i)
	}
	return b
}

// Handshake shakes hands in the simple way. It gives what the server said, S0, S1 and S2, of
// which only the version is looked at.
func (c *Conn) Handshake(ctx context.Context) ([]byte, error) {
	if err := c.Send(ctx, Greeting()); err != nil {
		return nil, fmt.Errorf("sending the handshake: %w", err)
	}
	b, err := c.Bytes(ctx, AnswerSize)
	if err != nil {
		return nil, fmt.Errorf("waiting for the handshake: %w", err)
	}
	echo, err := Echo(b)
	if err != nil {
		return nil, err
	}
	return b, c.Send(ctx, echo)
}

// Echo is C2, the answer to what a server says in the handshake.
func Echo(answer []byte) ([]byte, error) {
	if answer[0] != version {
		return nil, fmt.Errorf("the server speaks version %d", answer[0])
	}
	return answer[1 : 1+greeting], nil
}

// until arms the deadline of a call, which may take any time if timeout is 0, and has a context that ends cut it short. What it returns
// must be called when the call is done.
func until(ctx context.Context, set func(time.Time) error, timeout time.Duration) (done func() bool) {
	past, at := time.Unix(1, 0), time.Time{}
	if timeout > 0 {
		at = time.Now().Add(timeout)
	}
	_ = set(at)
	if ctx.Err() != nil {
		_ = set(past)
	}
	return context.AfterFunc(ctx, func() { _ = set(past) })
}
