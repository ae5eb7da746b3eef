package stream

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"streampump/codec"
	"streampump/engine/clock"
	"streampump/engine/internal/pki"
	"streampump/engine/internal/text"
	"streampump/engine/ring"
	"streampump/engine/settings"
	"streampump/engine/trust"
)

// secured is a pulled stream whose source wants TLS once it has redirected us so often,
// and which believes what it is told later.
type secured struct {
	settings.Stream
	trust *trust.Trust
}

func newSecured(redirects int, proxy string) *secured {
	s := &secured{}
	s.Stream = settings.Stream{Path: "live", Pull: &settings.Pull{
		Open:   func() codec.Dialled { return text.NewSecurePull(redirects) },
		TLS:    func(host string) (*tls.Config, error) { return s.trust.For(host) },
		Tunnel: text.NewTunnel,
	}}
	if proxy != "" {
		s.Pull.Route = func(context.Context, string) (string, bool, error) { return proxy, true, nil }
	}
	return s
}

// believe has the stream believe one authority. It returns the file of that.
func (s *secured) believe(t *testing.T, a *pki.Authority) (file string) {
	file = pki.Write(t, t.TempDir(), "ca.pem", a.PEM())
	s.trust = trust.New(trust.Options{Host: "source0", CA: file})
	return file
}

// hands is what a server with TLS shows. It has no tickets: those it would write after
// the handshake, when nobody reads at the other end of a pipe yet.
func hands(cert tls.Certificate) *tls.Config {
	return &tls.Config{Certificates: []tls.Certificate{cert}, SessionTicketsDisabled: true}
}

// serveTLS is a source with TLS at one end of a pipe: it shakes hands, takes the hello
// and runs f with that.
func serveTLS(c *tls.Config, f func(hello string, c net.Conn)) net.Conn {
	ours, theirs := net.Pipe()
	go shake(ours, c, f)
	return theirs
}

func shake(raw net.Conn, c *tls.Config, f func(hello string, c net.Conn)) {
	conn := tls.Server(raw, c)
	buf := make([]byte, 100)
	if n, err := conn.Read(buf); err == nil {
		f(string(buf[:n]), conn)
	}
	_ = raw.Close()
}

// up sends a header and a packet, and stays.
func up(_ string, c net.Conn) {
	_, _ = io.WriteString(c, "H A\nPk x\n")
	time.Sleep(time.Hour) // the bubble's time
}

func wantProblem(t *testing.T, s Snapshot, want string) {
	t.Helper()
	if s.Problem != want {
		t.Errorf("the problem is\n  %s\nwant\n  %s", s.Problem, want)
	}
}

func TestPullOverTLS(t *testing.T) {
	sc := newSecured(0, "")
	inBubble(t, sc.Stream, nil, func(b *bubble) {
		root := pki.New(t, "Test Root")
		sc.believe(t, root)
		said := make(chan string, 1)
		b.answer = func(int) net.Conn {
			return serveTLS(hands(root.Issue(nil, "source0")), func(hello string, c net.Conn) {
				said <- hello
				_, _ = io.WriteString(c, "H A\nPk x\n")
				time.Sleep(10 * time.Second)
				_, _ = io.WriteString(c, "P x\nP x\n")
				time.Sleep(time.Hour)
			})
		}
		wantState(t, b.after(14*time.Second), "up")
		if got := <-said; got != "HELLO 1 false\n" {
			t.Errorf("said %q", got)
		}
		s := b.after(11500 * time.Millisecond)
		wantState(t, s, "held")
		wantProblem(t, s, "the source sent no packet for 15s (source0:80)")
		if s.PacketsIn != 3 {
			t.Errorf("%d packets came", s.PacketsIn)
		}
	})
}

// What a source's certificate lacks is in the log and in the status, once, and the
// source is tried again.
func TestPullOverTLSBelievesNobodyElse(t *testing.T) {
	sc := newSecured(0, "")
	inBubble(t, sc.Stream, nil, func(b *bubble) {
		root := pki.New(t, "Test Root")
		sc.believe(t, root)
		hellos := 0
		b.answer = func(int) net.Conn {
			return serveTLS(hands(root.Issue(nil, "other")), func(string, net.Conn) { hellos++ })
		}
		wantProblem(t, b.after(35*time.Second), "the source's certificate is for other and not for source0 (source0:80)")
		if hellos != 0 || len(b.dials) != 5 {
			t.Errorf("%d hellos in %v", hellos, b.dials)
		}
		if n := strings.Count(b.log.String(), "is for other and not for source0"); n != 1 {
			t.Errorf("logged %d times:\n%s", n, b.log.String())
		}
	})
}

