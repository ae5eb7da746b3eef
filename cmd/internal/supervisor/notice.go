package supervisor

import (
	"errors"
	"fmt"
	"strconv"
	"syscall"
	"time"
)

// Ready says that the service serves, from now on or again after a reload, with what is
// to be shown of it. Once the service ends, neither that nor a reload is told any more.
func (m *Manager) Ready(text string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if !m.stopping {
		m.said = text
		m.tell(lines("READY=1", now(), status(text)))
	}
}

// Reloading says that the service reads anew what may change while it runs; [Ready] ends
// that. It stands for earlier reloads of which the manager has not heard: however many
// come while it is busy, it hears of the last one's end.
func (m *Manager) Reloading() {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.stopping {
		return
	}
	const begins = "RELOADING=1"
	m.withdraw(begins, "READY=1")
	m.tell(lines(begins, now()))
}

// Stopping says that the service ends, and how long that may take.
func (m *Manager) Stopping(text string, within time.Duration) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.stopping = true
	m.tell(lines("STOPPING=1", status(text), "EXTEND_TIMEOUT_USEC="+strconv.FormatInt(within.Microseconds(), 10)))
}

// Failed says why the service ends. What is shown stays when it has ended.
func (m *Manager) Failed(err error) {
	x := []string{status(err.Error())}
	var number syscall.Errno
	if errors.As(err, &number) && number != 0 {
		x = append(x, fmt.Sprintf("ERRNO=%d", int(number)))
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.tell(lines(x...))
}

// Status changes what is shown of a service that does not end. If the manager does not
// take it, it is lost, and told when it is said again.
func (m *Manager) Status(text string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if !m.stopping && m.said != text && m.try(status(text)) {
		m.said = text
	}
}

// Alive is a sign of life for the watchdog; it reports whether the manager took it.
func (m *Manager) Alive() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.try("WATCHDOG=1")
}
