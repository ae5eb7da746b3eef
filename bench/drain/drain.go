// Package drain reads many sockets as cheaply as the kernel allows and keeps
// nothing of what comes: the load generator is to cost far less than the server
// that it loads.
//
// Sockets are watched edge-triggered in one epoll set and read with MSG_TRUNC,
// which takes bytes off a socket without copying them [tcp(7)]. The set is swept
// some times a second and not whenever something comes: so a socket is read once
// for many packets, and the server's writes do not have to wake a reader. How
// often follows from how much the sockets were found to hold ([Set.Interval]):
// no receive buffer is to get so full that the sender notices.
//
//	server ──writes──► sockets' receive buffers ──Sweep──► counted, gone
package drain

import (
	"errors"
	"fmt"
	"io"
	"time"

	"golang.org/x/sys/unix"
)

const (
	// A set is swept at least and at most so often.
	longest  = 200 * time.Millisecond
	shortest = 5 * time.Millisecond

	// full is how much a socket may hold when it is swept: three quarters of
	// what the kernel offers a sender of the usual receive buffer of 128 KiB.
	full = 48 << 10

	// batch is how many sockets one call of epoll tells of.
	batch = 512

	// takeMost is what one read may take: more than any receive buffer has.
	takeMost = 1 << 30
)

// Set is the sockets that are drained. It is used by one goroutine.
type Set struct {
	epoll    int
	events   []unix.EpollEvent
	interval time.Duration
}

// New makes an empty set.
func New() (*Set, error) {
	fd, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("no epoll set can be made: %w", err)
	}
	return &Set{epoll: fd, events: make([]unix.EpollEvent, batch), interval: longest}, nil
}

// Interval is how long after a Sweep the next is due.
func (s *Set) Interval() time.Duration { return s.interval }

// next is the interval after a sweep that took so much from the fullest socket:
// shorter by a quarter when that was too much, and longer by a little when it
// was less than half of what it may be.
func next(interval time.Duration, most int64) time.Duration {
	switch {
	case most > full:
		return max(interval-interval/4, shortest)
	case most < full/2:
		return min(interval+shortest, longest)
	}
	return interval
}

// Close closes the set, not the sockets in it.
func (s *Set) Close() error { return unix.Close(s.epoll) }

// Add takes in a stream socket. What it has received before is swept too.
func (s *Set) Add(fd int) error {
	ev := unix.EpollEvent{Events: unix.EPOLLIN | unix.EPOLLRDHUP | unix.EPOLLET, Fd: int32(fd)}
	return unix.EpollCtl(s.epoll, unix.EPOLL_CTL_ADD, fd, &ev)
}

// Remove lets a socket go, so that it fills and its sender stalls. A closed
// socket need not be removed.
func (s *Set) Remove(fd int) error {
	return unix.EpollCtl(s.epoll, unix.EPOLL_CTL_DEL, fd, nil)
}

// Sweep reads all sockets that have something. It calls got for each with the
// number of bytes, and with io.EOF or the socket's error once that is at its
// end; got may add, remove and close sockets. It never waits.
func (s *Set) Sweep(got func(fd int, n int64, err error)) error {
	most := int64(0)
	for {
		n, err := unix.EpollWait(s.epoll, s.events, 0)
		if errors.Is(err, unix.EINTR) {
			continue
		}
		if err != nil {
			return fmt.Errorf("waiting for sockets: %w", err)
		}
		for i := range s.events[:n] {
			ev := &s.events[i]
			total, err := take(int(ev.Fd), ev.Events&^unix.EPOLLIN != 0)
			most = max(most, total)
			got(int(ev.Fd), total, err)
		}
		if n < len(s.events) {
			s.interval = next(s.interval, most)
			return nil
		}
	}
}

// take empties a socket. One read takes all there is; ending says that the end
// of the connection is behind it, or an error.
func take(fd int, ending bool) (total int64, err error) {
	for {
		n, errno := receive(fd)
		switch {
		case errno == unix.EINTR:
		case errno == unix.EAGAIN:
			return total, nil
		case errno != 0:
			return total, errno
		case n == 0:
			return total, io.EOF
		default:
			total += n
			if !ending {
				return total, nil
			}
		}
	}
}

// receive is recv(2) without a buffer. The call never blocks, so the scheduler
// need not hear of it.
func receive(fd int) (int64, unix.Errno) {
	n, _, errno := unix.RawSyscall6(unix.SYS_RECVFROM, uintptr(fd), 0, takeMost, unix.MSG_TRUNC|unix.MSG_DONTWAIT, 0, 0)
	if errno != 0 {
		return 0, errno
	}
	return int64(n), 0
}
