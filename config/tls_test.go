package config

import (
	"fmt"
	"net/netip"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"streampump/internal/keypair"
	"streampump/internal/pki"
)

// secureFolder is a folder with two pairs, a.pem with a.key and b.pem with b.key.
func secureFolder(t testing.TB) string {
	t.Helper()
	dir := folder(t)
	for _, name := range []string{"a", "b"} {
		c := pki.Alone(t, name+".example")
		write(t, filepath.Join(dir, name+".pem"), string(pki.CertPEM(c)))
		write(t, filepath.Join(dir, name+".key"), string(pki.KeyPEM(t, c)))
	}
	return dir
}

const (
	pairA = `"ssl_cert": "a.pem", "ssl_key": "a.key"`
	terms = `"acme": {"accept_terms": true, "folder": "acme"}`
)

func TestTLS(t *testing.T) {
	dir := secureFolder(t)
	in := func(name string) string { return filepath.Join(dir, name) }
	a, b := keypair.Files{Cert: in("a.pem"), Key: in("a.key")}, keypair.Files{Cert: in("b.pem"), Key: in("b.key")}
	got := Automatic{Domains: []string{"a.example", "b.example"}, Directory: letsEncrypt, Folder: in("acme")}
	for _, c := range []struct {
		name, src string
		plain     string // listeners, with blanks between
		secure    string
		pairs     []keypair.Files
		auto      Automatic
	}{
		{"as_the_original", `"ssl": true, ` + pairA, "[::]:8086", "[::]:8089", []keypair.Files{a}, Automatic{}},
		{"with_a_port", `"port": 80, "ssl": "true", "ssl_port": "443", ` + pairA, "[::]:80", "[::]:443", []keypair.Files{a}, Automatic{}},
		{"off", `"ssl": false, "ssl_port": 443, "ssl_cert": "none", "ssl_key": "none", "certificates": [{"cert": "none", "key": "none"}], "ssl_domains": "a.example"`,
			"[::]:8086", "", nil, Automatic{}},
		{"list", `"listen": [":80", "tls://:443", "TLS://192.0.2.1:8443"], "certificates": [{"cert": "a.pem", "key": "a.key"}, {"cert": "b.pem", "key": "b.key"}]`,
			"[::]:80", "[::]:443 192.0.2.1:8443", []keypair.Files{a, b}, Automatic{}},
		{"only_tls", `"listen": "tls://[2001:db8::1]:443", ` + pairA, "", "[2001:db8::1]:443", []keypair.Files{a}, Automatic{}},
		{"listed_although_ssl_is_false", `"ssl": false, "listen": "tls://:443", ` + pairA, "", "[::]:443", []keypair.Files{a}, Automatic{}},
		{"both", `"listen": [":80", "tls://192.0.2.1:443"], "ssl": true, ` + pairA, "[::]:80", "192.0.2.1:443 [::]:8089", []keypair.Files{a}, Automatic{}},
		{"first_is_the_default", `"ssl": true, ` + pairA + `, "certificates": [{"cert": "b.pem", "key": "b.key"}]`, "[::]:8086", "[::]:8089", []keypair.Files{a, b}, Automatic{}},
		{"automatic", `"ssl": true, "ssl_port": 443, "ssl_domains": ["a.example", "B.example."], ` + terms, "[::]:8086", "[::]:443", nil, got},
		{"automatic_by_http", `"port": 80, "ssl": true, "ssl_domains": ["a.example", "b.example"], ` + terms, "[::]:80", "[::]:8089", nil, got},
		{"automatic_and_files", `"port": 80, "ssl": true, ` + pairA + `, "ssl_domains": "c.example", "acme": {"accept_terms": "true", "folder": "/x", "email": "me@c.example", "directory": "https://ca.example:14000/dir", "ca_file": "b.pem"}`,
			"[::]:80", "[::]:8089", []keypair.Files{a}, Automatic{[]string{"c.example"}, "me@c.example", "https://ca.example:14000/dir", in("b.pem"), "/x"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			cfg, ps := Parse("pump.json", []byte("{"+c.src+", "+push+"}"), dir)
			if cfg == nil || len(ps) > 0 {
				t.Fatalf("not clean:\n%s", text(ps))
			}
			if plain, secure := words(cfg.Listen), words(cfg.TLS.Listen); plain != c.plain || secure != c.secure {
				t.Errorf("listens on %q and over TLS on %q, want %q and %q", plain, secure, c.plain, c.secure)
			}
			if !reflect.DeepEqual(cfg.TLS.Certificates, c.pairs) || !reflect.DeepEqual(cfg.TLS.Automatic, c.auto) {
				t.Errorf("certificates %v and %+v, want %v and %+v", cfg.TLS.Certificates, cfg.TLS.Automatic, c.pairs, c.auto)
			}
		})
	}
}

