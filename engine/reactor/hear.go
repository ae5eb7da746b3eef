package reactor

import (
	"fmt"
	"unsafe"

	"golang.org/x/sys/unix"

	"streampump/engine/loop"
)

// The sockets to which encoders send have the port of those that send to viewers, and are
// connected: of all at one port, the system gives a datagram to the one that is connected
// to where it comes from. What comes from elsewhere goes to the other, which lets nothing
// in.

const (
	// mostHeard is how many datagrams one call receives, and longestHeard how long they may
	// be. Encoders send what fits a packet of the network, which has 9,000 bytes at most.
	mostHeard    = 32
	longestHeard = 16 << 10
	// hearTries is how often a call is made that a peer's refusals may have failed.
	hearTries = 8
)

// incoming is what the calls that receive datagrams need.
type incoming struct {
	messages [mostHeard]message
	bufs     [mostHeard]unix.Iovec
	heard    [mostHeard][]byte
	memory   [mostHeard][longestHeard]byte
}

func newIncoming() *incoming {
	in := &incoming{}
	for i := range in.messages {
		in.bufs[i].Base = &in.memory[i][0]
		in.bufs[i].SetLen(longestHeard)
		in.messages[i].header.Iov = &in.bufs[i]
		in.messages[i].header.SetIovlen(1)
	}
	return in
}

// Hear implements [loop.Kernel].
func (k *sockets) Hear(r *loop.Route, reports bool, port uint16, room int) (fd int, err error) {
	d := k.outgoing.sockets
	if k.incoming == nil {
		k.incoming = newIncoming()
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
// this machine can have it too. The system counts what is around the bytes for which there
// is room as well, and doubles the number that it is told.
func connect(fd, main int, from, to unix.Sockaddr, room int) error {
	if err := unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, room/2); err != nil {
		_ = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUF, room/2) // as much as we may have
	}
	if err := letNothingIn(fd); err != nil {
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
	return unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_DETACH_FILTER, 0)
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
	dropped = drops(fd)
	_ = unix.Close(fd) // which takes it out of the set
	return dropped
}

// drops is how many datagrams the system has dropped because a socket was full; 0 where it
// does not tell: before Linux 4.12.
func drops(fd int) uint32 {
	var info [9]uint32
	size := uint32(unsafe.Sizeof(info))
	_, _, errno := unix.RawSyscall6(unix.SYS_GETSOCKOPT, uintptr(fd), unix.SOL_SOCKET, unix.SO_MEMINFO,
		uintptr(unsafe.Pointer(&info)), uintptr(unsafe.Pointer(&size)), 0)
	if errno != 0 {
		return 0
	}
	return info[unix.SK_MEMINFO_DROPS]
}

// Receive implements [loop.Kernel].
func (k *sockets) Receive(fd int, most int) (datagrams [][]byte, cut int, more bool) {
	in := k.incoming
	most = max(1, min(most, mostHeard))
	for range hearTries {
		taken, _, errno := unix.RawSyscall6(unix.SYS_RECVMMSG, uintptr(fd), uintptr(unsafe.Pointer(&in.messages)), uintptr(most),
			unix.MSG_DONTWAIT, 0, 0)
		switch errno {
		case 0:
			datagrams, cut = in.sort(int(taken))
			return datagrams, cut, int(taken) == most
		case unix.EAGAIN:
			return nil, 0, false
		} // that the call was interrupted, or that somebody in between refuses what we never send, is told once
	}
	return nil, 0, false
}

// sort is those of the first messages that are whole.
func (in *incoming) sort(taken int) (datagrams [][]byte, cut int) {
	n := 0
	for i := range in.messages[:taken] {
		m := &in.messages[i]
		if m.header.Flags&unix.MSG_TRUNC != 0 {
			cut++
			continue
		}
		in.heard[n] = in.memory[i][:m.sent]
		n++
	}
	return in.heard[:n], cut
}
