package trust

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"streampump/internal/pki"
)

// meet has our side shake hands with a server over a loopback connection, say a word,
// and read the answer. The error is our side's, explained.
func meet(t *testing.T, tr *Trust, host string, server func(net.Conn)) error {
	t.Helper()
	c, err := tr.For(host)
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	done := make(chan struct{})
	defer func() { <-done }()
	go func() {
		defer close(done)
		if conn, err := l.Accept(); err == nil {
			server(conn)
			_ = conn.Close()
		}
	}()
	raw, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer raw.Close()
	conn := Client(raw, c)
	if err := conn.Handshake(); err != nil {
		return explained(conn, err)
	}
	if _, err := conn.Write([]byte("hello")); err != nil {
		return explained(conn, err)
	}
	if _, err := conn.Read(make([]byte, 100)); err != nil {
		return explained(conn, err)
	}
	return nil
}

// explained is an error of our side, in words if it is one of TLS.
func explained(c *Conn, err error) error {
	if why := c.Explain(err); why != nil {
		return why
	}
	return err
}

// served is a server with TLS that answers what it is told.
func served(c *tls.Config) func(net.Conn) {
	return func(raw net.Conn) {
		conn := tls.Server(raw, c)
		buf := make([]byte, 100)
		if _, err := conn.Read(buf); err == nil {
			_, _ = conn.Write([]byte("welcome"))
		}
		_, _ = raw.Read(buf) // until our side has read and closes
	}
}

// with is a server with certificates.
func with(c ...tls.Certificate) *tls.Config { return &tls.Config{Certificates: c} }

// believing believes one authority, in a file.
func believing(t *testing.T, a *pki.Authority, change func(*Options)) *Trust {
	t.Helper()
	o := Options{Host: "source.example", CA: pki.Write(t, t.TempDir(), "ca.pem", a.PEM())}
	if change != nil {
		change(&o)
	}
	return New(o)
}

func wantError(t *testing.T, got error, want string) {
	t.Helper()
	text := "no error"
	if got != nil {
		text = got.Error()
	}
	if text != want {
		t.Errorf("got  %s\nwant %s", text, want)
	}
}

