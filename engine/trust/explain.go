package trust

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Explain puts an error of the handshake, of a read or of a write into the operator's
// words; with TLS 1.3 a source that refuses us says so only after the handshake. For an
// error that is not one of TLS it is nil.
func (c *Conn) Explain(err error) error {
	var (
		unverified *tls.CertificateVerificationError
		record     tls.RecordHeaderError
		op         *net.OpError
	)
	switch {
	case errors.As(err, &unverified):
		return c.disbelieved(unverified)
	case errors.As(err, &record):
		return stranger(record)
	case errors.As(err, &op) && op.Op == "remote error":
		return c.alerted(strings.TrimPrefix(op.Err.Error(), "tls: "))
	case errors.As(err, &op) && op.Op == "local error":
		return fmt.Errorf("the source's TLS is broken: %s", strings.TrimPrefix(op.Err.Error(), "tls: "))
	}
	text, ours := strings.CutPrefix(err.Error(), "tls: ")
	switch {
	case !ours:
		return nil
	case strings.HasPrefix(text, "server selected unsupported protocol version"):
		return errOldVersion
	}
	return fmt.Errorf("TLS with the source failed: %s", text)
}

var errOldVersion = errors.New("the source speaks no version of TLS from 1.2 on")

// stranger is the sentence for what is not TLS at all.
func stranger(e tls.RecordHeaderError) error {
	begun := e.RecordHeader[:]
	switch {
	case bytes.Equal(begun, []byte("HTTP/")):
		return errors.New("the source answers without TLS on this port, with plain HTTP")
	case e.Conn != nil:
		return fmt.Errorf("the source does not speak TLS on this port: its answer begins with %q", begun)
	}
	return fmt.Errorf("the source's TLS is broken: %s", e.Msg)
}

// alerted is the sentence for an alert from the source (RFC 8446, 6).
func (c *Conn) alerted(says string) error {
	switch says {
	case "protocol version not supported":
		return errOldVersion
	case "unrecognized name":
		return fmt.Errorf("the source has no certificate for %s, and says so", readable(c.host))
	}
	if !c.asked || !slices.Contains(aboutCertificate, says) {
		return fmt.Errorf("the source has ended TLS and says: %s", says)
	}
	if c.shown {
		return fmt.Errorf("the source does not accept our client certificate and says: %s", says)
	}
	return fmt.Errorf("the source wants a client certificate, and we have none for it (it says: %s)", says)
}

// aboutCertificate is what servers say when a certificate of ours is missing or not
// to their liking: they do not agree on one word.
var aboutCertificate = []string{
	"certificate required", "bad certificate", "unsupported certificate", "revoked certificate",
	"expired certificate", "unknown certificate", "unknown certificate authority", "access denied",
	"handshake failure", "certificate unobtainable", "error decrypting message",
}

// disbelieved is the sentence for a certificate that does not prove what it should.
func (c *Conn) disbelieved(e *tls.CertificateVerificationError) error {
	var (
		invalid x509.CertificateInvalidError
		unknown x509.UnknownAuthorityError
		name    x509.HostnameError
		system  x509.SystemRootsError
	)
	switch {
	case errors.As(e.Err, &name):
		return fmt.Errorf("the source's certificate is for %s and not for %s", names(name.Certificate), readable(c.host))
	case errors.As(e.Err, &unknown):
		return c.unknown(unknown, e.UnverifiedCertificates)
	case errors.As(e.Err, &invalid) && invalid.Reason == x509.Expired:
		return astray(invalid.Cert, e.UnverifiedCertificates)
	case errors.As(e.Err, &invalid) && invalid.Reason == x509.IncompatibleUsage:
		return fmt.Errorf("the source's certificate, of %s, is not one for servers", names(e.UnverifiedCertificates[0]))
	case errors.As(e.Err, &system):
		return errors.New("there is no list of authorities on this machine by which to judge the source's certificate (ca-certificates is not installed)")
	}
	return fmt.Errorf("the source's certificate cannot be believed: %s", words(e.Err))
}

