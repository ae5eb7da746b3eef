package push

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"

	"streampump/bench/answer"
)

const (
	// Endless is the Content-Length of an encoder that is not behind a proxy
	// [MS-WMHTTP] 3.1.4.2.1.
	Endless = 2147483647

	// DefaultTimeout is how long a write, or the wait for an answer, may take.
	DefaultTimeout = 20 * time.Second

	// UserAgent is that of Windows Media Encoder in the specification's
	// examples.
	UserAgent = "WMEncoder/11.0.5721.5145"

	// AutoDestroy is the body of a PushSetup as encoders send it.
	AutoDestroy = "AutoDestroy: 1\r\n"
)

// Options say how a client pushes. The zero value of each field but Path works.
type Options struct {
	Path      string // such as /streams/x_push
	Host      string // of the Host field; the address of the connection if empty
	UserAgent string // [UserAgent] if empty
	// PushID is the cookie to begin with; "0", which asks for a new session,
	// if empty. An encoder that lost its connection comes back with the old one.
	PushID string
	// Proto is HTTP/1.1 if empty.
	Proto string
	// Timeout is that of each write and of each wait; 0 stands for [DefaultTimeout].
	Timeout time.Duration
	// Bytewise sends each byte in a TCP segment of its own, over TLS in a record of
	// its own.
	Bytewise bool
	// TLS is how [Dial] speaks TLS, the server's name included; nil is plain TCP.
	TLS *tls.Config
}

// Client is one connection to a pump that takes pushes. It is used by one
// goroutine; Close may be called from any.
type Client struct {
	o       Options
	conn    net.Conn
	pushID  string
	left    int64 // bytes of the body under way that are not sent yet
	b       []byte
	answers chan reply
	early   *reply // an answer that was looked at and not taken
}

// reply is one answer, or the end of the connection.
type reply struct {
	head *answer.Head
	body []byte
	err  error
}

// ErrBodyFull is returned for a packet that has no room in the body, or would
// leave one to three bytes of it, which no filler fits into. The body is to be
// completed and the next begun.
var ErrBodyFull = errors.New("the packet has no room in the body of this PushStart")

// StatusError says that a pump answered something else than 2xx.
type StatusError struct {
	Head *answer.Head
	Text string // the answer's body: why
}

// Error is the status line and the body.
func (e *StatusError) Error() string {
	return strings.TrimSpace("the pump answers " + e.Head.String() + ": " + strings.TrimSpace(e.Text))
}

// Dial connects to addr, a host:port, within the timeout.
func Dial(ctx context.Context, addr string, o Options) (*Client, error) {
	dial := (&net.Dialer{Timeout: o.timeout()}).DialContext
	if o.TLS != nil {
		dial = (&tls.Dialer{NetDialer: &net.Dialer{Timeout: o.timeout()}, Config: o.TLS}).DialContext
	}
	c, err := dial(ctx, "tcp", addr)
	if err != nil {
		return nil, err
	}
	return New(c, o), nil
}

// timeout is that of each thing that is waited for.
func (o *Options) timeout() time.Duration {
	if o.Timeout == 0 {
		return DefaultTimeout
	}
	return o.Timeout
}

// New makes a client of a connection, which it owns from then on. It starts a
// goroutine that reads answers and ends with the connection.
func New(c net.Conn, o Options) *Client {
	if o.Host == "" {
		o.Host = c.RemoteAddr().String()
	}
	if o.UserAgent == "" {
		o.UserAgent = UserAgent
	}
	if o.PushID == "" {
		o.PushID = "0"
	}
	if o.Proto == "" {
		o.Proto = "HTTP/1.1"
	}
	o.Timeout = o.timeout()
	p := &Client{o: o, conn: c, pushID: o.PushID, answers: make(chan reply, maxAnswers)}
	go p.read()
	return p
}

// Close closes the connection at once, wherever the body is; so an encoder
// looks that crashed.
func (c *Client) Close() error { return c.conn.Close() }

// PushID is the session's id: the one begun with, or that of the newest
// Set-Cookie.
func (c *Client) PushID() string { return c.pushID }

