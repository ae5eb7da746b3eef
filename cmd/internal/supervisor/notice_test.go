package supervisor

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/sys/unix"
)

func TestNotices(t *testing.T) {
	for _, at := range []string{t.TempDir() + "/notify", "@stream-pump-test-" + strconv.Itoa(os.Getpid())} {
		f := fake(t, at)
		m := opened(t)
		if _, set := os.LookupEnv(notifyVariable); set {
			t.Error("the variable is left for others")
		}
		m.Ready("0 viewers")
		m.Status("1 viewer")
		m.Status("1 viewer")
		m.Status("2\nviewers")
		m.Reloading()
		m.Ready("2 viewers")
		m.Status("2 viewers")
		m.Stopping("going down", 8*time.Second)
		m.Status("late")
		m.Reloading()
		m.Ready("too late")
		f.want(at,
			"READY=1 MONOTONIC_USEC=T STATUS=0 viewers", "STATUS=1 viewer", "STATUS=2 viewers",
			"RELOADING=1 MONOTONIC_USEC=T", "READY=1 MONOTONIC_USEC=T STATUS=2 viewers",
			"STOPPING=1 STATUS=going down EXTEND_TIMEOUT_USEC=8000000")
		m.Failed(fmt.Errorf("cannot listen: %w", unix.EADDRINUSE))
		m.Failed(fmt.Errorf("no idea"))
		f.want("failures", "STATUS=cannot listen: address already in use ERRNO=98", "STATUS=no idea")
		m.Close()
		m.Ready("closed")
		f.want("closed")
	}
}

// The time of a message is that of systemd's clock.
func TestTimeOfMessages(t *testing.T) {
	clock := func() int64 {
		var now unix.Timespec
		if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &now); err != nil {
			t.Fatal(err)
		}
		return now.Nano() / 1000
	}
	before := clock()
	at, err := strconv.ParseInt(strings.TrimPrefix(now(), "MONOTONIC_USEC="), 10, 64)
	if err != nil || at < before || at > clock() {
		t.Errorf("%d, %v", at, err)
	}
}

// Without a manager nothing is done; one that cannot be reached is told of.
func TestNoManager(t *testing.T) {
	t.Setenv(notifyVariable, "")
	m := opened(t)
	m.Ready("x")
	m.Status("y")
	m.Stopping("z", time.Second)
	m.Watch(t.Context(), Life{})
	m.Report(t.Context(), nil)
	if m.Present() || m.Alive() || len(m.waiting) > 0 {
		t.Error("there is something")
	}
	for at, want := range map[string]string{
		"/nowhere/notify":              "cannot be reached at NOTIFY_SOCKET=/nowhere/notify: no such file or directory",
		"vsock:2:1234":                 "only paths and names with @ are known here",
		"@" + strings.Repeat("x", 200): "invalid argument",
	} {
		t.Setenv(notifyVariable, at)
		m := Open()
		if err := m.Unusable(); err == nil || !strings.Contains(err.Error(), want) || m.Present() {
			t.Errorf("%s: %v", at, err)
		}
	}
}

// While the socket is full, what may be lost is lost, and the rest comes later, in its
// order and never more than maxWaiting of it.
func TestFullSocket(t *testing.T) {
	f := fakePath(t)
	synctest.Test(t, func(t *testing.T) {
		m := opened(t)
		defer m.Close()
		f.stuff()
		m.Ready("first")
		m.Status("lost")
		if m.Alive() {
			t.Error("a sign of life was taken before what must arrive")
		}
		for range maxWaiting {
			m.Reloading()
			m.Ready("second")
		}
		for range 2 * maxWaiting {
			m.Failed(unix.EIO)
		}
		if n, lost := m.waits(); n != maxWaiting || lost != maxWaiting+3 {
			t.Errorf("%d wait, %d are lost", n, lost)
		}
		if n := m.Lost(); n != 2*maxWaiting+3 {
			t.Errorf("%d are counted as lost", n)
		}
		time.Sleep(10 * retryAfter)
		synctest.Wait()
		if n, _ := m.waits(); n != maxWaiting {
			t.Errorf("%d wait for a socket that is still full", n)
		}
		var got []string
		for n := maxWaiting; n > 0; n, _ = m.waits() {
			got = append(got, strings.Split(f.all(), "\n")...)
			time.Sleep(retryAfter)
			synctest.Wait()
		}
		got = append(got, strings.Split(f.all(), "\n")...)
		for len(got) > 0 && got[0] == "other" {
			got = got[1:]
		}
		if len(got) != maxWaiting || got[0] != "READY=1 MONOTONIC_USEC=T STATUS=first" || got[2] != "READY=1 MONOTONIC_USEC=T STATUS=second" {
			t.Errorf("%d messages came late: %q", len(got), got)
		}
		m.Status("taken")
		f.want("afterwards", "STATUS=taken")
	})
}

// A manager that made its socket anew is found again.
func TestManagerComesBack(t *testing.T) {
	f := fakePath(t)
	m := opened(t)
	m.Status("one")
	f.want("before", "STATUS=one")
	if err := unix.Close(f.fd); err != nil {
		t.Fatal(err)
	}
	m.Status("nobody")
	if err := os.Remove(f.at); err != nil {
		t.Fatal(err)
	}
	f.fd = fake(t, f.at).fd
	m.Status("two")
	f.want("after", "STATUS=two")
}

func TestReport(t *testing.T) {
	f := fakePath(t)
	synctest.Test(t, func(t *testing.T) {
		m := opened(t)
		defer m.Close()
		m.Ready("0")
		var n, asked atomic.Int32
		go m.Report(t.Context(), func() string { asked.Add(1); return fmt.Sprint(n.Load()) })
		time.Sleep(10*reportEvery + time.Millisecond)
		f.want("nothing has changed", "READY=1 MONOTONIC_USEC=T STATUS=0")
		n.Store(7)
		time.Sleep(2 * reportEvery)
		f.want("a change is told once", "STATUS=7")
		if asked.Load() != 12 {
			t.Errorf("asked %d times", asked.Load())
		}
	})
}
