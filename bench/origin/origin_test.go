package origin

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"runtime"
	"strings"
	"testing"

	"streampump/bench/answer"
	"streampump/bench/synth"
)

const (
	packetSize = 1400
	frames     = 10 // in a GOP
	gop        = 11 // its packets: the key frame is larger and takes two
)

// script is a source that gives a packet out when it is told to.
type script struct {
	*synth.Encoder
	ctx   context.Context
	turns chan struct{} // closed: the source ends
	sent  [][]byte
}

func newScript(t *testing.T) *script {
	t.Helper()
	e, err := synth.New(synth.Spec{Streams: []synth.Stream{synth.Video(1, 100, 400_000, frames)}, PacketSize: packetSize})
	if err != nil {
		t.Fatal(err)
	}
	return &script{Encoder: e, ctx: t.Context(), turns: make(chan struct{})}
}

func (s *script) Next() ([]byte, uint32, error) {
	select {
	case _, more := <-s.turns:
		if !more {
			return nil, 0, io.EOF
		}
	case <-s.ctx.Done():
		return nil, 0, io.EOF
	}
	packet, at, err := s.Encoder.Next()
	s.sent = append(s.sent, bytes.Clone(packet))
	return packet, at, err
}

// give gives out n packets, up to the last of them.
func (s *script) give(n int) {
	for range n {
		s.turns <- struct{}{}
	}
}

// running is a server that is run until the test's end.
type running struct {
	*Server
	*script
	err chan error // what Run returned
}

func runServer(t *testing.T, framing Framing) *running {
	t.Helper()
	src := newScript(t)
	s, err := Listen(src, framing)
	if err != nil {
		t.Fatal(err)
	}
	r := &running{s, src, make(chan error, 1)}
	ctx, stop := context.WithCancel(t.Context())
	src.ctx = ctx
	done := make(chan struct{})
	go func() {
		defer close(done)
		r.err <- s.Run(ctx)
	}()
	t.Cleanup(func() {
		stop()
		<-done
	})
	return r
}

// join connects and waits until the next key frame is its first packet.
func (r *running) join(t *testing.T) net.Conn {
	t.Helper()
	before := r.greeted()
	c, err := net.Dial("tcp", r.Addr())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	if _, err := io.WriteString(c, "GET /live.asf HTTP/1.0\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	for r.greeted() == before {
		runtime.Gosched()
	}
	return c
}

// greeted is how many are connected and have the header.
func (r *running) greeted() (n int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for c := range r.clients {
		if c.greeted {
			n++
		}
	}
	return n
}

// body reads what came to the end, and takes the head off.
func body(t *testing.T, c net.Conn) (*answer.Head, []byte) {
	t.Helper()
	all, err := io.ReadAll(c)
	if err != nil {
		t.Fatal(err)
	}
	h, n, err := answer.Parse(all)
	if err != nil || h == nil {
		t.Fatalf("%v: %q", err, all)
	}
	return h, all[n:]
}

// TestClientsJoinAtAKeyFrame: the first has all, the second comes within a GOP,
// and the third when the stream is about to end.
func TestClientsJoinAtAKeyFrame(t *testing.T) {
	for name, framing := range map[string]Framing{"plain": Plain, "metacube": Metacube} {
		t.Run(name, func(t *testing.T) {
			r := runServer(t, framing)
			first := r.join(t)
			<-r.Joined()
			r.script.give(3)
			second := r.join(t)
			r.script.give(2*gop + 3)
			third := r.join(t)
			r.script.give(1)
			close(r.turns)
			if err := <-r.err; err != nil {
				t.Fatal(err)
			}
			for i, from := range []int{0, gop, len(r.sent)} {
				h, got := body(t, []net.Conn{first, second, third}[i])
				if h.Status != 200 || h.Get("Content-Type") != "video/x-ms-asf" || (h.Get("Content-Encoding") == "metacube") != (framing == Metacube) {
					t.Errorf("client %d: %+v", i, h)
				}
				if framing == Metacube {
					got = unframed(t, got)
				}
				want := append(bytes.Clone(r.Header()), bytes.Join(r.sent[from:], nil)...)
				if !bytes.Equal(got, want) {
					t.Errorf("client %d got %d bytes, and not the %d of the header and %d packets", i, len(got), len(want), len(r.sent)-from)
				}
			}
		})
	}
}

