package push

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"streampump/bench/secure"
	"streampump/bench/synth"
)

// The synthetic encoder is a source.
var _ Source = (*synth.Encoder)(nil)

// pump is the other end of a client: it takes requests and says what it is
// told to.
type pump struct {
	t    *testing.T
	conn net.Conn
}

// connect is a client and the pump it talks to, over a socket.
func connect(t *testing.T, o Options) (*Client, *pump) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	c, err := Dial(t.Context(), l.Addr().String(), o)
	if err != nil {
		t.Fatal(err)
	}
	conn, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close(); _ = conn.Close() })
	return c, &pump{t, conn}
}

// head reads a request's head, byte by byte so that nothing behind it is taken.
func (p *pump) head() string {
	p.t.Helper()
	var b []byte
	for !bytes.HasSuffix(b, []byte("\r\n\r\n")) {
		b = append(b, p.bytes(1)...)
	}
	return string(b)
}

func (p *pump) bytes(n int) []byte {
	p.t.Helper()
	b := make([]byte, n)
	if _, err := io.ReadFull(p.conn, b); err != nil {
		p.t.Fatalf("reading %d bytes: %v", n, err)
	}
	return b
}

func (p *pump) say(text string) {
	p.t.Helper()
	if _, err := io.WriteString(p.conn, text); err != nil {
		p.t.Fatal(err)
	}
}

// TestDialOverTLS: the head of a Setup arrives at a pump that proves who it is, and nothing
// at one that does not.
func TestDialOverTLS(t *testing.T) {
	mine, stranger := authority(t), authority(t)
	pair, err := mine.Issue(t.TempDir(), 0o600, "localhost")
	if err != nil {
		t.Fatal(err)
	}
	cert, err := tls.LoadX509KeyPair(pair.Cert, pair.Key)
	if err != nil {
		t.Fatal(err)
	}
	l, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{cert}})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	for who, known := range map[*secure.Authority]bool{mine: true, stranger: false} {
		heard := make(chan string, 1)
		go func() {
			conn, err := l.Accept()
			if err != nil {
				heard <- err.Error()
				return
			}
			defer conn.Close()
			b := make([]byte, len("POST /streams/x_push"))
			n, _ := io.ReadFull(conn, b)
			heard <- string(b[:n])
			_, _ = io.WriteString(conn, accepted)
		}()
		c, err := Dial(t.Context(), l.Addr().String(), Options{Path: "/streams/x_push", TLS: secure.Config("localhost", who.Roots())})
		if (err == nil) != known {
			t.Fatalf("known %v: %v", known, err)
		}
		want := ""
		if known {
			if _, err := c.Setup(t.Context(), AutoDestroy); err != nil {
				t.Error(err)
			}
			want = "POST /streams/x_push"
			_ = c.Close()
		}
		if got := <-heard; got != want {
			t.Errorf("known %v: the pump heard %q", known, got)
		}
	}
}

func authority(t *testing.T) *secure.Authority {
	t.Helper()
	a, err := secure.NewAuthority()
	if err != nil {
		t.Fatal(err)
	}
	return a
}

const accepted = "HTTP/1.1 204 No Content\r\nServer: Cougar/9.6.7600.16564\r\nContent-Length: 0\r\nSet-Cookie: push-id=4124758405\r\n\r\n"

func TestSetupThenStart(t *testing.T) {
	c, p := connect(t, Options{Path: "/streams/x_push"})
	p.say(accepted)
	if _, err := c.Setup(t.Context(), AutoDestroy); err != nil {
		t.Fatal(err)
	}
	head := p.head()
	for _, line := range []string{
		"POST /streams/x_push HTTP/1.1\r\n", "Content-Type: application/x-wms-pushsetup\r\n",
		"Content-Length: 16\r\n", "Cookie: push-id=0\r\n", "User-Agent: WMEncoder/",
	} {
		if !strings.Contains(head, line) {
			t.Errorf("the setup lacks %q:\n%s", line, head)
		}
	}
	if body := string(p.bytes(16)); body != "AutoDestroy: 1\r\n" {
		t.Errorf("the setup's body is %q", body)
	}
	if err := c.Start(t.Context(), Endless); err != nil {
		t.Fatal(err)
	}
	head = p.head()
	for _, line := range []string{
		"Content-Type: application/x-wms-pushstart\r\n", "Content-Length: 2147483647\r\n", "Cookie: push-id=4124758405\r\n",
	} {
		if !strings.Contains(head, line) {
			t.Errorf("the start lacks %q:\n%s", line, head)
		}
	}
}

