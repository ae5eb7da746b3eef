package rival

import (
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"streampump/bench/feed"
	"streampump/bench/secure"
)

// Part is whether a server takes part where players speak TLS.
type Part uint8

// From a server that does not speak it to one that is there for nothing else.
const (
	Never Part = iota
	Can
	Only
)

// NoPart is why a server takes no part in a contest over a protocol, or over TLS or without;
// empty if it does.
func (k *Kind) NoPart(secured bool, protocol string) string {
	switch {
	case secured && k.TLS == Never:
		return k.Name + " has no TLS"
	case !secured && k.TLS == Only:
		return k.Name + " stands in front of a pump for TLS alone"
	case k.Speaks(protocol):
	case protocol == feed.MMSH:
		return k.Name + " takes part over " + k.spoken() + " alone"
	default:
		return k.Name + " has no " + strings.ToUpper(protocol)
	}
	return ""
}

// spoken are the protocols of a server of others than MMSH.
func (k *Kind) spoken() string {
	var names []string
	for _, protocol := range k.Over {
		names = append(names, strings.ToUpper(protocol))
	}
	return strings.Join(names, " and ")
}

// Speaks reports whether streams come and go over a protocol.
func (k *Kind) Speaks(protocol string) bool {
	if k.Over == nil {
		return protocol == feed.MMSH
	}
	return slices.Contains(k.Over, protocol)
}

// hostName is what the servers here call themselves.
const hostName = "localhost"

// identify gives a server a certificate in its folder, and its players the means to
// check it, if it is to speak TLS.
func (v *Server) identify(s *Setup) (p secure.Pair, err error) {
	if s.Authority == nil {
		return p, nil
	}
	v.TLS = secure.Config(hostName, s.Authority.Roots())
	// It may run as another user, who reads it there: the folder is its own.
	return s.Authority.Issue(s.Dir, 0o644, hostName)
}

// kernelTLS fails where sockets cannot be given TLS by the kernel: it was built without
// that, or cannot load it.
func kernelTLS() error {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return fmt.Errorf("no free port: %w", err)
	}
	defer l.Close()
	c, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		return err
	}
	defer c.Close()
	raw, err := c.(*net.TCPConn).SyscallConn()
	if err != nil {
		return err
	}
	var refused error
	if err := raw.Control(func(fd uintptr) {
		refused = unix.SetsockoptString(int(fd), unix.IPPROTO_TCP, unix.TCP_ULP, "tls")
	}); err != nil {
		return err
	}
	if refused != nil {
		return errors.New("its TLS needs that of the kernel, which this kernel does not have (CONFIG_TLS, modprobe tls)")
	}
	return nil
}
