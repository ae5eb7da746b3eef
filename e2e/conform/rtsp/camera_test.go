package rtsp

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"streampump/bench/rtpsynth"
	"streampump/bench/rtspclient"
)

// camera is a server that the pump pulls a stream from. It answers as the row says that it
// belongs to; until the row has said that, whoever asks waits.
type camera struct {
	listener net.Listener
	ready    chan struct{} // closed when manner is set
	manner   manner
	spec     rtpsynth.Spec

	mu       sync.Mutex
	requests []ask
	conns    []net.Conn
}

// ask is a request that came.
type ask struct {
	conn   int // on which connection, from 1
	method string
	url    string
	fields map[string]string // by name in lower case
}

// manner is how a camera differs from an ordinary one; the zero value is one that does not.
type manner struct {
	// answer answers a request; an empty text leaves it to the camera.
	answer func(c *camera, a ask) string
	// channel is the first channel of a track; nil: as asked for.
	channel func(i int) byte
	// transport is what SETUP is answered; nil names the channels.
	transport func(first byte) string
	// timeout is what its sessions live without a request, in seconds.
	timeout int
	// silent cameras answer no keep-alive.
	silent bool
	// junk comes between two packets now and then.
	junk []byte
	// describe is the description; nil: the source's.
	describe func(s *rtpsynth.Spec) string
	// base is Content-Base; empty: what was asked for.
	base string
	// udp cameras refuse TCP and send by UDP, from the address source; empty: their own.
	udp    bool
	source string
}

// startCamera starts a camera; the test's end stops it.
func startCamera(t testing.TB) *camera {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	c := &camera{listener: l, ready: make(chan struct{}), spec: rtpsynth.Plain()}
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() {
		for n := 1; ; n++ {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			running.Go(func() { c.serve(ctx, conn, n) })
		}
	})
	t.Cleanup(func() {
		cancel()
		_ = l.Close()
		running.Wait()
	})
	return c
}

// url is the camera's address.
func (c *camera) url() string { return fmt.Sprintf("rtsp://%s/ch0?x=1", c.listener.Addr()) }

// begins says how the camera is, and lets those in who wait.
func (c *camera) begins(m manner) {
	c.manner = m
	close(c.ready)
}

// drop ends its connections.
func (c *camera) drop() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, conn := range c.conns {
		_ = conn.Close()
	}
}

// mostRuns is how often a camera may be connected to while somebody watches.
const mostRuns = 64

// sources are what the camera sends on each of its connections: another run of the same,
// from the beginning.
func (c *camera) sources() (all []rtpsynth.Spec) {
	for n := range mostRuns {
		s := c.spec
		s.Run += uint32(n)
		all = append(all, s)
	}
	return all
}

// asked are the requests so far with a method.
func (c *camera) asked(method string) (all []ask) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, a := range c.requests {
		if a.method == method {
			all = append(all, a)
		}
	}
	return all
}

// serve has the conversation on one connection.
func (c *camera) serve(ctx context.Context, conn net.Conn, n int) {
	defer func() { _ = conn.Close() }()
	defer context.AfterFunc(ctx, func() { _ = conn.Close() })()
	select {
	case <-c.ready:
	case <-ctx.Done():
		return
	}
	c.mu.Lock()
	c.conns = append(c.conns, conn)
	c.mu.Unlock()
	s := &cameraSession{camera: c, conn: conn, src: rtpsynth.New(c.sources()[n%mostRuns])}
	defer s.hush()
	var playing sync.WaitGroup
	defer playing.Wait()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	for in := bufio.NewReader(conn); ; {
		a, err := readAsk(in)
		if err != nil {
			return
		}
		a.conn = n
		c.mu.Lock()
		c.requests = append(c.requests, a)
		c.mu.Unlock()
		answer := ""
		if c.manner.answer != nil {
			answer = c.manner.answer(c, a)
		}
		if answer == "" {
			answer = s.answer(a)
		}
		if s.write([]byte(answer)) != nil {
			return
		}
		if a.method == "PLAY" && strings.HasPrefix(answer, "RTSP/1.0 200") {
			playing.Go(func() { s.play(ctx) })
		}
	}
}

// cameraSession is the camera's side of a connection.
type cameraSession struct {
	*camera
	conn     net.Conn
	src      *rtpsynth.Source
	channels []byte
	writing  sync.Mutex
	apart    []*cameraMouth // of the tracks, if it sends by UDP
}

func (s *cameraSession) write(b []byte) error {
	s.writing.Lock()
	defer s.writing.Unlock()
	_, err := s.conn.Write(b)
	return err
}

// ok is an answer with fields and a body.
func ok(a ask, body string, fields ...string) string {
	return status(a, "200 OK", body, fields...)
}

