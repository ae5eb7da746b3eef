package reactor

import (
	"bytes"
	"errors"
	"net"
	"net/netip"
	"slices"
	"testing"

	"golang.org/x/sys/unix"

	"streampump/engine/loop"
	"streampump/engine/udp"
)

// hearing is a kernel with sockets for encoders.
func hearing(t *testing.T) *sockets {
	t.Helper()
	k, err := newSockets()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(k.close)
	k.outgoing = &outgoing{sockets: openedDatagrams(t, 1)[0]}
	return k
}

// hears opens a socket for what c sends to address.
func hears(t *testing.T, k *sockets, c *net.UDPConn, address string, reports bool) int {
	t.Helper()
	r := &loop.Route{From: netip.MustParseAddr(address), To: c.LocalAddr().(*net.UDPAddr).AddrPort().Addr().Unmap()}
	fd, err := k.Hear(r, reports, portOf(c), 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	return fd
}

// sendTo sends a datagram to a port of the kernel's at an address.
func sendTo(t *testing.T, c *net.UDPConn, address string, port uint16, b []byte) {
	t.Helper()
	if _, err := c.WriteToUDPAddrPort(b, netip.AddrPortFrom(netip.MustParseAddr(address), port)); err != nil {
		t.Fatal(err)
	}
}

// rung is what Ready tells of now, in order.
func rung(k *sockets) []int32 {
	fds := make([]int32, 16)
	fds = fds[:k.Ready(fds)]
	slices.Sort(fds)
	return fds
}

// received is what lies in a socket.
func received(k *sockets, fd int) (all []string) {
	for more := true; more; {
		var in [][]byte
		in, _, more = k.Receive(fd, 100)
		for _, b := range in {
			all = append(all, string(b))
		}
	}
	return all
}

// Each socket gets what its encoder sends from its port, in both families, and nobody
// else's; what strangers send fills nothing. That something has come is told once.
func TestHear(t *testing.T) {
	for _, c := range []struct{ ours, theirs string }{{"127.0.0.1", "127.0.0.1"}, {"127.0.0.9", "127.0.0.7"}, {"::1", "::1"}} {
		k := hearing(t)
		a, b, stranger := ear(t, c.theirs), ear(t, c.theirs), ear(t, c.theirs)
		first := k.outgoing.sockets.port
		fa, fr, fb := hears(t, k, a, c.ours, false), hears(t, k, a, c.ours, true), hears(t, k, b, c.ours, false)
		if got := rung(k); len(got) != 0 {
			t.Errorf("%v has come from nobody", got)
		}
		for range 3 {
			sendTo(t, stranger, c.ours, first, []byte("lies"))
			sendTo(t, a, c.ours, first, []byte("a"))
			sendTo(t, a, c.ours, first+1, []byte("report"))
			sendTo(t, b, c.ours, first, nil)
			sendTo(t, b, c.ours, first+1, []byte("nobody hears it"))
		}
		if got := rung(k); !slices.Equal(got, []int32{int32(fa), int32(fr), int32(fb)}) {
			t.Errorf("%v have something, want %d, %d and %d", got, fa, fr, fb)
		}
		if got := rung(k); len(got) != 0 {
			t.Errorf("%v is told twice", got)
		}
		for fd, want := range map[int][]string{fa: {"a", "a", "a"}, fr: {"report", "report", "report"}, fb: {"", "", ""}} {
			if got := received(k, fd); !slices.Equal(got, want) {
				t.Errorf("socket %d got %q, want %q", fd, got, want)
			}
			if n := k.Forget(fd); n != 0 {
				t.Errorf("%d datagrams were dropped", n)
			}
		}
	}
}

// While a socket is not heeded nothing is told of it; when it is again, what came meanwhile.
func TestHeed(t *testing.T) {
	k, a := hearing(t), ear(t, "127.0.0.1")
	fd := hears(t, k, a, "127.0.0.1", false)
	defer k.Forget(fd)
	k.Heed(fd, false)
	sendTo(t, a, "127.0.0.1", k.outgoing.sockets.port, []byte("x"))
	if got := rung(k); len(got) != 0 {
		t.Errorf("%v is told of", got)
	}
	k.Heed(fd, true)
	if got := rung(k); !slices.Equal(got, []int32{int32(fd)}) {
		t.Errorf("%v is told of, want %d", got, fd)
	}
}

// A datagram that is too long is counted and left out, and those that do not fit into the
// socket are counted.
func TestHearWhatDoesNotFit(t *testing.T) {
	k, a := hearing(t), ear(t, "127.0.0.1")
	fd := hears(t, k, a, "127.0.0.1", false)
	to := k.outgoing.sockets.port
	longest := bytes.Repeat([]byte("x"), udp.Longest)
	sendTo(t, a, "127.0.0.1", to, longest)
	sendTo(t, a, "127.0.0.1", to, append(longest, 'y'))
	sendTo(t, a, "127.0.0.1", to, []byte("z"))
	in, cut, more := k.Receive(fd, 3)
	if len(in) != 2 || !bytes.Equal(in[0], longest) || string(in[1]) != "z" || cut != 1 || !more {
		t.Errorf("%d datagrams, %d too long, more %t", len(in), cut, more)
	}
	room, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUF)
	if err != nil || room < 1<<17 {
		t.Errorf("room for %d bytes, %v", room, err)
	}
	sent := 2 * room / udp.Longest
	for range sent {
		sendTo(t, a, "127.0.0.1", to, longest)
	}
	got := len(received(k, fd))
	if n := int(k.Forget(fd)); n == 0 || got+n != sent {
		t.Errorf("%d of %d were received, and %d dropped", got, sent, n)
	}
}

// The ports stay the pump's own: nobody else can have them beside it, while an encoder is
// heard or not.
func TestHeardPortIsOurs(t *testing.T) {
	k, a := hearing(t), ear(t, "127.0.0.1")
	try := func() error {
		fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = unix.Close(fd) }()
		if err := unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_REUSEADDR, 1); err != nil {
			t.Fatal(err)
		}
		return unix.Bind(fd, &unix.SockaddrInet4{Port: int(k.outgoing.sockets.port), Addr: [4]byte{127, 0, 0, 1}})
	}
	fd := hears(t, k, a, "127.0.0.1", false)
	if err := try(); !errors.Is(err, unix.EADDRINUSE) {
		t.Errorf("another has the port of one that hears: %v", err)
	}
	k.Forget(fd)
	if err := try(); !errors.Is(err, unix.EADDRINUSE) {
		t.Errorf("another has the port: %v", err)
	}
	if _, err := OpenDatagrams(k.outgoing.sockets.port, 1); err == nil {
		t.Error("another pump has the ports")
	}
}

// Receiving allocates nothing.
func TestReceiveIsCheap(t *testing.T) {
	k, a := hearing(t), ear(t, "127.0.0.1")
	fd := hears(t, k, a, "127.0.0.1", false)
	defer k.Forget(fd)
	for range 40 {
		sendTo(t, a, "127.0.0.1", k.outgoing.sockets.port, []byte("x"))
	}
	n := 0
	if allocs := testing.AllocsPerRun(50, func() {
		in, _, _ := k.Receive(fd, 1)
		n += len(in)
	}); allocs != 0 || n != 40 {
		t.Errorf("%v allocations, %d datagrams", allocs, n)
	}
}
