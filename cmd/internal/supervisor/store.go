package supervisor

import (
	"errors"
	"net"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// barrierTime is how long the manager is given to let go of what is to be forgotten.
const barrierTime = 5 * time.Second

// storedName is the name under which a listener is stored: its address, which no other
// one has. Names must not have colons in them.
func storedName(l *net.TCPListener) string {
	return storedPrefix + strings.ReplaceAll(addressOf(l).String(), ":", "_")
}

// Store has the manager keep a listener for the next process, if it keeps any
// (FileDescriptorStoreMax= of systemd.service(5)). Connections that come between the
// two wait in it.
func (m *Manager) Store(l *net.TCPListener) {
	if !m.Present() {
		return
	}
	raw, err := l.SyscallConn()
	if err != nil {
		return // it is closed
	}
	dup := none
	_ = raw.Control(func(fd uintptr) {
		if n, err := unix.FcntlInt(fd, unix.F_DUPFD_CLOEXEC, 0); err == nil {
			dup = n
		}
	})
	if dup == none {
		return // nothing to store, or no descriptor left: a restart refuses connections for a moment
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.tell(message{"FDSTORE=1\nFDNAME=" + storedName(l), dup})
}

// Forget has the manager let go of stored sockets, and returns when it has done so, or
// after a bounded time: until then nobody can listen on their addresses.
func (m *Manager) Forget(names ...string) {
	if len(names) == 0 || !m.Present() {
		return
	}
	m.mu.Lock()
	for _, name := range names {
		m.tell(lines("FDSTOREREMOVE=1", "FDNAME="+name))
	}
	m.mu.Unlock()
	m.barrier()
}

// barrier waits until the manager has seen all that it was told: it then closes the
// descriptor that comes with the last message.
func (m *Manager) barrier() {
	var ends [2]int
	if err := unix.Pipe2(ends[:], unix.O_CLOEXEC); err != nil {
		return
	}
	defer func() { _ = unix.Close(ends[0]) }()
	m.mu.Lock()
	m.tell(message{"BARRIER=1", ends[1]})
	m.mu.Unlock()
	for end := time.Now().Add(barrierTime); ; {
		left := time.Until(end)
		if left <= 0 {
			return
		}
		n, err := unix.Poll([]unix.PollFd{{Fd: int32(ends[0])}}, int(left.Milliseconds())+1)
		if n > 0 || err != nil && !errors.Is(err, unix.EINTR) {
			return
		}
	}
}
