// Package trust says whom a pull over TLS believes, as whom it appears, and what went
// wrong, in the operator's words.
//
// What it believes are authorities, the system's or those of a file; what it shows is
// a client certificate, if there is one. Files are read anew before a connection when
// they have changed, and a file that cannot be used then leaves what was read before.
//
// Every connection is verified, in full: nothing here turns that off, and no session
// is resumed, so that a certificate that expires or an authority that is taken out of
// its file counts from the next connection on.
//
// The package dials nothing, logs nothing and knows no protocol. Package config uses
// its readers of files to tell mistakes early.
package trust

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"

	"streampump/internal/keypair"
)

// Options say whom a pull believes and as whom it appears.
type Options struct {
	// Host is the host of the configured source, without a port. Name and the client
	// certificate are for it alone: other hosts, to which a source may redirect us, must
	// prove their own names and are shown nothing.
	Host string
	// Name is whose certificate Host must have; empty means Host's own.
	Name string
	// CA is a PEM file with the only authorities that are believed, whatever the host;
	// empty means the system's, as they were at the first connection of the process.
	CA string
	// Cert and Key are PEM files with the client certificate, followed by those between
	// it and its authority, and its key. Both may be the same file. Empty means none.
	Cert, Key string
}

// Trust makes the settings of connections. One goroutine may use it at a time.
type Trust struct {
	o     Options
	roots *watched[*x509.CertPool]   // nil without Options.CA
	pair  *watched[*tls.Certificate] // nil without Options.Cert
}

// New makes a Trust. The files are read before the first connection.
func New(o Options) *Trust {
	t := &Trust{o: o}
	if o.CA != "" {
		t.roots = watch(func() (*x509.CertPool, error) { return readPool(o.CA) }, o.CA)
	}
	if o.Cert != "" {
		t.pair = watch(func() (*tls.Certificate, error) { return readPair(o.Cert, o.Key) }, o.Cert, o.Key)
	}
	return t
}

// For is what holds for the next connection to host, a name or an IP address. Without
// a config the error says why there can be no connection. With one, it says which
// changed file cannot be used, so that what was read from it before holds; that is
// said once for each change.
func (t *Trust) For(host string) (*tls.Config, error) {
	c := &tls.Config{ServerName: serverName(host), NextProtos: []string{"http/1.1"}, MinVersion: tls.VersionTLS12}
	var kept []error
	if t.roots != nil {
		roots, ok, err := t.roots.look()
		if !ok {
			return nil, err
		}
		c.RootCAs, kept = roots, append(kept, err)
	}
	if !strings.EqualFold(serverName(host), serverName(t.o.Host)) {
		return c, sentence(kept)
	}
	if t.o.Name != "" {
		c.ServerName = serverName(t.o.Name)
	}
	if t.pair != nil {
		pair, ok, err := t.pair.look()
		kept = append(kept, err)
		if !ok {
			return nil, sentence(kept)
		}
		// Not Certificates, of which none is shown to a source that names other
		// authorities: it can tell better than we whether ours will do.
		c.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return pair, nil }
	}
	return c, sentence(kept)
}

// serverName is what is asked for and verified: a zone says how to reach an address and
// is in no certificate, nor is the dot of a name's root.
func serverName(host string) string {
	host, _, _ = strings.Cut(host, "%")
	return strings.TrimSuffix(host, ".")
}

// sentence makes one error of several, or none of none.
func sentence(errs []error) error {
	var texts []string
	for _, err := range errs {
		if err != nil {
			texts = append(texts, err.Error())
		}
	}
	if len(texts) == 0 {
		return nil
	}
	return errors.New(strings.Join(texts, "; "))
}

// Conn is our side of a connection with TLS.
type Conn struct {
	*tls.Conn
	host  string // whose certificate is wanted
	files bool   // the authorities come from a file
	asked bool   // the other side has asked for a certificate of ours
	shown bool   // and got one
}

// Client makes our side of a connection, by a config from [Trust.For], which is then
// the connection's. Call Handshake next.
func Client(conn net.Conn, c *tls.Config) *Conn {
	out := &Conn{host: c.ServerName, files: c.RootCAs != nil}
	show := c.GetClientCertificate
	c.GetClientCertificate = func(r *tls.CertificateRequestInfo) (*tls.Certificate, error) {
		out.asked = true
		if show == nil {
			return new(tls.Certificate), nil
		}
		out.shown = true
		return show(r)
	}
	out.Conn = tls.Client(conn, c)
	return out
}

// String says, after the handshake, what the other side has shown.
func (c *Conn) String() string {
	s := c.ConnectionState()
	if len(s.PeerCertificates) == 0 {
		return "no certificate"
	}
	leaf := s.PeerCertificates[0]
	return fmt.Sprintf("%s, a certificate for %s by %s, valid until %s", tls.VersionName(s.Version), names(leaf), issuer(leaf), moment(leaf.NotAfter))
}

// SystemKnowsAuthorities reports whether this machine has a list of authorities, without
// which only a source with Options.CA can prove anything.
func SystemKnowsAuthorities() bool {
	pool, err := x509.SystemCertPool()
	return err == nil && !pool.Equal(x509.NewCertPool())
}

// Worry is what is wrong with a client certificate's time, or soon will be: what comes
// behind its name in a sentence, or empty.
func Worry(c *x509.Certificate, now time.Time) string {
	left := c.NotAfter.Sub(now)
	switch {
	case left < 0:
		return "expired on " + moment(c.NotAfter)
	case now.Before(c.NotBefore):
		return "is not valid before " + moment(c.NotBefore)
	case keypair.EndsSoon(c.NotBefore, c.NotAfter, now):
		return "expires soon, on " + moment(c.NotAfter)
	}
	return ""
}

// Describe is a certificate of an authority or a client in a few words: whose it is, and
// until when.
func Describe(c *x509.Certificate) string {
	return fmt.Sprintf("the certificate of %s, valid until %s", subject(c), moment(c.NotAfter))
}
