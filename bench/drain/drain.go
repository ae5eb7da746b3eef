// Package drain reads many sockets as cheaply as the kernel allows and keeps nothing
// of what comes: the load generator must cost far less than the server that it loads.
//
// Sockets are not watched but swept: each is read some times a second, with
// MSG_TRUNC, which takes bytes off a socket without copying them [tcp(7)]. So a
// socket is read once for many packets, and the server's writes wake nobody: a
// waiting reader is woken within the writer's own system call, on the writer's
// account. How often they are swept follows from how much the sockets were found to
// hold ([Set.Interval]): no receive buffer may get so full that the sender notices.
//
//	server ──writes──► sockets' receive buffers ──Sweep──► counted, gone
package drain

import (
	"io"
	"time"

	"golang.org/x/sys/unix"
)

const (
	// A set is swept at least and at most so often.
	longest  = 200 * time.Millisecond
	rarest   = 500 * time.Millisecond // sockets that little comes to: see small
	shortest = 5 * time.Millisecond

	// full is how much a socket may hold when it is swept: three quarters of
	// what the kernel offers a sender of the usual receive buffer of 128 KiB.
	full = 48 << 10

	// small is how much a socket may hold for its set to be swept less often
	// than longest: what comes to it in that time is little, so that it hardly
	// matters for a measurement in which sweep it is counted.
	small = 4 << 10

	// takeMost is what one read may take: more than a receive buffer grows to by
	// itself (tcp_rmem: 6 MiB). Without a bound one read lasts as long as a sender
	// that is as fast as the reader goes on.
	takeMost = 8 << 20
)

// Set is the sockets that are drained. It is used by one goroutine. The zero
// value is not ready; see [New].
type Set struct {
	fds      []int
	place    map[int]int // of each in fds
	interval time.Duration
}

// New makes an empty set.
func New() *Set { return &Set{place: map[int]int{}, interval: longest} }

// Interval is how long after a Sweep the next is due.
func (s *Set) Interval() time.Duration { return s.interval }

// next is the interval after a sweep, given what it took from the fullest socket:
// shorter by a quarter when that was too much, and longer by a little when it was
// less than half of what it may be.
func next(interval time.Duration, most int64) time.Duration {
	switch {
	case most > full:
		return max(interval-interval/4, shortest)
	case most < small && interval >= longest:
		return min(interval+shortest, rarest)
	case most < full/2:
		return min(interval+shortest, longest)
	}
	return interval
}

// Len is how many sockets are in the set.
func (s *Set) Len() int { return len(s.fds) }

// Add takes in a stream socket. What it has received before is swept too.
func (s *Set) Add(fd int) {
	if _, there := s.place[fd]; !there {
		s.place[fd] = len(s.fds)
		s.fds = append(s.fds, fd)
	}
}

// Remove lets a socket go, so that it fills and its sender stalls. It must be
// called before a socket is closed. One that is not in the set is left alone.
func (s *Set) Remove(fd int) {
	at, there := s.place[fd]
	if !there {
		return
	}
	last := len(s.fds) - 1
	s.fds[at] = s.fds[last]
	s.place[s.fds[at]] = at
	s.fds = s.fds[:last]
	delete(s.place, fd)
}

// Sweep reads all sockets that have something. It calls got for each with the
// number of bytes, or with io.EOF or the socket's error once that is at its
// end; got may add, remove and close sockets. It never waits.
func (s *Set) Sweep(got func(fd int, n int64, err error)) {
	most := int64(0)
	for i := 0; i < len(s.fds); {
		fd := s.fds[i]
		n, err := s.Take(fd, takeMost)
		most = max(most, n)
		if n > 0 || err != nil {
			got(fd, n, err)
		}
		if i < len(s.fds) && s.fds[i] == fd {
			i++ // otherwise another one has taken its place
		}
	}
	s.interval = next(s.interval, most)
}

// Take reads up to most bytes from a socket, in the set or not. The error is
// io.EOF at the connection's end, and nil where nothing has come.
func (s *Set) Take(fd int, most int64) (int64, error) {
	for {
		n, errno := receive(fd, most)
		switch {
		case errno == unix.EINTR:
		case errno == unix.EAGAIN:
			return 0, nil
		case errno != 0:
			return 0, errno
		case n == 0:
			return 0, io.EOF
		default:
			return n, nil
		}
	}
}

// receive is recv(2) without a buffer. The call never blocks, so the scheduler need
// not know of it.
func receive(fd int, most int64) (int64, unix.Errno) {
	n, _, errno := unix.RawSyscall6(unix.SYS_RECVFROM, uintptr(fd), 0, uintptr(most), unix.MSG_TRUNC|unix.MSG_DONTWAIT, 0, 0)
	if errno != 0 {
		return 0, errno
	}
	return int64(n), 0
}
