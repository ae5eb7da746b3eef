package loop

import (
	"context"
	"crypto/tls"
	"errors"
	"flag"
	"io"
	"net"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"

	"streampump/engine/secure"
	"streampump/internal/pki"
)

// overTLS has every connection of the labs encrypted. [TestOverTLS] sets it.
var overTLS = flag.Bool("tls", false, "encrypt the connections of the labs")

// plainOnly skips a test of what only plain connections have.
func plainOnly(t testing.TB, why string) {
	if *overTLS {
		t.Skip("not over TLS: " + why)
	}
}

// TestOverTLS runs all tests of the package once more over TLS: what holds for plain
// viewers holds for encrypted ones.
func TestOverTLS(t *testing.T) {
	if *overTLS {
		t.Skip("this is it")
	}
	args := []string{"-test.timeout=5m", "-tls"}
	switch {
	case *update:
		args = append(args, "-test.run=TestScenarios", "-update")
	case raced || strconv.IntSize == 32: // what is special about records; all of it takes minutes there
		args = append(args, "-test.run=TestScenarios|TestRestlessPeers|TestPacketIsWhole")
	}
	if testing.Short() {
		args = append(args, "-test.short")
	}
	out, err := exec.Command(os.Args[0], args...).CombinedOutput()
	if err != nil {
		t.Errorf("%v\n%s", err, out)
	}
	if !strings.Contains(string(out), "PASS") {
		t.Errorf("nothing ran: %s", out)
	}
}

// farEnd is a peer's side of its TLS: a client in memory.
type farEnd struct {
	client *tls.Conn
	wire   *farWire
}

// farWire is the client's network: a pipe during the handshake, then memory.
type farWire struct {
	net.Conn
	memory  bool
	early   []byte // what it says at once behind its handshake
	held    []byte // its last words of the handshake, which go together with that
	said    int    // writes
	in, out []byte
}

func (w *farWire) Read(p []byte) (int, error) {
	if !w.memory {
		return w.Conn.Read(p)
	}
	if len(w.in) == 0 {
		return 0, secure.ErrMore
	}
	n := copy(p, w.in)
	w.in = w.in[n:]
	return n, nil
}

func (w *farWire) Write(p []byte) (int, error) {
	switch w.said++; {
	case !w.memory && w.said > 1 && w.early != nil:
		w.held = append(w.held, p...)
		return len(p), nil
	case !w.memory:
		return w.Conn.Write(p)
	}
	w.out = append(w.out, p...)
	return len(p), nil
}

// handshake makes both ends of an encrypted connection.
func (b *lab) handshake() (*farEnd, *secure.Conn) {
	t := b.t
	t.Helper()
	if b.server == nil {
		// Without tickets, whose sizes differ.
		b.server = secure.NewServer(&tls.Config{
			Certificates: []tls.Certificate{pki.Alone(t, "lab")}, SessionTicketsDisabled: true, DynamicRecordSizingDisabled: true,
			MaxVersion: b.maxTLS,
		})
	}
	near, far := net.Pipe()
	w := &farWire{Conn: far, early: b.early}
	// How they agree on keys is nothing to the loop, and there are thousands of handshakes:
	// this is the fastest way.
	f := &farEnd{client: tls.Client(w, &tls.Config{
		InsecureSkipVerify: true, DynamicRecordSizingDisabled: true, CurvePreferences: []tls.CurveID{tls.CurveP256},
	}), wire: w}
	failed := make(chan error, 1)
	go func() { failed <- f.shake() }()
	s, err := b.server.Serve(context.Background(), near, nil)
	if err = errors.Join(err, <-failed); err != nil {
		t.Fatal(err)
	}
	w.memory = true
	return f, s
}

// shake does the client's side of the handshake.
func (f *farEnd) shake() error {
	err := f.client.Handshake()
	if f.wire.early != nil && err == nil {
		_, _ = f.client.Write(f.wire.early)
		_, err = f.wire.Conn.Write(f.wire.held)
	}
	return err
}

// seal encrypts what the peer sends.
func (f *farEnd) seal(b []byte) []byte {
	f.wire.out = nil
	if len(b) > 0 {
		_, _ = f.client.Write(b)
	}
	return f.wire.out
}

// open decrypts what the peer has received, as far as it is complete; ended says that
// the other side has said its last word.
func (f *farEnd) open(b []byte) (text []byte, ended bool) {
	f.wire.in = append(f.wire.in, b...)
	buf := make([]byte, secure.MaxRecord)
	for {
		n, err := f.client.Read(buf)
		text = append(text, buf[:n]...)
		switch {
		case errors.Is(err, io.EOF):
			return text, true
		case errors.Is(err, secure.ErrMore):
			return text, false
		case err != nil:
			panic(err)
		}
	}
}
