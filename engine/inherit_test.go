package engine

import (
	"net"
	"testing"
)

// opened is a listener of somebody else's, without any of our options.
func opened(t *testing.T) *net.TCPListener {
	t.Helper()
	var lc net.ListenConfig
	lc.SetMultipathTCP(false)
	ln, err := lc.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = ln.Close() })
	return ln.(*net.TCPListener)
}

// copied is a listener as another process inherits it.
func copied(t *testing.T, ln *net.TCPListener) *net.TCPListener {
	t.Helper()
	f, err := ln.File()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	c, err := net.FileListener(f)
	if err != nil {
		t.Fatal(err)
	}
	return c.(*net.TCPListener)
}

// Who connects while one engine has ended and the next has not begun waits, and is
// served.
func TestInheritedListenerOutlivesEngines(t *testing.T) {
	ln := opened(t)
	first, address := engineOn(t, nil, Listener{Inherited: copied(t, ln)})
	if address != ln.Addr().String() {
		t.Errorf("the address is %s, want %s", address, ln.Addr())
	}
	c := connect(t, address)
	if a := ask(c); a != "OK Reply\n" {
		t.Fatalf("the answer is %q", a)
	}
	_ = c.Close()
	first.Shutdown()
	waiting := connect(t, address)
	_, _ = engineOn(t, nil, Listener{Inherited: copied(t, ln)})
	if a := ask(waiting); a != "OK Reply\n" {
		t.Errorf("the answer to whom had to wait is %q", a)
	}
	_ = waiting.Close()
}

// Listeners are in the order in which they were given.
func TestListeners(t *testing.T) {
	ln := opened(t)
	e, _ := engineOn(t, nil, Listener{Address: "127.0.0.1:0"}, Listener{Inherited: copied(t, ln)})
	all := e.Listeners()
	if len(all) != 2 || all[1].Addr().String() != ln.Addr().String() || all[0].Addr().String() != e.Addresses()[0].String() {
		t.Errorf("%v", all)
	}
}
