package attack

import (
	"bufio"
	"context"
	"net"
	"net/http"
	"net/netip"
	"net/textproto"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"streampump/bench/synth"
)

// Source is a server that a pump pulls from, and that is a bad one.
type Source struct {
	Manner   Manner
	listener net.Listener
	ctx      context.Context
	stop     context.CancelFunc
	work     sync.WaitGroup

	sent, opened, closed atomic.Int64
}

// Manner is one way to be a bad source.
type Manner struct {
	Name string
	What string // it does, in a sentence
	// RTSP: it speaks RTSP.
	RTSP bool
	// RTMP: it speaks RTMP.
	RTMP bool
	// Proxy: it is not the source but the HTTP proxy on the way to one with TLS.
	Proxy bool
	serve func(*served)
}

// served is one connection to a source, behind the request. Its methods report false
// when it is over.
type served struct {
	s    *Source
	c    net.Conn
	head string            // of a good answer
	good []byte            // a good header, framed
	in   *textproto.Reader // of one of RTSP
	cseq string            // of the request that it has not answered
	// apart is nil if packets go over the connection.
	apart *cameraPorts
}

// maxSourced bounds what a source sends on one connection.
const maxSourced = 256 << 20

// Listen has a source of a manner wait on loopback until Close.
func Listen(m Manner) (*Source, error) {
	ln, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	s := &Source{Manner: m, listener: ln}
	s.ctx, s.stop = context.WithCancel(context.Background())
	s.work.Go(s.accept)
	return s, nil
}

// Addr is where it listens.
func (s *Source) Addr() netip.AddrPort { return s.listener.Addr().(*net.TCPAddr).AddrPort() }

// Close ends the source and all its connections.
func (s *Source) Close() {
	s.stop()
	_ = s.listener.Close()
	s.work.Wait()
}

// Wait says what the source did until ctx ended; it acts by itself.
func (s *Source) Wait(ctx context.Context) Did {
	sent, opened, closed := s.sent.Load(), s.opened.Load(), s.closed.Load()
	<-ctx.Done()
	d := newDid()
	d.Sent, d.Connections, d.Closed = s.sent.Load()-sent, int(s.opened.Load()-opened), int(s.closed.Load()-closed)
	d.Units = d.Connections
	return d
}

// Opened is how often the pump has come so far.
func (s *Source) Opened() int { return int(s.opened.Load()) }

func (s *Source) accept() {
	for {
		c, err := s.listener.Accept()
		if err != nil {
			return
		}
		s.opened.Add(1)
		s.work.Go(func() {
			stop := context.AfterFunc(s.ctx, func() { _ = c.Close() })
			defer stop()
			defer c.Close()
			s.serve(c)
			s.closed.Add(1)
		})
	}
}

// serve reads a request and answers in its manner.
func (s *Source) serve(c net.Conn) {
	if s.Manner.RTMP {
		s.Manner.serve(&served{s: s, c: c})
		return
	}
	if s.Manner.RTSP {
		s.Manner.serve(&served{s: s, c: c, in: textproto.NewReader(bufio.NewReader(c))})
		return
	}
	r, err := http.ReadRequest(bufio.NewReader(c))
	if err != nil {
		return
	}
	enc, err := synth.New(synth.Plain(500_000))
	if err != nil {
		return
	}
	kind := "application/vnd.ms.wms-hdr.asfv1"
	if strings.Contains(strings.Join(r.Header["Pragma"], ","), "xPlayStrm=1") {
		kind = "application/x-mms-framed"
	}
	v := &served{s: s, c: c, good: framed('H', 0, 0x0C, enc.Header()),
		head: "HTTP/1.0 200 OK\r\nServer: Cougar 9.1\r\nPragma: no-cache,client-id=5,features=\"broadcast\"\r\nContent-Type: " + kind + "\r\n\r\n"}
	s.Manner.serve(v)
}

// plays reports whether it is the stream that is asked for, and not only its header.
func (v *served) plays() bool { return strings.Contains(v.head, "x-mms-framed") }

// say sends a text.
func (v *served) say(text string) bool {
	n, err := v.c.Write([]byte(text))
	return v.s.sent.Add(int64(n)) < maxSourced && err == nil
}

// again sends a text again and again, every so often; at once if that is 0.
func (v *served) again(text string, every time.Duration) {
	for v.say(text) && v.rest(every) {
	}
}

// rest waits.
func (v *served) rest(d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-v.s.ctx.Done():
		return false
	}
}

// hold keeps the connection until the pump ends it, and reads what comes.
func (v *served) hold() {
	b := make([]byte, 1)
	for {
		if _, err := v.c.Read(b); err != nil {
			return
		}
	}
}
