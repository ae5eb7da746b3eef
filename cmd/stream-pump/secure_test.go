package main

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"streampump/admin"
	"streampump/cmd/internal/cli"
	"streampump/cmd/internal/issuance/testca"
	"streampump/e2e/rig"
	"streampump/internal/pki"
)

const day = 24 * time.Hour

// issued writes a certificate by an authority of its own, as name.pem and name.key in
// the working folder, and returns the authority and the certificate's end.
func issued(t *testing.T, file string, life time.Duration, names ...string) (*pki.Authority, time.Time) {
	t.Helper()
	end := time.Now().Add(life)
	a := pki.New(t, "Authority")
	c := a.Issue(func(c *x509.Certificate) { c.NotBefore, c.NotAfter = end.Add(-90*day), end }, names...)
	write(t, file+".pem", string(pki.CertPEM(c)))
	write(t, file+".key", string(pki.KeyPEM(t, c)))
	rig.Give(t, file+".pem", file+".key")
	return a, end
}

// rootPage gets "/" over TLS at an address, as the host of that name, from whom the
// pool vouches for.
func rootPage(t *testing.T, at, host string, pool *x509.CertPool) string {
	t.Helper()
	tr := &http.Transport{DisableKeepAlives: true, TLSClientConfig: &tls.Config{RootCAs: pool, ServerName: host}}
	r, err := (&http.Client{Transport: tr, Timeout: time.Minute}).Get("https://" + at + "/")
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	body, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

// resumes reports whether a connection goes on with a session of an earlier one. It
// reads an answer, before which the next ticket comes.
func resumes(t *testing.T, at string, c *tls.Config) bool {
	t.Helper()
	conn, err := tls.Dial("tcp", at, c)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := io.WriteString(conn, "GET / HTTP/1.0\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadAll(conn); err != nil {
		t.Fatal(err)
	}
	return conn.ConnectionState().DidResume
}

// address is that of the next "listening" line.
func (p *process) address() netip.AddrPort {
	p.t.Helper()
	_, at, _ := strings.Cut(p.await("msg=listening"), "address=")
	at, _, _ = strings.Cut(at, " ")
	a, err := netip.ParseAddrPort(at)
	if err != nil {
		p.t.Fatal(err)
	}
	return a
}

// secureProcess is a pump with TLS, and where it listens in clear and over TLS.
func secureProcess(t *testing.T, members string) (p *process, plain, secure netip.AddrPort) {
	t.Helper()
	p = launch(t, `{
  "listen": ["127.0.0.1:0", "tls://127.0.0.1:0"], "admin": {"listen": "127.0.0.1:0"},
  "streams": [{"type": "mmsh_push", "path": "live"}],
  `+members+`}`, "serve", "-")
	_, p.admin, _ = strings.Cut(p.await(`msg="admin listener is open"`), "address=")
	p.admin = strings.TrimSpace(p.admin)
	return p, p.address(), p.address()
}

// certificates are what the status says of them.
func (p *process) certificates() []admin.CertificateStatus {
	p.t.Helper()
	r, err := http.Get("http://" + p.admin + "/status")
	if err != nil {
		p.t.Fatal(err)
	}
	defer r.Body.Close()
	var s admin.Status
	if err := json.NewDecoder(r.Body).Decode(&s); err != nil {
		p.t.Fatal(err)
	}
	return s.Certificates
}

func TestServeOverTLS(t *testing.T) {
	t.Chdir(rig.Reachable(t))
	one, _ := issued(t, "one", 80*day+time.Hour, "one.example")
	two, _ := issued(t, "two", 80*day+time.Hour, "two.example")
	p, plain, secure := secureProcess(t, `"ssl_cert": "one.pem", "ssl_key": "one.key", "certificates": [{"cert": "two.pem", "key": "two.key"}]`)
	p.await("msg=certificate names=one.example issuer=Authority")
	if line := p.await("msg=certificate names=two.example"); !strings.Contains(line, "days=80") {
		t.Errorf("%s", line)
	}
	for host, by := range map[string]*pki.Authority{"one.example": one, "two.example": two} {
		if body := rootPage(t, secure.String(), host, by.Pool()); !strings.HasPrefix(body, "Stream Pump") {
			t.Errorf("%s answers %q", host, body)
		}
	}
	if r, err := http.Get("http://" + plain.String() + "/"); err != nil || r.StatusCode != http.StatusOK {
		t.Errorf("in clear: %v, %v", r, err)
	} else {
		_ = r.Body.Close()
	}
	if got := p.certificates(); len(got) != 2 || got[0].Names[0] != "one.example" || got[1].DaysLeft != 80 || got[0].Problem != "" {
		t.Errorf("status %+v", got)
	}
	// Who comes again has a ticket.
	client := &tls.Config{RootCAs: one.Pool(), ServerName: "one.example", ClientSessionCache: tls.NewLRUClientSessionCache(1)}
	for _, want := range []bool{false, true} {
		if resumed := resumes(t, secure.String(), client); resumed != want {
			t.Errorf("resumed: %v, want %v", resumed, want)
		}
	}
	// Renewed while it runs.
	renewed, _ := issued(t, "new", 89*day, "one.example")
	for _, ext := range []string{".key", ".pem"} {
		if err := os.Rename("new"+ext, "one"+ext); err != nil {
			t.Fatal(err)
		}
	}
	p.await(`msg="a certificate was read anew" names=one.example`)
	rootPage(t, secure.String(), "one.example", renewed.Pool())
	p.signal(syscall.SIGTERM)
	p.await("msg=down")
	p.ends(0)
}

// Where there are private keys, or other secrets, a crash leaves no core dump, on no way.
func TestNoCoreDump(t *testing.T) {
	t.Chdir(rig.Reachable(t))
	issued(t, "one", 80*day, "one.example")
	const admin = `"admin": {"listen": "127.0.0.1:0"}, `
	pull := `"streams": [{"type": "mmsh_pull", "path": "live", "source_options": {"url": "mmsh://127.0.0.1:1/"}}]`
	for name, config := range map[string]string{
		"access": `{"listen": ["127.0.0.1:0"], ` + admin + `"view": {"networks": ["127.0.0.1"]}}`,
		"TLS":    `{"listen": ["tls://127.0.0.1:0"], ` + admin + `"ssl_cert": "one.pem", "ssl_key": "one.key"}`,
		"pull":   `{"listen": ["127.0.0.1:0"], ` + admin + pull + `}`,
	} {
		p := serving(t, config)
		limits := read(t, fmt.Sprintf("/proc/%d/limits", p.cmd.Process.Pid))
		if !regexp.MustCompile(`Max core file size\s+(1\s+1|0\s+0)\s`).MatchString(limits) {
			t.Errorf("%s: a core dump may be left:\n%s", name, limits)
		}
	}
}

// Certificates are got from a CA that examines the running pump, by each of the two
// proofs alone, although nobody may view without a token and unknown pages are elsewhere;
// no viewer waits for them, and the next run needs no CA.
func TestAutomaticCertificates(t *testing.T) {
	for _, proof := range []string{"tls", "http"} {
		t.Run(proof, func(t *testing.T) {
			t.Chdir(rig.Reachable(t))
			authority := testca.New(t)
			members := fmt.Sprintf(`"ssl_domains": ["pump.example"], "redirect_404_to": "https://elsewhere.example/",
  "view": {"token_keys": [{"id": "a", "secret": "a secret that is long enough for tokens"}]},
  "acme": {"accept_terms": true, "email": "me@pump.example", "directory": %q, "ca_file": %q, "folder": "acme"}`, authority.Directory, authority.File)
			p, plain, secure := secureProcess(t, members)
			if got := p.certificates(); len(got) != 1 || !got[0].Automatic || got[0].Problem != "there is no certificate yet" {
				t.Errorf("status before: %+v", got)
			}
			if _, err := tls.Dial("tcp", secure.String(), &tls.Config{ServerName: "pump.example"}); err == nil {
				t.Error("a handshake without a certificate")
			}
			const nobody = 1 // a port at which nothing listens
			if proof == "tls" {
				authority.Examine(t, nobody, int(secure.Port()))
			} else {
				authority.Examine(t, int(plain.Port()), nobody)
			}
			p.await(`msg="a certificate was issued" domain=pump.example`)
			rootPage(t, secure.String(), "pump.example", authority.Pool())
			if got := p.certificates(); len(got) != 1 || got[0].Problem != "" || got[0].DaysLeft < 88 || !strings.HasPrefix(got[0].Issuer, "Pebble") {
				t.Errorf("status behind: %+v", got)
			}
			p.signal(syscall.SIGTERM)
			p.ends(0)

			again, _, secure := secureProcess(t, members)
			again.await("msg=certificate names=pump.example")
			rootPage(t, secure.String(), "pump.example", authority.Pool())
			want := 1
			if proof == "http" {
				want = 2 // one order for each proof
			}
			if authority.Orders() != want {
				t.Errorf("%d orders, want %d", authority.Orders(), want)
			}
			write(t, "pump.json", `{"ssl": true, "port": 80, "ssl_port": 443, "streams": [{"type": "mmsh_push", "path": "live"}], `+members+`}`)
			if o := start(t, "check", "pump.json"); o.code != cli.ExitOK || !strings.Contains(o.stdout, "\ncertificate of pump.example, issued by Pebble") {
				t.Errorf("check: %+v", o)
			}
		})
	}
}

// What the CA does not see is a sentence in log and status.
func TestAutomaticCertificateIsRefused(t *testing.T) {
	t.Chdir(rig.Reachable(t))
	authority := testca.New(t)
	p, _, _ := secureProcess(t, fmt.Sprintf(`"ssl_domains": ["pump.example"],
  "acme": {"accept_terms": true, "directory": %q, "ca_file": %q, "folder": "acme"}`, authority.Directory, authority.File))
	authority.Examine(t, 1, 1)
	const why = "the CA could not see over TLS, at port 443, that the name is ours: "
	if line := p.await(`msg="no certificate was issued" domain=pump.example`); !strings.Contains(line, why) || !strings.Contains(line, "level=ERROR") {
		t.Errorf("%s", line)
	}
	p.well()
	for got := p.certificates(); !strings.Contains(got[0].Problem, why); got = p.certificates() {
		if got[0].Problem != "there is no certificate yet" {
			t.Fatalf("status %+v", got)
		}
	}
}

func TestCheckShowsCertificates(t *testing.T) {
	t.Chdir(rig.Reachable(t))
	_, good := issued(t, "good", 80*day+time.Hour, "pump.example", "*.pump.example")
	_, late := issued(t, "late", 9*day+time.Hour, "late.example")
	_, ended := issued(t, "ended", -2*day+time.Hour, "ended.example")
	write(t, "pump.json", `{
  "ssl": true, "ssl_cert": "good.pem", "ssl_key": "good.key",
  "certificates": [{"cert": "late.pem", "key": "late.key"}, {"cert": "ended.pem", "key": "ended.key"}],
  "ssl_domains": "far.example", "acme": {"folder": "acme", "accept_terms": true}, "port": 80,
  "streams": [{"type": "mmsh_push", "path": "live"}],
}`)
	until := func(end time.Time) string { return end.UTC().Format("2006-01-02 15:04 UTC") }
	start(t, "check", "pump.json").want(t, cli.ExitOK,
		"pump.json is valid: 1 stream, 1 enabled, on [::]:80, [::]:8089 (TLS)\n"+
			"certificate of pump.example, *.pump.example, issued by Authority, until "+until(good)+" (80 days); its key fits\n"+
			"certificate of late.example, issued by Authority, until "+until(late)+" (9 days); its key fits\n"+
			"certificate of ended.example, issued by Authority, until "+until(ended)+" (expired); its key fits\n"+
			"certificate of far.example: there is no certificate yet (it is automatic)\n",
		"warning: late.example: the certificate expires in 9 days\n"+
			"warning: ended.example: the certificate expired on "+until(ended)+", and clients that check it refuse the pump\n")
	if _, err := os.Stat("acme"); err == nil {
		t.Error("check made a folder")
	}
	issued(t, "other", day, "other.example")
	write(t, "good.key", read(t, "other.key"))
	start(t, "check", "pump.json").want(t, cli.ExitFailed, "",
		"pump.json:2:51: /ssl_key: the key \"good.key\" does not belong to the certificate \"good.pem\"\npump.json cannot be used: 1 mistake\n")
}

func read(t *testing.T, name string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Clean(name))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestDoctorShowsCertificates(t *testing.T) {
	t.Chdir(rig.Reachable(t))
	issued(t, "good", 80*day+time.Hour, "pump.example")
	const conf = `{"ssl": true, "ssl_cert": "good.pem", "ssl_key": "good.key", "streams": [{"type": "mmsh_push", "path": "live"}]}`
	write(t, "pump.json", conf)
	o := startOn(t, fakeBox(readyBox), "doctor", "pump.json")
	if text := strings.Join(strings.Fields(o.stdout), " "); o.code != cli.ExitOK || !strings.Contains(text, " TLS pump.example, issued by Authority, until 2") || !strings.Contains(text, " (80 days) ") {
		t.Errorf("%+v", o)
	}
	issued(t, "good", 3*day+time.Hour, "pump.example")
	o = startOn(t, fakeBox(readyBox), "doctor", "pump.json")
	if o.code != cli.ExitFailed || !strings.Contains(strings.Join(strings.Fields(o.stdout), " "), "(3 days): the certificate expires in 3 days") {
		t.Errorf("%+v", o)
	}
	o = startOn(t, fakeBox(readyBox), "doctor", "pump.json", "--json")
	var r checkReport
	if err := json.Unmarshal([]byte(o.stdout), &r); err != nil || len(r.Certificates) != 1 || r.Certificates[0].DaysLeft != 3 || r.Certificates[0].Problem == "" {
		t.Errorf("%v, %+v", err, r.Certificates)
	}
}