// A redirect leads to TLS and to another host, which must prove its own name.
func TestPullIsSentOnToTLS(t *testing.T) {
	sc := newSecured(1, "")
	inBubble(t, sc.Stream, nil, func(b *bubble) {
		root := pki.New(t, "Test Root")
		sc.believe(t, root)
		b.answer = func(n int) net.Conn {
			switch n {
			case 1, 3:
				return serve(func(c net.Conn) { _, _ = io.WriteString(c, "REDIAL\n") })
			case 2:
				return serveTLS(hands(root.Issue(nil, "source0")), up)
			default:
				return serveTLS(hands(root.Issue(nil, "source1")), up)
			}
		}
		wantProblem(t, b.after(500*time.Millisecond), "the source's certificate is for source0 and not for source1 (source1:80 by way of source0:80)")
		wantState(t, b.after(time.Second), "up")
	})
}

// proxied is a proxy at one end of a pipe: it takes the request, gives an answer and
// runs f with what has been asked.
func proxied(answer string, f func(asked string, c net.Conn)) net.Conn {
	ours, theirs := net.Pipe()
	go func() {
		buf := make([]byte, 100)
		if n, err := ours.Read(buf); err == nil {
			if answer != "" {
				_, _ = io.WriteString(ours, answer)
			}
			f(string(buf[:n]), ours)
		}
		_ = ours.Close()
	}()
	return theirs
}

// Through a proxy the target is asked for, and then the target must prove who it is,
// not the proxy. The source is spoken to as if there were no proxy.
func TestPullOverTLSThroughAProxy(t *testing.T) {
	sc := newSecured(0, "proxy:3128")
	inBubble(t, sc.Stream, nil, func(b *bubble) {
		root := pki.New(t, "Test Root")
		sc.believe(t, root)
		said := make(chan string, 2)
		b.answer = func(int) net.Conn {
			return proxied("OPEN\n", func(asked string, c net.Conn) {
				said <- asked
				shake(c, hands(root.Issue(nil, "source0")), func(hello string, c net.Conn) {
					said <- hello
					up(hello, c)
				})
			})
		}
		wantState(t, b.after(time.Second), "up")
		if a, c := <-said, <-said; a != "TUNNEL source0:80\n" || c != "HELLO 1 false\n" {
			t.Errorf("said %q and %q", a, c)
		}
		if got := fmt.Sprint(b.dials); got != "[0s proxy:3128]" {
			t.Errorf("dialled %v", got)
		}
	})
}

// Whatever a proxy, or the source behind it, does instead is told, with the way.
func TestPullReportsWhatAProxyDoes(t *testing.T) {
	const way = " (the proxy proxy:3128 for source0:80)"
	nothing := func(string, net.Conn) {}
	for _, c := range []struct {
		name, answer string
		then         func(asked string, c net.Conn)
		want         string
	}{
		{"refuses", "NO\n", nothing, "the proxy said NO" + way},
		{"closes", "", nothing, "the proxy closed the connection instead of answering" + way},
		{"closes_in_the_middle", "OPE", nothing, "the proxy closed the connection instead of answering" + way},
		{"opens_and_closes", "OPEN\n", nothing, "the TLS handshake came to no end: io: read/write on closed pipe" + way},
		{"opens_and_takes_and_closes", "OPEN\n", func(_ string, c net.Conn) { _, _ = c.Read(make([]byte, 4096)) }, "the source closed the connection during the TLS handshake" + way},
		// What comes with the answer is the source's: were it lost, this would end with the
		// closed connection.
		{"sends_on_what_is_not_TLS", "OPEN\nHTTP/1.1 400 Bad Request\r\n\r\n", func(_ string, c net.Conn) { _, _ = c.Read(make([]byte, 4096)) }, "the source answers without TLS on this port, with plain HTTP" + way},
		{"says_nothing", "", func(string, net.Conn) { time.Sleep(time.Hour) }, "the proxy did not answer: no answer within the time allowed" + way},
		{"opens_and_says_nothing", "OPEN\n", func(_ string, c net.Conn) { _, _ = io.Copy(io.Discard, c) }, "the TLS handshake came to no end: no answer within the time allowed" + way},
		{"drips", "", func(_ string, c net.Conn) { drip(c) }, "the proxy did not answer: no answer within the time allowed" + way},
	} {
		t.Run(c.name, func(t *testing.T) {
			sc := newSecured(0, "proxy:3128")
			inBubble(t, sc.Stream, nil, func(b *bubble) {
				sc.believe(t, pki.New(t, "Test Root"))
				b.answer = func(int) net.Conn { return proxied(c.answer, c.then) }
				wantProblem(t, b.after(15100*time.Millisecond), c.want)
			})
		})
	}
}