// Left is how many bytes of the body under way are not sent yet.
func (c *Client) Left() int64 { return c.left }

// Setup sends a PushSetup [MS-WMHTTP] 2.2.2.1 with a body, which may be empty
// (see [AutoDestroy]), and returns its answer. One that is not 2xx is a
// [StatusError] as well.
func (c *Client) Setup(ctx context.Context, body string) (*answer.Head, error) {
	if err := c.Raw(ctx, append(c.head("application/x-wms-pushsetup", int64(len(body))), body...)); err != nil {
		return nil, err
	}
	return c.Answer(ctx)
}

// Start sends the head of a PushStart [MS-WMHTTP] 2.2.2.2 whose body will have
// length bytes. No answer is due before they are all sent.
func (c *Client) Start(ctx context.Context, length int64) error {
	if err := c.Raw(ctx, c.head("application/x-wms-pushstart", length)); err != nil {
		return err
	}
	c.left = length
	return nil
}

// head is the head of a request, in the spelling and order of the
// specification's examples.
func (c *Client) head(mediaType string, length int64) []byte {
	return fmt.Appendf(nil, "POST %s %s\r\n"+
		"Content-Type: %s\r\n"+
		"X-Accept-Authentication: Negotiate, NTLM, Digest\r\n"+
		"User-Agent: %s\r\n"+
		"Host: %s\r\n"+
		"Content-Length: %d\r\n"+
		"Connection: Keep-Alive\r\n"+
		"Cache-Control: no-cache\r\n"+
		"Cookie: push-id=%s\r\n\r\n",
		c.o.Path, c.o.Proto, mediaType, c.o.UserAgent, c.o.Host, length, c.pushID)
}

// Answer waits for the next answer. One that is not 2xx is a [StatusError] as
// well. The end of the connection is io.EOF.
func (c *Client) Answer(ctx context.Context) (*answer.Head, error) {
	if c.early != nil {
		r := c.early
		c.early = nil
		return r.take(c)
	}
	t := time.NewTimer(c.o.Timeout)
	defer t.Stop()
	select {
	case r := <-c.answers:
		return r.take(c)
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-t.C:
		return nil, fmt.Errorf("no answer within %v", c.o.Timeout)
	}
}

// Answered reports whether an answer, or the end of the connection, has come
// that [Client.Answer] would return at once. It never waits.
func (c *Client) Answered() bool {
	if c.early != nil {
		return true
	}
	select {
	case r := <-c.answers:
		c.early = &r
		return true
	default:
		return false
	}
}

// take makes of a reply what Answer returns, and keeps its cookie.
func (r *reply) take(c *Client) (*answer.Head, error) {
	if r.err != nil {
		return nil, r.err
	}
	for _, f := range r.head.Fields {
		if id, ok := strings.CutPrefix(f.Value, "push-id="); ok && f.Name == "Set-Cookie" {
			c.pushID, _, _ = strings.Cut(id, ";")
		}
	}
	if r.head.Status/100 != 2 {
		return r.head, &StatusError{r.head, string(r.body)}
	}
	return r.head, nil
}

// Raw sends bytes as they are. They count for the body under way.
func (c *Client) Raw(ctx context.Context, b []byte) error {
	stop := context.AfterFunc(ctx, func() { _ = c.conn.SetWriteDeadline(time.Unix(1, 0)) })
	defer stop()
	piece := len(b)
	if c.o.Bytewise {
		piece = 1
	}
	for len(b) > 0 {
		_ = c.conn.SetWriteDeadline(time.Now().Add(c.o.Timeout))
		if err := ctx.Err(); err != nil {
			return err
		}
		n, err := c.conn.Write(b[:piece])
		c.left = max(0, c.left-int64(n))
		if err != nil {
			return c.failed(ctx, err)
		}
		b = b[n:]
	}
	return nil
}

// failed makes of a write that failed what the pump said before it closed the
// connection, if it said anything.
func (c *Client) failed(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	var status *StatusError
	if _, told := c.Answer(ctx); errors.As(told, &status) {
		return status
	}
	return fmt.Errorf("sending: %w", err)
}