// Whatever a certificate lacks is said with whose it is and what would be right.
func TestCertificates(t *testing.T) {
	root, other := pki.New(t, "Test Root"), pki.New(t, "Other Root")
	ended := func(c *x509.Certificate) { c.NotAfter = time.Date(2020, 1, 2, 3, 4, 5, 0, time.UTC) }
	begun := func(c *x509.Certificate) {
		c.NotBefore = time.Date(2120, 1, 2, 3, 4, 5, 0, time.UTC)
		c.NotAfter = c.NotBefore.Add(time.Hour)
	}
	below, old := root.Below("Between", nil), root.Below("Once Between", ended)
	chained := func(leaf tls.Certificate, above *pki.Authority) tls.Certificate {
		leaf.Certificate = append(leaf.Certificate, above.Cert.Raw)
		return leaf
	}
	twin := pki.New(t, "Test Root")
	for _, c := range []struct {
		name string
		host string
		cert tls.Certificate
		want string
	}{
		{"good", "source.example", root.Issue(nil, "source.example"), "no error"},
		{"good_by_a_chain", "source.example", chained(below.Issue(nil, "source.example"), below), "no error"},
		{"good_wildcard", "source.example", root.Issue(nil, "*.example"), "no error"},
		{"good_address", "192.0.2.1", root.Issue(nil, "192.0.2.1"), "no error"},
		{"good_address_with_zone", "fe80::1%eth0", root.Issue(nil, "fe80::1"), "no error"},
		{"good_with_a_dot", "source.example.", root.Issue(nil, "source.example"), "no error"},
		{"expired", "source.example", root.Issue(ended, "source.example"), "the source's certificate, of source.example, expired on 2020-01-02 03:04 UTC"},
		{"not_yet", "source.example", root.Issue(begun, "source.example"), "the source's certificate, of source.example, is valid from 2120-01-02 03:04 UTC on, which is not yet (or this machine's clock is wrong)"},
		{"chain_expired", "source.example", chained(old.Issue(nil, "source.example"), old), `the certificate of "Once Between", which vouches for the source's, expired on 2020-01-02 03:04 UTC`},
		{"other_name", "source.example", root.Issue(nil, "a.example", "b.example", "192.0.2.1"), "the source's certificate is for a.example, b.example, 192.0.2.1 and not for source.example"},
		{"many_names", "source.example", root.Issue(nil, "a.example", "b.example", "c.example", "d.example", "e.example", "f.example"),
			"the source's certificate is for a.example, b.example, c.example, d.example, 2 more and not for source.example"},
		{"strange_name", "source.example", root.Issue(nil, "a b\x1b[2J"), `the source's certificate is for "a b\x1b[2J" and not for source.example`},
		{"no_name", "source.example", root.Issue(func(c *x509.Certificate) { c.Subject.CommonName = "source.example" }),
			`the source's certificate is for no host (only "source.example") and not for source.example`},
		{"address_wanted", "192.0.2.7", root.Issue(nil, "source.example"), "the source's certificate is for source.example and not for 192.0.2.7"},
		{"unknown_authority", "source.example", other.Issue(nil, "source.example"),
			`the source's certificate, of source.example, comes from an unknown authority: "Other Root" is not among those in the file of authorities`},
		{"unknown_authority_sent", "source.example", chained(other.Issue(nil, "source.example"), other),
			`the source's certificate, of source.example, comes from an unknown authority: "Other Root" is not among those in the file of authorities`},
		{"chain_left_out", "source.example", below.Issue(nil, "source.example"),
			`the source's certificate, of source.example, comes from an unknown authority: "Between" is not among those in the file of authorities`},
		{"vouches_for_itself", "source.example", pki.Alone(t, "source.example"),
			`the source's certificate, of source.example, has no authority: it vouches for itself, and is not among those in the file of authorities`},
		{"name_of_ours_and_another_key", "source.example", twin.Issue(nil, "source.example"),
			`the source's certificate, of source.example, is not by the authority "Test Root" that we know (x509: ECDSA verification failure)`},
		{"for_clients", "source.example", root.Issue(func(c *x509.Certificate) { c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth} }, "source.example"),
			"the source's certificate, of source.example, is not one for servers"},
	} {
		t.Run(c.name, func(t *testing.T) {
			wantError(t, meet(t, believing(t, root, nil), c.host, served(with(c.cert))), c.want)
		})
	}
}

// Without a file the system's authorities are asked, and they do not know ours.
func TestSystemsAuthorities(t *testing.T) {
	root := pki.New(t, "Test Root")
	err := meet(t, New(Options{Host: "source.example"}), "source.example", served(with(root.Issue(nil, "source.example"))))
	wantError(t, err, `the source's certificate, of source.example, comes from an unknown authority: "Test Root" is not among those of this machine`)
}

