package child

import (
	"fmt"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"streampump/bench/affinity"
)

// role makes the test program a child: it says what it is to do.
const role = "STREAMPUMP_CHILD_ROLE"

func TestMain(m *testing.M) {
	switch os.Getenv(role) {
	case "":
		os.Exit(m.Run())
	case "ends":
		fmt.Println("first line\n\nI cannot find my teapot \n ")
		os.Exit(3)
	case "waits":
		fmt.Println("ready")
	case "ignores":
		signal.Ignore(syscall.SIGTERM)
		fmt.Println("ready")
	case "parent":
		parent()
	}
	<-time.After(time.Minute) // if all else fails
	os.Exit(4)
}

// parent starts a child of its own and tells its number.
func parent() {
	p, err := Start(spec("waits"))
	if err != nil {
		fmt.Println(err)
		os.Exit(5)
	}
	fmt.Printf("child %d\n", p.PID())
}

// spec runs the test program in a role.
func spec(as string) Spec { return Spec{Path: os.Args[0], Env: []string{role + "=" + as}} }

// begin starts a child that the test's end stops, and waits until it has said
// what is wanted.
func begin(t *testing.T, s Spec, want string) *Process {
	t.Helper()
	p, err := Start(s)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.stop(0, killed) })
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for !strings.Contains(p.Said(), want) {
		select {
		case <-p.Exited():
			t.Fatalf("it never said %q: %v", want, p.Err())
		case <-tick.C:
		}
	}
	return p
}

func TestWhatAChildSaidLast(t *testing.T) {
	p, err := Start(spec("ends"))
	if err != nil {
		t.Fatal(err)
	}
	<-p.Exited()
	want := os.Args[0] + ": exit status 3; it said last: I cannot find my teapot"
	if err := p.Err(); err == nil || err.Error() != want || p.SaidLast() != "I cannot find my teapot" || !strings.HasPrefix(p.Said(), "first line\n") {
		t.Errorf("%v; it said %q", err, p.Said())
	}
	for range 2 {
		if err := p.Stop(); err != nil {
			t.Errorf("a child that has ended is ended with %v", err)
		}
	}
}

func TestChildIsAsked(t *testing.T) {
	p := begin(t, spec("waits"), "ready")
	if err := p.Err(); err != nil {
		t.Errorf("it runs, and %v", err)
	}
	if err := p.Stop(); err != nil {
		t.Error(err)
	}
	if err := p.Err(); err == nil || !strings.Contains(err.Error(), "signal: terminated") {
		t.Errorf("%v", err)
	}
}

// TestChildThatIgnoresItIsKilled: the time that it has is over at once here.
func TestChildThatIgnoresItIsKilled(t *testing.T) {
	p := begin(t, spec("ignores"), "ready")
	if err := p.stop(time.Millisecond, killed); err != nil {
		t.Fatal(err)
	}
	if err := p.Err(); err == nil || !strings.Contains(err.Error(), "signal: killed") {
		t.Errorf("%v", err)
	}
}

func TestChildIsOnItsCoresAndInItsFolder(t *testing.T) {
	own, err := affinity.Own()
	if err != nil {
		t.Fatal(err)
	}
	s := spec("waits")
	s.Cores, s.Dir = own[len(own)-1:], t.TempDir()
	p := begin(t, s, "ready")
	var set unix.CPUSet
	if err := unix.SchedGetaffinity(p.PID(), &set); err != nil {
		t.Fatal(err)
	}
	if set.Count() != 1 || !set.IsSet(s.Cores[0]) {
		t.Errorf("it is on %d processors, and on %v: %v", set.Count(), s.Cores, set.IsSet(s.Cores[0]))
	}
	if dir, err := os.Readlink(fmt.Sprintf("/proc/%d/cwd", p.PID())); err != nil || dir != s.Dir {
		t.Errorf("it is in %s, %v", dir, err)
	}
	if group, err := unix.Getpgid(p.PID()); err != nil || group != p.PID() {
		t.Errorf("its group is %d, %v: Ctrl-C reaches it", group, err)
	}
}

// TestChildEndsWithItsParent: a killed parent leaves nothing behind.
func TestChildEndsWithItsParent(t *testing.T) {
	p := begin(t, spec("parent"), "\n")
	var child int
	if _, err := fmt.Sscanf(p.Said(), "child %d\n", &child); err != nil {
		t.Fatalf("%v: %s", err, p.Said())
	}
	fd, err := unix.PidfdOpen(child, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd)
	if err := p.stop(0, killed); err != nil {
		t.Fatal(err)
	}
	// A pidfd is readable once the process has ended.
	if n, err := unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}, 30_000); n != 1 || err != nil {
		t.Errorf("the child of the killed one runs on: %d, %v", n, err)
	}
}

func TestWhatCanNotBeStarted(t *testing.T) {
	for want, s := range map[string]Spec{
		"/nowhere/x cannot be started: ": {Path: "/nowhere/x"},
		" cannot be used: ":              {Path: "/bin/true", Cores: []int{1023}},
	} {
		if p, err := Start(s); err == nil || p != nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
}

// TestOutputHeldByAGrandchild: whoever has ended, has, and what holds its output
// keeps nobody waiting.
func TestOutputHeldByAGrandchild(t *testing.T) {
	t.Parallel()
	p, err := Start(Spec{Path: "/bin/sh", Args: []string{"-c", "sleep 3 & echo left"}})
	if err != nil {
		t.Fatal(err)
	}
	<-p.Exited()
	if err := p.Err(); err == nil || !strings.HasSuffix(err.Error(), "it ended by itself; it said last: left") {
		t.Errorf("%v", err)
	}
}

func TestTailIsBounded(t *testing.T) {
	var out tail
	var all []byte
	for i := range 5000 {
		line := fmt.Appendf(nil, "line %d\n", i)
		all = append(all, line...)
		if n, err := out.Write(line); n != len(line) || err != nil {
			t.Fatal(n, err)
		}
		if got := out.String(); len(got) > 2*keep || len(all) >= keep && len(got) < keep || !slices.Equal([]byte(got), all[len(all)-len(got):]) {
			t.Fatalf("after %d bytes %d are kept", len(all), len(got))
		}
	}
	if out.last() != "line 4999" || new(tail).last() != "" {
		t.Errorf("%q", out.last())
	}
}
