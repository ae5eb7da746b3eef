//go:build e2e

package e2e

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"strings"
	"testing"

	"streampump/bench/push"
	"streampump/e2e/rig"
	"streampump/engine"
)

// tlsFront starts a pump to push to, and nginx with TLS in front of it as the page
// says. The file is the certificate, which vouches for itself.
func tlsFront(t *testing.T) (p *rig.Pump, addr, file string) {
	t.Helper()
	p = rig.Start(t, rig.Options{Config: `"streams": [{"type": "mmsh_push", "path": "live"}]`})
	addr = freeAddr(t)
	dir, _ := writeConf(t, "none", "")
	file = certificate(t, dir, hostOnPage)
	secure := fit(t, pageBlock(t, "nginx", 1), "listen 443 ssl;", "listen "+addr+" ssl;",
		"/etc/ssl/pump.example.pem", file, "/etc/ssl/private/pump.example.key", file)
	runNginx(t, fit(t, pageBlock(t, "nginx", 0), "    listen 80;\n", secure, pumpOnPage, p.Addr.String()), addr)
	return p, addr, file
}

// securePull is the configuration of a stream that is pulled with TLS.
func securePull(url, options string) string {
	return fmt.Sprintf(`{"type": "mmsh_pull", "path": "live", "source_options": {"url": %q%s}}`, url, options)
}

// problem waits until a pump's stream has a problem that names something.
func problem(p *rig.Pump, part string) {
	p.AwaitStatus("the status says "+part, func(s engine.Snapshot) bool {
		return strings.Contains(streamOf(s, "live").Problem, part)
	})
	p.Await("source failed, trying again", part)
}

// TestPullOverTLS: a pump pulls from another through nginx with TLS, and its viewers
// get every byte. One that does not know the authority, and one that wants another
// name, get nothing and say why.
func TestPullOverTLS(t *testing.T) {
	need(t, located("nginx"))
	t.Parallel()
	first, addr, file := tlsFront(t)
	whole := pushThrough(t, first.Addr.String(), "live", push.Endless)
	up(t, first, "live")
	url := "https://" + addr + "/streams/live"
	edge := rig.Start(t, rig.Options{Config: `"streams": [` + securePull(url, fmt.Sprintf(`, "ssl_ca": %q, "ssl_name": %q`, file, hostOnPage)) + `]`})
	up(t, edge, "live")
	edge.Await("the source has proved its name", ", a certificate for "+hostOnPage+" by")
	doors{viewers: edge.Addr.String()}.viewAll(t)

	stranger := rig.Start(t, rig.Options{Config: `"streams": [` + securePull(url, fmt.Sprintf(`, "ssl_name": %q`, hostOnPage)) + `]`})
	problem(stranger, "the source's certificate, of "+hostOnPage+", has no authority: it vouches for itself, and is not among those of this machine")
	misnamed := rig.Start(t, rig.Options{Config: `"streams": [` + securePull(url, fmt.Sprintf(`, "ssl_ca": %q`, file)) + `]`})
	problem(misnamed, "the source's certificate is for "+hostOnPage+" and not for 127.0.0.1")
	plain := rig.Start(t, rig.Options{Config: `"streams": [` + securePull("mmshs://"+first.Addr.String()+"/streams/live", "") + `]`})
	problem(plain, "the source answers without TLS on this port, with plain HTTP")

	whole.end(t, 0)
	edge.AwaitStatus("the end has come through", func(s engine.Snapshot) bool {
		return streamOf(s, "live").State != engine.SourceUp.String()
	})
}

