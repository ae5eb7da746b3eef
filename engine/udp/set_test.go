package udp

import (
	"bytes"
	"context"
	"errors"
	"net"
	"net/netip"
	"os"
	"slices"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// joined is a connection on loopback: our end, and the source's.
func joined(t *testing.T, ours, theirs string) (our, their *net.TCPConn) {
	t.Helper()
	l, err := net.ListenTCP("tcp", net.TCPAddrFromAddrPort(netip.AddrPortFrom(netip.MustParseAddr(theirs), 0)))
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	from := net.TCPAddrFromAddrPort(netip.AddrPortFrom(netip.MustParseAddr(ours), 0))
	if our, err = net.DialTCP("tcp", from, l.Addr().(*net.TCPAddr)); err != nil {
		t.Fatal(err)
	}
	if their, err = l.AcceptTCP(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = our.Close()
		_ = their.Close()
	})
	return our, their
}

// mouth is a socket at an address.
func mouth(t *testing.T, address string) *net.UDPConn {
	t.Helper()
	c, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(netip.AddrPortFrom(netip.MustParseAddr(address), 0)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

func port(c *net.UDPConn) uint16 { return c.LocalAddr().(*net.UDPAddr).AddrPort().Port() }

// opened is a set of so many pairs, with room for a megabyte in each socket.
func opened(ctx context.Context, t *testing.T, conn *net.TCPConn, pairs int) *Set {
	t.Helper()
	s, err := Open(ctx, conn, pairs, func(int) int { return 1 << 20 })
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// say sends a datagram to a port of ours.
func say(t *testing.T, c *net.UDPConn, address string, to uint16, text string) {
	t.Helper()
	if _, err := c.WriteToUDPAddrPort([]byte(text), netip.AddrPortFrom(netip.MustParseAddr(address), to)); err != nil {
		t.Fatal(err)
	}
}

// patience is for what comes at once.
const patience = 10 * time.Second

// hear waits until something is in the set, and returns what: datagrams as "PLACE:TEXT".
func hear(t *testing.T, s *Set) (all []string, conn bool) {
	t.Helper()
	ready, conn, err := s.Wait(context.Background(), time.Now().Add(patience))
	if err != nil {
		t.Fatal(err)
	}
	for _, i := range ready {
		for more := true; more; {
			var in [][]byte
			in, _, more = s.Receive(i, 3)
			for _, b := range in {
				all = append(all, string(rune('0'+i))+":"+string(b))
			}
		}
	}
	slices.Sort(all)
	return all, conn
}

// Ports are pairs of our own at the connection's address. Nothing is heard before they are
// joined to the source's, and then what comes from there and nothing else, in both families.
func TestSet(t *testing.T) {
	for _, c := range []struct{ ours, theirs string }{{"127.0.0.1", "127.0.0.1"}, {"127.0.0.9", "127.0.0.7"}, {"::1", "::1"}} {
		our, their := joined(t, c.ours, c.theirs)
		s := opened(t.Context(), t, our, 2)
		ports := s.Ports()
		if len(ports) != 4 || ports[0]%2 != 0 || ports[1] != ports[0]+1 || ports[2]%2 != 0 || ports[3] != ports[2]+1 {
			t.Fatalf("ports %d", ports)
		}
		packets, reports, stranger := mouth(t, c.theirs), mouth(t, c.theirs), mouth(t, c.theirs)
		for _, p := range ports {
			say(t, packets, c.ours, p, "too early")
		}
		// One source's port may be that of all its tracks.
		for i, m := range []*net.UDPConn{packets, reports, packets, reports} {
			if err := s.Join(i, port(m)); err != nil {
				t.Fatal(err)
			}
		}
		for range 2 {
			for _, p := range ports {
				say(t, stranger, c.ours, p, "lies")
			}
			say(t, packets, c.ours, ports[0], "a")
			say(t, reports, c.ours, ports[1], "")
			say(t, packets, c.ours, ports[2], "b")
			say(t, packets, c.ours, ports[3], "from the wrong port")
		}
		if got, conn := hear(t, s); !slices.Equal(got, []string{"0:a", "0:a", "1:", "1:", "2:b", "2:b"}) || conn {
			t.Errorf("%q, connection %t", got, conn)
		}
		if _, err := their.Write([]byte("x")); err != nil {
			t.Fatal(err)
		}
		for range 2 { // until it is read
			if got, conn := hear(t, s); len(got) > 0 || !conn {
				t.Errorf("%q, connection %t", got, conn)
			}
		}
		if n := s.Close(); n != 0 {
			t.Errorf("%d datagrams were dropped", n)
		}
		for i, p := range ports {
			if i%2 == 0 && !isFree(c.ours, p) {
				t.Errorf("port %d is still open", p)
			}
		}
	}
}

func isFree(address string, port uint16) bool {
	c, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(netip.AddrPortFrom(netip.MustParseAddr(address), port)))
	if err != nil {
		return false
	}
	return c.Close() == nil
}

// What is sent goes from our port to the one that it is joined to, and a refusal there takes
// nothing away.
func TestSend(t *testing.T) {
	our, _ := joined(t, "127.0.0.1", "127.0.0.1")
	s := opened(t.Context(), t, our, 1)
	m := mouth(t, "127.0.0.1")
	for i := range 2 {
		if err := s.Join(i, port(m)); err != nil {
			t.Fatal(err)
		}
		s.Send(i, []byte("knock"))
		b := make([]byte, 100)
		_ = m.SetReadDeadline(time.Now().Add(patience))
		n, from, err := m.ReadFromUDPAddrPort(b)
		if err != nil || string(b[:n]) != "knock" || from.Port() != s.Ports()[i] {
			t.Errorf("%q from %s, %v", b[:n], from, err)
		}
	}
	at := port(m)
	_ = m.Close()
	s.Send(0, []byte("nobody is there"))
	again, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1), Port: int(at)})
	if err != nil {
		t.Skip(err) // another has the port now
	}
	defer again.Close()
	say(t, again, "127.0.0.1", s.Ports()[0], "here we are")
	if got, _ := hear(t, s); !slices.Equal(got, []string{"0:here we are"}) {
		t.Errorf("%q", got)
	}
}

