package trust

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"streampump/internal/pki"
)

// The name and the client certificate are for the configured host, the authorities for
// every host.
func TestOtherHostsAreShownNothing(t *testing.T) {
	root := pki.New(t, "Test Root")
	pair := root.Issue(nil)
	tr := believing(t, root, func(o *Options) {
		dir := t.TempDir()
		o.Name = "name.example"
		o.Cert, o.Key = pki.Write(t, dir, "cert.pem", pki.CertPEM(pair)), pki.Write(t, dir, "key.pem", pki.KeyPEM(t, pair))
	})
	for host, want := range map[string]string{
		"source.example": "name.example with ours", "SOURCE.example.": "name.example with ours",
		"other.example": "other.example", "source.example.org": "source.example.org", "192.0.2.1": "192.0.2.1",
	} {
		c, err := tr.For(host)
		if err != nil {
			t.Fatal(err)
		}
		got := c.ServerName
		if c.GetClientCertificate != nil {
			got += " with ours"
		}
		if got != want || len(c.Certificates) != 0 {
			t.Errorf("%s: %s and %d certificates, want %s", host, got, len(c.Certificates), want)
		}
		if c.RootCAs == nil || !c.RootCAs.Equal(root.Pool()) {
			t.Errorf("%s: other authorities than those of the file", host)
		}
		if c.InsecureSkipVerify || c.MinVersion < tls.VersionTLS12 {
			t.Errorf("%s: %+v", host, c)
		}
	}
}

// Files are read anew when they have changed. What cannot be used leaves what was read
// before, and is told once.
func TestFilesAreReadAnew(t *testing.T) {
	first, second := pki.New(t, "First"), pki.New(t, "Second")
	dir := t.TempDir()
	ca := pki.Write(t, dir, "ca.pem", first.PEM())
	one, two := first.Issue(nil), first.Issue(nil)
	cert, key := pki.Write(t, dir, "cert.pem", pki.CertPEM(one)), pki.Write(t, dir, "key.pem", pki.KeyPEM(t, one))
	tr := New(Options{Host: "h", CA: ca, Cert: cert, Key: key})
	holds := func(told string, a *pki.Authority, shown tls.Certificate) {
		t.Helper()
		c, err := tr.For("h")
		text := ""
		if err != nil {
			text = strings.ReplaceAll(err.Error(), dir, "DIR")
		}
		if text != told || c == nil {
			t.Fatalf("told %q, want %q", text, told)
		}
		ours, err := c.GetClientCertificate(nil)
		if err != nil || !bytes.Equal(ours.Certificate[0], shown.Certificate[0]) {
			t.Errorf("another certificate is shown (%v)", err)
		}
		if !c.RootCAs.Equal(a.Pool()) {
			t.Error("other authorities are believed")
		}
	}
	holds("", first, one)
	holds("", first, one)
	pki.Write(t, dir, "ca.pem", second.PEM())
	holds("", second, one)
	pki.Write(t, dir, "ca.pem", []byte("nothing"))
	holds("the authorities' file DIR/ca.pem holds no certificate in PEM form (-----BEGIN CERTIFICATE-----)", second, one)
	holds("", second, one)
	if err := os.Remove(ca); err != nil {
		t.Fatal(err)
	}
	pki.Write(t, dir, "cert.pem", pki.CertPEM(two)) // and the key is not there yet
	holds("the authorities' file DIR/ca.pem cannot be opened: no such file or directory; the client key's file DIR/key.pem does not belong to the certificate \"DIR/cert.pem\"", second, one)
	holds("", second, one)
	pki.Write(t, dir, "ca.pem", first.PEM())
	pki.Write(t, dir, "key.pem", pki.KeyPEM(t, two))
	holds("", first, two)
	if err := os.Chmod(key, 0o644); err != nil { // another mode could make it readable
		t.Fatal(err)
	}
	pki.Write(t, dir, "cert.pem", []byte("x"))
	holds("the client certificate's file DIR/cert.pem holds no certificate in PEM form (-----BEGIN CERTIFICATE-----)", first, two)
}

