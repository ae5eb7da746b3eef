package udp

import (
	"context"
	"errors"
	"fmt"
	"os"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// Set is the sockets of a source, in pairs: an even port of ours and the next. Until they
// are joined to the source's ports nothing gets in. It is used by one goroutine, but for the
// end of its context, which ends a wait.
//
//	poll ──► socket, socket, … and the connection
//
// The system's set of them is one file, for which Go's poller waits as for any other: so a
// source costs no thread and no goroutine while nothing comes.
type Set struct {
	poll    *os.File
	raw     syscall.RawConn // of poll
	look    func(fd uintptr) bool
	fds     []int
	kept    []uint32 // datagrams that were kept out of each, if it is joined
	joined  []bool
	ports   []uint16
	peer    unix.Sockaddr // the address at the other end of the connection
	events  []unix.EpollEvent
	ready   []int // sockets in which something is, by their place
	conn    bool  // so has the connection
	inbox   *Inbox
	release func()
}

const (
	// Together is how many datagrams of a socket are received at once.
	Together = 16
	// connection is the place of the connection, which has none among the sockets.
	connection = -1
	// pairTries is how often a pair of ports is looked for. The system gives a free port, of
	// which one in two is even, and mostly the one beside it is free as well.
	pairTries = 64
)

// Open opens so many pairs of sockets at our own address of a connection, each with as much
// room as room says for its place. ctx ends waits; the connection must be open for as long as
// the set is.
func Open(ctx context.Context, conn syscall.Conn, pairs int, room func(i int) int) (s *Set, err error) {
	raw, err := conn.SyscallConn()
	if err != nil {
		return nil, err
	}
	s = &Set{inbox: NewInbox(Together), events: make([]unix.EpollEvent, 2*pairs+1), ready: make([]int, 0, 2*pairs)}
	if controlErr := raw.Control(func(fd uintptr) { err = s.open(int(fd), pairs, room) }); err == nil {
		err = controlErr
	}
	if err != nil {
		s.Close()
		return nil, err
	}
	stopped := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(stopped)
		_ = s.poll.SetReadDeadline(time.Now())
	})
	s.release = func() {
		if !stop() {
			<-stopped
		}
	}
	return s, nil
}

// open opens the sockets of a connection and the file that stands for all of them.
func (s *Set) open(conn, pairs int, room func(i int) int) error {
	at, err := unix.Getsockname(conn)
	if err != nil {
		return err
	}
	if s.peer, err = unix.Getpeername(conn); err != nil {
		return err
	}
	for range pairs {
		if err := s.openPair(at, room); err != nil {
			return fmt.Errorf("no two ports: %w", err)
		}
	}
	return s.gather(conn)
}

// gather makes the file.
func (s *Set) gather(conn int) error {
	fd, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return err
	}
	if err := unix.SetNonblock(fd, true); err != nil { // so that Go's poller takes it
		_ = unix.Close(fd)
		return err
	}
	s.poll = os.NewFile(uintptr(fd), "datagrams")
	if s.raw, err = s.poll.SyscallConn(); err != nil {
		return err
	}
	s.look = s.looked
	for i, socket := range s.fds {
		if err := add(fd, socket, i); err != nil {
			return err
		}
	}
	return add(fd, conn, connection)
}

// add has a set tell of a descriptor by its place, for as long as something is in it.
func add(set, fd, place int) error {
	ev := unix.EpollEvent{Events: unix.EPOLLIN, Fd: int32(place)}
	return unix.EpollCtl(set, unix.EPOLL_CTL_ADD, fd, &ev)
}

var errNoPair = errors.New("none that stand side by side are free")

// openPair opens a pair at an address.
func (s *Set) openPair(at unix.Sockaddr, room func(i int) int) error {
	for range pairTries {
		first, err := socketAt(withPort(at, 0), room(len(s.fds)))
		if err != nil {
			return err
		}
		port, err := portOf(first)
		if err == nil && port%2 == 0 {
			var second int
			if second, err = socketAt(withPort(at, int(port)+1), room(len(s.fds)+1)); err == nil {
				s.fds = append(s.fds, first, second)
				s.kept, s.joined = append(s.kept, 0, 0), append(s.joined, false, false)
				s.ports = append(s.ports, port, port+1)
				return nil
			}
		}
		_ = unix.Close(first)
		if err != nil && !errors.Is(err, unix.EADDRINUSE) {
			return err
		}
	}
	return errNoPair
}

