package segment

import (
	"net"
	"testing"

	"golang.org/x/sys/unix"
)

func TestCheck(t *testing.T) {
	for n, good := range map[int]bool{0: true, 88: true, Ethernet: true, 32767: true, -1: false, 1: false, 87: false, 32768: false} {
		if err := Check(n); (err == nil) != good {
			t.Errorf("%d: %v", n, err)
		}
	}
}

// The server's segments are as large as the player said, less what the options of
// TCP take, and larger without a word.
func TestServerKeepsToIt(t *testing.T) {
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	for _, n := range []int{0, 500, Ethernet} {
		c, err := (&net.Dialer{Control: Control(n)}).Dial("tcp4", l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		s, err := l.Accept()
		if err != nil {
			t.Fatal(err)
		}
		raw, err := s.(*net.TCPConn).SyscallConn()
		if err != nil {
			t.Fatal(err)
		}
		var size int
		if e := raw.Control(func(fd uintptr) { size, err = unix.GetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_MAXSEG) }); e != nil || err != nil {
			t.Fatal(e, err)
		}
		if n == 0 && size <= Ethernet || n > 0 && (size > n || size < n-40) {
			t.Errorf("segments of %d bytes were announced, and the server sends %d", n, size)
		}
		_, _ = c.Close(), s.Close()
	}
}

func TestAnnounceOfNoSocket(t *testing.T) {
	if err := Announce(-1, Ethernet); err == nil {
		t.Error("nobody was told, and that is no error")
	}
	if err := Announce(-1, 0); err != nil {
		t.Error(err)
	}
}