// A file that was never good is tried each time, and there is no connection without it.
func TestNothingGoesWithoutFiles(t *testing.T) {
	root := pki.New(t, "Test Root")
	dir := t.TempDir()
	tr := New(Options{Host: "h", CA: filepath.Join(dir, "ca.pem")})
	for range 2 {
		if c, err := tr.For("h"); c != nil || err == nil || !strings.Contains(err.Error(), "no such file") {
			t.Errorf("%v, %v", c, err)
		}
	}
	pki.Write(t, dir, "ca.pem", root.PEM())
	if c, err := tr.For("h"); c == nil || err != nil {
		t.Error(err)
	}
	tr = New(Options{Host: "h", Cert: filepath.Join(dir, "none"), Key: filepath.Join(dir, "none")})
	if c, err := tr.For("h"); c != nil || err == nil {
		t.Errorf("%v, %v", c, err)
	}
	if c, err := tr.For("another"); c == nil || err != nil { // which would not be shown it
		t.Errorf("%v, %v", c, err)
	}
}

// What is wrong with a file is said as what comes behind its name.
func TestFiles(t *testing.T) {
	root := pki.New(t, "Test Root")
	pair, other := root.Issue(nil), root.Issue(nil)
	dir := t.TempDir()
	file := func(name string, text ...[]byte) string { return pki.Write(t, dir, name, bytes.Join(text, nil)) }
	pipe := filepath.Join(dir, "pipe")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	cert := file("cert", []byte("# whose\n"), pki.CertPEM(pair), root.PEM())
	none := "holds no certificate in PEM form (-----BEGIN CERTIFICATE-----)"
	for name, c := range map[string]struct{ file, want string }{
		"chain":  {cert, ""},
		"none":   {filepath.Join(dir, "none"), "cannot be opened: no such file or directory"},
		"folder": {dir, "is a folder, not a file"},
		"pipe":   {pipe, "is not a regular file"},
		"empty":  {file("empty"), none},
		"key":    {file("key", pki.KeyPEM(t, pair)), "holds a private key but no certificate; perhaps the two files are swapped"},
		"binary": {file("der", pair.Certificate[0]), "is in DER form; PEM is needed (openssl x509 -inform der -in FILE -out NEWFILE converts it)"},
		"broken": {file("broken", root.PEM(), pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: []byte("x")})), "cannot be used: its certificate number 2 is broken (malformed certificate)"},
		"large":  {file("large", make([]byte, 4<<20+1)), "is larger than 4 MiB"},
	} {
		_, err := ReadAuthorities(c.file)
		if got := textOf(err); got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
	noKey := "holds no private key in PEM form (-----BEGIN PRIVATE KEY-----)"
	for name, c := range map[string]struct{ file, want string }{
		"its_key":    {file("its", pki.KeyPEM(t, pair)), ""},
		"in_one":     {file("both", pki.CertPEM(pair), pki.KeyPEM(t, pair)), ""},
		"none":       {filepath.Join(dir, "none"), "cannot be opened: no such file or directory"},
		"another":    {file("another", pki.KeyPEM(t, other)), "does not belong to the certificate \"" + cert + "\""},
		"empty":      {file("empty"), noKey},
		"no_key":     {cert, "holds a certificate but no private key; perhaps the two files are swapped"},
		"passphrase": {file("secret", pem.EncodeToMemory(&pem.Block{Type: "ENCRYPTED PRIVATE KEY", Bytes: []byte("x")})), "is encrypted with a passphrase, which nobody is there to type; store it without one, readable by the pump alone"},
	} {
		if got := textOf(CheckKey(cert, c.file)); got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
	if c, err := ReadCertificate(cert); err != nil || !c.Equal(pair.Leaf) {
		t.Errorf("the first certificate is not the one that is shown (%v)", err)
	}
}

func textOf(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

func TestWorry(t *testing.T) {
	c := &x509.Certificate{NotBefore: time.Unix(0, 0), NotAfter: time.Unix(100*24*3600, 0)}
	for days, want := range map[int]string{
		-1: "is not valid before 1970-01-01 00:00 UTC", 1: "", 85: "",
		87: "expires soon, on 1970-04-11 00:00 UTC", 101: "expired on 1970-04-11 00:00 UTC",
	} {
		if got := Worry(c, time.Unix(int64(days)*24*3600, 0)); got != want {
			t.Errorf("day %d: %q, want %q", days, got, want)
		}
	}
}
