package config

import (
	"crypto/x509"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"streampump/engine/trust"
	"streampump/internal/pki"
)

// keys is a folder with files of all kinds.
func keys(t *testing.T) (dir string) {
	t.Helper()
	dir = t.TempDir()
	year := func(y int) time.Time { return time.Date(y, 1, 2, 3, 4, 5, 0, time.UTC) }
	root := pki.New(t, "Test Root")
	for name, span := range map[string][2]time.Time{
		"good": {year(2020), year(2120)}, "other": {year(2020), year(2120)}, "old": {year(2020), year(2021)}, "new": {year(2120), year(2121)},
		"soon": {year(2020), time.Now().Add(3 * 24 * time.Hour)},
	} {
		pair := root.Issue(func(c *x509.Certificate) {
			c.Subject.CommonName, c.NotBefore, c.NotAfter = "our pump", span[0], span[1]
		})
		cert, key := pki.CertPEM(pair), pki.KeyPEM(t, pair)
		pki.Write(t, dir, name+".pem", cert)
		pki.Write(t, dir, name+".key", key)
		pki.Write(t, dir, name+".both", append(key, cert...))
	}
	write(t, filepath.Join(dir, "text"), "nothing")
	return dir
}

func TestSourcesOverTLS(t *testing.T) {
	dir := keys(t)
	in := func(name string) string { return filepath.Join(dir, name) }
	for src, want := range map[string]Pull{
		`{"url": "https://source.example"}`:                   {Host: "source.example", Port: 443, Path: "/", TLS: &trust.Options{Host: "source.example"}},
		`{"url": "MMSHS://[2001:db8::7]:8443/x?y"}`:           {Host: "2001:db8::7", Port: 8443, Path: "/x?y", TLS: &trust.Options{Host: "2001:db8::7"}},
		`{"host": "192.0.2.7", "ssl": "true"}`:                {Host: "192.0.2.7", Port: 443, Path: "/", TLS: &trust.Options{Host: "192.0.2.7"}},
		`{"host": "a", "port": 80, "path": "b", "ssl": true}`: {Host: "a", Port: 80, Path: "/b", TLS: &trust.Options{Host: "a"}},
		`{"host": "a", "ssl": false}`:                         {Host: "a", Port: 80, Path: "/"},
		`{"url": "https://a", "ssl_name": "b", "ssl_ca": "good.pem"}`: {Host: "a", Port: 443, Path: "/",
			TLS: &trust.Options{Host: "a", Name: "b", CA: in("good.pem")}},
		`{"host": "a", "ssl": true, "ssl_cert": "good.pem", "ssl_key": "good.key"}`: {Host: "a", Port: 443, Path: "/",
			TLS: &trust.Options{Host: "a", Cert: in("good.pem"), Key: in("good.key")}},
		`{"url": "https://a", "ssl_cert": "good.both", "ssl_key": "good.both"}`: {Host: "a", Port: 443, Path: "/",
			TLS: &trust.Options{Host: "a", Cert: in("good.both"), Key: in("good.both")}},
	} {
		c, ps := Parse("pump.json", []byte(pulled(strings.Trim(src, "{}"))), dir)
		if c == nil || len(ps) > 0 {
			t.Errorf("%s: %s", src, text(ps))
			continue
		}
		if got := c.Streams[0].Pull; !reflect.DeepEqual(got, want) {
			t.Errorf("%s\ngot  %+v %+v\nwant %+v %+v", src, got, got.TLS, want, want.TLS)
		}
	}
}

