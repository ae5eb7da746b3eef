package door

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"streampump/engine/secure"
)

// listen opens an address. "[::]:port" takes IPv4 as well. Sockets that an earlier
// process left in TIME_WAIT do not stand in the way.
func (d *Door) listen(l Listener) (*acceptor, error) {
	if l.Inherited != nil {
		return d.inherit(l)
	}
	lc := net.ListenConfig{Control: func(_, _ string, c syscall.RawConn) error { return d.equip(c) }}
	lc.SetMultipathTCP(false)
	lc.KeepAlive = -1 // net must not set it on each connection: see listenOptions
	network := "tcp"
	if host, _, err := net.SplitHostPort(l.Address); err == nil {
		if ip, err := netip.ParseAddr(host); err == nil && ip.Is4() {
			network = "tcp4"
		}
	}
	ln, err := lc.Listen(context.Background(), network, l.Address)
	if err != nil {
		return nil, fmt.Errorf("cannot listen on %s: %w", l.Address, bare(err))
	}
	a := &acceptor{door: d, listener: ln.(*net.TCPListener), tls: d.server(l.TLS)}
	a.reserve()
	return a, nil
}

// inherit takes over a listener that another process has opened.
func (d *Door) inherit(l Listener) (*acceptor, error) {
	c, err := l.Inherited.SyscallConn()
	if err == nil {
		err = d.equip(c)
	}
	if err != nil {
		return nil, fmt.Errorf("cannot use the inherited socket of %s: %w", l.Address, bare(err))
	}
	a := &acceptor{door: d, listener: l.Inherited, tls: d.server(l.TLS), inherited: true}
	a.reserve()
	return a, nil
}

// server does the handshakes of a configuration: one server for all listeners that have
// it, so that a session ticket of one is good at all. It is nil without a configuration.
func (d *Door) server(cfg *tls.Config) *secure.Server {
	if cfg == nil {
		return nil
	}
	s := d.servers[cfg]
	if s == nil {
		s = secure.NewServer(cfg)
		d.servers[cfg] = s
	}
	return s
}

// equip sets a listener's options.
func (d *Door) equip(c syscall.RawConn) error {
	var err error
	if failed := c.Control(func(fd uintptr) { err = d.listenOptions(int(fd)) }); failed != nil {
		return failed
	}
	return err
}

// ownKeepAlive gives a connection the keep-alive of our own listeners. net sets another
// one on those of a listener that it did not open.
func ownKeepAlive(c *net.TCPConn) {
	_ = c.SetKeepAliveConfig(net.KeepAliveConfig{
		Enable: true, Idle: keepAlive, Interval: keepAliveInterval, Count: keepAliveProbes,
	})
}

// An idle connection is probed after keepAlive, and each of keepAliveProbes probes is
// given keepAliveInterval to be answered: this finds peers that vanished without a
// FIN and to whom nothing is sent.
const (
	keepAlive         = 60 * time.Second
	keepAliveInterval = 12 * time.Second
	keepAliveProbes   = 5
)

// listenOptions sets what a listener's connections inherit: once, instead of with
// several calls for each of thousands that may come at once.
func (d *Door) listenOptions(fd int) error {
	set := []struct{ level, name, value int }{
		{unix.SOL_SOCKET, unix.SO_REUSEADDR, 1},
		// No answer waits for another's acknowledgement.
		{unix.IPPROTO_TCP, unix.TCP_NODELAY, 1},
		{unix.SOL_SOCKET, unix.SO_KEEPALIVE, 1},
		{unix.IPPROTO_TCP, unix.TCP_KEEPIDLE, int(keepAlive / time.Second)},
		{unix.IPPROTO_TCP, unix.TCP_KEEPINTVL, int(keepAliveInterval / time.Second)},
		{unix.IPPROTO_TCP, unix.TCP_KEEPCNT, keepAliveProbes},
		{unix.IPPROTO_TCP, unix.TCP_NOTSENT_LOWAT, d.cfg.NotSentLowat},
	}
	for _, o := range set {
		if o.name == unix.TCP_NOTSENT_LOWAT && o.value == 0 {
			continue // the system's own
		}
		if err := unix.SetsockoptInt(fd, o.level, o.name, o.value); err != nil {
			return err
		}
	}
	return nil
}

// bare takes off the name of the system call, which says nothing to an operator.
func bare(err error) error {
	var call *os.SyscallError
	if errors.As(err, &call) {
		return call.Err
	}
	return err
}
