//go:build !race

// The race detector starts a thread before the monitor.

package tuning

import (
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// The runtime starts its monitor before any other thread: it is the one that
// sleeps with nanosleep(2) while goroutines run. Another version of Go may do it
// otherwise, and then a thread of another kind would have its slack.
func TestMonitorIsTheSecondThread(t *testing.T) {
	threads, err := threadsOf(Root(), strconv.Itoa(os.Getpid()))
	if err != nil || len(threads) <= monitor {
		t.Fatal(threads, err)
	}
	file := "/proc/self/task/" + strconv.Itoa(threads[monitor]) + "/syscall"
	sleeps := strconv.Itoa(unix.SYS_NANOSLEEP) + " "
	seen := map[string]bool{}
	for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if strings.HasPrefix(string(text), sleeps) {
			return
		}
		call, _, _ := strings.Cut(string(text), " ")
		seen[strings.TrimSpace(call)] = true
	}
	t.Errorf("the second thread never slept; it was seen in the system calls %v", seen)
}
