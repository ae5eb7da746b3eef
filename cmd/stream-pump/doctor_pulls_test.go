package main

import (
	"crypto/x509"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"streampump/cmd/internal/cli"
	"streampump/internal/pki"
)

func TestDoctorShowsClientCertificates(t *testing.T) {
	t.Chdir(t.TempDir())
	root := pki.New(t, "Test Root")
	pki.Write(t, ".", "root.pem", root.PEM())
	show := func(left time.Duration) {
		pair := root.Issue(func(c *x509.Certificate) {
			c.Subject.CommonName, c.NotBefore, c.NotAfter = "our pump", time.Now().Add(-99*day), time.Now().Add(left)
		})
		pki.Write(t, ".", "pump.pem", append(pki.CertPEM(pair), pki.KeyPEM(t, pair)...))
	}
	write(t, "pump.json", `{"streams": [
  {"type": "mmsh_pull", "path": "news", "source_options": {"url": "https://a", "ssl_ca": "root.pem", "ssl_cert": "pump.pem", "ssl_key": "pump.pem"}},
  {"type": "mmsh_pull", "path": "bare", "source_options": {"url": "https://a", "ssl_ca": "root.pem"}},
]}`)
	for _, c := range []struct {
		left time.Duration
		code int
		want string
	}{
		{80 * day, cli.ExitOK, ""},
		{9 * day, cli.ExitFailed, ": it expires soon, on 2"},
		{-day, cli.ExitFailed, ": it expired on 2"},
	} {
		show(c.left)
		o := startOn(t, fakeBox(readyBox), "doctor", "pump.json")
		flat := strings.Join(strings.Fields(o.stdout), " ")
		if o.code != c.code || !strings.Contains(flat, `TLS stream "news" shows its source the certificate of "our pump", valid until 2`) ||
			!strings.Contains(flat, c.want) || strings.Contains(flat, ": it ") != (c.want != "") || strings.Contains(flat, `"bare"`) {
			t.Errorf("%v: %+v", c.left, o)
		}
		o = startOn(t, fakeBox(readyBox), "doctor", "pump.json", "--json")
		var r checkReport
		if err := json.Unmarshal([]byte(o.stdout), &r); err != nil || o.code != c.code || len(r.ClientCertificates) != 1 {
			t.Fatalf("%v, %+v", err, o)
		}
		got := r.ClientCertificates[0]
		if got.Stream != "news" || got.File != "pump.pem" || got.NotAfter == "" || (got.Problem == "") != (c.code == cli.ExitOK) {
			t.Errorf("%v: %+v", c.left, got)
		}
	}
}
