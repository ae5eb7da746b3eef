package secure

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"streampump/internal/pki"
)

func server(t *testing.T, version uint16) *tls.Config {
	return &tls.Config{
		Certificates: []tls.Certificate{pki.Alone(t, "test")}, MinVersion: tls.VersionTLS12, MaxVersion: version,
		DynamicRecordSizingDisabled: true, NextProtos: []string{"http/1.1"},
	}
}

// pair is a connection of two ends on loopback.
func pair(t *testing.T) (near, far net.Conn) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	if far, err = net.Dial("tcp", ln.Addr().String()); err != nil {
		t.Fatal(err)
	}
	if near, err = ln.Accept(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { near.Close(); far.Close() })
	limit := time.Now().Add(20 * time.Second)
	_ = near.SetDeadline(limit)
	_ = far.SetDeadline(limit)
	return near, far
}

// sink collects records.
type sink struct{ records [][]byte }

func (s *sink) Record(b []byte) { s.records = append(s.records, bytes.Clone(b)) }

// served is a connection after its handshake, and its client.
func served(t *testing.T, version uint16) (c *Conn, out *sink, near net.Conn, client *tls.Conn) {
	t.Helper()
	near, far := pair(t)
	client = tls.Client(far, &tls.Config{InsecureSkipVerify: true, NextProtos: []string{"http/1.1"}})
	failed := make(chan error, 1)
	go func() { failed <- client.Handshake() }()
	c, err := NewServer(server(t, version)).Serve(context.Background(), near, nil)
	if err = errors.Join(err, <-failed); err != nil {
		t.Fatal(err)
	}
	out = &sink{}
	c.Attach(out)
	return c, out, near, client
}

// What a client sends comes out whole, however its records are cut; what is written
// comes to the client in records of the largest size, and at last the end.
func TestRecordsInMemory(t *testing.T) {
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		t.Run(tls.VersionName(version), func(t *testing.T) {
			c, out, near, client := served(t, version)
			if p := c.Protocol(); p != "http/1.1" {
				t.Errorf("ALPN chose %q", p)
			}
			want := bytes.Repeat([]byte("0123456789abcdef"), 5000)
			go func() { _, _ = client.Write(want); _ = client.CloseWrite() }()
			var got []byte
			buf, piece := make([]byte, 7000), make([]byte, 1)
			for ended := false; !ended; {
				n, err := near.Read(piece)
				if err != nil {
					t.Fatal(err)
				}
				c.Feed(piece[:n])
				for {
					n, err := c.Read(buf)
					got = append(got, buf[:n]...)
					if errors.Is(err, io.EOF) {
						ended = true
					} else if err != nil && !errors.Is(err, ErrMore) {
						t.Fatal(err)
					}
					if err != nil {
						break
					}
				}
			}
			if !bytes.Equal(got, want) {
				t.Errorf("%d bytes came out of %d, or others", len(got), len(want))
			}
			if got := c.Seals(); got != (version == tls.VersionTLS13) {
				t.Errorf("it seals: %v", got)
			}
			send(t, c, out, want[:3*MaxRecord])
			if err := errors.Join(c.End(), c.End()); err != nil {
				t.Fatal(err)
			}
			if len(out.records) != 4 {
				t.Fatalf("%d records, want 3 and the end", len(out.records))
			}
			for i, r := range out.records {
				if len(r) > MaxRecord+RecordCost {
					t.Errorf("record %d has %d bytes", i, len(r))
				}
				if _, err := near.Write(r); err != nil {
					t.Fatal(err)
				}
			}
			back, err := io.ReadAll(client)
			if err != nil || !bytes.Equal(back, want[:3*MaxRecord]) {
				t.Errorf("the client got %d bytes: %v", len(back), err)
			}
		})
	}
}

// send sends b in records of the largest size, whoever makes them.
func send(t *testing.T, c *Conn, out *sink, b []byte) {
	t.Helper()
	if !c.Seals() {
		if err := c.Write(b); err != nil {
			t.Fatal(err)
		}
		return
	}
	for len(b) > 0 {
		n := min(len(b), MaxRecord)
		out.Record(c.Seal(plain(b[:n])))
		b = b[n:]
	}
}

