package attack

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/netip"
	"os"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// connecting are the attacks by connections.
func connecting() []Attack {
	return []Attack{handshakes(), silentHandshakes(), urgentBytes(), halfOpen(), resets(),
		crowd("crowd", "opens connections from many addresses, each within what one address may have, and sends no byte", Plain, 5000),
		crowd("admin-crowd", "opens connections to the admin listener and sends no byte", Admin, 500),
	}
}

// halfOpen holds connections of which the pump's system knows nothing but the first
// segment. A socket that takes no segment never answers the one that would open the
// connection, and its system says nothing for it.
func halfOpen() Attack {
	return Attack{
		Name: "half-open", What: "begins connections and never completes them (SYN without ACK)",
		Unit: "connections",
		Own:  Bounds{For: 3 * time.Second, Units: 10_000, Connections: 10_000, Rate: 10_000},
		run: func(a *assault) error {
			var held []int
			defer func() {
				for _, fd := range held {
					_ = unix.Close(fd)
				}
			}()
			for len(held) < a.b.Connections && a.next(1) {
				fd, err := a.begin(sourceOf(len(held)))
				if errors.Is(err, unix.EMFILE) {
					break // as many as this process may have
				}
				if err != nil {
					return err
				}
				held = append(held, fd)
			}
			<-a.ctx.Done()
			return nil
		},
	}
}

// begin sends the first segment of a connection from an address.
func (a *assault) begin(from net.IP) (fd int, err error) {
	fd, err = unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return 0, err
	}
	to := netip.MustParseAddrPort(a.t.Addr)
	nothing := []unix.SockFilter{{Code: unix.BPF_RET | unix.BPF_K}} // takes 0 bytes of each segment
	err = errors.Join(
		unix.SetsockoptSockFprog(fd, unix.SOL_SOCKET, unix.SO_ATTACH_FILTER, &unix.SockFprog{Len: 1, Filter: &nothing[0]}),
		unix.SetsockoptInt(fd, unix.IPPROTO_IP, unix.IP_BIND_ADDRESS_NO_PORT, 1),
		unix.Bind(fd, &unix.SockaddrInet4{Addr: [4]byte(from.To4())}),
	)
	if err == nil {
		err = unix.Connect(fd, &unix.SockaddrInet4{Port: int(to.Port()), Addr: to.Addr().As4()})
	}
	if err != nil && !errors.Is(err, unix.EINPROGRESS) {
		_ = unix.Close(fd)
		return 0, err
	}
	const segment = 60 // a SYN with its options, about
	a.count(func(d *Did) { d.Connections++; d.Sent += segment })
	return fd, nil
}

// crowd opens whole connections from many addresses and sends no byte.
func crowd(name, what string, door Door, most int) Attack {
	return Attack{
		Name: name, What: what, Unit: "connections", Door: door,
		Own: Bounds{For: 3 * time.Second, Units: 20_000, Connections: most, Rate: float64(most)},
		run: func(a *assault) error {
			for open := 0; open < a.b.Connections && a.next(1); open++ {
				c, err := a.dialFrom(sourceOf(open), nil)
				if errors.Is(err, syscall.EMFILE) {
					break
				}
				if err != nil {
					if a.wait(comeBack) {
						continue
					}
					return err
				}
				a.watch(c)
			}
			<-a.ctx.Done()
			return nil
		},
	}
}

// resets opens connections and takes them back at once.
func resets() Attack {
	return Attack{
		Name: "resets", What: "opens connections and resets them, before and behind a request",
		Unit: "connections",
		Own:  Bounds{For: 3 * time.Second, Units: 50_000, Connections: 16, Rate: 3000},
		run: func(a *assault) error {
			return a.workers(func() error {
				for asks := false; a.next(1); asks = !asks {
					c, err := a.dial()
					if err != nil {
						return err
					}
					if asks {
						n, _ := c.Write([]byte(root))
						a.count(func(d *Did) { d.Sent += int64(n) })
					}
					_ = c.(*net.TCPConn).SetLinger(0)
					_ = c.Close()
				}
				return nil
			})
		},
	}
}

// hungUp reports whether the peer of a connection that nobody reads has ended it.
func hungUp(c net.Conn) (over bool) {
	if t, ok := c.(*tls.Conn); ok {
		c = t.NetConn()
	}
	err := control(c, func(fd int) error {
		p := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLRDHUP}}
		n, err := unix.Poll(p, 0)
		over = n > 0 && p[0].Revents&(unix.POLLRDHUP|unix.POLLHUP|unix.POLLERR) != 0
		return err
	})
	return over || errors.Is(err, os.ErrClosed) || errors.Is(err, context.Canceled)
}