// A source that wants to know who we are says no in many ways.
func TestClientCertificate(t *testing.T) {
	root, other := pki.New(t, "Test Root"), pki.New(t, "Other Root")
	usage := func(c *x509.Certificate) { c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth} }
	for _, c := range []struct {
		name    string
		version uint16
		host    string
		shown   *pki.Authority // who vouches for our certificate; nil: we have none
		want    string
	}{
		{"shown", tls.VersionTLS13, "source.example", root, "no error"},
		{"shown_TLS12", tls.VersionTLS12, "source.example", root, "no error"},
		{"none", tls.VersionTLS13, "source.example", nil, "the source wants a client certificate, and we have none for it (it says: certificate required)"},
		{"none_TLS12", tls.VersionTLS12, "source.example", nil, "the source wants a client certificate, and we have none for it (it says: handshake failure)"},
		{"none_for_another_host", tls.VersionTLS13, "other.example", root, "the source wants a client certificate, and we have none for it (it says: certificate required)"},
		{"of_another_authority", tls.VersionTLS13, "source.example", other, "the source does not accept our client certificate and says: unknown certificate authority"},
		{"of_another_authority_TLS12", tls.VersionTLS12, "source.example", other, "the source does not accept our client certificate and says: unknown certificate authority"},
	} {
		t.Run(c.name, func(t *testing.T) {
			tr := believing(t, root, func(o *Options) {
				if c.shown == nil {
					return
				}
				pair := c.shown.Issue(usage)
				o.Cert = pki.Write(t, t.TempDir(), "pair.pem", append(pki.CertPEM(pair), pki.KeyPEM(t, pair)...))
				o.Key = o.Cert
			})
			s := with(root.Issue(nil, "source.example", "other.example"))
			s.ClientAuth, s.ClientCAs, s.MaxVersion = tls.RequireAndVerifyClientCert, root.Pool(), c.version
			wantError(t, meet(t, tr, c.host, served(s)), c.want)
		})
	}
}

// What is not TLS, or not TLS as we speak it.
func TestOtherAnswers(t *testing.T) {
	root := pki.New(t, "Test Root")
	old := with(root.Issue(nil, "source.example"))
	old.MinVersion, old.MaxVersion = tls.VersionTLS10, tls.VersionTLS11
	says := func(text string) func(net.Conn) {
		return func(c net.Conn) {
			buf := make([]byte, 4096)
			_, _ = c.Read(buf)
			_, _ = c.Write([]byte(text))
			_, _ = c.Read(buf)
		}
	}
	alert := func(code byte) func(net.Conn) { return says("\x15\x03\x03\x00\x02\x02" + string(rune(code))) }
	protocols := with(root.Issue(nil, "source.example"))
	protocols.NextProtos = []string{"acme-tls/1"}
	for _, c := range []struct {
		name   string
		server func(net.Conn)
		want   string
	}{
		{"plain_HTTP", says("HTTP/1.1 400 Bad Request\r\n\r\n"), "the source answers without TLS on this port, with plain HTTP"},
		{"SSH", says("SSH-2.0-OpenSSH_9.2\r\n"), `the source does not speak TLS on this port: its answer begins with "SSH-2"`},
		{"TLS_1.1", served(old), "the source speaks no version of TLS from 1.2 on"},
		{"alert_version", alert(70), "the source speaks no version of TLS from 1.2 on"},
		{"alert_name", alert(112), "the source has no certificate for source.example, and says so"},
		{"alert_handshake_failure", alert(40), "the source has ended TLS and says: handshake failure"},
		{"alert_internal_error", alert(80), "the source has ended TLS and says: internal error"},
		{"other_protocol", served(protocols), "the source has ended TLS and says: no application protocol"},
		{"selects_TLS_1.0", says("\x16\x03\x01\x00\x2a\x02\x00\x00\x26\x03\x01" + strings.Repeat("r", 32) + "\x00\xc0\x13\x00"), "the source speaks no version of TLS from 1.2 on"},
		{"nonsense", says("\x16\x03\x03\x00\x04\x63\x00\x00\x00"), "the source's TLS is broken: unexpected message"},
		{"too_long", says("\x16\x03\x03\xff\xff"), "the source's TLS is broken: oversized record received with length 65535"},
	} {
		t.Run(c.name, func(t *testing.T) {
			wantError(t, meet(t, believing(t, root, nil), "source.example", c.server), c.want)
		})
	}
}

// An error that is not one of TLS is left to others.
func TestOtherErrors(t *testing.T) {
	for _, err := range []error{net.ErrClosed, fmt.Errorf("read: %w", net.ErrClosed), &net.OpError{Op: "read", Err: net.ErrClosed}} {
		if got := new(Conn).Explain(err); got != nil {
			t.Errorf("%v became %v", err, got)
		}
	}
}