// unframed is what is in Metacube blocks: a header, and packets at whose key
// frames somebody may join.
func unframed(t *testing.T, b []byte) (data []byte) {
	t.Helper()
	for i := -1; len(b) > 0; i++ {
		k, rest, err := nextBlock(b)
		if err != nil || len(k.data) == 0 {
			t.Fatalf("block %d: %+v, %v", i, k, err)
		}
		want := uint16(flagNotStart)
		switch {
		case i < 0:
			want = flagHeader
		case i%gop == 0: // all begin with a GOP
			want = 0
		}
		if k.flags != want {
			t.Errorf("block %d has the flags %d, want %d", i, k.flags, want)
		}
		data, b = append(data, k.data...), rest
	}
	return data
}

// TestClientThatDoesNotReadIsLetGo, and nobody waits for it: whoever reads gets
// every packet meanwhile.
func TestClientThatDoesNotReadIsLetGo(t *testing.T) {
	r := runServer(t, Plain)
	r.join(t)
	reader := r.join(t)
	given, got := 0, 0
	for b := make([]byte, 64<<10); r.greeted() == 2; {
		if r.script.give(100); given > 100_000 {
			t.Fatal("packets are kept for one that does not read")
		}
		for given += 100; got < given*packetSize; {
			n, err := reader.Read(b)
			if got += n; err != nil {
				t.Fatalf("after %d packets: %v", given, err)
			}
		}
	}
	close(r.turns)
	if err := <-r.err; err != nil {
		t.Fatal(err)
	}
	if rest, err := io.ReadAll(reader); err != nil || got+len(rest) < given*packetSize+len(r.Header()) {
		t.Errorf("%d bytes of %d packets came, %v", got+len(rest), given, err)
	}
}

func TestClientsAreBounded(t *testing.T) {
	r := runServer(t, Plain)
	for range maxClients {
		r.join(t)
	}
	c, err := net.Dial("tcp", r.Addr())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if b, err := io.ReadAll(c); err != nil || len(b) > 0 {
		t.Errorf("one too many got %q, %v", b, err)
	}
}

// TestRunEndsWithItsContext, though one is connected that asks for nothing.
func TestRunEndsWithItsContext(t *testing.T) {
	src := newScript(t)
	s, err := Listen(src, Plain)
	if err != nil {
		t.Fatal(err)
	}
	var stop context.CancelFunc
	src.ctx, stop = context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- s.Run(src.ctx) }()
	c, err := net.Dial("tcp", s.Addr())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	for connected := 0; connected == 0; {
		s.mu.Lock()
		connected = len(s.clients)
		s.mu.Unlock()
	}
	stop()
	if err := <-done; err != nil {
		t.Error(err)
	}
	if c, err := net.Dial("tcp", s.Addr()); err == nil {
		_ = c.Close()
		t.Error("it still listens")
	}
}

// broken is a source that is none.
type broken struct {
	header, packet []byte
	err            error
}

func (b *broken) Header() []byte                { return b.header }
func (b *broken) Next() ([]byte, uint32, error) { return b.packet, 0, b.err }

func TestBrokenSources(t *testing.T) {
	for want, header := range map[string][]byte{"the source has no header": nil, "the source's header: ": []byte("RIFF")} {
		if s, err := Listen(&broken{header: header}, Plain); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, %v, want %q", s, err, want)
		}
	}
	good := newScript(t).Header()
	for want, src := range map[string]*broken{
		"the camera is on fire": {header: good, err: errors.New("the camera is on fire")},
		"packet has 3 bytes, and a file of such packets 1400 each": {header: good, packet: []byte("abc")},
		"the source's packet: ": {header: good, packet: make([]byte, packetSize)},
	} {
		s, err := Listen(src, Plain)
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Run(t.Context()); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
}

func TestOneThatIsNotRunIsClosed(t *testing.T) {
	s, err := Listen(newScript(t), Plain)
	if err != nil {
		t.Fatal(err)
	}
	s.Close()
	if c, err := net.Dial("tcp", s.Addr()); err == nil {
		_ = c.Close()
		t.Error("it still listens")
	}
}

// asked is what a fake Icecast was asked, up to the empty line.
func asked(t *testing.T, c net.Conn) string {
	t.Helper()
	var head []byte
	for b := make([]byte, 1); !bytes.HasSuffix(head, []byte("\r\n\r\n")); head = append(head, b...) {
		if _, err := c.Read(b); err != nil {
			t.Errorf("after %q: %v", head, err)
			return ""
		}
	}
	return string(head)
}

