package supervisor

import (
	"context"
	"net"
	"os"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// listening is a listener of plain TCP, or of what the change makes of it.
func listening(t *testing.T, at string, change func(*net.ListenConfig)) *net.TCPListener {
	t.Helper()
	var lc net.ListenConfig
	lc.SetMultipathTCP(false)
	if change != nil {
		change(&lc)
	}
	l, err := lc.Listen(context.Background(), "tcp", at)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	return l.(*net.TCPListener)
}

// filer is what has a descriptor to copy.
type filer interface{ File() (*os.File, error) }

// given puts a copy of a descriptor among the inherited ones.
func (m *Manager) given(t *testing.T, name string, of filer) {
	t.Helper()
	f, err := of.File()
	if err != nil {
		t.Fatal(err)
	}
	m.inherit(t, name, f)
}

func (m *Manager) inherit(t *testing.T, name string, f *os.File) {
	t.Helper()
	fd, err := unix.FcntlInt(f.Fd(), unix.F_DUPFD_CLOEXEC, 0)
	_ = f.Close()
	if err != nil {
		t.Fatal(err)
	}
	m.files = append(m.files, os.NewFile(uintptr(fd), name))
}

func TestSockets(t *testing.T) {
	f := fakePath(t)
	m := opened(t)
	four, both := listening(t, "127.0.0.1:0", nil), listening(t, "[::]:0", nil)
	m.given(t, Plain, four)
	m.given(t, Admin, listening(t, "127.0.0.1:0", nil))
	m.given(t, storedName(both), both)
	m.given(t, storedName(both), both) // a store may have one twice
	m.given(t, Plain, both)
	given, stored, err := m.Sockets()
	if err != nil || len(given) != 3 || len(stored) != 1 {
		t.Fatalf("%v, %v, %v", given, stored, err)
	}
	defer func() {
		for _, s := range append(given, stored...) {
			_ = s.Listener.Close()
		}
	}()
	for i, want := range []struct {
		name string
		l    *net.TCPListener
	}{{Plain, four}, {Admin, nil}, {Plain, both}} {
		if s := given[i]; s.Name != want.name || want.l != nil && s.Address() != addressOf(want.l) {
			t.Errorf("socket %d is %q, %s", i, s.Name, s.Address())
		}
	}
	if s := stored[0]; s.Address() != addressOf(both) || strings.Contains(s.Name, ":") {
		t.Errorf("stored is %q, %s", s.Name, s.Address())
	}
	if again, _, err := m.Sockets(); err != nil || len(again) > 0 {
		t.Errorf("the sockets are handed out twice: %v, %v", again, err)
	}
	f.want("nothing to say")

	// It still takes connections.
	c, err := net.Dial("tcp", four.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	if _, err := given[0].Listener.Accept(); err != nil {
		t.Error(err)
	}
}

// What cannot be used is told, all of it, with its name and what to do.
func TestUnusableSockets(t *testing.T) {
	t.Setenv(notifyVariable, "")
	m := opened(t)
	m.given(t, Plain, listening(t, "127.0.0.1:0", nil))
	m.given(t, "stream-pump.socket", listening(t, "127.0.0.1:0", nil))
	udp, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = udp.Close() }()
	m.given(t, Plain, udp)
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: t.TempDir() + "/s", Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	m.given(t, TLS, l)
	c, err := net.Dial("tcp", listening(t, "127.0.0.1:0", nil).Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	m.given(t, Admin, c.(*net.TCPConn))
	null, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	m.inherit(t, TLS, null)
	want := []string{
		`the socket "stream-pump.socket" (descriptor 4) of the service manager has a name that is not known here; set FileDescriptorName= to plain, tls or admin in its unit`,
		`the socket "plain" (descriptor 5) of the service manager cannot be used: it takes datagrams; ListenStream= is wanted in its unit`,
		`the socket "tls" (descriptor 6) of the service manager cannot be used: it is not of TCP; ListenStream= with a port is wanted in its unit`,
		`the socket "admin" (descriptor 7) of the service manager cannot be used: it does not listen; Accept= must not be set in its unit`,
		`the socket "tls" (descriptor 8) of the service manager cannot be used: it is no socket`,
	}
	mp := listening(t, "127.0.0.1:0", func(lc *net.ListenConfig) { lc.SetMultipathTCP(true) })
	m.given(t, Plain, mp)
	if raw, err := mp.SyscallConn(); err == nil {
		_ = raw.Control(func(fd uintptr) {
			if p, err := unix.GetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_PROTOCOL); err == nil && p != unix.IPPROTO_TCP {
				want = append(want, `the socket "plain" (descriptor 9) of the service manager cannot be used: it is not of plain TCP; SocketProtocol= must not be set in its unit`)
			}
		})
	}
	given, stored, err := m.Sockets()
	if err == nil || err.Error() != strings.Join(want, "\n") || given != nil || stored != nil {
		t.Errorf("%v, %v\n%v", given, stored, err)
	}
}

// A listener is stored as it is, under a name of its own, and forgotten by that name;
// Forget returns when the manager has let go of it.
func TestStoreAndForget(t *testing.T) {
	f := fakePath(t)
	m := opened(t)
	l := listening(t, "[::1]:0", nil)
	m.Store(l)
	h, ok := f.next()
	name := storedName(l)
	if !ok || h.text != "FDSTORE=1\nFDNAME="+name || len(h.fds) != 1 {
		t.Fatalf("%v, %+v", ok, h)
	}
	if strings.ContainsAny(name, ": \n") || !strings.HasPrefix(name, storedPrefix+"[__1]_") {
		t.Errorf("its name is %q", name)
	}
	at := l.Addr().String()
	_ = l.Close()
	c, err := net.Dial("tcp", at) // somebody still listens
	if err != nil {
		t.Fatal(err)
	}
	_ = c.Close()

	forgotten := make(chan struct{})
	go func() { m.Forget(name, "stored-other"); close(forgotten) }()
	var heard []heard
	for len(heard) < 3 {
		heard = append(heard, f.wait())
	}
	if heard[0].text != "FDSTOREREMOVE=1\nFDNAME="+name || heard[1].text != "FDSTOREREMOVE=1\nFDNAME=stored-other" ||
		heard[2].text != "BARRIER=1" || len(heard[2].fds) != 1 {
		t.Errorf("%+v", heard)
	}
	select {
	case <-forgotten:
		t.Error("it did not wait for the manager")
	default:
	}
	_ = unix.Close(heard[2].fds[0])
	heard[2].fds[0] = -1
	<-forgotten
}

// What is stored and cannot be used is forgotten, and is no mistake.
func TestUnusableStored(t *testing.T) {
	t.Setenv(notifyVariable, "")
	m := opened(t)
	null, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	m.inherit(t, storedPrefix+"x", null)
	if given, stored, err := m.Sockets(); err != nil || len(given)+len(stored) > 0 {
		t.Errorf("%v, %v, %v", given, stored, err)
	}
	m.Store(listening(t, "127.0.0.1:0", nil)) // without a manager nothing happens
	m.Forget("stored-y")
}

// What is meant for another process is not taken, and is not left for others either.
func TestSocketsOfAnother(t *testing.T) {
	t.Setenv(notifyVariable, "")
	names := []string{"LISTEN_FDS", "LISTEN_FDNAMES", "LISTEN_PID", listenPIDFDVariable, watchdogVariable, watchdogPIDVariable, notifyVariable}
	for _, name := range names[:6] {
		t.Setenv(name, "1")
	}
	m := opened(t)
	if len(m.files) > 0 || m.watchdog != 0 {
		t.Errorf("%d descriptors and a watchdog of %v were taken", len(m.files), m.watchdog)
	}
	for _, name := range names {
		if v, set := os.LookupEnv(name); set {
			t.Errorf("%s=%s is left", name, v)
		}
	}
}
