package push

import (
	"context"
	"errors"
	"io"
	"time"
)

// Source is an encoder: a header, and packets behind it. Next returns io.EOF when
// there are none left; a packet is valid until the next call. The send time is in
// milliseconds.
type Source interface {
	Header() []byte
	Next() (packet []byte, sendTime uint32, err error)
}

// Pace waits until a packet is due. It returns early with an error when the
// context ends.
type Pace func(ctx context.Context, sendTime uint32) error

// RealTime is the pace of the send times, speed times as fast as they say. The
// first packet is due at once.
func RealTime(speed float64) Pace {
	var began time.Time
	var first uint32
	return func(ctx context.Context, sendTime uint32) error {
		if began.IsZero() {
			began, first = time.Now(), sendTime
		}
		due := time.Duration(float64(sendTime-first) / speed * float64(time.Millisecond))
		wait := time.Until(began.Add(due))
		if wait <= 0 {
			return ctx.Err()
		}
		t := time.NewTimer(wait)
		defer t.Stop()
		select {
		case <-t.C:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// RunOptions say how [Client.Run] pushes.
type RunOptions struct {
	// Length is the Content-Length of each body; 0 stands for [Endless].
	Length int64
	// Pace waits before each packet; nil sends as fast as the pump takes them.
	Pace Pace
	// Continued: the session has its header already, as after a lost
	// connection; the first body begins with a data packet.
	Continued bool
	// Sent is called after each data packet with the packet, which is valid
	// until it returns; nil is not called.
	Sent func(packet []byte)
}

// Run pushes src after a Setup: it starts bodies, fills each and begins the
// next, and at the end of src sends $E(0). It returns nil at src's end,
// whatever the pump says then; the context's error when that ends, without $E;
// and a [StatusError] as soon as the pump answers with an error.
func (c *Client) Run(ctx context.Context, src Source, o RunOptions) error {
	if o.Length == 0 {
		o.Length = Endless
	}
	if err := c.Start(ctx, o.Length); err != nil {
		return err
	}
	if !o.Continued {
		if err := c.again(ctx, o, func() error { return c.Header(ctx, src.Header()) }); err != nil {
			return err
		}
	}
	for {
		packet, sendTime, err := src.Next()
		if errors.Is(err, io.EOF) {
			return c.again(ctx, o, func() error { return c.End(ctx, 0) })
		}
		if err != nil {
			return err
		}
		if o.Pace != nil {
			if err := o.Pace(ctx, sendTime); err != nil {
				return err
			}
		}
		if err := c.again(ctx, o, func() error { return c.Data(ctx, packet) }); err != nil {
			return err
		}
		if o.Sent != nil {
			o.Sent(packet)
		}
	}
}

// again sends a packet, in another body if this one has no room for it.
func (c *Client) again(ctx context.Context, o RunOptions, send func() error) error {
	if c.left == 0 {
		if err := c.another(ctx, o); err != nil {
			return err
		}
	}
	if c.Answered() {
		return c.unexpected(ctx)
	}
	err := send()
	if !errors.Is(err, ErrBodyFull) {
		return err
	}
	if err := c.another(ctx, o); err != nil {
		return err
	}
	if err := send(); !errors.Is(err, ErrBodyFull) {
		return err
	}
	return errors.New("a packet does not fit a whole body; Length is too small")
}

// another completes the body and starts the next.
func (c *Client) another(ctx context.Context, o RunOptions) error {
	if _, err := c.Complete(ctx); err != nil {
		return err
	}
	return c.Start(ctx, o.Length)
}

// unexpected is the error for an answer in the middle of a body.
func (c *Client) unexpected(ctx context.Context) error {
	head, err := c.Answer(ctx)
	if err == nil {
		err = errors.New("the pump answers " + head.String() + " in the middle of the body")
	}
	return err
}
