package stream

import (
	"bufio"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"streampump/codec"
	"streampump/engine/internal/text"
	"streampump/engine/settings"
	"streampump/engine/trust"
	"streampump/internal/pki"
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
	lapse(time.Hour)
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
				lapse(10 * time.Second)
				_, _ = io.WriteString(c, "P x\nP x\n")
				lapse(time.Hour)
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
		{"says_nothing", "", func(string, net.Conn) { lapse(time.Hour) }, "the proxy did not answer: no answer within the time allowed" + way},
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
		lapse(time.Second)
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
			lapse(4 * time.Second)
			ours, theirs := net.Pipe()
			go func() {
				r := bufio.NewReader(ours)
				_, _ = r.ReadString('\n')
				lapse(4 * time.Second)
				_, _ = io.WriteString(ours, "OPEN\n")
				lapse(4 * time.Second)
				shake(ours, hands(root.Issue(nil, "source0")), func(_ string, c net.Conn) {
					lapse(2 * time.Second)
					_, _ = io.WriteString(c, "H ")
					lapse(time.Hour)
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
