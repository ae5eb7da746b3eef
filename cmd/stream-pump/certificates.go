package main

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"slices"
	"strings"
	"time"

	"streampump/admin"
	"streampump/cmd/internal/certs"
	"streampump/cmd/internal/issuance"
	"streampump/config"
)

// certificatesOf are the certificates of a configuration as they are on disk now;
// none without a listener over TLS.
func certificatesOf(c *config.Config) ([]certs.Certificate, error) {
	auto := c.TLS.Automatic
	s, err := certs.Open(certs.Options{Files: c.TLS.Certificates, Domains: auto.Domains, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		return nil, err
	}
	asKeeper(auto.Folder, auto.Directory, func() {
		for _, d := range auto.Domains {
			switch stored, err := issuance.Stored(auto.Folder, auto.Directory, d); {
			case err == nil:
				s.Put(d, stored)
			case !errors.Is(err, fs.ErrNotExist):
				s.Trouble(d, err.Error())
			}
		}
	})
	return s.Snapshot(), nil
}

// certificateText is a certificate in a line: for which names, from whom and until
// when.
func certificateText(c certs.Certificate, now time.Time) string {
	names := strings.Join(c.Names, ", ")
	if c.NotAfter.IsZero() {
		return names + ": " + c.Problem + " (it is automatic)"
	}
	left := "expired"
	if d := c.Days(now); d >= 0 {
		left = count(d, "day")
	}
	return fmt.Sprintf("%s, issued by %s, until %s (%s)", names, c.Issuer, c.NotAfter.UTC().Format("2006-01-02 15:04 MST"), left)
}

// worried reports whether something is to be done about a certificate.
func worried(list []certs.Certificate, now time.Time) bool {
	return slices.ContainsFunc(list, func(c certs.Certificate) bool {
		worry, _ := c.Worry(now)
		return worry != ""
	})
}

// appendCertificates appends a line for each certificate, and what is wrong with it.
func appendCertificates(b []byte, list []certs.Certificate, now time.Time) []byte {
	for _, c := range list {
		text := certificateText(c, now)
		if worry, _ := c.Worry(now); worry != "" {
			text += ": " + worry
		}
		b = appendPart(b, "", "TLS", text)
	}
	return b
}

// statusOf are certificates as the status shows them.
func statusOf(list []certs.Certificate, now time.Time) []admin.CertificateStatus {
	out := []admin.CertificateStatus{}
	for _, c := range list {
		s := admin.CertificateStatus{Names: c.Names, Issuer: c.Issuer, Automatic: c.Automatic, Problem: c.Problem}
		if !c.NotAfter.IsZero() {
			s.NotAfter, s.DaysLeft = c.NotAfter.UTC().Format(time.RFC3339), c.Days(now)
		}
		if worry, ended := c.Worry(now); worry != "" && (s.Problem == "" || ended) {
			s.Problem = worry
		}
		out = append(out, s)
	}
	return out
}