// TestGolden holds the packets against those written out in the protocol's
// description, [MS-WMHTTP] 2.2.3.
func TestGolden(t *testing.T) {
	header, packet := make([]byte, 5461), make([]byte, 3200)
	cases := []struct {
		name  string
		send  func(context.Context, *Client) error
		begin string
		size  int
	}{
		{"header", func(ctx context.Context, c *Client) error { return c.Header(ctx, header) }, "\x24\x48\x55\x15", 4 + 5461},
		{"data", func(ctx context.Context, c *Client) error { return c.Data(ctx, packet) }, "\x24\x44\x80\x0C", 4 + 3200},
		{"change", func(ctx context.Context, c *Client) error { return c.Change(ctx, header) }, "\x24\x43\x59\x15\x00\x00\x00\x00", 8 + 5461},
		{"bare-change", func(ctx context.Context, c *Client) error { return c.Change(ctx, nil) }, "\x24\x43\x04\x00\x00\x00\x00\x00", 8},
		{"end", func(ctx context.Context, c *Client) error { return c.End(ctx, 0) }, "\x24\x45\x04\x00\x00\x00\x00\x00", 8},
		{"entry-end", func(ctx context.Context, c *Client) error { return c.End(ctx, 1) }, "\x24\x45\x04\x00\x01\x00\x00\x00", 8},
		{"filler", func(ctx context.Context, c *Client) error { return c.Filler(ctx, 100) }, "\x24\x46\x64\x00\x00", 104},
	}
	for _, bytewise := range []bool{false, true} {
		for _, k := range cases {
			t.Run(fmt.Sprintf("%s-%v", k.name, bytewise), func(t *testing.T) {
				c, p := connect(t, Options{Path: "/x", Bytewise: bytewise})
				c.left = int64(k.size) + 4
				if err := k.send(t.Context(), c); err != nil {
					t.Fatal(err)
				}
				if b := p.bytes(k.size); !bytes.HasPrefix(b, []byte(k.begin)) {
					t.Errorf("sent % x", b[:8])
				}
				if c.Left() != 4 {
					t.Errorf("%d bytes are left of the body, want 4", c.Left())
				}
			})
		}
	}
}

func TestBodyFull(t *testing.T) {
	c, _ := connect(t, Options{Path: "/x"})
	packet := make([]byte, 96)
	for left, want := range map[int64]error{
		99: ErrBodyFull, 100: nil, 101: ErrBodyFull, 103: ErrBodyFull, 104: nil, 1000: nil,
	} {
		c.left = left
		if err := c.Data(t.Context(), packet); !errors.Is(err, want) {
			t.Errorf("a packet of 100 bytes where %d are left: %v", left, err)
		}
	}
	if err := c.Data(t.Context(), make([]byte, 65536)); err == nil || errors.Is(err, ErrBodyFull) {
		t.Errorf("a packet of 65,536 bytes: %v", err)
	}
}

func TestNextFillerUsesUpEveryBody(t *testing.T) {
	for _, left := range []int64{4, 5, 8, 100, 65535, 65536, 65538, 65539, 65540, 131070, 1 << 20} {
		for rest := left; rest > 0; {
			n := nextFiller(rest)
			if n < 0 || n > maxFiller {
				t.Fatalf("of %d bytes, %d are left and filled by %d", left, rest, n)
			}
			rest -= framingSize + int64(n)
		}
	}
}

// counted is a source of equal packets.
type counted struct {
	packets, made int
}

func (s *counted) Header() []byte { return []byte("the header") }

func (s *counted) Next() ([]byte, uint32, error) {
	if s.made == s.packets {
		return nil, 0, io.EOF
	}
	s.made++
	return fmt.Appendf(nil, "packet %d", s.made), uint32(s.made) * 10, nil
}

// packets reads one body, and gives the packets without the filler.
func (p *pump) packets() (got []string) {
	p.t.Helper()
	head := p.head()
	var length int
	if _, err := fmt.Sscanf(head[strings.Index(head, "Content-Length:"):], "Content-Length: %d", &length); err != nil {
		p.t.Fatal(err)
	}
	b := p.bytes(length)
	for len(b) > 0 {
		n := 4 + int(binary.LittleEndian.Uint16(b[2:]))
		if b[1] != 'F' {
			got = append(got, fmt.Sprintf("%c %q", b[1], b[4:n]))
		}
		b = b[n:]
	}
	return got
}

