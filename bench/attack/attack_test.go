package attack

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http/httptest"
	"net/textproto"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"streampump/bench/rtmpclient"
	"streampump/codec/asf"
)

// listen is a server on loopback that deals with each connection by itself.
func listen(t *testing.T, serve func(*net.TCPConn)) (addr string) {
	t.Helper()
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	all.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			all.Go(func() {
				defer c.Close()
				serve(c.(*net.TCPConn))
			})
		}
	})
	t.Cleanup(func() { _ = l.Close(); all.Wait() })
	return l.Addr().String()
}

// patient answers once and then takes whatever comes.
func patient(c *net.TCPConn) {
	b := make([]byte, 64<<10)
	for answered := false; ; {
		n, err := c.Read(b)
		if err != nil {
			return
		}
		if n > 0 && !answered {
			answered = true
			_, _ = c.Write([]byte("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"))
		}
	}
}

// goodCamera answers whatever is asked over RTSP with yes, and reads an encoder's packets.
func goodCamera(c *net.TCPConn) {
	v := &served{s: &Source{}, c: c, in: textproto.NewReader(bufio.NewReader(c))}
	if v.until("RECORD") && v.say(v.answer("RECORD *", v.cseq, "")) {
		_, _ = io.Copy(io.Discard, c)
	}
}

// goodServer answers over RTMP what is asked in the first second, up to a stream, and takes
// what comes then.
func goodServer(c *net.TCPConn) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	p := rtmpclient.Peer{Conn: rtmpclient.NewConn(c, time.Minute)}
	_, err := p.Meet(ctx)
	for over := ctx.Err() != nil; err == nil || over && errors.Is(err, os.ErrDeadlineExceeded); {
		_ = c.SetDeadline(time.Time{}) // which may be set once more when ctx ends
		if _, err = io.Copy(io.Discard, c); err == nil {
			return
		}
	}
}

// sender answers as goodCamera does, and names the ports that packets come from, which
// nobody has.
func sender(c *net.TCPConn) {
	in := textproto.NewReader(bufio.NewReader(c))
	for {
		if _, err := in.ReadLine(); err != nil {
			return
		}
		fields, err := in.ReadMIMEHeader()
		if err != nil {
			return
		}
		_, _ = fmt.Fprintf(c, "RTSP/1.0 200 OK\r\nCSeq: %s\r\nTransport: %s;server_port=9-10;ssrc=01020304\r\n\r\n", fields.Get("CSeq"), fields.Get("Transport"))
	}
}

// secured speaks TLS and has another server serve what comes inside.
func secured(t *testing.T, serve func(*net.TCPConn)) func(*net.TCPConn) {
	t.Helper()
	inside := listen(t, serve)
	cert := httptest.NewUnstartedServer(nil)
	cert.StartTLS()
	cert.Close()
	return func(c *net.TCPConn) {
		s := tls.Server(c, &tls.Config{Certificates: cert.TLS.Certificates})
		defer s.Close()
		to, err := net.Dial("tcp", inside)
		if err != nil {
			return
		}
		defer to.Close()
		go func() { _, _ = io.Copy(s, to); _ = s.Close() }()
		_, _ = io.Copy(to, s)
	}
}

// echo sends back what comes.
func echo(c *net.TCPConn) { _, _ = io.Copy(c, c) }

// Whatever the pump does, an attack stays within its bounds and says what it did. They are
// made at once, since they wait more than they work: those over RTMP, of which many send as
// fast as they can, eight at a time, and then the others, thirty at a time.
func TestAttacksStayWithinTheirBounds(t *testing.T) {
	rtmp := func(k Attack) bool { return strings.HasPrefix(k.Name, "rtmp-") }
	made := func(list []Attack) {
		var all sync.WaitGroup
		for _, k := range list {
			all.Go(func() { t.Run(k.Name, func(t *testing.T) { staysWithin(t, k) }) })
		}
		all.Wait()
	}
	for some := range slices.Chunk(overRTMP(), 8) {
		made(some)
	}
	for some := range slices.Chunk(slices.DeleteFunc(All(), rtmp), 30) {
		made(some)
	}
}

