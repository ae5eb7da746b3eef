package reactor

import (
	"bytes"
	"net"
	"net/netip"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"streampump/engine/loop"
)

// patience bounds every wait for the real kernel.
const patience = 20 * time.Second

// openedDatagrams are the sockets of some loops, wherever there is room for them.
func openedDatagrams(t *testing.T, loops int) []*DatagramSockets {
	t.Helper()
	var err error
	for first := uint16(46_000); first < 60_000; first += 64 {
		var all []*DatagramSockets
		if all, err = OpenDatagrams(first, loops); err == nil {
			t.Cleanup(func() { CloseDatagrams(all) })
			return all
		}
	}
	t.Fatal(err)
	return nil
}

// ear is a peer's socket.
func ear(t *testing.T, address string) *net.UDPConn {
	t.Helper()
	c, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(netip.AddrPortFrom(netip.MustParseAddr(address), 0)))
	if err != nil {
		t.Skipf("there is no %s here: %v", address, err)
	}
	t.Cleanup(func() { _ = c.Close() })
	if err := c.SetReadDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	return c
}

func portOf(c *net.UDPConn) uint16 { return c.LocalAddr().(*net.UDPAddr).AddrPort().Port() }

func vectors(datagrams ...[]byte) (out []unix.Iovec) {
	for _, b := range datagrams {
		v := unix.Iovec{Base: &b[0]}
		v.SetLen(len(b))
		out = append(out, v)
	}
	return out
}

// Datagrams of any length that there is come whole, from the address that the peer has
// connected to and our port, each to its own port, in both families.
func TestDatagrams(t *testing.T) {
	all := openedDatagrams(t, 2)
	if all[1].port != all[0].port+2 {
		t.Fatalf("loops have ports %d and %d", all[0].port, all[1].port)
	}
	for _, c := range []struct{ from, to string }{{"127.0.0.9", "127.0.0.1"}, {"127.0.0.1", "127.0.0.7"}, {"::1", "::1"}} {
		for k, fd := range all[1].fds {
			a, b := ear(t, c.to), ear(t, c.to)
			s := &sockets{outgoing: &outgoing{v4: all[1].v4}}
			r := &loop.Route{From: netip.MustParseAddr(c.from), To: netip.MustParseAddr(c.to)}
			short, long := []byte{1}, bytes.Repeat([]byte("x"), 60_000)
			n, errno := s.Datagrams(fd, r, vectors(short, long, short), []uint16{portOf(a), portOf(b), portOf(a)})
			if n != 3 || errno != 0 {
				t.Fatalf("%v: %d, %v", c, n, errno)
			}
			buf := make([]byte, 1<<16)
			for i, want := range [][]byte{short, short, long} {
				n, from, err := [3]*net.UDPConn{a, a, b}[i].ReadFromUDPAddrPort(buf)
				if err != nil || !bytes.Equal(buf[:n], want) {
					t.Fatalf("%v: %d bytes, %v", c, n, err)
				}
				if at := netip.AddrPortFrom(r.From, all[1].port+uint16(k)); netip.AddrPortFrom(from.Addr().Unmap(), from.Port()) != at {
					t.Errorf("it came from %v, want %v", from, at)
				}
			}
		}
	}
}

// One that cannot be sent is told apart from those before it.
func TestDatagramThatCannotBeSent(t *testing.T) {
	all, a := openedDatagrams(t, 1), ear(t, "127.0.0.1")
	s := &sockets{outgoing: &outgoing{v4: all[0].v4}}
	r := &loop.Route{To: netip.MustParseAddr("127.0.0.1")}
	n, errno := s.Datagrams(all[0].fds[0], r, vectors([]byte{1}, make([]byte, 1<<16), []byte{2}), []uint16{portOf(a), portOf(a), portOf(a)})
	if n != 1 || errno != unix.EMSGSIZE {
		t.Errorf("a datagram is too long: %d, %v", n, errno)
	}
	r.From = netip.MustParseAddr("192.0.2.1")
	if n, errno := s.Datagrams(all[0].fds[0], r, vectors([]byte{1}), []uint16{portOf(a)}); n != 0 || errno == 0 || errno == unix.EAGAIN {
		t.Errorf("the address is not ours: %d, %v", n, errno)
	}
}

// What comes to the sockets is not let in: there is nothing to read, and nothing fills up.
func TestNothingIsLetIn(t *testing.T) {
	all := openedDatagrams(t, 1)
	for k, fd := range all[0].fds {
		for _, address := range []string{"127.0.0.1", "::1"} {
			a := ear(t, address)
			for range 100 {
				if _, err := a.WriteToUDPAddrPort(make([]byte, 1000), netip.AddrPortFrom(netip.MustParseAddr(address), all[0].port+uint16(k))); err != nil && !all[0].v4 {
					t.Fatal(err)
				}
			}
		}
		var buf [1]byte
		if _, _, err := unix.Recvfrom(fd, buf[:], unix.MSG_DONTWAIT); err != unix.EAGAIN {
			t.Errorf("socket %d has something to read: %v", k, err)
		}
	}
}

// Sockets that cannot all be opened are all closed again.
func TestDatagramPortsInUse(t *testing.T) {
	all := openedDatagrams(t, 2)
	first := all[0].port
	if _, err := OpenDatagrams(first-2, 2); err == nil {
		t.Error("two have the same port")
	}
	CloseDatagrams(all)
	again, err := OpenDatagrams(first-2, 3)
	if err != nil {
		t.Fatalf("a port is still taken: %v", err)
	}
	CloseDatagrams(again)
}