// TestRunContinues pushes 30 packets in bodies that hold a few each
// [MS-WMHTTP] 4.2.
func TestRunContinues(t *testing.T) {
	c, p := connect(t, Options{Path: "/x"})
	got := make(chan []string)
	go func() {
		var all []string
		for len(all) < 32 {
			all = append(all, p.packets()...)
			p.say(accepted)
		}
		got <- all
	}()
	sent := 0
	err := c.Run(t.Context(), &counted{packets: 30}, RunOptions{Length: 101, Sent: func([]byte) { sent++ }})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Complete(t.Context()); err != nil {
		t.Fatal(err)
	}
	all := <-got
	if sent != 30 || all[0] != `H "the header"` || all[1] != `D "packet 1"` || all[30] != `D "packet 30"` {
		t.Errorf("%d packets sent, arrived: %v", sent, all)
	}
	if c.PushID() != "4124758405" {
		t.Errorf("the session's id is %q", c.PushID())
	}
}

func TestRunTooSmallBody(t *testing.T) {
	c, p := connect(t, Options{Path: "/x"})
	p.say(accepted)
	if err := c.Run(t.Context(), &counted{packets: 1}, RunOptions{Length: 8}); err == nil {
		t.Error("a packet went into a body that is too small for it")
	}
}

// TestRunSeesEarlyRefusal [MS-WMHTTP] 3.2.5.2: errors come before the body is
// complete.
func TestRunSeesEarlyRefusal(t *testing.T) {
	c, p := connect(t, Options{Path: "/x"})
	p.say("HTTP/1.1 409 Conflict\r\nContent-Length: 15\r\nConnection: close\r\n\r\nanother encoder")
	_ = p.conn.(*net.TCPConn).CloseWrite()
	go func() { _, _ = io.Copy(io.Discard, p.conn) }()
	err := c.Run(t.Context(), &counted{packets: 1 << 30}, RunOptions{})
	var status *StatusError
	if !errors.As(err, &status) || status.Head.Status != 409 || status.Text != "another encoder" {
		t.Errorf("Run = %v", err)
	}
}

func TestRunContext(t *testing.T) {
	c, p := connect(t, Options{Path: "/x"})
	go func() { _, _ = io.Copy(io.Discard, p.conn) }()
	ctx, cancel := context.WithCancel(t.Context())
	pace := func(ctx context.Context, sendTime uint32) error {
		if sendTime == 50 {
			cancel()
		}
		return ctx.Err()
	}
	src := &counted{packets: 1 << 30}
	if err := c.Run(ctx, src, RunOptions{Pace: pace}); !errors.Is(err, context.Canceled) {
		t.Errorf("Run = %v", err)
	}
	if src.made != 5 {
		t.Errorf("%d packets were taken from the source", src.made)
	}
}

func TestAnswerContextAndEnd(t *testing.T) {
	c, p := connect(t, Options{Path: "/x"})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := c.Answer(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("with a context that is over: %v", err)
	}
	if c.Answered() {
		t.Error("answered before anything was said")
	}
	_ = p.conn.Close()
	if _, err := c.Answer(t.Context()); !errors.Is(err, io.EOF) {
		t.Errorf("at the end of the connection: %v", err)
	}
}

func TestAnswersInOnePiece(t *testing.T) {
	c, p := connect(t, Options{Path: "/x"})
	p.say(accepted + strings.Replace(accepted, "4124758405", "17; path=/", 1))
	for _, want := range []string{"4124758405", "17"} {
		if _, err := c.Answer(t.Context()); err != nil || c.PushID() != want {
			t.Errorf("id %q (%v), want %q", c.PushID(), err, want)
		}
	}
}

func TestRealTime(t *testing.T) {
	pace := RealTime(1e9) // so fast that nothing is waited for
	for _, at := range []uint32{1000, 2000, 1 << 31} {
		if err := pace(t.Context(), at); err != nil {
			t.Fatal(err)
		}
	}
	slow := RealTime(1)
	ctx, cancel := context.WithDeadline(t.Context(), time.Now())
	defer cancel()
	if err := slow(t.Context(), 0); err != nil {
		t.Fatal(err)
	}
	if err := slow(ctx, 3600_000); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("an hour to wait in a context that is over: %v", err)
	}
}
