package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"streampump/cmd/internal/supervisor"
	"streampump/codec"
	"streampump/config"
	"streampump/engine"
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
	file = filepath.Join(reachable(o.t), "pump.json")
	write(o.t, file, config)
	give(o.t, file)
	return o.launch(nil, nil, env, "serve", file), file
}

var monotonic = regexp.MustCompile(`(?m)^MONOTONIC_USEC=[1-9]\d*$`)

// A service says when it serves, reloads and ends, and leaves nothing in its
// environment for others.
func TestServiceTalks(t *testing.T) {
	t.Parallel()
	o := oversee(t)
	p, _ := o.serves(oneStream, "WATCHDOG_USEC=60000000")
	p.await("the service manager wants signs of life")
	ready := o.await("READY=1")
	if !monotonic.MatchString(ready) || !regexp.MustCompile(`0 viewers, 0 of 1 stream up; on 127\.0\.0\.1:\d+ since 20`).MatchString(value(ready, "STATUS")) {
		t.Errorf("%q", ready)
	}
	o.await("WATCHDOG=1")
	p.signal(syscall.SIGHUP)
	if got := o.await("RELOADING=1"); !monotonic.MatchString(got) {
		t.Errorf("%q", got)
	}
	o.await("READY=1")
	p.await("the configuration is the one in use")
	p.signal(syscall.SIGTERM)
	if got := o.await("STOPPING=1"); value(got, "EXTEND_TIMEOUT_USEC") != "9000000" || !strings.Contains(got, "STATUS=going down: 0 viewers") {
		t.Errorf("%q", got)
	}
	p.await("msg=down")
	p.ends(0)
}

// What cannot run says why where systemctl shows it.
func TestServiceThatCannotRun(t *testing.T) {
	t.Parallel()
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	o := oversee(t)
	p, _ := o.serves(strings.Replace(oneStream, "127.0.0.1:0", taken.Addr().String(), 1))
	if got := o.await("ERRNO=98"); !strings.Contains(value(got, "STATUS"), "address already in use") {
		t.Errorf("%q", got)
	}
	p.ends(1)
	p, file := o.serves(`{"prot": 1}`)
	if got := o.await("STATUS="); value(got, "STATUS") != file+" cannot be used: the log says why" {
		t.Errorf("%q", got)
	}
	p.ends(1)
}

// A reload tells what a restart would bring.
func TestReload(t *testing.T) {
	t.Parallel()
	o := oversee(t)
	conf := strings.Replace(oneStream, `"streams"`, `"publish": {"networks": ["10.0.0.0/8"]}, "streams"`, 1)
	p, file := o.serves(conf)
	o.await("READY=1")
	for _, c := range []struct{ conf, log, status string }{
		{conf + "// a remark\n", "the configuration is the one in use", ""},
		{strings.Replace(conf, "10.0.0.0/8", "10.0.0.0/9", 1), "it holds from the next start", "; a changed configuration waits for a restart"},
		{`{"prot": 1}`, "a restart would fail", "; the configuration has mistakes"},
		{conf, "the configuration is the one in use", ""},
	} {
		write(t, file, c.conf)
		p.signal(syscall.SIGHUP)
		o.await("RELOADING=1")
		if status := value(o.await("READY=1"), "STATUS"); !strings.Contains(status, "viewers") || !strings.HasSuffix(status, c.status) || c.status == "" && strings.Count(status, ";") != 1 {
			t.Errorf("%s: the status is %q", c.log, status)
		}
		p.await(c.log)
	}
	if !strings.Contains(p.said.String(), `/prot: the key`) {
		t.Errorf("the mistake is not in the log:\n%s", p.said.String())
	}
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	p.signal(syscall.SIGHUP)
	p.await("cannot be opened: no such file or directory")
	p.await("a restart would fail")
	p.stops()
}

// stops ends a pump that must still serve.
func (p *process) stops() {
	p.t.Helper()
	p.signal(syscall.SIGTERM)
	p.await("msg=down")
	p.ends(0)
}

// A loop that does not come back from a call starves the watchdog of a real engine; an
// idle engine feeds it.
func TestStalledLoopStarvesTheWatchdog(t *testing.T) {
	o := oversee(t)
	t.Setenv("NOTIFY_SOCKET", o.at)
	t.Setenv("WATCHDOG_USEC", "90000")
	manager := supervisor.Open()
	defer manager.Close()
	inside, goOn := make(chan struct{}), make(chan struct{})
	c := config.Default()
	c.Engine.Loops = 2
	page := func(string) (string, bool) { close(inside); <-goOn; return "", false }
	log := newNotes()
	eng, err := engine.New(c.Engine, nil, []codec.Protocol{protocolOf(c, page)}, log.Logger)
	if err == nil {
		err = eng.Listen(engine.Plain("127.0.0.1:0")...)
	}
	if err == nil {
		err = eng.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	defer eng.Shutdown()
	beats := make(chan []string)
	beat := func() []string {
		silent := eng.Beat()
		beats <- silent
		return silent
	}
	ctx, end := context.WithCancel(t.Context())
	over := make(chan struct{})
	go func() {
		manager.Watch(ctx, supervisor.Life{Beat: beat, Log: log.Logger})
		close(over)
	}()
	for range 10 {
		if silent := <-beats; len(silent) > 0 {
			t.Logf("an idle engine was late: %q", silent)
			continue
		}
		o.await("WATCHDOG=1")
	}
	conn, err := net.Dial("tcp", eng.Addresses()[0].String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := conn.Write([]byte("GET /.well-known/acme-challenge/x HTTP/1.1\r\nHost: x\r\n\r\n")); err != nil {
		t.Fatal(err)
	}
	<-inside
	for silent := 0; silent < 10; {
		if names := <-beats; len(names) == 0 {
			o.await("WATCHDOG=1") // asked before it was stuck
		} else if silent++; !strings.HasPrefix(names[0], "event loop ") {
			t.Fatalf("silent: %q", names)
		}
	}
	if !strings.Contains(log.String(), "no sign of life") {
		t.Errorf("the log says\n%s", log)
	}
	if err := o.conn.SetReadDeadline(time.Now()); err != nil {
		t.Fatal(err)
	}
	if n, err := o.conn.Read(make([]byte, 100)); err == nil {
		t.Errorf("the watchdog was fed with %d bytes while a loop was stuck", n)
	}
	if err := o.conn.SetReadDeadline(time.Now().Add(silence)); err != nil {
		t.Fatal(err)
	}
	close(goOn)
	for len(<-beats) > 0 {
	}
	o.await("WATCHDOG=1")
	end()
	for {
		select {
		case <-beats:
		case <-over:
			return
		}
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
