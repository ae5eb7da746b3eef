package meter

import (
	"errors"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// link is a connection of this process to itself: the server's end, and its
// peer's address.
func link(t *testing.T, network, addr string) (server *net.TCPConn, peer netip.AddrPort) {
	t.Helper()
	l, err := net.Listen(network, addr)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	c, err := net.Dial(network, l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	s, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _, _ = c.Close(), s.Close() })
	own := c.LocalAddr().(*net.TCPAddr).AddrPort()
	return s.(*net.TCPConn), netip.AddrPortFrom(own.Addr().Unmap(), own.Port())
}

// fill writes until the kernel takes no more.
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
	stalled, peer := link(t, "tcp4", "127.0.0.1:0")
	_, idle := link(t, "tcp6", "[::1]:0")
	written := fill(t, stalled)
	read := func(peers ...netip.AddrPort) []int64 {
		set := map[netip.AddrPort]bool{}
		for _, p := range peers {
			set[p] = true
		}
		held, err := SocketMemory(os.Getpid(), set)
		if err != nil {
			t.Fatal(err)
		}
		return held
	}
	if got := read(peer); len(got) != 1 || got[0] < 64<<10 || got[0] > 16*written {
		t.Errorf("%d bytes were written, and the kernel holds %v", written, got)
	}
	if got := read(idle); len(got) != 1 || got[0] > 64<<10 {
		t.Errorf("for one that was sent nothing the kernel holds %v", got)
	}
	if got := read(peer, idle); len(got) != 2 {
		t.Errorf("%v", got)
	}
	if got := read(netip.MustParseAddrPort("192.0.2.1:1")); len(got) != 0 {
		t.Errorf("of nobody: %v", got)
	}
	if got := read(); len(got) != 0 {
		t.Errorf("of none: %v", got)
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
	stalled, peer := link(t, "tcp4", "127.0.0.1:0")
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
		held, err := SocketMemory(os.Getpid(), map[netip.AddrPort]bool{peer: true})
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