func words[T fmt.Stringer](list []T) string {
	var out []string
	for _, x := range list {
		out = append(out, x.String())
	}
	return strings.Join(out, " ")
}

func TestMistakesInTLS(t *testing.T) {
	const none = `TLS needs a certificate: give "ssl_cert" and "ssl_key", or "certificates", or "ssl_domains"`
	dir := secureFolder(t)
	for _, c := range []struct{ name, src, want string }{
		{"no_certificate", `"ssl": true`, `1:9: /ssl: ` + none},
		{"no_certificate_at_the_port", `"ssl": true, "ssl_port": 443`, `1:27: /ssl_port: ` + none},
		{"no_certificate_for_an_address", `"listen": ["tls://:443"], "certificates": [], "ssl_domains": []`, `1:13: /listen/0: ` + none},
		{"no_key", `"ssl": true, "ssl_cert": "a.pem"`, `1:27: /ssl_cert: "ssl_cert" needs "ssl_key", the file of the private key that belongs to it`},
		{"no_cert", `"ssl": true, "ssl_key": "a.key", "ssl_cert": ""`, `1:26: /ssl_key: "ssl_key" needs "ssl_cert", the file of the certificate that it belongs to`},
		{"no_file", `"ssl": true, "ssl_cert": "none.pem", "ssl_key": "a.key"`, `1:27: /ssl_cert: the certificate "DIR/none.pem" cannot be opened: no such file or directory`},
		{"no_key_file", `"ssl": true, "ssl_key": "none.key", "ssl_cert": "a.pem"`, `1:26: /ssl_key: the key "DIR/none.key" cannot be opened: no such file or directory`},
		{"other_key", `"ssl": true, "ssl_cert": "a.pem", "ssl_key": "b.key"`, `1:47: /ssl_key: the key "DIR/b.key" does not belong to the certificate "DIR/a.pem"`},
		{"exchanged", `"ssl": true, "ssl_cert": "a.key", "ssl_key": "a.pem"`, `1:27: /ssl_cert: the certificate "DIR/a.key" holds a private key but no certificate; perhaps the two files are swapped`},
		{"listed_other_key", `"ssl": true, "certificates": [{"cert": "a.pem", "key": "a.key"}, {"cert": "a.pem", "key": "b.key"}]`, `1:92: /certificates/1/key: the key "DIR/b.key" does not belong to the certificate "DIR/a.pem"`},
		{"listed_text", `"certificates": "a.pem", "ssl": false`, `1:18: /certificates: a list [ … ] is expected here, not a text`},
		{"listed_no_key", `"certificates": [{"cert": "a.pem"}], "ssl": true`, `1:19: /certificates/0: this certificate has no "key", the file that holds its private key`},
		{"listed_no_cert", `"certificates": [{"key": "a.key"}], "ssl": false`, `1:19: /certificates/0: this certificate has no "cert", the file that holds it`},
		{"listed_key", `"certificates": [{"certificate": "a.pem", "key": "a.key", "cert": "a.pem"}], "ssl": true`, `1:20: /certificates/0/certificate: the key "certificate" is unknown here; known are cert, key`},
		{"place", `"cert": "a.pem"`, `1:2: /cert: the key "cert" does not belong here, but in an element of "certificates"`},
		{"same_port", `"port": 443, "ssl": true, "ssl_port": 443, ` + pairA, `1:40: /ssl_port: [::]:443 and [::]:443 cannot both be listened on: one covers the other`},
		{"same_default_port", `"port": 8089, "ssl": true, ` + pairA, `1:23: /ssl: [::]:8089 and [::]:8089 cannot both be listened on: one covers the other`},
		{"plain_and_tls", `"listen": [":443", "tls://192.0.2.1:443"], ` + pairA, `1:21: /listen/1: [::]:443 and 192.0.2.1:443 cannot both be listened on: one covers the other`},
		{"tls_twice", `"listen": ["tls://:443"], "ssl": true, "ssl_port": 443, ` + pairA, `1:53: /ssl_port: [::]:443 and [::]:443 cannot both be listened on: one covers the other`},
		{"admin", `"ssl": true, "ssl_port": 8087, ` + pairA, `1:1: the admin listener (127.0.0.1:8087) and the streams ([::]:8087) cannot share a port; set "listen" in "admin"`},
		{"https", `"listen": ["https://:443"]`, `1:13: /listen/0: "https://:443" is not an IP address with a port, such as "[::]:8086", "192.0.2.1:80" or ":8086"; for TLS write "tls://:8443"`},
		{"tls_name", `"listen": ["tls://localhost:443"]`, `1:13: /listen/0: "localhost:443" is not an IP address with a port, such as "[::]:8086", "192.0.2.1:80" or ":8086"; write "127.0.0.1:…" or "[::1]:…" for this machine alone`},

		{"no_acme", `"port": 80, "ssl": true, "ssl_domains": "a.example"`, `1:42: /ssl_domains: automatic certificates need "acme", with "accept_terms" and "folder"`},
		{"no_terms", `"port": 80, "ssl": true, "ssl_domains": "a.example", "acme": {"folder": "x"}`, `1:63: /acme: "accept_terms" is missing: the CA gives certificates only to those who accept its terms, and you must say that you do`},
		{"terms", `"port": 80, "ssl": true, "ssl_domains": "a.example", "acme": {"accept_terms": false, "folder": "x"}`, `1:80: /acme/accept_terms: the CA gives certificates only to those who accept its terms, and you must say that you do`},
		{"no_folder", `"port": 80, "ssl": true, "ssl_domains": "a.example", "acme": {"accept_terms": true}`, `1:63: /acme: "folder" is missing: where the account, the certificates and their keys are kept`},
		{"ca_file", `"port": 80, "ssl": true, "ssl_domains": "a.example", "acme": {"accept_terms": true, "folder": "x", "ca_file": "a.key"}`, `1:112: /acme/ca_file: the file "DIR/a.key" holds a private key but no certificate; perhaps the two files are swapped`},
		{"email", `"acme": {"email": "Me <me@a.example>"}`, `1:20: /acme/email: "Me <me@a.example>" is not an e-mail address`},
		{"directory", `"acme": {"directory": "http://ca.example/dir"}`, `1:24: /acme/directory: "http://ca.example/dir" is not the address of a CA's directory, such as "https://acme-v02.api.letsencrypt.org/directory"`},
		{"acme_key", `"acme": {"terms": true}`, `1:11: /acme/terms: the key "terms" is unknown here; known are email, accept_terms, directory, ca_file, folder`},
		{"acme_list", `"acme": []`, `1:10: /acme: an object { … } is expected here, not a list`},
		{"domain_address", `"ssl": false, "ssl_domains": "192.0.2.1"`, `1:31: /ssl_domains: no certificate can be got for "192.0.2.1": it is an IP address`},
		{"domain_star", `"ssl": false, "ssl_domains": ["*.a.example"]`, `1:32: /ssl_domains/0: no certificate can be got for "*.a.example": names with a * need another kind of proof, which the pump cannot give; list each name`},
		{"domain_umlaut", `"ssl": false, "ssl_domains": "bücher.example"`, `1:31: /ssl_domains: no certificate can be got for "bücher.example": write it in its ASCII form, which begins with xn--`},
		{"domain_url", `"ssl": false, "ssl_domains": "https://a.example"`, `1:31: /ssl_domains: no certificate can be got for "https://a.example": it is not the name of a host (without http://, port and path)`},
		{"domain_local", `"ssl": false, "ssl_domains": "localhost"`, `1:31: /ssl_domains: no certificate can be got for "localhost": it is known in your network only`},
		{"domain_twice", `"ssl": false, "ssl_domains": ["a.example", "A.example."]`, `1:45: /ssl_domains/1: the domain "A.example." is in the list already`},
		{"domains_many", `"ssl": false, "ssl_domains": [` + strings.Repeat(`"", `, 101) + `]`, `1:31: /ssl_domains: there may be at most 100 domains; these are 101`},
	} {
		t.Run(c.name, func(t *testing.T) {
			cfg, ps := Parse("pump.json", []byte("{"+c.src+", "+push+"}"), dir)
			got := strings.ReplaceAll(text(ps), dir, "DIR")
			if cfg != nil || got != "pump.json:"+c.want+"\n" {
				t.Errorf("got  %swant pump.json:%s", got, c.want)
			}
		})
	}
}