// astray is the sentence for a certificate outside its time: the source's own, or one
// between it and its authority. The time now is left out: a sentence that is new each
// time is logged each time.
func astray(c *x509.Certificate, sent []*x509.Certificate) error {
	whose := "the source's certificate, of " + names(sent[0]) + ","
	if !c.Equal(sent[0]) {
		whose = "the certificate of " + subject(c) + ", which vouches for the source's,"
	}
	if time.Now().Before(c.NotBefore) {
		return fmt.Errorf("%s is valid from %s on, which is not yet (or this machine's clock is wrong)", whose, moment(c.NotBefore))
	}
	return fmt.Errorf("%s expired on %s", whose, moment(c.NotAfter))
}

// unknown is the sentence for a certificate that nobody vouches for whom we believe.
func (c *Conn) unknown(e x509.UnknownAuthorityError, sent []*x509.Certificate) error {
	last, believed := e.Cert, "those of this machine"
	if last == nil {
		last = sent[len(sent)-1]
	}
	if c.files {
		believed = "those in the file of authorities"
	}
	if bytes.Equal(last.RawIssuer, last.RawSubject) {
		if last.Equal(sent[0]) {
			return fmt.Errorf("the source's certificate, of %s, has no authority: it vouches for itself, and is not among %s", names(last), believed)
		}
		return fmt.Errorf("the source's certificate, of %s, comes from an unknown authority: %s is not among %s", names(sent[0]), subject(last), believed)
	}
	// An authority of that name may be there, with another key.
	_, why, _ := strings.Cut(e.Error(), "(possibly because of ")
	if why, _, found := strings.Cut(why, " while trying to verify"); found {
		return fmt.Errorf("the source's certificate, of %s, is not by the authority %s that we know (%s)", names(sent[0]), issuer(last), strings.Trim(why, `"`))
	}
	return fmt.Errorf("the source's certificate, of %s, comes from an unknown authority: %s is not among %s", names(sent[0]), issuer(last), believed)
}

// mostNames is how many of a certificate's names a sentence lists.
const mostNames = 4

// names are the hosts that a certificate is for. The subject does not count.
func names(c *x509.Certificate) string {
	var all []string
	for _, n := range c.DNSNames {
		all = append(all, readable(n))
	}
	for _, a := range c.IPAddresses {
		all = append(all, a.String())
	}
	switch {
	case len(all) == 0:
		return "no host (only " + subject(c) + ")"
	case len(all) > mostNames:
		all = append(all[:mostNames], strconv.Itoa(len(all)-mostNames)+" more")
	}
	return strings.Join(all, ", ")
}

// subject is who a certificate is about: an authority, a client.
func subject(c *x509.Certificate) string { return who(c.Subject.CommonName, c.Subject.String()) }

// issuer is who made a certificate.
func issuer(c *x509.Certificate) string { return who(c.Issuer.CommonName, c.Issuer.String()) }

func who(common, all string) string {
	if common == "" {
		common = all
	}
	return strconv.Quote(clip(common))
}

// readable is a name as it is, if it is one.
func readable(s string) string {
	if strings.Trim(strings.ToLower(s), "abcdefghijklmnopqrstuvwxyz0123456789-._*:") == "" && s != "" {
		return clip(s)
	}
	return strconv.Quote(clip(s))
}

// clip bounds what a peer can put into our log.
func clip(s string) string {
	const most = 64
	if len(s) > most {
		return s[:most] + "…"
	}
	return s
}

// moment is a time as an operator reads it.
func moment(t time.Time) string { return t.UTC().Format("2006-01-02 15:04 MST") }

// words is the text of an error of x509's without its prefix.
func words(err error) string {
	const most = 200
	s := strings.TrimPrefix(err.Error(), "x509: ")
	return s[:min(len(s), most)]
}