// fakeIcecast answers one source with what answer does, and returns its address.
func fakeIcecast(t *testing.T, answer func(net.Conn)) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		c, err := l.Accept()
		if err != nil {
			return
		}
		defer c.Close()
		answer(c)
	}()
	t.Cleanup(func() {
		_ = l.Close()
		<-done
	})
	return l.Addr().String()
}

var login = Login{"source", "hackme"}

func TestSendIsASourceClient(t *testing.T) {
	src := newScript(t)
	got := make(chan []byte, 1)
	addr := fakeIcecast(t, func(c net.Conn) {
		want := "SOURCE /live.asf HTTP/1.0\r\nAuthorization: Basic c291cmNlOmhhY2ttZQ==\r\nContent-Type: video/x-ms-asf\r\nIce-Public: 0\r\n\r\n"
		if head := asked(t, c); head != want {
			t.Errorf("got %q, want %q", head, want)
		}
		_, _ = io.WriteString(c, "HTTP/1.0 200 OK\r\n\r\n")
		b, _ := io.ReadAll(c)
		got <- b
	})
	go func() {
		src.give(5)
		close(src.turns)
	}()
	if err := Send(t.Context(), addr, "/live.asf", login, src); err != nil {
		t.Fatal(err)
	}
	if b, want := <-got, append(bytes.Clone(src.Header()), bytes.Join(src.sent, nil)...); len(src.sent) != 5 || !bytes.Equal(b, want) {
		t.Errorf("%d bytes came, and %d were sent in %d packets", len(b), len(want), len(src.sent))
	}
}

func TestSendIsRefused(t *testing.T) {
	for answer, want := range map[string]string{
		"HTTP/1.0 401 Authentication Required\r\n\r\n":                  "the source is answered with 401 Authentication Required",
		"HTTP/1.0 403 Mountpoint in use\r\nContent-Length: 2\r\n\r\nno": "the source is answered with 403 Mountpoint in use",
		"hello\r\n\r\n": "the answer to a source: ",
		"":              "the answer to a source: unexpected EOF",
	} {
		addr := fakeIcecast(t, func(c net.Conn) {
			asked(t, c)
			_, _ = io.WriteString(c, answer)
		})
		if err := Send(t.Context(), addr, "/x", login, newScript(t)); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_ = l.Close()
	if err := Send(t.Context(), l.Addr().String(), "/x", login, newScript(t)); err == nil || !strings.HasPrefix(err.Error(), "no connection for the source: ") {
		t.Errorf("%v", err)
	}
}

// TestSendTellsWhatEndsIt: a server that hangs up, and a source that fails.
func TestSendTellsWhatEndsIt(t *testing.T) {
	src := newScript(t)
	hung := make(chan struct{})
	addr := fakeIcecast(t, func(c net.Conn) {
		asked(t, c)
		_, _ = io.WriteString(c, "HTTP/1.0 200 OK\r\n\r\n")
		_ = c.(*net.TCPConn).SetLinger(0)
		close(hung)
	})
	ended := make(chan error, 1)
	go func() { ended <- Send(t.Context(), addr, "/x", login, src) }()
	<-hung
	var err error
	for err == nil {
		select {
		case src.turns <- struct{}{}:
		case err = <-ended:
		}
	}
	if !strings.HasPrefix(err.Error(), "sending the stream: ") {
		t.Errorf("%v", err)
	}
	why := errors.New("the camera is on fire")
	addr = fakeIcecast(t, func(c net.Conn) {
		asked(t, c)
		_, _ = io.WriteString(c, "HTTP/1.0 200 OK\r\n\r\n")
		_, _ = io.Copy(io.Discard, c)
	})
	if err := Send(t.Context(), addr, "/x", login, &broken{header: src.Header(), err: why}); !errors.Is(err, why) {
		t.Errorf("%v", err)
	}
}

// TestSendEndsWithItsContext while it waits for an answer that never comes.
func TestSendEndsWithItsContext(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	addr := fakeIcecast(t, func(c net.Conn) {
		asked(t, c)
		stop()
		_, _ = io.Copy(io.Discard, c)
	})
	if err := Send(ctx, addr, "/x", login, newScript(t)); err != nil {
		t.Error(err)
	}
}