func TestWarningsOfTLS(t *testing.T) {
	dir := secureFolder(t)
	const idle = `nothing uses this: set "ssl" to true, or put "tls://" before an address in "listen"`
	for _, c := range []struct{ name, src, want string }{
		{"no_listener", `"certificates": [{"cert": "none", "key": "none"}]`, `1:18: /certificates: warning: ` + idle},
		{"no_listener_pair", `"ssl_cert": "none", "ssl_key": "none"`, `1:14: /ssl_cert: warning: ` + idle},
		{"no_listener_automatic", `"ssl_domains": "a.example"`, `1:17: /ssl_domains: warning: ` + idle},
		{"out_of_reach", `"ssl": true, "ssl_domains": "a.example", ` + terms, `1:30: /ssl_domains: warning: the CA will look for the pump at port 443 (TLS) or port 80 (plain) of these names, and it listens on neither: unless something forwards them, no certificate will be given`},
	} {
		t.Run(c.name, func(t *testing.T) {
			cfg, ps := Parse("pump.json", []byte("{"+c.src+", "+push+"}"), dir)
			if got := text(ps); cfg == nil || got != "pump.json:"+c.want+"\n" {
				t.Errorf("got  %swant pump.json:%s", got, c.want)
			}
		})
	}
}

// A pull over TLS can come from this pump only through a listener over TLS, and one in
// clear only through the others.
func TestCirclesOverTLS(t *testing.T) {
	dir := secureFolder(t)
	for url, round := range map[string]bool{
		"https://127.0.0.1:443/streams/a": true, "mmshs://localhost/streams/a": true,
		"https://127.0.0.1:80/streams/a": false, "http://127.0.0.1:443/streams/a": false, "http://127.0.0.1/streams/a": true,
	} {
		cfg, ps := Parse("pump.json", []byte(`{"listen": [":80", "tls://:443"], `+pairA+`, "streams": [
  {"type": "mmsh_pull", "path": "a", "source_options": {"url": "`+url+`"}}]}`), dir)
		if got := strings.Contains(text(ps), "pulled from itself"); cfg == nil || got != round {
			t.Errorf("%s: %v, %s", url, got, text(ps))
		}
	}
}