// drip sends a byte a second until nobody takes it.
func drip(c net.Conn) {
	for {
		time.Sleep(time.Second) // the bubble's time
		if _, err := io.WriteString(c, "x"); err != nil {
			return
		}
	}
}

// The dial, the proxy's answer, the handshake and the header have one time together.
func TestPullOverTLSHasOneTime(t *testing.T) {
	sc := newSecured(0, "proxy:3128")
	inBubble(t, sc.Stream, nil, func(b *bubble) {
		root := pki.New(t, "Test Root")
		sc.believe(t, root)
		b.answer = func(int) net.Conn {
			time.Sleep(4 * time.Second) // the dial, in the bubble's time
			ours, theirs := net.Pipe()
			go func() {
				r := bufio.NewReader(ours)
				_, _ = r.ReadString('\n')
				time.Sleep(4 * time.Second)
				_, _ = io.WriteString(ours, "OPEN\n")
				time.Sleep(4 * time.Second)
				shake(ours, hands(root.Issue(nil, "source0")), func(_ string, c net.Conn) {
					time.Sleep(2 * time.Second)
					_, _ = io.WriteString(c, "H ")
					time.Sleep(time.Hour)
				})
			}()
			return theirs
		}
		wantProblem(t, b.after(14900*time.Millisecond), "the source has not answered yet")
		wantProblem(t, b.after(200*time.Millisecond), "the source's stream did not begin within 15s (the proxy proxy:3128 for source0:80)")
	})
}

// A changed file that cannot be used is told, and the source is reached by the old one.
// Without any there is no connection, and the status says why.
func TestPullKeepsWhomItBelieves(t *testing.T) {
	sc := newSecured(0, "")
	inBubble(t, sc.Stream, nil, func(b *bubble) {
		root := pki.New(t, "Test Root")
		file := sc.believe(t, root)
		if err := os.Rename(file, file+".away"); err != nil {
			t.Fatal(err)
		}
		b.answer = func(int) net.Conn {
			return serveTLS(hands(root.Issue(nil, "source0")), func(_ string, c net.Conn) { _, _ = io.WriteString(c, "H A\nPk x\n") })
		}
		wantProblem(t, b.after(500*time.Millisecond),
			"the source wants TLS, and the authorities' file "+file+" cannot be opened: no such file or directory (source0:80)")
		if err := os.Rename(file+".away", file); err != nil {
			t.Fatal(err)
		}
		s := b.after(time.Second)
		if s.PacketsIn != 1 || strings.Contains(b.log.String(), "cannot be used") {
			t.Fatalf("%d packets; the log:\n%s", s.PacketsIn, b.log.String())
		}
		if err := os.WriteFile(file, []byte("nothing"), 0o600); err != nil {
			t.Fatal(err)
		}
		if s := b.after(30 * time.Second); s.PacketsIn < 4 {
			t.Errorf("%d packets: %s", s.PacketsIn, s.Problem)
		}
		if n := strings.Count(b.log.String(), "changed files for TLS cannot be used"); n != 1 {
			t.Errorf("told %d times:\n%s", n, b.log.String())
		}
	})
}

func TestPullIsNotSetUpForTLS(t *testing.T) {
	sc := newSecured(0, "")
	sc.Pull.TLS = nil
	inBubble(t, sc.Stream, nil, func(b *bubble) {
		b.answer = func(int) net.Conn { return serve(func(net.Conn) {}) }
		wantProblem(t, b.after(500*time.Millisecond), "the source wants TLS, for which the stream is not set up (source0:80)")
	})
}

// once makes one attempt at a source on a real connection, which a bubble has not.
func once(t *testing.T, sc settings.Stream, dial func() (net.Conn, error)) (*Stream, error) {
	t.Helper()
	cfg := settings.Default()
	env := &Env{
		Settings: &cfg, Log: slog.New(slog.DiscardHandler), Clock: clock.New(), Epochs: ring.NewEpochs(1),
		Dial: func(context.Context, string, string) (net.Conn, error) { return dial() },
	}
	st := New(env, sc, nil)
	err := st.pullOnce(t.Context(), NewIngest(st))
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
