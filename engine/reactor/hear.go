package reactor

import (
	"fmt"

	"golang.org/x/sys/unix"

	"streampump/engine/loop"
	"streampump/engine/udp"
)

// The sockets to which encoders send have the port of those that send to viewers, and are
// connected: of all at one port, the system gives a datagram to the one that is connected
// to where it comes from. What comes from elsewhere goes to the other, which lets nothing
// in.

// mostHeard is how many datagrams one call receives.
const mostHeard = 32

// Hear implements [loop.Kernel].
func (k *sockets) Hear(r *loop.Route, reports bool, port uint16, room int) (fd int, err error) {
	d := k.outgoing.sockets
	if k.incoming == nil {
		k.incoming = udp.NewInbox(mostHeard)
	}
	own, main := d.port, d.fds[0]
	if reports {
		own, main = d.port+1, d.fds[1]
	}
	family, from, to := ends(r, own, port)
	if fd, err = unix.Socket(family, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0); err != nil {
		return -1, err
	}
	if err = connect(fd, main, from, to, room); err == nil {
		ev := unix.EpollEvent{Events: heeded, Fd: int32(fd)}
		err = unix.EpollCtl(k.epoll, unix.EPOLL_CTL_ADD, fd, &ev)
	}
	if err != nil {
		_ = unix.Close(fd)
		return -1, err
	}
	return fd, nil
}

// ends are the addresses of a socket at own that is connected to port.
func ends(r *loop.Route, own, port uint16) (family int, from, to unix.Sockaddr) {
	if r.To.Is4() {
		return unix.AF_INET, &unix.SockaddrInet4{Port: int(own), Addr: r.From.As4()}, &unix.SockaddrInet4{Port: int(port), Addr: r.To.As4()}
	}
	return unix.AF_INET6, &unix.SockaddrInet6{Port: int(own), Addr: r.From.As16(), ZoneId: r.Scope},
		&unix.SockaddrInet6{Port: int(port), Addr: r.To.As16(), ZoneId: r.Scope}
}

// connect joins a new socket to both ends. Until it is, it would get what anybody sends, so
// it lets nothing in. main has the port, for itself alone but for a moment: nobody else on
// this machine can have it too.
func connect(fd, main int, from, to unix.Sockaddr, room int) error {
	udp.SetRoom(fd, room)
	if err := udp.LetNothingIn(fd); err != nil {
		return err
	}
	for _, s := range [2]int{fd, main} {
		if err := unix.SetsockoptInt(s, unix.SOL_SOCKET, unix.SO_REUSEADDR, 1); err != nil {
			return err
		}
	}
	err := unix.Bind(fd, from)
	_ = unix.SetsockoptInt(main, unix.SOL_SOCKET, unix.SO_REUSEADDR, 0) // which has just been 1
	if err != nil {
		return fmt.Errorf("no socket at the port: %w", err)
	}
	if err := unix.Connect(fd, to); err != nil {
		return fmt.Errorf("no way back: %w", err)
	}
	return udp.LetIn(fd)
}

// heeded has the set tell, once each time, when something comes.
const heeded = unix.EPOLLIN | unix.EPOLLET&0xffffffff

// Heed implements [loop.Kernel].
func (k *sockets) Heed(fd int, on bool) {
	ev := unix.EpollEvent{Fd: int32(fd)}
	if on {
		ev.Events = heeded
	}
	_ = unix.EpollCtl(k.epoll, unix.EPOLL_CTL_MOD, fd, &ev) // which fails for a bad descriptor only
}

// Forget implements [loop.Kernel].
func (k *sockets) Forget(fd int) (dropped uint32) {
	dropped = udp.Drops(fd)
	_ = unix.Close(fd) // which takes it out of the set
	return dropped
}

// Receive implements [loop.Kernel].
func (k *sockets) Receive(fd int, most int) (datagrams [][]byte, cut int, more bool) {
	return k.incoming.Receive(fd, most)
}
