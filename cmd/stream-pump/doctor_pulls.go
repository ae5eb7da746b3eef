package main

import (
	"crypto/x509"
	"fmt"
	"slices"
	"time"

	"streampump/config"
	"streampump/engine/trust"
)

// pullReport is what a stream that is pulled with TLS shows its source.
type pullReport struct {
	Stream string `json:"stream"`
	File   string `json:"file"`
	// NotAfter is the certificate's end, in the form of RFC 3339.
	NotAfter string            `json:"not_after,omitempty"`
	Problem  string            `json:"problem,omitempty"`
	cert     *x509.Certificate // nil if it cannot be read
}

// clientCertificates are the certificates that streams show their sources.
func clientCertificates(c *config.Config, now time.Time) []pullReport {
	out := []pullReport{}
	for _, s := range c.Streams {
		if !s.Enabled || s.Pull.TLS == nil || s.Pull.TLS.Cert == "" {
			continue
		}
		r := pullReport{Stream: s.Path, File: s.Pull.TLS.Cert}
		var err error
		if r.cert, err = trust.ReadCertificate(r.File); err != nil {
			r.Problem = err.Error() // it could be read a moment ago
		} else {
			r.NotAfter, r.Problem = r.cert.NotAfter.UTC().Format(time.RFC3339), trust.Worry(r.cert, now)
		}
		out = append(out, r)
	}
	return out
}

// troubled reports whether something is to be done about one of them.
func troubled(list []pullReport) bool {
	return slices.ContainsFunc(list, func(r pullReport) bool { return r.Problem != "" })
}

// appendPulls appends a line for each.
func appendPulls(b []byte, list []pullReport) []byte {
	for _, r := range list {
		text := fmt.Sprintf("stream %q shows its source ", r.Stream)
		if r.cert != nil {
			text += trust.Describe(r.cert)
		} else {
			text += "the certificate in " + r.File
		}
		if r.Problem != "" {
			text += ": it " + r.Problem
		}
		b = appendPart(b, "", "TLS", text)
	}
	return b
}
