// Package segment is about how much of a stream simulated players take in one TCP
// segment. On loopback it is 64 KiB, and that changes what is measured: a server
// that leaves Nagle's algorithm on sends nothing below that size before all that it
// sent was acknowledged, which receivers put off for 40 ms. So its packets are sent
// together and late, by whoever takes the acknowledgement in, and not on its own
// account. Players can announce the segments of a real network instead.
package segment

import (
	"fmt"
	"syscall"

	"golang.org/x/sys/unix"
)

// Ethernet is what a segment holds at an MTU of 1500, over IPv4, in bytes.
const Ethernet = 1460

// What the kernel lets a socket announce, in bytes (net/ipv4/tcp.c).
const (
	least = 88
	most  = 32767
)

// Check refuses sizes that cannot be announced. 0 is the interface's own.
func Check(n int) error {
	if n != 0 && (n < least || n > most) {
		return fmt.Errorf("a segment must have from %d to %d bytes, or 0 for the interface's own, not %d", least, most, n)
	}
	return nil
}

// Announce has a socket that is not connected yet tell its peer to send segments of
// n bytes at most; 0 leaves it.
func Announce(fd, n int) error {
	if n == 0 {
		return nil
	}
	if err := unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_MAXSEG, n); err != nil {
		return fmt.Errorf("segments of %d bytes cannot be announced: %w", n, err)
	}
	return nil
}

// Control is Announce for a [net.Dialer].
func Control(n int) func(network, address string, c syscall.RawConn) error {
	return func(_, _ string, c syscall.RawConn) error {
		var refused error
		if err := c.Control(func(fd uintptr) { refused = Announce(int(fd), n) }); err != nil {
			return err
		}
		return refused
	}
}
