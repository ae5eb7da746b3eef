package supervisor

import (
	"errors"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

const (
	// maxWaiting bounds what waits for a socket that is full.
	maxWaiting = 64
	// retryAfter is how long after a full socket it is tried again.
	retryAfter = 50 * time.Millisecond
)

// message is what the manager is told, and the descriptor that goes with it.
type message struct {
	text string
	fd   int // ours, closed once it is sent; none: there is none
}

// none stands for no descriptor.
const none = -1

// lines are a message of several assignments, without a descriptor.
func lines(assignments ...string) message {
	return message{strings.Join(assignments, "\n"), none}
}

// now is when a message was made, as systemd compares it with its own times.
func now() string {
	var t unix.Timespec
	_ = unix.ClockGettime(unix.CLOCK_MONOTONIC, &t) // it cannot fail
	return "MONOTONIC_USEC=" + strconv.FormatInt(t.Nano()/int64(time.Microsecond), 10)
}

// status is the line for people; a line break would begin another assignment.
func status(text string) string {
	return "STATUS=" + strings.ReplaceAll(text, "\n", " ")
}

// tell sends what must arrive, now or soon. The caller holds the lock, as for all here.
func (m *Manager) tell(x message) {
	if m.socket == none {
		x.close()
		return
	}
	if len(m.waiting) >= maxWaiting {
		m.lost++
		x.close()
		return
	}
	m.waiting = append(m.waiting, x)
	m.flush()
}

// withdraw takes back what waits of messages that begin with first, and what follows
// them and begins with it or with then.
func (m *Manager) withdraw(first, then string) {
	begun := false
	m.waiting = slices.DeleteFunc(m.waiting, func(x message) bool {
		is := strings.HasPrefix(x.text, first)
		begun = begun || is
		return is || begun && strings.HasPrefix(x.text, then)
	})
}

// try sends what may be lost, behind what must arrive; it reports whether it was taken.
func (m *Manager) try(text string) bool {
	return m.socket != none && m.flush() && m.send(lines(text)) == nil
}

// flush sends what waits, in its order, as far as the socket takes it; it reports
// whether nothing waits any more.
func (m *Manager) flush() bool {
	if m.socket == none {
		return false
	}
	for len(m.waiting) > 0 {
		x := m.waiting[0]
		if err := m.send(x); full(err) {
			m.later()
			return false
		}
		x.close() // taken, or it never will be: the manager is gone
		m.waiting = m.waiting[1:]
	}
	m.waiting = nil
	return true
}

// later has what waits tried again.
func (m *Manager) later() {
	if m.retry == nil {
		m.retry = time.AfterFunc(retryAfter, func() {
			m.mu.Lock()
			defer m.mu.Unlock()
			m.flush()
		})
		return
	}
	m.retry.Reset(retryAfter)
}

// Lost is how many messages that had to arrive have not, by now: there was no room for
// them, or they still wait.
func (m *Manager) Lost() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.flush()
	return m.lost + len(m.waiting)
}

// drop gives up what waits.
func (m *Manager) drop() {
	for _, x := range m.waiting {
		x.close()
	}
	m.waiting = nil
}

// send sends a message if the socket takes it. A manager that has made its socket anew,
// as some do, is connected to again.
func (m *Manager) send(x message) error {
	err := m.sendOnce(x)
	// The second is what follows a first that nobody answered.
	if (errors.Is(err, unix.ECONNREFUSED) || errors.Is(err, unix.ENOTCONN)) && unix.Connect(m.socket, m.address) == nil {
		err = m.sendOnce(x)
	}
	return err
}

func (m *Manager) sendOnce(x message) error {
	var rights []byte
	if x.fd != none {
		rights = unix.UnixRights(x.fd)
	}
	for {
		err := unix.Sendmsg(m.socket, []byte(x.text), rights, nil, unix.MSG_DONTWAIT|unix.MSG_NOSIGNAL)
		if !errors.Is(err, unix.EINTR) {
			return err
		}
	}
}

// full reports whether an error is that of a socket that takes nothing now.
func full(err error) bool { return errors.Is(err, unix.EAGAIN) || errors.Is(err, unix.ENOBUFS) }

func (x message) close() {
	if x.fd != none {
		_ = unix.Close(x.fd)
	}
}
