package meter

import (
	"errors"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// link is a connection of this process to itself: the server's end, and its
// name.
func link(t *testing.T, network, addr string) (server *net.TCPConn, name Link) {
	t.Helper()
	return linkFrom(t, network, addr, &net.Dialer{})
}

// linkFrom is link by a dialer.
func linkFrom(t *testing.T, network, addr string, d *net.Dialer) (server *net.TCPConn, name Link) {
	t.Helper()
	l, err := net.Listen(network, addr)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	c, err := d.Dial(network, l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	s, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _, _ = c.Close(), s.Close() })
	return s.(*net.TCPConn), Link{Server: plain(c.RemoteAddr()), Peer: plain(c.LocalAddr())}
}

// plain is an address of a TCP connection, an IPv4 one inside IPv6 taken out.
func plain(a net.Addr) netip.AddrPort {
	at := a.(*net.TCPAddr).AddrPort()
	return netip.AddrPortFrom(at.Addr().Unmap(), at.Port())
}

// fill writes until the kernel takes nothing more.
func fill(t *testing.T, c *net.TCPConn) (written int64) {
	t.Helper()
	raw, err := c.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	block := make([]byte, 64<<10)
	err = raw.Write(func(fd uintptr) bool {
		for {
			n, err := unix.Write(int(fd), block)
			if err != nil {
				return true // it is full
			}
			written += int64(n)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	return written
}

func TestSocketMemory(t *testing.T) {
	stalled, full := link(t, "tcp4", "127.0.0.1:0")
	_, idle := link(t, "tcp6", "[::1]:0")
	written := fill(t, stalled)
	read := func(links ...Link) []int64 {
		set := map[Link]bool{}
		for _, l := range links {
			set[l] = true
		}
		held, err := SocketMemory(os.Getpid(), set)
		if err != nil {
			t.Fatal(err)
		}
		return held
	}
	if got := read(full); len(got) != 1 || got[0] < 64<<10 || got[0] > 16*written {
		t.Errorf("%d bytes were written, and the kernel holds %v", written, got)
	}
	if got := read(idle); len(got) != 1 || got[0] > 64<<10 {
		t.Errorf("for one that was sent nothing the kernel holds %v", got)
	}
	if got := read(full, idle); len(got) != 2 {
		t.Errorf("%v", got)
	}
	if got := read(Link{full.Server, idle.Peer}); len(got) != 0 {
		t.Errorf("of nobody: %v", got)
	}
	if got := read(); len(got) != 0 {
		t.Errorf("of none: %v", got)
	}
}

// A client's port may lead to two servers, and a socket may have two descriptors:
// each connection is told once, and no other.
func TestSocketMemoryTellsEachConnectionOnce(t *testing.T) {
	server, one := link(t, "tcp4", "127.0.0.1:0")
	reuse := func(_, _ string, c syscall.RawConn) error {
		var refused error
		err := c.Control(func(fd uintptr) { refused = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_REUSEADDR, 1) })
		return errors.Join(err, refused)
	}
	from := &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 0}
	_, two := linkFrom(t, "tcp4", "127.0.0.1:0", &net.Dialer{LocalAddr: from, Control: reuse})
	from.Port = int(two.Peer.Port())
	_, three := linkFrom(t, "tcp4", "127.0.0.1:0", &net.Dialer{LocalAddr: from, Control: reuse})
	if two.Peer != three.Peer || two.Server == three.Server {
		t.Fatalf("%v and %v do not begin at one port", two, three)
	}
	again, err := server.File()
	if err != nil {
		t.Fatal(err)
	}
	defer again.Close()
	held, err := SocketMemory(os.Getpid(), map[Link]bool{one: true, two: true})
	if err != nil || len(held) != 2 {
		t.Errorf("%v, %v", held, err)
	}
}

func TestSocketMemoryOfAProcessThatHasEnded(t *testing.T) {
	c := exec.Command("true")
	if err := c.Run(); err != nil {
		t.Fatal(err)
	}
	if held, err := SocketMemory(c.Process.Pid, nil); err == nil || !strings.Contains(err.Error(), "there is no process") {
		t.Errorf("%v, %v", held, err)
	}
}

func TestAddrOf(t *testing.T) {
	for want, a := range map[string]unix.Sockaddr{
		"127.0.0.1:80": &unix.SockaddrInet4{Port: 80, Addr: [4]byte{127, 0, 0, 1}},
		"127.0.0.2:81": &unix.SockaddrInet6{Port: 81, Addr: [16]byte{10: 0xFF, 11: 0xFF, 12: 127, 15: 2}},
		"[::1]:82":     &unix.SockaddrInet6{Port: 82, Addr: [16]byte{15: 1}},
	} {
		if got := AddrOf(a); got.String() != want {
			t.Errorf("%v, want %s", got, want)
		}
	}
	if got := AddrOf(&unix.SockaddrUnix{Name: "x"}); got.IsValid() {
		t.Errorf("%v", got)
	}
}

// What is closed while it is looked at is passed over.
func TestSocketMemoryWhileDescriptorsComeAndGo(t *testing.T) {
	stalled, name := link(t, "tcp4", "127.0.0.1:0")
	fill(t, stalled)
	stop, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		for {
			select {
			case <-stop:
				return
			default:
			}
			if f, err := os.Open(os.DevNull); err == nil {
				_ = f.Close()
			}
		}
	}()
	for range 200 {
		held, err := SocketMemory(os.Getpid(), map[Link]bool{name: true})
		if err != nil || len(held) != 1 {
			t.Errorf("%v, %v", held, err)
			break
		}
	}
	close(stop)
	<-done
	_ = stalled.SetDeadline(time.Unix(1, 0))
	if _, err := stalled.Write([]byte("x")); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("the looks have changed the socket: %v", err)
	}
}
