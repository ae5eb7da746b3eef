package drain

import (
	"errors"
	"io"
	"net"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// pair is a connection over loopback: our end's descriptor, and the peer.
func pair(t *testing.T) (int, *net.TCPConn) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	ours, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	theirs, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _, _ = ours.Close(), theirs.Close() })
	raw, err := ours.(*net.TCPConn).SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	fd := -1
	if err := raw.Control(func(d uintptr) { fd = int(d) }); err != nil {
		t.Fatal(err)
	}
	return fd, theirs.(*net.TCPConn)
}

// until sweeps until enough bytes have come from fd, or its end.
func until(t *testing.T, s *Set, fd int, enough int64) (total int64, end error) {
	t.Helper()
	for total < enough && end == nil {
		s.Sweep(func(d int, n int64, err error) {
			if d != fd {
				t.Fatalf("descriptor %d, want %d", d, fd)
			}
			total, end = total+n, err
		})
	}
	return total, end
}

func TestSweepCountsEveryByteAndTheEnd(t *testing.T) {
	s := New()
	fd, peer := pair(t)
	if _, err := peer.Write(make([]byte, 1000)); err != nil { // before it is in the set
		t.Fatal(err)
	}
	s.Add(fd)
	if n, end := until(t, s, fd, 1000); n != 1000 || end != nil {
		t.Fatalf("%d bytes, %v", n, end)
	}
	const more = 3 << 20
	go func() {
		_, _ = peer.Write(make([]byte, more))
		_ = peer.Close()
	}()
	if n, end := until(t, s, fd, more+1); n != more || !errors.Is(end, io.EOF) {
		t.Fatalf("%d bytes, %v", n, end)
	}
}

func TestSweepReportsReset(t *testing.T) {
	s := New()
	fd, peer := pair(t)
	s.Add(fd)
	if err := peer.SetLinger(0); err != nil {
		t.Fatal(err)
	}
	_ = peer.Close()
	if n, end := until(t, s, fd, 1); n != 0 || !errors.Is(end, syscall.ECONNRESET) {
		t.Fatalf("%d bytes, %v", n, end)
	}
}

func TestRemovedSocketIsLeftAlone(t *testing.T) {
	s := New()
	fd, peer := pair(t)
	other, otherPeer := pair(t)
	for _, d := range []int{fd, other} {
		s.Add(d)
	}
	s.Remove(fd)
	for _, p := range []*net.TCPConn{peer, otherPeer} {
		if _, err := p.Write(make([]byte, 10)); err != nil {
			t.Fatal(err)
		}
	}
	until(t, s, other, 10)
	s.Add(fd)
	if n, end := until(t, s, fd, 10); n != 10 || end != nil {
		t.Fatalf("%d bytes, %v", n, end)
	}
}

// TestDescriptorsComeAgain: within a sweep a socket ends and is closed, and the
// next one has its number. Nobody is missed, and nobody is taken for another.
func TestDescriptorsComeAgain(t *testing.T) {
	dial := func(l net.Listener) (int, net.Conn) {
		fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
		if err != nil {
			t.Fatal(err)
		}
		if err := unix.Connect(fd, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}, Port: l.Addr().(*net.TCPAddr).Port}); err != nil {
			t.Fatal(err)
		}
		peer, err := l.Accept()
		if err != nil {
			t.Fatal(err)
		}
		return fd, peer
	}
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	const sockets, rounds = 5, 20
	s := New()
	peers, got := map[int]net.Conn{}, map[int]int64{}
	join := func() int {
		fd, peer := dial(l)
		peers[fd], got[fd] = peer, 0
		s.Add(fd)
		return fd
	}
	for range sockets {
		join()
	}
	again := 0
	for round := range rounds {
		for fd, peer := range peers {
			if _, err := peer.Write(make([]byte, 100)); err != nil {
				t.Fatal(err)
			}
			if fd%sockets == round%sockets {
				_ = peer.Close()
			}
		}
		for want := len(peers); want > 0; {
			s.Sweep(func(fd int, n int64, err error) {
				if got[fd] += n; n > 0 && got[fd] == 100 {
					want--
				}
				if err == nil {
					return
				}
				if !errors.Is(err, io.EOF) || got[fd] != 100 {
					t.Errorf("%d bytes and %v", got[fd], err)
				}
				s.Remove(fd)
				_ = unix.Close(fd)
				delete(peers, fd)
				if join() == fd {
					again++
				}
			})
		}
		for ended := true; ended; { // those whose end came after their bytes
			ended = false
			s.Sweep(func(fd int, n int64, err error) {
				t.Helper()
				if n != 0 {
					t.Errorf("%d bytes too many", n)
				}
				ended = true
				s.Remove(fd)
				_ = unix.Close(fd)
				delete(peers, fd)
				if join() == fd {
					again++
				}
			})
		}
		if s.Len() != sockets || len(peers) != sockets {
			t.Fatalf("%d sockets are in the set, and %d are open", s.Len(), len(peers))
		}
		clear(got)
	}
	for fd, peer := range peers {
		s.Remove(fd)
		_, _ = unix.Close(fd), peer.Close()
	}
	if again == 0 {
		t.Error("no descriptor came again, so that nothing was tested")
	}
}

// TestIntervalFollowsTheRate: at any rate of the streams the interval comes to
// where the sockets are read before they are full.
func TestIntervalFollowsTheRate(t *testing.T) {
	for _, c := range []struct {
		rate    float64 // bytes per second
		at, not time.Duration
	}{
		{8_000, rarest, 0}, {30_000, longest, 0}, {64_000, longest, 0}, {1_250_000, 0, 40 * time.Millisecond}, {1e9, shortest, 0},
	} {
		interval := longest
		for range 100 {
			interval = next(interval, int64(c.rate*interval.Seconds()))
		}
		if c.at != 0 && interval != c.at || c.not != 0 && interval > c.not {
			t.Errorf("at %.0f bytes/s the interval is %v", c.rate, interval)
		}
	}
}