// socketAt is a socket that nothing gets into, at an address.
func socketAt(at unix.Sockaddr, room int) (fd int, err error) {
	family := unix.AF_INET
	if _, is6 := at.(*unix.SockaddrInet6); is6 {
		family = unix.AF_INET6
	}
	if fd, err = unix.Socket(family, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0); err != nil {
		return -1, err
	}
	SetRoom(fd, room)
	if err = LetNothingIn(fd); err == nil {
		err = unix.Bind(fd, at)
	}
	if err != nil {
		_ = unix.Close(fd)
		return -1, err
	}
	return fd, nil
}

// withPort is an address with another port.
func withPort(at unix.Sockaddr, port int) unix.Sockaddr {
	switch a := at.(type) {
	case *unix.SockaddrInet4:
		return &unix.SockaddrInet4{Port: port, Addr: a.Addr}
	case *unix.SockaddrInet6:
		return &unix.SockaddrInet6{Port: port, Addr: a.Addr, ZoneId: a.ZoneId}
	}
	return at // of a connection that is none of the network; to bind it fails
}

// portOf is the port that a socket has.
func portOf(fd int) (uint16, error) {
	at, err := unix.Getsockname(fd)
	switch a := at.(type) {
	case *unix.SockaddrInet4:
		return uint16(a.Port), nil
	case *unix.SockaddrInet6:
		return uint16(a.Port), nil
	}
	return 0, err
}

// Ports are our own ports, of the sockets in their order.
func (s *Set) Ports() []uint16 { return s.ports }

// Join joins the socket at a place to a port of the source: from then on it gets what comes
// from there, and nothing else.
func (s *Set) Join(i int, port uint16) error {
	if err := unix.Connect(s.fds[i], withPort(s.peer, int(port))); err != nil {
		return err
	}
	s.kept[i], s.joined[i] = Drops(s.fds[i]), true // which the system counts as well
	return LetIn(s.fds[i])
}

// Send sends a datagram from the socket at a place to the port that it is joined to. One that
// cannot be sent is lost, as others are on their way.
func (s *Set) Send(i int, b []byte) { _, _ = unix.Write(s.fds[i], b) }

// Wait waits until something is in one of the sockets or the connection, and returns those
// sockets, by their places, and whether the connection is one. An error is
// [os.ErrDeadlineExceeded] at the given time, and ctx's when that has ended, which is the
// one that the set was opened with.
func (s *Set) Wait(ctx context.Context, until time.Time) (ready []int, conn bool, err error) {
	_ = s.poll.SetReadDeadline(until) // if it fails, so does the read
	// Whoever ends ctx sets another deadline after that.
	if ctx.Err() != nil {
		return nil, false, ctx.Err()
	}
	s.ready, s.conn = s.ready[:0], false
	err = s.raw.Read(s.look)
	return s.ready, s.conn, err
}

// looked asks the system's set, without waiting, and reports whether it has something.
func (s *Set) looked(fd uintptr) bool {
	n, err := unix.EpollWait(int(fd), s.events, 0)
	for i := range max(n, 0) {
		if place := int(s.events[i].Fd); place == connection {
			s.conn = true
		} else {
			s.ready = append(s.ready, place)
		}
	}
	return n > 0 && err == nil
}

// Receive is [Inbox.Receive] from the socket at a place, of [Together] datagrams at most.
func (s *Set) Receive(i, most int) (datagrams [][]byte, cut int, more bool) {
	return s.inbox.Receive(s.fds[i], most)
}

// Close closes the sockets, and says how many datagrams of the source the system dropped
// because one was full. To close them again does nothing.
func (s *Set) Close() (dropped uint64) {
	if s.release != nil {
		s.release()
		s.release = nil
	}
	if s.poll != nil {
		_ = s.poll.Close()
	}
	for i, fd := range s.fds {
		if s.joined[i] {
			dropped += uint64(Drops(fd) - s.kept[i])
		}
		_ = unix.Close(fd)
	}
	s.fds = nil
	return dropped
}