// A wait ends at its time, when the connection ends, and when its context does.
func TestWaitEnds(t *testing.T) {
	our, their := joined(t, "127.0.0.1", "127.0.0.1")
	ctx, cancel := context.WithCancel(t.Context())
	s := opened(ctx, t, our, 1)
	if ready, conn, err := s.Wait(ctx, time.Now()); !errors.Is(err, os.ErrDeadlineExceeded) || len(ready) > 0 || conn {
		t.Errorf("%v, %t, %v", ready, conn, err)
	}
	if ready, conn, err := s.Wait(ctx, time.Now().Add(time.Millisecond)); !errors.Is(err, os.ErrDeadlineExceeded) || len(ready) > 0 || conn {
		t.Errorf("%v, %t, %v", ready, conn, err)
	}
	go cancel()
	if _, conn, err := s.Wait(ctx, time.Now().Add(patience)); err == nil || conn {
		t.Errorf("connection %t, %v", conn, err)
	}
	<-ctx.Done()
	if _, _, err := s.Wait(ctx, time.Now().Add(patience)); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	s.Close()

	s = opened(t.Context(), t, our, 1)
	_ = their.Close()
	if got, conn := hear(t, s); len(got) > 0 || !conn {
		t.Errorf("%q, connection %t", got, conn)
	}
}

// A datagram that is too long is counted and left out, and those that do not fit into the
// socket are counted.
func TestWhatDoesNotFit(t *testing.T) {
	our, _ := joined(t, "127.0.0.1", "127.0.0.1")
	s := opened(t.Context(), t, our, 1)
	m := mouth(t, "127.0.0.1")
	if err := s.Join(0, port(m)); err != nil {
		t.Fatal(err)
	}
	longest := string(bytes.Repeat([]byte("x"), Longest))
	say(t, m, "127.0.0.1", s.Ports()[0], longest)
	say(t, m, "127.0.0.1", s.Ports()[0], longest+"y")
	say(t, m, "127.0.0.1", s.Ports()[0], "z")
	in, cut, more := s.Receive(0, 3)
	if len(in) != 2 || string(in[0]) != longest || string(in[1]) != "z" || cut != 1 || !more {
		t.Errorf("%d datagrams, %d too long, more %t", len(in), cut, more)
	}
	room, err := unix.GetsockoptInt(s.fds[0], unix.SOL_SOCKET, unix.SO_RCVBUF)
	if err != nil || room < 1<<17 {
		t.Errorf("room for %d bytes, %v", room, err)
	}
	sent, got := 2*room/Longest, 0
	for range sent {
		say(t, m, "127.0.0.1", s.Ports()[0], longest)
	}
	for more := true; more; {
		in, _, more = s.Receive(0, 100)
		got += len(in)
	}
	if n := int(s.Close()); n == 0 || got+n != sent {
		t.Errorf("%d of %d were received, and %d dropped", got, sent, n)
	}
}

// To wait and to receive allocates nothing.
func TestSetIsCheap(t *testing.T) {
	our, _ := joined(t, "127.0.0.1", "127.0.0.1")
	s := opened(t.Context(), t, our, 1)
	m := mouth(t, "127.0.0.1")
	if err := s.Join(0, port(m)); err != nil {
		t.Fatal(err)
	}
	for range 60 {
		say(t, m, "127.0.0.1", s.Ports()[0], "x")
	}
	n, until := 0, time.Now().Add(patience)
	if allocs := testing.AllocsPerRun(50, func() {
		ready, _, err := s.Wait(context.Background(), until)
		if err != nil || len(ready) != 1 {
			t.Fatalf("%v, %v", ready, err)
		}
		in, _, _ := s.Receive(0, 1)
		n += len(in)
	}); allocs != 0 || n != 51 {
		t.Errorf("%v allocations, %d datagrams", allocs, n)
	}
}
