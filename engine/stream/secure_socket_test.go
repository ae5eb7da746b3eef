package stream

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"log/slog"
	"net"
	"os"
	"strings"
	"syscall"
	"testing"

	"streampump/engine/clock"
	"streampump/engine/ring"
	"streampump/engine/settings"
	"streampump/engine/trust"
	"streampump/internal/pki"
)

// once makes one attempt at a source on a real connection, which a bubble has not.
func once(t *testing.T, sc settings.Stream, dial func() (net.Conn, error)) (*Stream, error) {
	t.Helper()
	return onceUntil(t.Context(), sc, dial)
}

// onceUntil is the same until ctx ends.
func onceUntil(ctx context.Context, sc settings.Stream, dial func() (net.Conn, error)) (*Stream, error) {
	cfg := settings.Default()
	env := &Env{
		Settings: &cfg, Log: slog.New(slog.DiscardHandler), Clock: clock.New(), Epochs: ring.NewEpochs(1),
		Dial: func(context.Context, string, string) (net.Conn, error) { return dial() },
	}
	st := New(env, sc, nil, func(int64, bool) {})
	err := st.pullOnce(ctx, NewIngest(st))
	st.Close("the test is over")
	return st, err
}

// deaf takes no third write: what follows the two of a handshake.
type deaf struct {
	net.Conn
	writes int
}

func (d *deaf) Write(b []byte) (int, error) {
	if d.writes++; d.writes > 2 {
		return 0, &net.OpError{Op: "write", Err: os.NewSyscallError("write", syscall.EPIPE)}
	}
	return d.Conn.Write(b)
}

// A source that wants a certificate of ours says so after our side of the handshake,
// and closes: whether our request still got out or not, what it said is told.
func TestPullOverTLSIsToldWhyItIsRefused(t *testing.T) {
	root := pki.New(t, "Test Root")
	sc := newSecured(0, "")
	sc.believe(t, root)
	asks := hands(root.Issue(nil, "source0"))
	asks.ClientAuth, asks.ClientCAs = tls.RequireAndVerifyClientCert, root.Pool()
	const want = "the source wants a client certificate, and we have none for it (it says: certificate required) (source0:80)"
	for name, wrap := range map[string]func(net.Conn) net.Conn{
		"before_the_request": func(c net.Conn) net.Conn { return &deaf{Conn: c} },
		"after_the_request":  func(c net.Conn) net.Conn { return c },
	} {
		t.Run(name, func(t *testing.T) {
			addr := listen(t, func(c net.Conn) {
				shake(c, asks, func(string, net.Conn) {})
			})
			_, err := once(t, sc.Stream, func() (net.Conn, error) {
				c, err := net.Dial("tcp", addr)
				return wrap(c), err
			})
			if err == nil || err.Error() != want {
				t.Errorf("%v, want %s", err, want)
			}
		})
	}
}

// listen serves one connection on loopback.
func listen(t *testing.T, serve func(net.Conn)) (addr string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		if c, err := l.Accept(); err == nil {
			serve(c)
		}
	}()
	t.Cleanup(func() {
		_ = l.Close()
		<-done
	})
	return l.Addr().String()
}

// Over a real connection, with tickets and both versions: with our certificate, to the
// end of the stream, which comes with or without a goodbye.
func TestPullOverTLSToItsEnd(t *testing.T) {
	root := pki.New(t, "Test Root")
	pair := root.Issue(func(c *x509.Certificate) { c.Subject.CommonName = "our pump" })
	file := pki.Write(t, t.TempDir(), "pump.pem", append(pki.CertPEM(pair), pki.KeyPEM(t, pair)...))
	sc := newSecured(0, "")
	sc.trust = trust.New(trust.Options{Host: "source0", Name: "name.example", CA: sc.believe(t, root), Cert: file, Key: file})
	for name, c := range map[string]struct {
		version uint16
		says    string
		goodbye bool
		want    string
	}{
		"TLS13_over":           {tls.VersionTLS13, "H A\nPk x\nFINISH\n", true, "the source ended its stream"},
		"TLS12_over":           {tls.VersionTLS12, "H A\nPk x\nFINISH\n", true, "the source ended its stream"},
		"TLS13_with_goodbye":   {tls.VersionTLS13, "H A\nPk x\n", true, "the source closed the connection (source0:80)"},
		"TLS12_with_goodbye":   {tls.VersionTLS12, "H A\nPk x\n", true, "the source closed the connection (source0:80)"},
		"TLS13_cut":            {tls.VersionTLS13, "H A\nPk x\n", false, "the source closed the connection (source0:80)"},
		"TLS13_before_a_start": {tls.VersionTLS13, "", false, "the source closed the connection before its stream began (source0:80)"},
	} {
		t.Run(name, func(t *testing.T) {
			served := &tls.Config{
				Certificates: []tls.Certificate{root.Issue(nil, "name.example")}, MaxVersion: c.version,
				ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: root.Pool(), NextProtos: []string{"http/1.1"},
			}
			served.VerifyConnection = func(s tls.ConnectionState) error {
				if s.ServerName != "name.example" || s.NegotiatedProtocol != "http/1.1" || s.PeerCertificates[0].Subject.CommonName != "our pump" {
					return errors.New("not what was expected")
				}
				return nil
			}
			addr := listen(t, func(raw net.Conn) {
				conn := tls.Server(raw, served)
				buf := make([]byte, 100)
				if _, err := conn.Read(buf); err == nil {
					_, _ = io.WriteString(conn, c.says)
				}
				if c.goodbye {
					_ = conn.CloseWrite()
				}
				_ = raw.Close()
			})
			st, err := once(t, sc.Stream, func() (net.Conn, error) { return net.Dial("tcp", addr) })
			if err == nil || err.Error() != c.want {
				t.Errorf("%v, want %s", err, c.want)
			}
			if n := st.stats.packetsIn.Load(); n != uint64(strings.Count(c.says, "Pk")) {
				t.Errorf("%d packets", n)
			}
		})
	}
}
