package secure

import (
	"bytes"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"runtime"
	"strings"
	"testing"

	"streampump/bench/answer"
)

// server is the other end: it takes a request of a line, answers, and closes.
type server struct {
	conn net.Conn // the near end
	done chan error
}

// pair issues a certificate for localhost and loads it.
func pair(t *testing.T, a *Authority) tls.Certificate {
	t.Helper()
	p, err := a.Issue(t.TempDir(), 0o600, "localhost", "127.0.0.1")
	if err != nil {
		t.Fatal(err)
	}
	c, err := tls.LoadX509KeyPair(p.Cert, p.Key)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func authority(t *testing.T) *Authority {
	t.Helper()
	a, err := NewAuthority()
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// serve answers one request over the version.
func serve(t *testing.T, c tls.Certificate, version uint16, reply []byte) *server {
	t.Helper()
	near, far := net.Pipe()
	s := &server{conn: near, done: make(chan error, 1)}
	go func() {
		conn := tls.Server(far, &tls.Config{Certificates: []tls.Certificate{c}, MinVersion: version, MaxVersion: version})
		request := make([]byte, len(ask))
		_, err := io.ReadFull(conn, request)
		if err == nil && string(request) != ask {
			err = errors.New("another request")
		}
		if err == nil {
			_, err = conn.Write(reply)
		}
		s.done <- errors.Join(err, far.Close())
	}()
	t.Cleanup(func() { _ = near.Close() })
	return s
}

const ask = "GET /x\r\n"

// talk carries a client's bytes, in pieces of the given size, until it has enough or fails.
func talk(s *server, c *Client, piece int) (err error) {
	done := false
	_, err = c.Feed(nil)
	for b := make([]byte, piece); err == nil && !done; {
		if err := write(s.conn, c); err != nil {
			return err
		}
		n, failed := s.conn.Read(b)
		if failed != nil {
			return failed
		}
		done, err = c.Feed(b[:n])
	}
	_ = write(s.conn, c)
	return err
}

func write(to net.Conn, c *Client) error {
	for len(c.Out()) > 0 {
		n, err := to.Write(c.Out())
		if err != nil {
			return err
		}
		c.Wrote(n)
	}
	return nil
}

// TestClientInPieces: whatever the pieces, and in both versions, the request goes behind
// the handshake and what comes is what was sent.
func TestClientInPieces(t *testing.T) {
	a := authority(t)
	cert := pair(t, a)
	reply := bytes.Repeat([]byte("0123456789abcdef"), 3<<10) // three records
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		for _, piece := range []int{1, 100, 64 << 10} {
			s := serve(t, cert, version, reply)
			var got []byte
			c := NewClient(Config("localhost", a.Roots()), []byte(ask), make([]byte, 500), func(b []byte) (bool, error) {
				got = append(got, b...)
				return len(got) == len(reply), nil
			})
			if err := talk(s, c, piece); err != nil {
				t.Errorf("%s in pieces of %d: %v", tls.VersionName(version), piece, err)
			}
			if err := <-s.done; err != nil || !bytes.Equal(got, reply) {
				t.Errorf("%s in pieces of %d: %d bytes, %v", tls.VersionName(version), piece, len(got), err)
			}
			if c.State() == nil || !strings.HasPrefix(Spoken(c.State()), tls.VersionName(version)+", TLS_") {
				t.Errorf("%+v", c.State())
			}
			c.Stop()
		}
	}
}

// TestClientChecks: a server that nobody vouches for, or that is another, is refused
// and told so; and so is what the user refuses.
func TestClientChecks(t *testing.T) {
	a, stranger := authority(t), authority(t)
	cert := pair(t, a)
	for want, c := range map[string]struct {
		config *tls.Config
		got    func([]byte) (bool, error)
	}{
		"certificate signed by unknown authority": {Config("localhost", stranger.Roots()), nil},
		"valid for localhost, not pump.example":   {Config("pump.example", a.Roots()), nil},
		"does not end":                            {Config("127.0.0.1", a.Roots()), func([]byte) (bool, error) { return false, answer.ErrTooLong }},
	} {
		s := serve(t, cert, tls.VersionTLS13, []byte("no"))
		client := NewClient(c.config, []byte(ask), make([]byte, 100), c.got)
		if err := talk(s, client, 64<<10); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
		if (client.State() == nil) != (c.got == nil) {
			t.Errorf("%s: the handshake says %+v", want, client.State())
		}
		client.Stop()
	}
}

// TestStoppedClients leave nothing behind, wherever they are.
func TestStoppedClients(t *testing.T) {
	before := runtime.NumGoroutine()
	config := Config("localhost", authority(t).Roots())
	for range 100 {
		c := NewClient(config, nil, make([]byte, 100), nil)
		if _, err := c.Feed(nil); err != nil || len(c.Out()) == 0 {
			t.Fatalf("%v, %d bytes to write", err, len(c.Out()))
		}
		c.Stop()
		c.Stop()
	}
	NewClient(config, nil, nil, nil).Stop()
	if after := runtime.NumGoroutine(); after > before {
		t.Errorf("%d goroutines, %d before", after, before)
	}
}

func TestReadRoots(t *testing.T) {
	dir := t.TempDir()
	p, err := authority(t).Issue(dir, 0o600, "localhost")
	if err != nil {
		t.Fatal(err)
	}
	if pool, err := ReadRoots(p.Cert); err != nil || pool == nil {
		t.Error(err)
	}
	for _, file := range []string{p.Key, dir + "/nothing"} {
		if _, err := ReadRoots(file); err == nil {
			t.Errorf("%s is read", file)
		}
	}
}