func staysWithin(t *testing.T, k Attack) {
	b := Bounds{For: 1500 * time.Millisecond, Units: 20_000, Connections: 3}
	serve := patient
	if k.Door == TLS && !k.secure {
		serve = echo
	}
	if strings.HasPrefix(k.Name, "rtsp-") && !strings.HasPrefix(k.Name, "rtsp-slow") {
		serve = goodCamera
	}
	if strings.HasPrefix(k.Name, "rtsp-udp-") {
		serve = sender
	}
	if strings.HasPrefix(k.Name, "rtmp-") && k.Shapes == 0 {
		serve = goodServer
	}
	if k.secure {
		serve = secured(t, serve)
	}
	at := Target{Addr: listen(t, serve), View: "/streams/evil", Push: "/streams/evil_push"}
	did, err := k.Run(t.Context(), at, b)
	for did.Units == 0 && err == nil && b.For < 20*time.Second { // a busy machine had no time for one
		b.For *= 3
		did, err = k.Run(t.Context(), at, b)
	}
	if errors.Is(err, ErrNotAllowed) && k.Needs != "" {
		t.Skipf("%v", err)
	}
	if err != nil || did.Units == 0 || did.Units > b.Units || did.Connections == 0 || did.Failed != 0 {
		t.Errorf("%v: %v", err, did.String())
	}
	if did.Sent == 0 && !slices.Contains(mute, k.Name) {
		t.Error("nothing was sent")
	}
	if did.Received == 0 && slices.Contains(answered, k.Name) {
		t.Error("nothing was received")
	}
	if k.Shapes == 0 && !slices.Contains(restless, k.Name) && did.Connections > b.Connections {
		t.Errorf("%d connections", did.Connections)
	}
}

// What is made over TLS stays within its bounds too.
func TestAttacksOverTLS(t *testing.T) {
	for _, name := range []string{"rtsp-asks", "rtsp-tiny", "rtsp-sips", "rtsp-never-reads"} {
		k, err := OverTLS(name)
		if err != nil || k.Door != TLS || k.Name != strings.Replace(name, "rtsp", "rtsps", 1) {
			t.Errorf("%+v, %v", k, err)
		}
		k.Name = name
		t.Run(name, func(t *testing.T) { staysWithin(t, k) })
	}
	if _, err := OverTLS("nonsense"); err == nil {
		t.Error("there is an attack of any name")
	}
}

// Where packets come from is found in what the pump says of a track.
func TestPortsIn(t *testing.T) {
	for said, want := range map[string]string{
		"RTP/AVP;unicast;client_port=5000-5001;server_port=6970-6971;ssrc=0A0B0C0D": "6970 a0b0c0d",
		"RTP/AVP;unicast;client_port=5000-5001":                                     "0 0",
	} {
		port, ssrc := portsIn(said)
		if got := fmt.Sprintf("%d %x", port, ssrc); got != want {
			t.Errorf("%s: %s, want %s", said, got, want)
		}
	}
}

// mute are the attacks that send nothing, answered those whose answers are looked for
// (here by a server that says yes to all, or says the same), and restless those that do
// not keep their connections.
var (
	mute     = []string{"silent", "crowd", "admin-crowd"}
	answered = []string{"setups", "pipelined", "pipelined-mixed", "idle", "handshakes", "silent-handshakes", "joins"}
	restless = []string{"flood", "handshakes", "joins", "leaves", "resets", "stuffing", "takeovers", "cut-pushes", "half-closes", "rtsp-turns", "rtsp-udp-turns", "rtsp-udp-half-closes", "rtsp-hellos", "rtsp-takeovers", "rtsp-talks", "rtmp-takeovers"}
)

// Who is turned away comes back, and counts it.
func TestAttackerComesBack(t *testing.T) {
	addr := listen(t, func(c *net.TCPConn) {
		_, _ = c.Read(make([]byte, 10))
		_, _ = c.Write([]byte("HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n"))
	})
	k, err := Named("tiny-packets")
	if err != nil {
		t.Fatal(err)
	}
	did, err := k.Run(t.Context(), Target{Addr: addr, Push: "/x_push"}, Bounds{For: 300 * time.Millisecond})
	if err != nil || did.Connections < 2 || did.Closed < 2 {
		t.Errorf("%v: %v", err, did.String())
	}
}

func TestAttacksAreForLoopback(t *testing.T) {
	for _, addr := range []string{"192.0.2.1:80", "[2001:db8::1]:80", "localhost", ""} {
		did, err := All()[0].Run(t.Context(), Target{Addr: addr}, Bounds{For: time.Second})
		if err == nil || did.Connections != 0 {
			t.Errorf("%q: %v, %v", addr, err, did.String())
		}
	}
	if _, err := Named("nonsense"); err == nil {
		t.Error("there is an attack of any name")
	}
}

