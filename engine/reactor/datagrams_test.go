package reactor

import (
	"bytes"
	"net"
	"net/netip"
	"strings"
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

// runsTo are runs from ports and counts in turn.
func runsTo(pairs ...uint16) (out []loop.Run) {
	for i := 0; i < len(pairs); i += 2 {
		out = append(out, loop.Run{Port: pairs[i], Count: pairs[i+1]})
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
			s := &sockets{outgoing: &outgoing{sockets: all[1]}}
			r := &loop.Route{From: netip.MustParseAddr(c.from), To: netip.MustParseAddr(c.to)}
			short, long := []byte{1}, bytes.Repeat([]byte("x"), 60_000)
			n, errno := s.Datagrams(fd, r, vectors(short, long, short), runsTo(portOf(a), 1, portOf(b), 1, portOf(a), 1))
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
	s := &sockets{outgoing: &outgoing{sockets: all[0]}}
	r := &loop.Route{To: netip.MustParseAddr("127.0.0.1")}
	n, errno := s.Datagrams(all[0].fds[0], r, vectors([]byte{1}, make([]byte, 1<<16), []byte{2}), runsTo(portOf(a), 1, portOf(a), 1, portOf(a), 1))
	if n != 1 || errno != unix.EMSGSIZE {
		t.Errorf("a datagram is too long: %d, %v", n, errno)
	}
	r.From = netip.MustParseAddr("192.0.2.1")
	if n, errno := s.Datagrams(all[0].fds[0], r, vectors([]byte{1}), runsTo(portOf(a), 1)); n != 0 || errno == 0 || errno == unix.EAGAIN {
		t.Errorf("the address is not ours: %d, %v", n, errno)
	}
}

// Runs are datagrams like others. Where the system does not take them it says so before
// the first that it cannot send.
func TestRunsOfDatagrams(t *testing.T) {
	all := openedDatagrams(t, 1)
	a := ear(t, "127.0.0.1")
	s := &sockets{outgoing: &outgoing{sockets: all[0]}}
	r := &loop.Route{From: netip.MustParseAddr("127.0.0.1"), To: netip.MustParseAddr("127.0.0.1")}
	var sent [][]byte
	for i := range 40 {
		sent = append(sent, bytes.Repeat([]byte{byte(i)}, 1000))
	}
	sent = append(sent, []byte("the shorter last"), bytes.Repeat([]byte("y"), 2000))
	send := func() (int, unix.Errno) {
		return s.Datagrams(all[0].fds[0], r, vectors(sent...), runsTo(portOf(a), 1, portOf(a), 40, portOf(a), 1))
	}
	received := func(want [][]byte) {
		t.Helper()
		buf := make([]byte, 1<<16)
		for i, b := range want {
			if n, err := a.Read(buf); err != nil || !bytes.Equal(buf[:n], b) {
				t.Fatalf("datagram %d: %d bytes, %v", i, n, err)
			}
		}
	}
	if all[0].runs {
		if n, errno := send(); n != 3 || errno != 0 {
			t.Fatalf("%d runs, %v", n, errno)
		}
		received(sent)
	}
	all[0].runs = false
	if n, errno := send(); n != 1 || errno != unix.EINVAL {
		t.Fatalf("%d runs, %v", n, errno)
	}
	received(sent[:1])
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

// What may be on its way is as much as the system allows, and it is said if that is little.
func TestDatagramBuffer(t *testing.T) {
	all := openedDatagrams(t, 1)
	for _, fd := range all[0].fds {
		if n, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_SNDBUF); err != nil || n != all[0].buffer {
			t.Errorf("a socket has a buffer of %d bytes, %v, and %d are noted", n, err, all[0].buffer)
		}
	}
	for buffer, want := range map[int]string{425_984: "2 players", 8 << 20: "", 32 << 20: ""} {
		if got := Tight([]*DatagramSockets{{buffer: 32 << 20}, {buffer: buffer}}); (got == "") != (want == "") || !strings.HasPrefix(got, want) {
			t.Errorf("of %d bytes is said %q", buffer, got)
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
