package load

import (
	"errors"
	"net/netip"

	"golang.org/x/sys/unix"

	"streampump/bench/segment"
)

// open begins a connection without waiting for it, with segments of most bytes.
func open(server netip.AddrPort, source netip.Addr, most int) (int, error) {
	family := unix.AF_INET6
	if server.Addr().Is4() {
		family = unix.AF_INET
	}
	fd, err := unix.Socket(family, unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return 0, err
	}
	err = segment.Announce(fd, most)
	if err == nil && source.IsValid() {
		// The port is chosen by connect, so that each pair of addresses has
		// all ports.
		_ = unix.SetsockoptInt(fd, unix.IPPROTO_IP, unix.IP_BIND_ADDRESS_NO_PORT, 1)
		err = unix.Bind(fd, &unix.SockaddrInet4{Addr: source.As4()})
	}
	if err == nil {
		err = unix.Connect(fd, sockaddr(server))
	}
	if err != nil && !errors.Is(err, unix.EINPROGRESS) {
		_ = unix.Close(fd)
		return 0, err
	}
	return fd, nil
}

func sockaddr(a netip.AddrPort) unix.Sockaddr {
	if a.Addr().Is4() {
		return &unix.SockaddrInet4{Port: int(a.Port()), Addr: a.Addr().As4()}
	}
	return &unix.SockaddrInet6{Port: int(a.Port()), Addr: a.Addr().As16()}
}
