package confine

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"sync"
	"testing"

	"golang.org/x/sys/unix"

	"streampump/internal/account"
)

// asChild makes the test's binary a process that confines itself as the variable says,
// and then tries what it must not.
const asChild = "STREAM_PUMP_TEST_CONFINED"

func TestMain(m *testing.M) {
	if text := os.Getenv(asChild); text != "" {
		os.Exit(child(text))
	}
	os.Exit(m.Run())
}

// order is what a child is to do.
type order struct {
	How    string // one of the ways
	Policy Policy
	Try    []string
	Dir    string // everybody may write there
	Target string // a listener that waits
	Victim int    // another process
}

// ways are all mechanisms together, each alone, and none.
var ways = map[string]func(*steps) error{
	"none": func(*steps) error { return nil },
	"all":  apply,
	"drop": func(s *steps) error {
		s.Off = true
		return apply(s)
	},
	"without landlock": func(s *steps) error {
		return errors.Join(lack(unix.SYS_LANDLOCK_CREATE_RULESET), apply(s))
	},
	"without seccomp": func(s *steps) error {
		return errors.Join(lack(unix.SYS_SECCOMP), apply(s))
	},
	"landlock": (*steps).landlock,
	"seccomp": func(s *steps) error {
		if err := noNewPrivileges(); err != nil {
			return err
		}
		return s.seccomp()
	},
}

func apply(s *steps) (err error) {
	s.Report, err = Apply(s.Policy)
	return err
}

// child carries out an order, and then waits for the end of its standard input.
func child(text string) int {
	var o order
	if err := json.Unmarshal([]byte(text), &o); err != nil {
		fmt.Println("error", err)
		return 1
	}
	if _, err := account.Lookup(account.Nobody, ""); err != nil {
		fmt.Println("error", err)
		return 1
	}
	release := threads(4) // which are there when the process is confined
	s := &steps{Policy: o.Policy}
	if err := ways[o.How](s); err != nil {
		fmt.Println("error", err)
		return 1
	}
	defer threads(4)() // and which come later
	release()
	report, _ := json.Marshal(s.Report)
	fmt.Println("report", string(report))
	for _, name := range o.Try {
		fmt.Printf("%s %v\n", name, strings.ReplaceAll(fmt.Sprint(attempts[name](o)), "\n", " "))
	}
	fmt.Println("done")
	_, _ = bufio.NewReader(os.Stdin).ReadByte()
	return 0
}

// threads starts goroutines that keep a thread each, until release is called.
func threads(n int) (release func()) {
	end := make(chan struct{})
	var started, ended sync.WaitGroup
	started.Add(n)
	for range n {
		ended.Go(func() {
			runtime.LockOSThread()
			defer runtime.UnlockOSThread()
			started.Done()
			<-end
		})
	}
	started.Wait()
	return func() { close(end); ended.Wait() }
}

// running is a child that has done what it was told and waits.
type running struct {
	*exec.Cmd
	report Report
	said   map[string]string
}

// run starts a child; the test's end ends it.
func run(t *testing.T, o order, dress ...func(*exec.Cmd)) running {
	t.Helper()
	text, err := json.Marshal(o)
	if err != nil {
		t.Fatal(err)
	}
	r := running{Cmd: exec.Command(os.Args[0]), said: map[string]string{}}
	r.Env = append(os.Environ(), asChild+"="+string(text), "GORACE=atexit_sleep_ms=0") // a second for each child otherwise
	r.Stderr = os.Stderr
	for _, d := range dress {
		d(r.Cmd)
	}
	in, err := r.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := r.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = in.Close(); _ = r.Wait() })
	for lines := bufio.NewScanner(out); lines.Scan(); {
		name, rest, _ := strings.Cut(lines.Text(), " ")
		switch name {
		case "report":
			if err := json.Unmarshal([]byte(rest), &r.report); err != nil {
				t.Fatal(err)
			}
			continue
		case "done":
			return r
		}
		r.said[name] = rest
	}
	if r.said["error"] == "" {
		t.Fatal("the child ended before it was done")
	}
	return r
}
