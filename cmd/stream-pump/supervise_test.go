package main

import (
	"context"
	"net"
	"net/netip"
	"os"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"streampump/cmd/internal/supervisor"
	"streampump/config"
	"streampump/e2e/rig"
	"streampump/engine"
	"streampump/internal/pki"
)

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
	if got := o.await("STOPPING=1"); value(got, "EXTEND_TIMEOUT_USEC") != "9000000" || !strings.Contains(got, "STATUS=going down: viewers have 5s ") {
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

// A reload reads certificates before it says what the configuration is, and gives those
// that are not good no time to become so.
func TestReloadReadsCertificates(t *testing.T) {
	p, secure, authority := secureService(t)
	reload := func(file, end, want string) {
		t.Helper()
		write(t, "one."+file, read(t, "two."+file))
		p.signal(syscall.SIGHUP)
		p.await("reload: certificates and configuration are read")
		before := p.said.Len()
		p.await(end)
		if said := p.said.String()[before:]; !strings.Contains(said, want) {
			t.Errorf("no %q in the log of the reload:\n%s", want, said)
		}
	}
	reload("pem", "a restart would fail", "a new certificate is refused, and the old one stays")
	reload("key", "is the one in use", "a certificate was read anew")
	rootPage(t, secure.String(), "two.example", authority.Pool())
	p.stops()
}

// What a pump that was root can no longer read is no mistake of the configuration: a
// restart would read it.
func TestReloadOfClosedFiles(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root gives rights up")
	}
	for _, file := range []string{"pump.json", "one.key"} {
		t.Run(file, func(t *testing.T) {
			p, _, _ := secureService(t, file)
			p.signal(syscall.SIGHUP)
			p.await("reload: files of the configuration are closed to the pump")
			if said := p.said.String(); strings.Contains(said, "a restart would fail") || strings.Contains(said, "level=ERROR msg=configuration") {
				t.Errorf("a restart would not fail, and nothing need be wrong:\n%s", said)
			}
			p.stops()
		})
	}
}

// secureService is a pump with TLS for one.example, where it listens, and whose the other
// certificate is that lies beside it, two.example's. The files that are not closed belong
// to whom the pump becomes.
func secureService(t *testing.T, closed ...string) (p *process, secure netip.AddrPort, other *pki.Authority) {
	t.Helper()
	t.Chdir(rig.Reachable(t))
	issued(t, "one", 80*day, "one.example")
	other, _ = issued(t, "two", 80*day, "two.example")
	write(t, "pump.json", `{"listen": ["127.0.0.1:0", "tls://127.0.0.1:0"], "admin": {"listen": "127.0.0.1:0"},
  "ssl_cert": "one.pem", "ssl_key": "one.key", "streams": [{"type": "mmsh_push", "path": "live"}]}`)
	rig.Give(t, "pump.json")
	for _, f := range closed {
		if err := os.Chown(f, 0, 0); err != nil {
			t.Fatal(err)
		}
	}
	p = launch(t, "", "serve", "pump.json")
	p.address()
	secure = p.address()
	p.await("msg=certificate names=one.example")
	return p, secure, other
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
	eng, err := engine.New(c.Engine, nil, protocolsOf(c, page), log.Logger)
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