// status is an answer.
func status(a ask, line, body string, fields ...string) string {
	all := append([]string{"RTSP/1.0 " + line, "CSeq: " + a.fields["cseq"]}, fields...)
	if body != "" {
		all = append(all, fmt.Sprintf("Content-Length: %d", len(body)))
	}
	return request(all...) + body
}

// answer is what an ordinary camera answers.
func (s *cameraSession) answer(a ask) string {
	const session = "4f1c22d0"
	switch a.method {
	case "OPTIONS":
		if s.manner.silent && s.channels != nil {
			return ""
		}
		return ok(a, "", "Public: OPTIONS, DESCRIBE, SETUP, PLAY, TEARDOWN, GET_PARAMETER")
	case "DESCRIBE":
		base := s.manner.base
		if base == "" {
			base, _, _ = strings.Cut(a.url, "?")
		}
		text := s.spec.Describe("trackID=1", "trackID=2")
		if s.manner.describe != nil {
			text = s.manner.describe(&s.spec)
		}
		return ok(a, text, "Content-Type: application/sdp", "Content-Base: "+base+"/")
	case "SETUP":
		if s.manner.udp {
			return s.setupUDP(a, "Session: "+session+s.timeout())
		}
		return ok(a, "", "Transport: "+s.setup(a), fmt.Sprintf("Session: %s%s", session, s.timeout()))
	case "PLAY":
		return ok(a, "", "Session: "+session, "Range: npt=0.000-")
	case "TEARDOWN":
		return ok(a, "")
	default:
		if s.manner.silent {
			return ""
		}
		return ok(a, "", "Session: "+session)
	}
}

func (s *cameraSession) timeout() string {
	if s.manner.timeout == 0 {
		return ""
	}
	return fmt.Sprintf(";timeout=%d", s.manner.timeout)
}

// setup is the transport that a SETUP is answered.
func (s *cameraSession) setup(a ask) string {
	i := len(s.channels)
	_, numbers, _ := strings.Cut(a.fields["transport"], "interleaved=")
	first, _ := strconv.Atoi(numbers[:max(0, strings.IndexAny(numbers+"-", "-;"))])
	ch := byte(first)
	if s.manner.channel != nil {
		ch = s.manner.channel(i)
	}
	s.channels = append(s.channels, ch)
	if s.manner.transport != nil {
		return s.manner.transport(ch)
	}
	return fmt.Sprintf("RTP/AVP/TCP;unicast;interleaved=%d-%d;ssrc=00000001", ch, ch+1)
}

// play sends packets when they are due, until the connection ends.
func (s *cameraSession) play(ctx context.Context) {
	began := time.Now()
	for i := range s.tracks() {
		if s.put(s.src.Report(i)) != nil {
			return
		}
	}
	for n := 0; ; n++ {
		p := s.src.Next()
		if p.Index >= s.tracks() {
			continue // a track that nobody has set up
		}
		select {
		case <-time.After(time.Until(began.Add(p.Due))):
		case <-ctx.Done():
			return
		}
		if s.manner.junk != nil && n%31 == 30 && s.write(s.manner.junk) != nil {
			return
		}
		if s.put(p) != nil {
			return
		}
	}
}

func (s *cameraSession) put(p rtpsynth.Packet) error {
	if s.apart != nil {
		return s.apart[p.Index].put(p)
	}
	ch := s.channels[p.Index]
	if p.Report {
		ch++
	}
	return s.write(rtspclient.AppendFrame(nil, ch, p.Bytes))
}

// readAsk reads a request; packets before it are passed over.
func readAsk(in *bufio.Reader) (a ask, err error) {
	for {
		first, err := in.Peek(4)
		if err != nil {
			return a, err
		}
		if first[0] != '$' {
			break
		}
		if _, err := in.Discard(4 + int(first[2])<<8 + int(first[3])); err != nil {
			return a, err
		}
	}
	line, err := in.ReadString('\n')
	if err != nil {
		return a, err
	}
	f := strings.Fields(line)
	if len(f) != 3 {
		return a, fmt.Errorf("the request begins with %q", line)
	}
	a = ask{method: f[0], url: f[1], fields: map[string]string{}}
	for {
		line, err := in.ReadString('\n')
		if err != nil {
			return a, err
		}
		if line = strings.TrimSpace(line); line == "" {
			break
		}
		name, value, _ := strings.Cut(line, ":")
		a.fields[strings.ToLower(name)] = strings.TrimSpace(value)
	}
	n, _ := strconv.Atoi(a.fields["content-length"])
	_, err = io.CopyN(io.Discard, in, int64(n))
	return a, err
}