// So are viewers who are sent elsewhere when there is no room.
func TestRedirectsOverTLS(t *testing.T) {
	dir := secureFolder(t)
	for url, back := range map[string]bool{
		"https://127.0.0.1/streams/live": true, "http://localhost/streams/live": true,
		"https://127.0.0.1:80/streams/live": false, "http://127.0.0.1:443/streams/live": false,
	} {
		_, ps := Parse("pump.json", []byte(`{"listen": [":80", "tls://:443"], "redirect_full_to": "`+url+`", `+pairA+`, `+push+`}`), dir)
		if got := strings.Contains(text(ps), "to this pump and this stream again"); got != back || hasMistake(ps) != back {
			t.Errorf("%s: %v, %s", url, got, text(ps))
		}
	}
}

func TestProofs(t *testing.T) {
	for _, c := range []struct {
		plain, secure string
		byTLS, byHTTP bool
	}{
		{"[::]:80", "[::]:443", true, true},
		{"[::]:8086", "[::]:443", true, false},
		{"[::]:80", "[::]:8089", false, true},
		{"[::]:8086", "[::]:8089", true, true},
		{"", "[::]:8089", true, false},
	} {
		cfg := Default()
		cfg.Listen = nil
		if c.plain != "" {
			cfg.Listen = []netip.AddrPort{netip.MustParseAddrPort(c.plain)}
		}
		cfg.TLS.Listen = []netip.AddrPort{netip.MustParseAddrPort(c.secure)}
		if byTLS, byHTTP := cfg.Proofs(); byTLS != c.byTLS || byHTTP != c.byHTTP {
			t.Errorf("%q and %q: %v and %v", c.plain, c.secure, byTLS, byHTTP)
		}
	}
}
