package supervisor

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// The names of sockets that a manager gives (FileDescriptorName= of systemd.socket(5)).
const (
	Plain = "plain" // viewers and encoders, in clear
	TLS   = "tls"   // the same over TLS
	Admin = "admin" // the admin listener
)

// storedPrefix begins the names of what we have stored ourselves.
const storedPrefix = "stored-"

// Socket is an inherited listener.
type Socket struct {
	Name     string
	Listener *net.TCPListener
}

// Address is where it listens.
func (s Socket) Address() netip.AddrPort { return addressOf(s.Listener) }

func addressOf(l *net.TCPListener) netip.AddrPort {
	a := l.Addr().(*net.TCPAddr).AddrPort()
	return netip.AddrPortFrom(a.Addr().Unmap(), a.Port())
}

// Sockets hands out the inherited sockets, once: those that the manager has opened, named
// [Plain], [TLS] or [Admin], and those that an earlier process has stored. The error says
// what cannot be used of the manager's, each with its name; nothing is open then. What is
// stored and cannot be used is forgotten.
func (m *Manager) Sockets() (given, stored []Socket, err error) {
	var wrong []error
	for i, f := range m.files {
		name := f.Name()
		own := strings.HasPrefix(name, storedPrefix)
		ln, err := listenerOf(f)
		switch {
		case err == nil && own && slices.ContainsFunc(stored, func(s Socket) bool { return s.Address() == addressOf(ln) }):
			_ = ln.Close() // the same one twice; to forget it by its name would forget both
		case err == nil && own:
			stored = append(stored, Socket{name, ln})
		case own:
			m.Forget(name)
		case name != Plain && name != TLS && name != Admin:
			wrong = append(wrong, fmt.Errorf("the socket %q (descriptor %d) of the service manager has a name that is not known here; set FileDescriptorName= to %s, %s or %s in its unit",
				name, firstDescriptor+i, Plain, TLS, Admin))
		case err != nil:
			wrong = append(wrong, fmt.Errorf("the socket %q (descriptor %d) of the service manager cannot be used: %w", name, firstDescriptor+i, err))
		default:
			given = append(given, Socket{name, ln})
		}
		_ = f.Close() // the listener has a copy
	}
	m.files = nil
	if len(wrong) > 0 {
		for _, s := range append(given, stored...) {
			_ = s.Listener.Close()
		}
		return nil, nil, errors.Join(wrong...)
	}
	return given, stored, nil
}

// firstDescriptor is where inherited ones begin (sd_listen_fds(3)).
const firstDescriptor = 3

// listenerOf is a descriptor as a listener, if it is one of TCP.
func listenerOf(f *os.File) (*net.TCPListener, error) {
	raw, err := f.SyscallConn()
	if err != nil {
		return nil, err
	}
	var wrong error
	if err := raw.Control(func(fd uintptr) { wrong = judge(int(fd)) }); err != nil {
		return nil, err
	}
	if wrong != nil {
		return nil, wrong
	}
	l, err := net.FileListener(f)
	if err != nil {
		return nil, err
	}
	return l.(*net.TCPListener), nil
}

// judge says why a descriptor is no listener of ours.
func judge(fd int) error {
	read := func(option int) int {
		v, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, option)
		if err != nil {
			return -1
		}
		return v
	}
	domain := read(unix.SO_DOMAIN)
	switch {
	case domain < 0:
		return errors.New("it is no socket")
	case domain != unix.AF_INET && domain != unix.AF_INET6:
		return errors.New("it is not of TCP; ListenStream= with a port is wanted in its unit")
	case read(unix.SO_TYPE) != unix.SOCK_STREAM:
		return errors.New("it takes datagrams; ListenStream= is wanted in its unit")
	case read(unix.SO_PROTOCOL) != unix.IPPROTO_TCP:
		return errors.New("it is not of plain TCP; SocketProtocol= must not be set in its unit")
	case read(unix.SO_ACCEPTCONN) != 1:
		return errors.New("it does not listen; Accept= must not be set in its unit")
	}
	return nil
}
