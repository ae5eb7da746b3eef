package reactor

import (
	"unsafe"

	"golang.org/x/sys/unix"

	"streampump/engine/udp"
)

// sockets is the real kernel: raw vectored writes, and its own epoll set for the
// sockets that were full. gnet's epoll set cannot tell when a socket takes bytes
// again (its write event never reaches the handler), and trying every stalled viewer
// at each packet costs a tenth of a delivery each; a set costs nothing per stalled
// viewer.
type sockets struct {
	epoll    int
	events   [128]unix.EpollEvent
	outgoing *outgoing  // nil: no datagrams are sent
	incoming *udp.Inbox // nil: none were received
}

func newSockets() (*sockets, error) {
	fd, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, err
	}
	return &sockets{epoll: fd}, nil
}

// Writev calls the system directly: unix.Writev makes its own vector, and
// allocates it above eight buffers.
func (k *sockets) Writev(fd int, iov []unix.Iovec) (int, unix.Errno) {
	for {
		n, errno := send(fd, iov)
		if errno == unix.EINTR {
			continue
		}
		if errno != 0 {
			return 0, errno
		}
		return int(n), 0
	}
}

// send makes the call: for a single buffer sendto(2), which goes past the layers that
// writev(2) shares with files and costs some hundredths less.
func send(fd int, iov []unix.Iovec) (n uintptr, errno unix.Errno) {
	if len(iov) == 1 {
		n, _, errno = unix.RawSyscall6(unix.SYS_SENDTO, uintptr(fd), uintptr(unsafe.Pointer(iov[0].Base)), uintptr(iov[0].Len),
			unix.MSG_NOSIGNAL, 0, 0)
		return n, errno
	}
	n, _, errno = unix.RawSyscall(unix.SYS_WRITEV, uintptr(fd), uintptr(unsafe.Pointer(&iov[0])), uintptr(len(iov)))
	return n, errno
}

func (k *sockets) HalfClose(fd int) { _ = unix.Shutdown(fd, unix.SHUT_WR) }

// Watch adds the socket edge-triggered, so that a healthy socket in the set costs
// nothing; one that already takes bytes is reported at once.
func (k *sockets) Watch(fd int) error {
	ev := unix.EpollEvent{Events: unix.EPOLLOUT | unix.EPOLLET&0xffffffff, Fd: int32(fd)}
	return unix.EpollCtl(k.epoll, unix.EPOLL_CTL_ADD, fd, &ev)
}

func (k *sockets) Unwatch(fd int) { _ = unix.EpollCtl(k.epoll, unix.EPOLL_CTL_DEL, fd, nil) }

func (k *sockets) Ready(fds []int32) int {
	events := k.events[:min(len(fds), len(k.events))]
	n, err := unix.EpollWait(k.epoll, events, 0)
	if err != nil {
		return 0
	}
	for i := range n {
		fds[i] = events[i].Fd
	}
	return n
}

func (k *sockets) close() { _ = unix.Close(k.epoll) }
