package engine

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// watched is what this process's epoll sets watch a descriptor for, as the kernel
// reports it.
func watched(t *testing.T, fd int32) (events []uint32) {
	t.Helper()
	sets, err := os.ReadDir("/proc/self/fdinfo")
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range sets {
		b, err := os.ReadFile("/proc/self/fdinfo/" + s.Name())
		if err != nil {
			continue // closed meanwhile
		}
		for line := range strings.Lines(string(b)) {
			var of int32
			var ev uint32
			if n, _ := fmt.Sscanf(line, "tfd: %d events: %x", &of, &ev); n == 2 && of == fd {
				events = append(events, ev)
			}
		}
	}
	return events
}

// A loop is told that a connection has something to read and that it has ended.
// Urgent data is not asked for: behind a hole in the stream it stays ready and is
// never read.
func TestUrgentDataIsNotAskedFor(t *testing.T) {
	e, address := realEngine(t, nil)
	_ = pushed(t, address)
	_ = playing(t, e, address)
	looked := 0
	for _, l := range e.group.Loops() {
		fds := make(chan []int32)
		l.Post(func() { fds <- l.Descriptors() })
		for _, fd := range <-fds {
			events := watched(t, fd)
			if len(events) != 1 || events[0]&^(unix.EPOLLERR|unix.EPOLLHUP) != unix.EPOLLIN {
				t.Errorf("descriptor %d is watched for %x, want input alone in one set", fd, events)
			}
			looked++
		}
	}
	if looked < 2 {
		t.Fatalf("%d connections, want an encoder and a viewer", looked)
	}
}
