package main

import (
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// socketUnit is a listener as systemd opens one.
type socketUnit struct {
	t *testing.T
	*net.TCPListener
}

func openSocket(t *testing.T) socketUnit { return openSocketAt(t, "127.0.0.1:0") }

func openSocketAt(t *testing.T, at string) socketUnit {
	t.Helper()
	var lc net.ListenConfig
	lc.SetMultipathTCP(false)
	l, err := lc.Listen(t.Context(), "tcp", at)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	return socketUnit{t, l.(*net.TCPListener)}
}

// copy is the listener for a process to inherit.
func (s socketUnit) copy() *os.File {
	s.t.Helper()
	f, err := s.File()
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { _ = f.Close() })
	return f
}

// ask connects and sends a request; what it returns reads the answer, which must come.
func ask(t *testing.T, at string) (answer func()) {
	t.Helper()
	c, err := net.Dial("tcp", at)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	if _, err := io.WriteString(c, "GET / HTTP/1.0\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	return func() {
		t.Helper()
		if err := c.SetReadDeadline(time.Now().Add(silence)); err != nil {
			t.Fatal(err)
		}
		if b, err := io.ReadAll(c); err != nil || !strings.HasPrefix(string(b), "HTTP/1.") {
			t.Errorf("at %s the answer is %q, %v", at, b, err)
		}
		_ = c.Close()
	}
}

// Sockets of the manager stand for all configured addresses of their kind, and who
// connects between two processes is served by the second.
func TestSocketsFromTheManager(t *testing.T) {
	t.Chdir(t.TempDir())
	authority, _ := issued(t, "one", 80*day, "one.example")
	// Nobody can listen on the addresses of the configuration.
	write(t, "pump.json", `{"listen": ["192.0.2.1:81", "192.0.2.2:81", "tls://192.0.2.1:444"], "admin": {"listen": "192.0.2.1:82"},
  "ssl_cert": "one.pem", "ssl_key": "one.key", "streams": [{"type": "mmsh_push", "path": "live"}]}`)
	plain, other, secure, admin := openSocket(t), openSocket(t), openSocket(t), openSocket(t)
	o := oversee(t)
	launch := func() *process {
		names := []string{"admin", "plain", "tls", "plain"}
		files := []*os.File{admin.copy(), plain.copy(), secure.copy(), other.copy()}
		return o.launch(names, files, nil, "serve", "pump.json")
	}
	p := launch()
	if line := p.await("admin listener is open"); !strings.Contains(line, "address="+admin.Addr().String()+` from="the service manager"`) {
		t.Errorf("%s", line)
	}
	for _, want := range []string{
		plain.Addr().String() + " tls=false", other.Addr().String() + " tls=false", secure.Addr().String() + " tls=true",
	} {
		if line := p.await("msg=listening"); !strings.Contains(line, "address="+want+` from="the service manager"`) {
			t.Errorf("%s lacks %s", line, want)
		}
	}
	ready := o.next() // nothing is stored: the sockets are the manager's
	if !strings.HasPrefix(ready, "READY=1") || !strings.Contains(ready, secure.Addr().String()+" (TLS)") {
		t.Errorf("%q", ready)
	}
	p.admin = admin.Addr().String()
	p.well()
	ask(t, plain.Addr().String())()
	ask(t, other.Addr().String())()
	rootPage(t, secure.Addr().String(), "one.example", authority.Pool())
	p.signal(syscall.SIGTERM)
	p.ends(0)

	waiting := ask(t, plain.Addr().String())
	p = launch()
	waiting()
	p.admin = admin.Addr().String()
	p.await("msg=listening")
	p.well()
	p.stops()
}

// A socket that has no place in the configuration is a mistake, whose end is told.
func TestSocketsWithoutAPlace(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, config, want string }{
		{"tls", oneStream, `the configuration has no TLS`},
		{"admin", `{"listen": ["127.0.0.1:0"], "admin": {"enabled": false}, "streams": [{"type": "mmsh_push", "path": "live"}]}`, `the admin listener is off`},
		{"admin:admin", oneStream, `2 sockets`},
		{"stream-pump.socket", oneStream, `set FileDescriptorName= to plain, tls or admin`},
	} {
		o := oversee(t)
		file := t.TempDir() + "/pump.json"
		write(t, file, c.config)
		names := strings.Split(c.name, ":")
		var files []*os.File
		for range names {
			files = append(files, openSocket(t).copy())
		}
		p := o.launch(names, files, nil, "serve", file)
		if got := value(o.await("STATUS="), "STATUS"); !strings.Contains(got, c.want) {
			t.Errorf("%s: the status is %q", c.name, got)
		}
		p.await("the pump cannot run")
		p.ends(1)
	}
}

