package main

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"streampump/e2e/rig"
)

// overseer is a service manager that a test plays.
type overseer struct {
	t    *testing.T
	conn *net.UnixConn
	at   string
	// stored are descriptors by name, as systemd keeps them from one run to the next.
	names  []string
	stored []int
	heard  []string
}

func oversee(t *testing.T) *overseer {
	t.Helper()
	at := filepath.Join(t.TempDir(), "notify")
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: at, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	if err := conn.SetReadDeadline(time.Now().Add(silence)); err != nil {
		t.Fatal(err)
	}
	o := &overseer{t: t, conn: conn, at: at}
	t.Cleanup(func() {
		_ = conn.Close()
		o.forget(func(string) bool { return true })
	})
	return o
}

// next reads a message, and does what systemd does with its descriptors.
func (o *overseer) next() string {
	o.t.Helper()
	b, oob := make([]byte, 4096), make([]byte, 256)
	n, nn, _, _, err := o.conn.ReadMsgUnix(b, oob)
	if err != nil {
		o.t.Fatalf("the pump did not say more: %v\n%s", err, strings.Join(o.heard, "\n"))
	}
	text := string(b[:n])
	o.heard = append(o.heard, strings.ReplaceAll(text, "\n", " "))
	var fds []int
	parts, err := unix.ParseSocketControlMessage(oob[:nn])
	for _, p := range parts {
		some, wrong := unix.ParseUnixRights(&p)
		fds, err = append(fds, some...), errors.Join(err, wrong)
	}
	if err != nil {
		o.t.Fatal(err)
	}
	name := value(text, "FDNAME")
	if strings.Contains(text, "FDSTOREREMOVE=1") {
		o.forget(func(s string) bool { return s == name })
	}
	for _, fd := range fds {
		unix.CloseOnExec(fd)
		if strings.Contains(text, "FDSTORE=1") {
			o.names, o.stored = append(o.names, name), append(o.stored, fd)
		} else {
			_ = unix.Close(fd) // a barrier is passed
		}
	}
	return text
}

// forget closes stored descriptors.
func (o *overseer) forget(which func(name string) bool) {
	var names []string
	var stored []int
	for i, name := range o.names {
		if which(name) {
			_ = unix.Close(o.stored[i])
		} else {
			names, stored = append(names, name), append(stored, o.stored[i])
		}
	}
	o.names, o.stored = names, stored
}

// await reads messages up to one with the text.
func (o *overseer) await(text string) string {
	o.t.Helper()
	for {
		if got := o.next(); strings.Contains(got, text) {
			return got
		}
	}
}

// value is what a message assigns.
func value(message, name string) string {
	for line := range strings.Lines(message) {
		if v, ok := strings.CutPrefix(strings.TrimSuffix(line, "\n"), name+"="); ok {
			return v
		}
	}
	return ""
}

// launch starts the program as a service: with the manager's socket and some
// descriptors, named as in LISTEN_FDNAMES.
func (o *overseer) launch(names []string, files []*os.File, env []string, args ...string) *process {
	o.t.Helper()
	// The shell puts its own process in LISTEN_PID, and becomes the program.
	cmd := exec.Command("sh", append([]string{"-c", `LISTEN_PID=$$ exec "$0" "$@"`, os.Args[0]}, args...)...)
	cmd.Env = append(os.Environ(), asProgram+"=1", "NOTIFY_SOCKET="+o.at,
		fmt.Sprintf("LISTEN_FDS=%d", len(files)), "LISTEN_FDNAMES="+strings.Join(names, ":"))
	cmd.Env, cmd.ExtraFiles = append(cmd.Env, env...), files
	return started(o.t, cmd)
}

// serves starts a service with a configuration in a file.
func (o *overseer) serves(config string, env ...string) (p *process, file string) {
	o.t.Helper()
	file = filepath.Join(rig.Reachable(o.t), "pump.json")
	write(o.t, file, config)
	rig.Give(o.t, file)
	return o.launch(nil, nil, env, "serve", file), file
}

// keeping are the descriptors that the manager has stored, for the next process.
func (o *overseer) keeping() (names []string, files []*os.File) {
	o.t.Helper()
	for i, name := range o.names {
		fd, err := unix.FcntlInt(uintptr(o.stored[i]), unix.F_DUPFD_CLOEXEC, 0)
		if err != nil {
			o.t.Fatal(err)
		}
		f := os.NewFile(uintptr(fd), name)
		o.t.Cleanup(func() { _ = f.Close() })
		names, files = append(names, name), append(files, f)
	}
	return names, files
}

// release closes descriptors that a process has inherited.
func release(files []*os.File) {
	for _, f := range files {
		_ = f.Close()
	}
}

// notes is a log that can be read.
type notes struct {
	*slog.Logger
	mu   sync.Mutex
	text strings.Builder
}

func newNotes() *notes {
	n := &notes{}
	n.Logger = slog.New(slog.NewTextHandler(n, nil))
	return n
}

func (n *notes) Write(p []byte) (int, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.text.Write(p)
}

func (n *notes) String() string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.text.String()
}
