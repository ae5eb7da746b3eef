//go:build e2e

package e2e

import (
	"fmt"
	"net"
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

// TestPullOverTLSThroughSquid: a pump pulls with TLS through Squid, as the page says, by
// a name that Squid alone knows and that the certificate must be for. Where Squid does
// not connect to the port, the status says so.
func TestPullOverTLSThroughSquid(t *testing.T) {
	need(t, located("nginx"))
	need(t, located("squid"))
	t.Parallel()
	first, source, file := tlsFront(t)
	whole := pushThrough(t, first.Addr.String(), "live", push.Endless)
	up(t, first, "live")
	_, port, _ := net.SplitHostPort(source)
	_, hosts := writeConf(t, "hosts", "127.0.0.1 "+hostOnPage+"\n")
	pull := func(t *testing.T, allowed string) *rig.Pump {
		addr := freeAddr(t)
		runSquid(t, fit(t, pageBlock(t, "Squid", 2), "http_port 3128\n", "http_port "+addr+"\n", "192.0.2.0/24", "127.0.0.1/32",
			"SSL_ports port 443", "SSL_ports port "+allowed)+"hosts_file "+hosts+"\n", addr)
		host, proxyPort, _ := net.SplitHostPort(addr)
		return rig.Start(t, rig.Options{Config: fit(t, pageBlock(t, "Squid", 1), "squid.example", host, "3128", proxyPort) +
			`"streams": [` + securePull("mmshs://"+hostOnPage+":"+port+"/streams/live", fmt.Sprintf(`, "ssl_ca": %q`, file)) + `]`})
	}
	edge := pull(t, port)
	up(t, edge, "live")
	doors{viewers: edge.Addr.String()}.viewAll(t)
	problem(pull(t, "443"), "the proxy answered 403 Forbidden: it does not connect us to the source (many proxies connect to port 443 alone)")
	whole.end(t, 0)
}
