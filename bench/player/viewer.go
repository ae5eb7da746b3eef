package player

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"

	"streampump/bench/answer"
)

// Viewer opens a stream as one kind of client does. Its fields are set before
// its methods are called; the methods may be called by several goroutines.
type Viewer struct {
	Client Client
	Addr   string // host:port to dial
	Path   string // such as /streams/demo
	// Host is what the Host field says; Addr if empty.
	Host    string
	Timeout time.Duration // of each read; 0 stands for [DefaultTimeout]
	// Dial opens the connections; nil dials TCP.
	Dial func(ctx context.Context, network, addr string) (net.Conn, error)
}

// StatusError says that a pump answered something else than 200.
type StatusError struct {
	Head *answer.Head
}

// Error is the status line.
func (e *StatusError) Error() string { return "the answer is " + e.Head.String() }

// Description is what a Describe yields.
type Description struct {
	Head   *answer.Head
	ID     uint32 // client-id
	Header []byte // Header Object and the Data Object's first 50 bytes
	// Conn is the connection, if it is to be used for the Play; otherwise nil
	// and closed.
	Conn *Conn
}

// Connect opens a connection.
func (w *Viewer) Connect(ctx context.Context) (*Conn, error) {
	dial := w.Dial
	if dial == nil {
		dial = new(net.Dialer).DialContext
	}
	c, err := dial(ctx, "tcp", w.Addr)
	if err != nil {
		return nil, err
	}
	return NewConn(c, w.Timeout), nil
}

func (w *Viewer) host() string {
	if w.Host != "" {
		return w.Host
	}
	return w.Addr
}

// Describe asks for the header as the client does, on a connection of its own,
// and judges the answer ([CheckDescribe]). A status other than 200 is a
// [StatusError].
func (w *Viewer) Describe(ctx context.Context) (*Description, error) {
	c, err := w.Connect(ctx)
	if err != nil {
		return nil, err
	}
	d, err := w.describe(ctx, c)
	if err != nil || d.Conn == nil {
		_ = c.Close()
	}
	return d, err
}

func (w *Viewer) describe(ctx context.Context, c *Conn) (*Description, error) {
	h, err := c.Do(ctx, w.Client.AppendDescribe(nil, w.Path, w.host()))
	if err != nil {
		return nil, err
	}
	if h.Status != 200 {
		return nil, &StatusError{h}
	}
	if err := CheckDescribe(h); err != nil {
		return nil, err
	}
	d := &Description{Head: h}
	if d.ID, err = clientID(h); err != nil {
		return nil, err
	}
	size, _ := h.ContentLength()
	if size > maxHeader {
		return nil, fmt.Errorf("a Describe is answered with %d bytes", size)
	}
	body, err := c.Body(ctx, size)
	if err != nil {
		return nil, err
	}
	if d.Header, err = describedHeader(body); err != nil {
		return nil, err
	}
	if w.Client.SameConn && !strings.EqualFold(h.Get("Connection"), "close") {
		d.Conn = c
		return d, nil
	}
	return d, ended(ctx, c)
}

// describedHeader takes the header out of a Describe's body by the rules of
// the framing.
func describedHeader(body []byte) ([]byte, error) {
	v := NewVerifier(Options{})
	if _, err := v.Write(body); err != nil {
		return nil, err
	}
	if err := v.End(); err != nil {
		return nil, err
	}
	if v.Header() == nil || v.Counts().Packets != 0 {
		return nil, errors.New("a Describe is answered with something else than one header")
	}
	return v.Header(), nil
}

// ended checks that the pump closes a connection when the client said that it
// will: VLC and libmms read a Describe up to there.
func ended(ctx context.Context, c *Conn) error {
	b, err := c.All(ctx, 1)
	if err != nil {
		return fmt.Errorf("waiting for the end of a Describe's connection: %w", err)
	}
	if len(b) > 0 {
		return errors.New("bytes follow a Describe's body")
	}
	return nil
}

// Play opens the stream as the client does, its Describe included if it sends
// one, judges the answer's head, and returns the connection at the beginning
// of the body. The caller closes it. A status other than 200 is a [StatusError].
func (w *Viewer) Play(ctx context.Context) (*Conn, *answer.Head, error) {
	var d Description
	if w.Client.Describe != "" {
		described, err := w.Describe(ctx)
		if err != nil {
			return nil, nil, fmt.Errorf("describing: %w", err)
		}
		d = *described
	}
	return w.PlayAfter(ctx, &d)
}

// PlayAfter is [Viewer.Play] after a Describe that was made before; d may be
// the zero value, which stands for none.
func (w *Viewer) PlayAfter(ctx context.Context, d *Description) (*Conn, *answer.Head, error) {
	c := d.Conn
	if c == nil {
		var err error
		if c, err = w.Connect(ctx); err != nil {
			return nil, nil, err
		}
	}
	h, err := c.Do(ctx, w.Client.AppendPlay(nil, w.Path, w.host(), d.ID))
	if err == nil {
		err = w.judge(h)
	}
	if err != nil {
		_ = c.Close()
		return nil, h, err
	}
	return c, h, nil
}

func (w *Viewer) judge(h *answer.Head) error {
	switch {
	case h.Status != 200:
		return &StatusError{h}
	case w.Client.Plain:
		return CheckPlain(h)
	default:
		return CheckPlay(h)
	}
}
