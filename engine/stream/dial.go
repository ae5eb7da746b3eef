package stream

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"

	"streampump/codec"
	"streampump/engine/trust"
)

// way is how a target is reached.
type way struct {
	target, first codec.Target
	addr          string // what is dialled
	proxied       bool   // which is an HTTP proxy
}

// String names the address that was dialled, what was wanted there, and who sent us.
func (w way) String() string {
	s := w.addr
	if w.proxied {
		s = fmt.Sprintf("the proxy %s for %s", w.addr, w.target.Address)
	}
	if w.target != w.first {
		s += " by way of " + w.first.Address
	}
	return s
}

// connect makes one connection and reads it. again says that the conversation
// continues on another.
func (a *attempt) connect(ctx context.Context) (again bool, err error) {
	dialCtx, cancel := context.WithDeadline(ctx, a.deadline)
	defer cancel()
	w := way{target: a.sess.Target(), first: a.first}
	w.addr = w.target.Address
	if route := a.st.Config.Pull.Route; route != nil {
		if w.addr, w.proxied, err = route(dialCtx, w.target.Address); err != nil {
			return false, err
		}
	}
	a.st.log.Debug("connecting to the source", "address", w.addr, "target", w.target.Address, "tls", w.target.TLS)
	conn, err := a.st.env.Dial(dialCtx, "tcp", w.addr)
	if err != nil {
		return false, fmt.Errorf("%s cannot be reached: %w", w, bare(err))
	}
	defer conn.Close()
	if err := conn.SetDeadline(a.deadline); err != nil {
		return false, err
	}
	release := interruptible(ctx, conn)
	again, err = a.converse(ctx, conn, w)
	release()
	if !a.gone {
		a.part(conn, a.endCause(ctx, err))
	}
	a.closeEars()
	if err != nil && !errors.Is(err, errSourceEnded) {
		err = fmt.Errorf("%w (%s)", err, w)
	}
	return again, err
}

// converse says hello on a fresh connection, and reads it to its end. All that comes
// before the hello, a proxy's answer and a handshake too, is in the time of the
// connection's deadline.
func (a *attempt) converse(ctx context.Context, conn net.Conn, w way) (again bool, err error) {
	a.conn, a.tls, a.proxied, a.gone, a.idle, a.said = conn, nil, w.proxied, true, false, nil
	tunnelled := w.proxied && (w.target.TLS || w.target.Tunnelled)
	if w.target.TLS {
		a.conn, err = a.secure(conn, w)
	} else if tunnelled {
		a.conn, err = a.tunnel(conn, w.target.Address)
	}
	if err != nil {
		return false, err
	}
	if err := a.hello(ctx, w.proxied && !tunnelled); err != nil {
		return false, err
	}
	return a.read(ctx)
}

// secure makes the connection one with TLS, through the proxy if there is one.
func (a *attempt) secure(conn net.Conn, w way) (net.Conn, error) {
	host, _, err := net.SplitHostPort(w.target.Address)
	if err != nil {
		return nil, err
	}
	settings := a.st.Config.Pull.TLS
	if settings == nil {
		return nil, errors.New("the source wants TLS, for which the stream is not set up")
	}
	cfg, err := settings(host)
	switch {
	case cfg == nil:
		return nil, fmt.Errorf("the source wants TLS, and %w", err)
	case err != nil:
		a.st.log.Warn("changed files for TLS cannot be used; what was read before stays in use", "why", err)
	}
	if w.proxied {
		if conn, err = a.tunnel(conn, w.target.Address); err != nil {
			return nil, err
		}
	}
	a.tls = trust.Client(conn, cfg)
	if err := a.tls.Handshake(); err != nil {
		return nil, a.unsecured(err)
	}
	a.st.log.Debug("the source has proved its name", "with", a.tls.String())
	return a.tls, nil
}

// unsecured is the operator's sentence for a failed handshake.
func (a *attempt) unsecured(err error) error {
	if why := a.explain(err); why != nil {
		return why
	}
	if closed(err) {
		return errors.New("the source closed the connection during the TLS handshake")
	}
	return fmt.Errorf("the TLS handshake came to no end: %w", bare(err))
}

// explain is the operator's sentence for an error that is one of TLS, or nil.
func (a *attempt) explain(err error) error {
	if a.tls == nil {
		return nil
	}
	return a.tls.Explain(err)
}

// tunnelBuffer is how much of a proxy's answer is read at once.
const tunnelBuffer = 4 << 10

// tunnel has the proxy at the other end of the connection join it to the target.
func (a *attempt) tunnel(conn net.Conn, target string) (net.Conn, error) {
	t := a.st.Config.Pull.Tunnel(target)
	if _, err := conn.Write(t.AppendHello(nil)); err != nil {
		return nil, fmt.Errorf("the proxy took no request: %w", bare(err))
	}
	buf := make([]byte, tunnelBuffer)
	for {
		n, readErr := conn.Read(buf)
		if n > 0 {
			took, open, err := t.Consume(buf[:n])
			switch {
			case err != nil:
				return nil, err
			case open && took < n:
				return &ahead{conn, buf[took:n]}, nil
			case open:
				return conn, nil
			}
		}
		switch {
		case readErr != nil && closed(readErr):
			return nil, errors.New("the proxy closed the connection instead of answering")
		case readErr != nil:
			return nil, fmt.Errorf("the proxy did not answer: %w", bare(readErr))
		}
	}
}

// ahead is a connection of which some bytes have been read before their time.
type ahead struct {
	net.Conn
	rest []byte
}

// Read gives what was read before first.
func (a *ahead) Read(b []byte) (int, error) {
	if len(a.rest) == 0 {
		return a.Conn.Read(b)
	}
	n := copy(b, a.rest)
	a.rest = a.rest[n:]
	return n, nil
}

// closed reports whether an error is the other side's end of the connection. With TLS
// many do not say goodbye first. MMSH says itself whether the stream is over, so that
// nobody can cut a stream short unnoticed by closing a connection.
func closed(err error) bool { return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) }

// bare takes off what the standard library puts in front of the cause: the name of a
// system call, and addresses that our sentence already has.
func bare(err error) error {
	var call *os.SyscallError
	var name *net.DNSError
	switch {
	case errors.As(err, &name) && name.IsNotFound:
		return errors.New("the name is unknown")
	case errors.As(err, &name):
		return fmt.Errorf("the name cannot be looked up: %s", name.Err)
	case errors.As(err, &call):
		return call.Err
	case errors.Is(err, os.ErrDeadlineExceeded) || errors.Is(err, context.DeadlineExceeded):
		return errors.New("no answer within the time allowed")
	}
	return err
}
