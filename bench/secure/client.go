package secure

import (
	"crypto/tls"
	"errors"
	"io"
	"iter"
	"net"
	"time"
)

// Client is the client's end of one TLS connection. It has no socket: its user takes
// what it wants to write from Out and gives it what came with Feed. It is used by one
// goroutine.
type Client struct {
	wire   wire
	conn   *tls.Conn
	plain  []byte
	got    func([]byte) (bool, error)
	next   func() (struct{}, bool)
	stop   func()
	state  *tls.ConnectionState // nil before the handshake is done
	done   bool
	failed error
}

// NewClient makes a client that shakes hands, sends a request and gives what then comes
// to got, in pieces that are valid until it returns, until an error or Stop. got reports
// whether it has enough; it may be given what came with that as well. Pieces lie
// in plain, which any number of clients of one goroutine may share.
func NewClient(config *tls.Config, request, plain []byte, got func([]byte) (bool, error)) *Client {
	c := &Client{plain: plain, got: got}
	c.conn = tls.Client(&c.wire, config)
	c.next, c.stop = iter.Pull(func(yield func(struct{}) bool) {
		c.wire.wait = func() bool { return yield(struct{}{}) }
		c.failed = c.talk(request)
	})
	return c
}

// talk runs in the coroutine.
func (c *Client) talk(request []byte) error {
	if err := c.conn.Handshake(); err != nil {
		return err
	}
	s := c.conn.ConnectionState()
	c.state = &s
	if _, err := c.conn.Write(request); err != nil {
		return err
	}
	for {
		n, err := c.conn.Read(c.plain)
		if n > 0 {
			done, refused := c.got(c.plain[:n])
			c.done = c.done || done
			err = errors.Join(refused, err)
		}
		if err != nil {
			return err
		}
	}
}

// Feed takes what came from the socket, all of it; the first call, with nothing, begins.
// It reports whether got has enough: what went wrong behind that does not matter.
func (c *Client) Feed(cipher []byte) (done bool, err error) {
	c.wire.in = cipher
	if _, more := c.next(); c.done {
		return true, nil
	} else if !more && c.failed == nil {
		return false, io.EOF // it was stopped
	}
	return false, c.failed
}

// Out is what is to be written to the socket. It may be asked for again until
// Wrote says that it was.
func (c *Client) Out() []byte { return c.wire.out }

// Wrote forgets the first n bytes of Out.
func (c *Client) Wrote(n int) {
	if c.wire.out = c.wire.out[n:]; len(c.wire.out) == 0 {
		c.wire.out = nil
	}
}

// State is what both ends agreed on; nil before they have.
func (c *Client) State() *tls.ConnectionState { return c.state }

// Stop ends a client, whose memory is free then. It tells the server nothing. It may be
// called again.
func (c *Client) Stop() { c.stop() }

// wire is the [net.Conn] below TLS: two pieces of memory, and a way to wait.
type wire struct {
	in, out []byte
	wait    func() bool // until something came; false is the end
}

// Read implements [net.Conn].
func (w *wire) Read(b []byte) (int, error) {
	for len(w.in) == 0 {
		if !w.wait() {
			return 0, net.ErrClosed
		}
	}
	n := copy(b, w.in)
	w.in = w.in[n:]
	return n, nil
}

// Write implements [net.Conn].
func (w *wire) Write(b []byte) (int, error) {
	w.out = append(w.out, b...)
	return len(b), nil
}

// Close implements [net.Conn].
func (w *wire) Close() error { return nil }

// LocalAddr implements [net.Conn].
func (w *wire) LocalAddr() net.Addr { return nil }

// RemoteAddr implements [net.Conn].
func (w *wire) RemoteAddr() net.Addr { return nil }

// SetDeadline implements [net.Conn]: nothing here takes time.
func (w *wire) SetDeadline(time.Time) error { return nil }

// SetReadDeadline implements [net.Conn].
func (w *wire) SetReadDeadline(time.Time) error { return nil }

// SetWriteDeadline implements [net.Conn].
func (w *wire) SetWriteDeadline(time.Time) error { return nil }
