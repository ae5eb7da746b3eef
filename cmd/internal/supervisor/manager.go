package supervisor

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"sync"
	"time"

	"github.com/coreos/go-systemd/v22/activation"
	"golang.org/x/sys/unix"
)

// The variables that a manager sets beside those of the descriptors.
const (
	notifyVariable      = "NOTIFY_SOCKET"
	watchdogVariable    = "WATCHDOG_USEC"
	watchdogPIDVariable = "WATCHDOG_PID"
	listenPIDFDVariable = "LISTEN_PIDFDID" // of newer ones; package activation does not know it
)

// The bounds of what is taken for a watchdog's time.
const (
	longestWatchdog = 24 * time.Hour
	leastWatchdog   = 30 * time.Millisecond
)

// Manager is the service manager, if there is one. [Open] makes it.
type Manager struct {
	// Set once.
	files    []*os.File // inherited, until Sockets takes them
	watchdog time.Duration
	unusable error
	address  unix.Sockaddr

	mu       sync.Mutex
	socket   int       // none: there is no manager
	waiting  []message // in their order, until the socket takes them
	lost     int       // messages for which there was no room among them
	retry    *time.Timer
	said     string // what is shown of the service
	stopping bool   // it ends
}

// None is a manager for programs that have none.
func None() *Manager { return &Manager{socket: none} }

// Open reads what a manager has left in the environment, and takes it out of there:
// no other process is to take our messages or descriptors for its own. What cannot be
// used is done without; [Manager.Unusable] tells it.
func Open() *Manager {
	m := None()
	m.files = activation.Files(true)
	_ = os.Unsetenv(listenPIDFDVariable)
	m.watchdog, m.unusable = watchdogOf(take(watchdogVariable), take(watchdogPIDVariable))
	if at := take(notifyVariable); at != "" {
		if err := m.connect(at); err != nil {
			m.unusable = errors.Join(m.unusable, fmt.Errorf("the service manager cannot be reached at %s=%s: %w", notifyVariable, at, err))
		}
	}
	return m
}

// Unusable says what of the manager's environment cannot be used; nil if all can.
func (m *Manager) Unusable() error { return m.unusable }

// take reads a variable of the environment, which is then gone.
func take(name string) string {
	v := os.Getenv(name)
	_ = os.Unsetenv(name)
	return v
}

// watchdogOf is the time within which signs of life are wanted; 0: none are, or from
// another process.
func watchdogOf(usec, pid string) (time.Duration, error) {
	if usec == "" || pid != "" && pid != strconv.Itoa(os.Getpid()) {
		return 0, nil
	}
	n, err := strconv.ParseInt(usec, 10, 64)
	if err != nil || n <= 0 {
		return 0, fmt.Errorf("the watchdog is off: %s=%s is no number of microseconds", watchdogVariable, usec)
	}
	if n > int64(longestWatchdog/time.Microsecond) {
		return longestWatchdog, nil
	}
	return max(leastWatchdog, time.Duration(n)*time.Microsecond), nil
}

// connect opens the way to a manager's socket: a path, or a name behind an @.
func (m *Manager) connect(at string) error {
	if at[0] != '/' && at[0] != '@' {
		return errors.New("only paths and names with @ are known here")
	}
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return err
	}
	to := &unix.SockaddrUnix{Name: at}
	if err := unix.Connect(fd, to); err != nil {
		_ = unix.Close(fd)
		return err
	}
	m.socket, m.address = fd, to
	return nil
}

// Present reports whether there is a manager that listens.
func (m *Manager) Present() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.socket != none
}

// Close ends the talk; what still waits gets a last try.
func (m *Manager) Close() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.flush()
	if m.retry != nil {
		m.retry.Stop()
	}
	m.drop()
	if m.socket != none {
		_ = unix.Close(m.socket)
		m.socket = none
	}
	for _, f := range m.files {
		_ = f.Close()
	}
	m.files = nil
}