// plain is plaintext with room for a record around it.
func plain(b []byte) []byte {
	room := make([]byte, RecordHead, RecordHead+len(b)+RecordTail)
	return append(room, b...)
}

// A record is made without an allocation, whoever makes it.
func TestRecordsAllocateNothing(t *testing.T) {
	b := make([]byte, MaxRecord)
	c, _, _, _ := served(t, tls.VersionTLS12)
	c.Attach(nowhere{})
	if n := testing.AllocsPerRun(100, func() { _ = c.Write(b) }); n > 0 {
		t.Errorf("%v allocations a record of TLS 1.2", n)
	}
	c, _, _, _ = served(t, tls.VersionTLS13)
	room := plain(b)
	if n := testing.AllocsPerRun(100, func() { _ = c.Seal(room) }); n > 0 {
		t.Errorf("%v allocations a record of TLS 1.3", n)
	}
}

type nowhere struct{}

func (nowhere) Record([]byte) {}

// Failed handshakes say whose fault it is.
func TestFailedHandshakes(t *testing.T) {
	cases := []struct {
		name string
		peer func(far net.Conn)
		look func(err error) bool
	}{
		{"clear", func(far net.Conn) { _, _ = far.Write([]byte("GET / HTTP/1.1\r\nHost: test\r\n\r\n")) },
			Foreign},
		{"garbage", func(far net.Conn) { _, _ = far.Write(bytes.Repeat([]byte{0x16, 3, 1, 0, 5, 9, 9, 9, 9, 9}, 3)) },
			func(err error) bool { return !Foreign(err) }},
		{"nothing in common", func(far net.Conn) {
			_ = tls.Client(far, &tls.Config{InsecureSkipVerify: true, MaxVersion: tls.VersionTLS11, MinVersion: tls.VersionTLS10}).Handshake()
		}, func(err error) bool { return strings.Contains(err.Error(), "version") }},
		{"certificate refused", func(far net.Conn) {
			_ = tls.Client(far, &tls.Config{ServerName: "other", MaxVersion: tls.VersionTLS12}).Handshake()
		}, func(err error) bool { why, ok := Turned(err); return ok && strings.Contains(why, "certificate") }},
		{"certificate refused in clear", func(far net.Conn) {
			_ = tls.Client(far, &tls.Config{InsecureSkipVerify: true, VerifyPeerCertificate: func([][]byte, [][]*x509.Certificate) error {
				_, err := far.Write([]byte{0x15, 3, 3, 0, 2, 2, 48})
				return errors.Join(err, io.EOF)
			}}).Handshake()
		}, Undeciphered},
		{"gone", func(far net.Conn) { far.Close() }, func(err error) bool { return errors.Is(err, io.EOF) }},
		{"too much", func(far net.Conn) {
			record := append([]byte{0x16, 3, 1, 0x10, 0}, make([]byte, 0x1000)...)
			record[5], record[6], record[7], record[8] = 1, 0, 0xff, 0xff
			for range 8 {
				_, _ = far.Write(record)
				record[5], record[6], record[7], record[8] = 0, 0, 0, 0
			}
		}, func(err error) bool { return errors.Is(err, ErrTooMuch) }},
	}
	for _, k := range cases {
		t.Run(k.name, func(t *testing.T) {
			near, far := pair(t)
			go k.peer(far)
			c, err := NewServer(server(t, tls.VersionTLS13)).Serve(context.Background(), near, nil)
			if c != nil || err == nil || !k.look(err) {
				t.Errorf("got %v, %v", c, err)
			}
		})
	}
}

// A handshake ends with its context, and while the peer thinks it has no turn.
func TestSlowHandshake(t *testing.T) {
	r := NewRoom(4, 1, time.Hour)
	near, _ := pair(t)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	p := enter(r, 1).place
	go func() { _, err := NewServer(server(t, tls.VersionTLS13)).Serve(ctx, near, p); ended <- err }()
	other := enter(r, 2).place
	if err := other.calculate(); err != nil { // the one turn there is
		t.Fatal(err)
	}
	other.Leave()
	cancel()
	if err := <-ended; err == nil {
		t.Error("it succeeded")
	}
	p.Leave()
	if r.turns != 1 || r.Open() != 0 {
		t.Errorf("%d turns are free, %d places taken", r.turns, r.Open())
	}
}