// TestPullShowsItsCertificate: a source behind stunnel, whose TLS is OpenSSL's, wants to
// know who pulls. It is pulled by a pump that can show that, with each version of TLS,
// and another pump says what is missing.
func TestPullShowsItsCertificate(t *testing.T) {
	need(t, located("stunnel4"))
	t.Parallel()
	first := rig.Start(t, rig.Options{Config: `"streams": [{"type": "mmsh_push", "path": "live"}]`})
	whole := pushThrough(t, first.Addr.String(), "live", push.Endless)
	up(t, first, "live")
	dir, path := writeConf(t, "pump.conf", "")
	cert := certificate(t, dir, hostOnPage)
	otherDir, _ := writeConf(t, "none", "")
	ours := certificate(t, otherDir, "edge.example")
	for _, version := range []string{"TLSv1.2", "TLSv1.3"} {
		addr := freeAddr(t)
		server := fit(t, pageBlock(t, "stunnel", 0), "accept = 443\n", "accept = "+addr+"\n", pumpOnPage, first.Addr.String(),
			"/etc/stunnel/pump.example.pem", cert)
		conf := "foreground = yes\npid =\n" + server + "verifyChain = yes\nCAfile = " + ours + "\nsslVersion = " + version + "\n"
		if err := os.WriteFile(path, []byte(conf), 0o600); err != nil {
			t.Fatal(err)
		}
		startFront(t, exec.Command(located("stunnel4"), path), addr)
		url, known := "mmshs://"+addr+"/streams/live", fmt.Sprintf(`, "ssl_ca": %q, "ssl_name": %q`, cert, hostOnPage)
		edge := rig.Start(t, rig.Options{Config: `"streams": [` + securePull(url, known+fmt.Sprintf(`, "ssl_cert": %q, "ssl_key": %q`, ours, ours)) + `]`})
		up(t, edge, "live")
		edge.Await("the source has proved its name", "TLS 1."+version[len(version)-1:])
		nobody := rig.Start(t, rig.Options{Config: `"streams": [` + securePull(url, known) + `]`})
		problem(nobody, "the source wants a client certificate, and we have none for it")
		other := rig.Start(t, rig.Options{Config: `"streams": [` + securePull(url, known+fmt.Sprintf(`, "ssl_cert": %q, "ssl_key": %q`, cert, cert)) + `]`})
		problem(other, "the source does not accept our client certificate and says: unknown certificate authority")
	}
	whole.end(t, 0)
}

// TestPullOverTLSThroughSquid: a pump pulls with TLS through Squid, as the page says, by
// a name that Squid alone knows and that the certificate must be for.
func TestPullOverTLSThroughSquid(t *testing.T) {
	_, hosts := writeConf(t, "hosts", "127.0.0.1 "+hostOnPage+"\n")
	byConnect{
		binary: "squid",
		start: func(t *testing.T, addr, port string) {
			runSquid(t, fit(t, pageBlock(t, "Squid", 2), "http_port 3128\n", "http_port "+addr+"\n", "192.0.2.0/24", "127.0.0.1/32",
				"SSL_ports port 443", "SSL_ports port "+port)+"hosts_file "+hosts+"\n", addr)
		},
		pull: func(port, file string) string {
			return securePull("mmshs://"+hostOnPage+":"+port+"/streams/live", fmt.Sprintf(`, "ssl_ca": %q`, file))
		},
		refusal: "the proxy answered 403 Forbidden: it does not connect us to the source (many proxies connect to port 443 alone)",
	}.try(t)
}

// TestPullOverTLSThroughTinyproxy: the same through tinyproxy, which answers as an
// HTTP/1.0 proxy.
func TestPullOverTLSThroughTinyproxy(t *testing.T) {
	byConnect{
		binary: "tinyproxy",
		start: func(t *testing.T, addr, port string) {
			_, own, _ := net.SplitHostPort(addr)
			_, path := writeConf(t, "tinyproxy.conf", fit(t, pageBlock(t, "tinyproxy", 0), "Port 3128", "Port "+own,
				"192.0.2.0/24", "127.0.0.1", "ConnectPort 443", "ConnectPort "+port))
			startFront(t, exec.Command(located("tinyproxy"), "-d", "-c", path), addr)
		},
		pull: func(port, file string) string {
			return securePull("https://127.0.0.1:"+port+"/streams/live", fmt.Sprintf(`, "ssl_ca": %q, "ssl_name": %q`, file, hostOnPage))
		},
		refusal: "the proxy answered 403 Access violation: it does not connect us to the source (many proxies connect to port 443 alone)",
	}.try(t)
}

// byConnect is a proxy between a pump and its source.
type byConnect struct {
	binary string
	// start starts it on an address; it is to connect to one port only.
	start func(t *testing.T, addr, port string)
	// pull is the stream that is pulled from a port by a file of authorities.
	pull    func(port, file string) string
	refusal string // what is said where it does not connect to the port
}

func (b byConnect) try(t *testing.T) {
	need(t, located("nginx"))
	need(t, located(b.binary))
	t.Parallel()
	first, source, file := tlsFront(t)
	whole := pushThrough(t, first.Addr.String(), "live", push.Endless)
	up(t, first, "live")
	_, port, _ := net.SplitHostPort(source)
	edge := func(allowed string) *rig.Pump {
		addr := freeAddr(t)
		b.start(t, addr, allowed)
		host, own, _ := net.SplitHostPort(addr)
		return rig.Start(t, rig.Options{Config: fit(t, pageBlock(t, "Squid", 1), "squid.example", host, "3128", own) +
			`"use_proxy_for_local_addresses": true, "streams": [` + b.pull(port, file) + `]`})
	}
	through := edge(port)
	up(t, through, "live")
	doors{viewers: through.Addr.String()}.viewAll(t)
	problem(edge("443"), b.refusal)
	whole.end(t, 0)
}