// What is wrong with a file concerns one stream, and is told where the file is named.
// The files of disabled streams are not opened.
func TestFilesForTLS(t *testing.T) {
	dir := keys(t)
	const none = "holds no certificate in PEM form (-----BEGIN CERTIFICATE-----)"
	for _, c := range []struct{ name, keys, want string }{
		{"ca_missing", `"ssl_ca": "none"`, `1:98: /streams/0/source_options/ssl_ca: the file "DIR/none" cannot be opened: no such file or directory`},
		{"ca_folder", `"ssl_ca": "."`, `1:98: /streams/0/source_options/ssl_ca: the file "DIR" is a folder, not a file`},
		{"ca_text", `"ssl_ca": "text"`, `1:98: /streams/0/source_options/ssl_ca: the file "DIR/text" ` + none},
		{"ca_key", `"ssl_ca": "good.key"`, `1:98: /streams/0/source_options/ssl_ca: the file "DIR/good.key" holds a private key but no certificate; perhaps the two files are swapped`},
		{"cert_missing", `"ssl_cert": "none", "ssl_key": "good.key"`, `1:100: /streams/0/source_options/ssl_cert: the file "DIR/none" cannot be opened: no such file or directory`},
		{"cert_text", `"ssl_cert": "text", "ssl_key": "good.key"`, `1:100: /streams/0/source_options/ssl_cert: the file "DIR/text" ` + none},
		{"key_missing", `"ssl_cert": "good.pem", "ssl_key": "none"`, `1:123: /streams/0/source_options/ssl_key: the file "DIR/none" cannot be opened: no such file or directory`},
		{"key_of_another", `"ssl_cert": "good.pem", "ssl_key": "other.key"`, `1:123: /streams/0/source_options/ssl_key: the file "DIR/other.key" does not belong to the certificate "DIR/good.pem"`},
		{"key_is_none", `"ssl_cert": "good.pem", "ssl_key": "good.pem"`, `1:123: /streams/0/source_options/ssl_key: the file "DIR/good.pem" holds a certificate but no private key; perhaps the two files are swapped`},
	} {
		t.Run(c.name, func(t *testing.T) {
			src := pulled(`"url": "https://a", ` + c.keys)
			cfg, ps := Parse("pump.json", []byte(src), dir)
			got := strings.ReplaceAll(text(ps), dir, "DIR")
			if cfg == nil || len(ps) != 1 || !ps[0].OneStream || got != "pump.json:"+c.want+"\n" {
				t.Errorf("got  %swant pump.json:%s", got, c.want)
			}
			off := strings.Replace(src, `"path": "p"`, `"enabled": false, "path": "p"`, 1)
			if _, ps := Parse("pump.json", []byte(off), dir); len(ps) != 1 || !strings.Contains(ps[0].Text, "no stream is enabled") {
				t.Errorf("disabled: %s", text(ps))
			}
		})
	}
}

// Certificates outside their time are warned of: they do not keep a pull from trying.
func TestTimesOfCertificates(t *testing.T) {
	dir := keys(t)
	for keys, want := range map[string]string{
		`"ssl_ca": "good.pem"`:                          "",
		`"ssl_ca": "old.pem"`:                           `/ssl_ca: warning: no certificate in the file "DIR/old.pem" is valid any more: the certificate of "our pump", valid until 2021-01-02 03:04 UTC`,
		`"ssl_cert": "good.pem", "ssl_key": "good.key"`: "",
		`"ssl_cert": "old.pem", "ssl_key": "old.key"`:   "/ssl_cert: warning: the client certificate expired on 2021-01-02 03:04 UTC",
		`"ssl_cert": "new.pem", "ssl_key": "new.key"`:   "/ssl_cert: warning: the client certificate is not valid before 2120-01-02 03:04 UTC",
		`"ssl_cert": "soon.pem", "ssl_key": "soon.key"`: "/ssl_cert: warning: the client certificate expires soon, on 20",
	} {
		c, ps := Parse("pump.json", []byte(pulled(`"url": "https://a", `+keys)), dir)
		got := strings.ReplaceAll(text(ps), dir, "DIR")
		if c == nil || hasMistake(ps) || want == "" && got != "" || !strings.Contains(got, want) {
			t.Errorf("%s: got %q, want %q", keys, got, want)
		}
	}
	// One authority of many that is still valid is enough.
	var many []byte
	for _, name := range []string{"old.pem", "good.pem"} {
		text, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		many = append(many, text...)
	}
	pki.Write(t, dir, "many", many)
	if _, ps := Parse("pump.json", []byte(pulled(`"url": "https://a", "ssl_ca": "many"`)), dir); len(ps) > 0 {
		t.Error(text(ps))
	}
}