// A crash refuses no connection: the listeners are stored, the next process takes them
// over, and those for which it has no use are let go before it listens anew.
func TestDescriptorStore(t *testing.T) {
	// Not beside others: a process that they have forked and that does not run yet would
	// have the listeners open too.
	o := oversee(t)
	p, file := o.serves(oneStream)
	_, admin, _ := strings.Cut(strings.TrimSpace(p.await("admin listener is open")), "address=")
	at := p.address()
	o.await("READY=1")
	if len(o.names) != 2 || o.names[0] == o.names[1] || !strings.HasPrefix(o.names[0], "stored-127.0.0.1_") {
		t.Fatalf("stored are %q", o.names)
	}
	_ = p.cmd.Process.Kill()
	_ = p.cmd.Wait()

	waiting := ask(t, at.String())
	config := strings.NewReplacer(`["127.0.0.1:0"]`, `["`+at.String()+`"]`, `"listen": "127.0.0.1:0"`, `"listen": "`+admin+`"`).Replace(oneStream)
	write(t, file, config)
	names, files := o.keeping()
	p = o.launch(names, files, nil, "serve", file)
	release(files)
	waiting()
	if line := p.await("admin listener is open"); !strings.Contains(line, `from="the descriptor store"`) {
		t.Errorf("%s", line)
	}
	if line := p.await("msg=listening"); !strings.Contains(line, `from="the descriptor store"`) {
		t.Errorf("%s", line)
	}
	if ready := o.next(); !strings.HasPrefix(ready, "READY=1") { // nothing is stored twice
		t.Errorf("%q", ready)
	}
	p.signal(syscall.SIGTERM)
	p.ends(0)

	// Another address takes nothing over; the old one is let go before the new is opened.
	write(t, file, oneStream)
	old := o.names
	names, files = o.keeping()
	p = o.launch(names, files, nil, "serve", file)
	release(files)
	for range old {
		o.await("FDSTOREREMOVE=1")
	}
	if len(o.names) > 0 {
		t.Errorf("stored are still %q", o.names)
	}
	o.await("BARRIER=1")
	o.await("READY=1")
	if len(o.names) != 2 {
		t.Errorf("stored are %q after %q", o.names, old)
	}
	p.stops()
}

// A child of the pump would get none of the manager's descriptors.
func TestServiceLeavesNothingToChildren(t *testing.T) {
	t.Parallel()
	o := oversee(t)
	file := t.TempDir() + "/pump.json"
	write(t, file, oneStream)
	p := o.launch([]string{"plain"}, []*os.File{openSocket(t).copy()}, []string{"WATCHDOG_USEC=60000000"}, "serve", file)
	o.await("READY=1")
	fds := fmt.Sprintf("/proc/%d/fd", p.cmd.Process.Pid)
	entries, err := os.ReadDir(fds)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		target, err := os.Readlink(fds + "/" + e.Name())
		if err != nil || len(e.Name()) == 1 && e.Name() <= "2" {
			continue
		}
		info := read(t, fmt.Sprintf("/proc/%d/fdinfo/%s", p.cmd.Process.Pid, e.Name()))
		var flags int
		for line := range strings.Lines(info) {
			_, _ = fmt.Sscanf(line, "flags: %o", &flags)
		}
		if strings.HasPrefix(target, "socket:") && flags&unix.O_CLOEXEC == 0 {
			t.Errorf("descriptor %s, %s, would be left to a child", e.Name(), target)
		}
	}
	p.stops()
}

// An admin listener that others can reach is warned of, wherever it comes from.
func TestOpenAdminSocketFromTheManager(t *testing.T) {
	t.Chdir(t.TempDir())
	write(t, "pump.json", `{"listen": ["127.0.0.1:0"], "streams": [{"type": "mmsh_push", "path": "live"}]}`)
	admin := openSocketAt(t, "0.0.0.0:0")
	p := oversee(t).launch([]string{"admin"}, []*os.File{admin.copy()}, nil, "serve", "pump.json")
	if line := p.await("has no password"); !strings.Contains(line, "level=WARN") || !strings.Contains(line, admin.Addr().String()) {
		t.Errorf("%s", line)
	}
	p.await("msg=listening")
	p.signal(syscall.SIGTERM)
	p.ends(0)
}
