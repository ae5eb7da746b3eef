//go:build e2e

package e2e

import (
	"encoding/binary"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"streampump/bench/meter"
	"streampump/e2e/rig"
	"streampump/engine"
)

// Numbers of linux/tcp.h that package unix does not have.
const (
	repairOffSilently = -1 // TCP_REPAIR_OFF_NO_WP: no probe tells the other end
	recvQueue         = 1
	sendQueue         = 2
)

// urgentHole connects to the pump and sends one urgent byte behind one that never
// comes. A socket cannot leave a byte out, so the connection is given to a second
// socket that is told of a sequence number one further, which takes what restores
// connections after a move between machines.
func urgentHole(t *testing.T, p *pump) (fd int) {
	t.Helper()
	must := func(what string, err error) {
		t.Helper()
		if err != nil {
			t.Fatalf("%s: %v", what, err)
		}
	}
	open := func() int {
		fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
		must("socket", err)
		return fd
	}
	set := func(fd, option, value int) {
		t.Helper()
		must("setsockopt", unix.SetsockoptInt(fd, unix.IPPROTO_TCP, option, value))
	}
	to := &unix.SockaddrInet4{Addr: p.Addr.Addr().As4(), Port: int(p.Addr.Port())}
	first := open()
	must("connect", unix.Connect(first, to))
	from, err := unix.Getsockname(first)
	must("getsockname", err)
	set(first, unix.TCP_REPAIR, 1)
	var next [sendQueue + 1]int
	for _, q := range []int{recvQueue, sendQueue} {
		set(first, unix.TCP_REPAIR_QUEUE, q)
		next[q], err = unix.GetsockoptInt(first, unix.IPPROTO_TCP, unix.TCP_QUEUE_SEQ)
		must("getsockopt", err)
	}
	must("close", unix.Close(first)) // without a word to the other end

	fd = open()
	t.Cleanup(func() { _ = unix.Close(fd) })
	set(fd, unix.TCP_REPAIR, 1)
	next[sendQueue]++
	for _, q := range []int{recvQueue, sendQueue} {
		set(fd, unix.TCP_REPAIR_QUEUE, q)
		set(fd, unix.TCP_QUEUE_SEQ, int(int32(next[q])))
	}
	must("bind", unix.Bind(fd, from))
	must("connect", unix.Connect(fd, to))
	must("setsockopt", unix.SetsockoptString(fd, unix.IPPROTO_TCP, unix.TCP_REPAIR_WINDOW, openWindow(uint32(next[recvQueue]))))
	set(fd, unix.TCP_REPAIR, repairOffSilently)
	must("send", unix.Send(fd, []byte("!"), unix.MSG_OOB))
	return fd
}

// openWindow is the struct tcp_repair_window of a connection with room on both
// sides, whose other end sends the given number next.
func openWindow(next uint32) string {
	var b []byte
	for _, v := range []uint32{next, 32 << 10, 32 << 10, 32 << 10, next} { // snd_wl1, snd_wnd, max_window, rcv_wnd, rcv_wup
		b = binary.NativeEndian.AppendUint32(b, v)
	}
	return string(b)
}

// reads is how many read calls a process has made.
func reads(t *testing.T, pid int) (n uint64) {
	t.Helper()
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/io", pid))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(b)) {
		if k, _ := fmt.Sscanf(line, "syscr: %d", &n); k == 1 {
			return n
		}
	}
	t.Fatal("the kernel does not count read calls")
	return 0
}

// Urgent data behind a hole is ready forever and cannot be read: whoever asks for
// it reads in vain again and again, on each loop that has such a peer.
func TestUrgentByteBehindAHole(t *testing.T) {
	if os.Geteuid() != 0 {
		missing(t, "leaving a byte out of a connection needs root")
	}
	p := startPump(t, rig.Options{Config: `"fanout": {"loops": 2}, "streams": [{"type": "mmsh_push", "path": "live"}]`}, plainDial)
	const peers = 2
	for range peers {
		urgentHole(t, p)
	}
	p.await("the peers are there", func(s engine.Snapshot) bool { return s.Connections == peers })
	before, began := reads(t, p.PID()), p.cpu(t)
	const period = 2 * time.Second
	time.Sleep(period)
	n, cpu := reads(t, p.PID())-before, p.cpu(t)-began
	t.Logf("%d read calls and %.2f cores in %v", n, cpu.Seconds()/period.Seconds(), period)
	if n > 1000 {
		t.Errorf("%d read calls in %v in which nothing came", n, period)
	}
	if s := p.status(); s.Connections != peers {
		t.Errorf("%d of %d peers are there: the test has shown nothing", s.Connections, peers)
	}
}

// cpu is the processor time that the pump has had.
func (p *pump) cpu(t *testing.T) time.Duration {
	t.Helper()
	u, err := meter.OfProcess(p.PID())
	if err != nil {
		t.Fatal(err)
	}
	return u.CPU
}
