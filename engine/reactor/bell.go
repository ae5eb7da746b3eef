package reactor

import (
	"encoding/binary"
	"errors"
	"net"
	"os"
	"sync"

	"golang.org/x/sys/unix"
)

// bell is what wakes a loop: an event counter in gnet's own epoll set, beside the
// sockets. The set hands out what is ready in the order in which it became ready, so
// a ring is heard after every socket that was ready before it, and a pass that rings
// for the rest of its work lets reads, new connections and the end have their turn
// first, under any load. gnet's queue of tasks has no such order: it is emptied
// before the next look at the sockets, and a loop that always had more to do never
// looked.
//
// gnet does not know of it. To gnet the bell is a connection that has some bytes to
// read whenever it is rung: a socket was enrolled, and then its descriptor was made
// to stand for the counter.
type bell struct {
	set int // gnet's epoll set; known once the bell hangs in it

	mu      sync.Mutex
	counter int // our own descriptor of the counter; -1 when the loop has ended
}

// inexhaustible is what the counter begins with. Each read takes one off it and none
// ever blocks, so gnet can read for whatever reason it was told to.
const inexhaustible = 1 << 62

func newBell() (*bell, error) {
	fd, err := unix.Eventfd(0, unix.EFD_SEMAPHORE|unix.EFD_NONBLOCK|unix.EFD_CLOEXEC)
	if err != nil {
		return nil, err
	}
	b := &bell{set: -1, counter: fd}
	b.add(inexhaustible)
	return b, nil
}

// ring has the loop's goroutine run soon. Any goroutine may call it.
func (b *bell) ring() { b.add(1) }

func (b *bell) add(n uint64) {
	var buf [8]byte
	binary.NativeEndian.PutUint64(buf[:], n)
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.counter >= 0 {
		_, _ = unix.Write(b.counter, buf[:])
	}
}

// hang finds gnet's epoll set by the descriptor of a connection in it, and puts the
// counter in the connection's place. Events of other, a set of our own, ring too.
func (b *bell) hang(fd, other int) error {
	set, err := setWith(fd)
	if err != nil {
		return err
	}
	b.set = set
	if err := unix.EpollCtl(set, unix.EPOLL_CTL_DEL, fd, nil); err != nil {
		return err
	}
	if err := unix.Dup3(b.counter, fd, unix.O_CLOEXEC); err != nil {
		return err
	}
	// Edge-triggered: each ring is an event, although the counter is never empty.
	for _, rings := range [2]int{fd, other} {
		ev := unix.EpollEvent{Events: unix.EPOLLIN | unix.EPOLLET&0xffffffff, Fd: int32(fd)}
		if err := unix.EpollCtl(set, unix.EPOLL_CTL_ADD, rings, &ev); err != nil {
			return err
		}
	}
	return nil
}

// watchReads has the set report a connection's bytes and its end, and nothing else.
// gnet asks for urgent data too, which stays ready forever behind a hole in the
// stream: one segment made a loop spin.
func (b *bell) watchReads(fd int) error { return watch(b.set, fd, unix.EPOLLIN) }

// watchNothing has the set report of a connection only that it has broken.
func (b *bell) watchNothing(fd int) error { return watch(b.set, fd, 0) }

func watch(set, fd int, events uint32) error {
	ev := unix.EpollEvent{Events: events, Fd: int32(fd)}
	return unix.EpollCtl(set, unix.EPOLL_CTL_MOD, fd, &ev)
}

// close ends the ringing.
func (b *bell) close() {
	b.mu.Lock()
	defer b.mu.Unlock()
	_ = unix.Close(b.counter)
	b.counter = -1
}

// setWith finds the epoll set that a connection is in. gnet does not tell, but
// changing an entry succeeds only in the set that has it. Descriptors are given out
// from the lowest, so a loop's set is among the first.
func setWith(fd int) (set int, err error) {
	for set := range mostDescriptors {
		if set != fd && watch(set, fd, unix.EPOLLIN) == nil {
			return set, nil
		}
	}
	return -1, errors.New("the event loop's epoll set is not found")
}

// mostDescriptors is where the search for an epoll set ends.
const mostDescriptors = 1 << 20

// bellRope is a connection for gnet to enroll as the bell.
func bellRope() (net.Conn, error) {
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	_ = unix.Close(pair[1])
	f := os.NewFile(uintptr(pair[0]), "bell")
	defer func() { _ = f.Close() }()
	return net.FileConn(f)
}
