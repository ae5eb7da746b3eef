package engine

import (
	"net"
	"testing"

	"streampump/engine/admission"
	"streampump/engine/door"
	"streampump/engine/loop"
	"streampump/engine/reason"
)

// A stuck loop keeps the few connections that were on their way to it; the other
// loops take in all others. When it goes on, so do they.
func TestStuckLoopIsAvoided(t *testing.T) {
	e, address := realEngine(t, nil)
	stuck, goOn := make(chan struct{}), make(chan struct{})
	e.group.Loops()[0].Post(func() { close(stuck); <-goOn })
	<-stuck
	answers := make(chan string)
	const crowd = 40
	for range crowd {
		c := connect(t, address)
		go func() { answers <- ask(c) }()
	}
	waiting := door.Ushers(2)/2 + 1 // and one that the acceptor could not hand to anybody
	for range crowd - waiting {
		if a := <-answers; a != "OK Reply\n" {
			t.Fatalf("beside a stuck loop the answer is %q", a)
		}
	}
	close(goOn)
	for range waiting {
		if a := <-answers; a != "OK Reply\n" {
			t.Errorf("after it the answer is %q", a)
		}
	}
}

// The name of an interface that is gone costs no descriptor.
func TestEnrollKeepsNoDescriptor(t *testing.T) {
	e, _ := realEngine(t, func(c *Config) { c.Loops = 1 })
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = ln.Close() }()
	for range 20 {
		before := descriptors(t)
		peer := connect(t, ln.Addr().String())
		tcp, err := ln.Accept()
		if err != nil {
			t.Fatal(err)
		}
		a := tcp.RemoteAddr().(*net.TCPAddr)
		a.IP, a.Zone = net.ParseIP("fe80::1"), "gone0"
		c := loop.NewConn(e.group.Loops()[0], admission.Address(a), admission.Ticket{}, reason.None)
		if err := e.reactors[0].Enroll(tcp.(*net.TCPConn), c); err != nil {
			t.Errorf("it is not taken: %v", err)
		}
		if got := c.Peer().Addr().Zone(); got != "gone0" {
			t.Errorf("the peer's zone is %q", got)
		}
		_ = peer.Close()
		eventually(t, "the connection is closed", func() bool { return descriptors(t) <= before })
	}
}
