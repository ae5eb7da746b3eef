package attack

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/netip"
	"syscall"
	"time"
)

// source is the address that attackers come from, so that what is bounded by
// address does not meet the viewers of 127.0.0.1 and 127.1.0.0/16.
var source = net.IPv4(127, 66, 6, 6)

// Attacker is that address, for whoever says what it may do.
func Attacker() netip.Addr { return netip.MustParseAddr(source.String()) }

// sourceOf is one of the addresses of attackers that have many.
func sourceOf(i int) net.IP { return net.IPv4(127, 66, byte(10+i/250%200), byte(1+i%250)) }

// dial connects to the target.
func (a *assault) dial() (net.Conn, error) { return a.dialFrom(source, nil) }

// dialFrom connects to the target from an address; control, if it is not nil, sees the
// socket before.
func (a *assault) dialFrom(from net.IP, control func(fd int) error) (net.Conn, error) {
	c, err := a.connectFrom(from, control)
	if err != nil || !a.secure {
		return c, err
	}
	t := tls.Client(c, &tls.Config{InsecureSkipVerify: true}) //nolint:gosec // whoever attacks does not mind
	if err := t.HandshakeContext(a.ctx); err != nil {
		_ = c.Close()
		if a.ctx.Err() == nil {
			a.count(func(d *Did) { d.Closed++ })
		}
		return nil, err
	}
	return t, nil
}

// connectFrom is dialFrom before anything is encrypted.
func (a *assault) connectFrom(from net.IP, control func(fd int) error) (net.Conn, error) {
	d := net.Dialer{}
	if control != nil {
		d.Control = func(_, _ string, c syscall.RawConn) error { return onDescriptor(c, control) }
	}
	if netip.MustParseAddrPort(a.t.Addr).Addr().Is4() {
		d.LocalAddr = &net.TCPAddr{IP: from}
	}
	c, err := d.DialContext(a.ctx, "tcp", a.t.Addr)
	var timeout net.Error
	late := errors.As(err, &timeout) && timeout.Timeout() // which only ctx makes it
	a.count(func(d *Did) {
		if err == nil {
			d.Connections++
		} else if a.ctx.Err() == nil && !late {
			d.Failed++
		}
	})
	return c, err
}

// onDescriptor does something with a socket's descriptor.
func onDescriptor(c syscall.RawConn, do func(fd int) error) error {
	var inner error
	if err := c.Control(func(fd uintptr) { inner = do(int(fd)) }); err != nil {
		return err
	}
	return inner
}

// ends has a connection end with the attack. What it returns takes that back.
func ends(a *assault, c net.Conn) func() bool {
	return context.AfterFunc(a.ctx, func() { _ = c.SetDeadline(time.Unix(1, 0)) })
}