func TestAttacksSayWhatTheyAre(t *testing.T) {
	seen := map[string]bool{}
	for _, k := range All() {
		if seen[k.Name] || k.What == "" || k.Unit == "" || k.Own.For <= 0 || k.Own.Units <= 0 || k.Own.Connections <= 0 || k.Own.Rate == 0 {
			t.Errorf("%+v", k)
		}
		seen[k.Name] = true
	}
}

// A rate holds for all connections together.
func TestRate(t *testing.T) {
	k, err := Named("slow-heads")
	if err != nil {
		t.Fatal(err)
	}
	const rate, connections = 100, 4
	began := time.Now()
	did, err := k.Run(t.Context(), Target{Addr: listen(t, patient), View: "/x"}, Bounds{For: 500 * time.Millisecond, Connections: connections, Rate: rate})
	took := time.Since(began) // longer than that on a busy machine
	if most := 1 + int(rate*took.Seconds()) + connections; err != nil || did.Units < connections || did.Units > most {
		t.Errorf("%v: %d at most in %v: %v", err, most, took, did.String())
	}
}

// The packets are what they are said to be: small, whole, and with these times.
func TestTinyPackets(t *testing.T) {
	b := appendTiny(nil, 5)
	b = appendTiny(b, 5+far)
	for at := uint32(5); len(b) > 0; at += far {
		var p asf.Packet
		if err := p.Parse(b[framing:framing+tinySize], 1400); err != nil || p.SendTime() != at {
			t.Fatalf("%v, send time %d, want %d", err, p.SendTime(), at)
		}
		it := p.Iter(b[framing : framing+tinySize])
		if !it.Next() || it.Stream != 1 || !it.Key || len(it.Data) != 1 {
			t.Errorf("%+v", it.Payload)
		}
		b = b[framing+tinySize:]
	}
}

// Answers are found however the reads cut them.
func TestStatuses(t *testing.T) {
	text := "HTTP/1.1 200 OK\r\n\r\nHTTP/1.1 503 No\r\nX: HTTP\r\n\r\nHTTP/1.0 200 OK\r\n\r\n"
	for size := 1; size < len(text); size++ {
		var s statuses
		got := map[string]int{}
		for rest := []byte(text); len(rest) > 0; {
			n := min(size, len(rest))
			s.count(rest[:n], got)
			rest = rest[n:]
		}
		if got["200"] != 2 || got["503"] != 1 || len(got) != 2 {
			t.Errorf("in pieces of %d: %v", size, got)
		}
	}
}

// Behind the hole the urgent byte is seen forever, and nothing can be read: that is
// what keeps a level-triggered loop awake.
func TestUrgentByteStays(t *testing.T) {
	seen := make(chan string, 1)
	addr := listen(t, func(c *net.TCPConn) {
		if _, err := c.Read(make([]byte, 100)); err != nil {
			seen <- err.Error()
			return
		}
		_, _ = c.Write([]byte("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"))
		_ = control(c, func(fd int) error {
			p := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLPRI}}
			for range 3 {
				if n, err := unix.Poll(p, 10_000); n != 1 || p[0].Revents&unix.POLLPRI == 0 {
					seen <- fmt.Sprint("no urgent byte: ", n, err)
					return nil
				}
				if n, _, err := unix.Recvfrom(fd, make([]byte, 9), unix.MSG_DONTWAIT); !errors.Is(err, unix.EAGAIN) {
					seen <- "something could be read"
					return errors.Join(err, errors.New(strings.Repeat("x", max(n, 0))))
				}
			}
			seen <- ""
			return nil
		})
	})
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	over := make(chan error, 1)
	go func() {
		_, err := urgentBytes().Run(ctx, Target{Addr: addr}, Bounds{For: 20 * time.Second, Units: 1, Connections: 1})
		over <- err
	}()
	select {
	case why := <-seen:
		cancel()
		if err := <-over; err != nil || why != "" {
			t.Errorf("%q, %v", why, err)
		}
	case err := <-over:
		if errors.Is(err, ErrNotAllowed) {
			t.Skipf("%v", err)
		}
		t.Errorf("it is over before anything was seen: %v", err)
	}
}
