//go:build e2e

package e2e

import (
	"net"
	"os"
	"os/exec"
	"strings"
	"testing"

	"streampump/bench/player"
	"streampump/bench/push"
	"streampump/e2e/rig"
	"streampump/engine"
)

// streamModule is where Debian has nginx's stream module.
const streamModule = "/usr/lib/nginx/modules/ngx_stream_module.so"

// TestProxiesThatNameTheirPeers: HAProxy and nginx say for whom they connect, in both
// versions of the PROXY protocol, as docs/proxies.md sets them up. Each peer is itself in
// the log, and everything works as it does directly.
func TestProxiesThatNameTheirPeers(t *testing.T) {
	for _, f := range []struct {
		name, binary, page string
		trust              int // the block of the page with the pump's side
		run                func(t *testing.T, pump string) doors
	}{
		{"haproxy_version_2", "haproxy", "HAProxy", 2, startProxyingHAProxy("send-proxy-v2")},
		{"haproxy_version_1", "haproxy", "HAProxy", 2, startProxyingHAProxy("send-proxy")},
		{"nginx", "nginx", "nginx by the PROXY protocol", 1, startProxyingNginx},
	} {
		t.Run(f.name, func(t *testing.T) {
			need(t, located(f.binary))
			t.Parallel()
			p := rig.Start(t, rig.Options{Config: pageBlock(t, f.page, f.trust) +
				`"streams": [{"type": "mmsh_push", "path": "live"}, {"type": "mmsh_push", "path": "short"}]`})
			d := f.run(t, p.Addr.String())
			named := pushThrough(t, d.encoders, "live", push.Endless)
			up(t, p, "live")
			watchFrom(t, p, d, "127.0.0.77")
			watchFrom(t, p, d, "127.0.0.78")
			named.end(t, 0)
			p.AwaitStatus("the encoder has ended", func(s engine.Snapshot) bool {
				return streamOf(s, "live").State != engine.SourceUp.String()
			})
			tryFront(t, p, d)
		})
	}
}

// watchFrom has a viewer at an address of its own come and go, and looks for it in the
// log.
func watchFrom(t *testing.T, p *rig.Pump, d doors, address string) {
	t.Helper()
	from := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(address)}}
	v := player.Viewer{Client: player.PlayOnly(), Addr: d.viewers, Path: "/streams/live", Dial: from.DialContext, Timeout: patience}
	c, _, err := v.Play(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	_ = c.Close()
	p.Await("viewer left", "peer="+address+":")
}

// startProxyingHAProxy starts HAProxy with the line for the PROXY protocol in place of
// the other.
func startProxyingHAProxy(version string) func(t *testing.T, pump string) doors {
	return func(t *testing.T, pump string) doors {
		t.Helper()
		addr := freeAddr(t)
		line := fit(t, pageBlock(t, "HAProxy", 1), "send-proxy-v2", version)
		conf := fit(t, pageBlock(t, "HAProxy", 0), "    server pump "+pumpOnPage+"\n", line, "bind :80\n", "bind "+addr+"\n")
		_, path := writeConf(t, "haproxy.cfg", fit(t, conf, pumpOnPage, pump))
		startFront(t, exec.Command(located("haproxy"), "-db", "-f", path), addr)
		return doors{viewers: addr, encoders: addr}
	}
}

// startProxyingNginx starts nginx with its stream module.
func startProxyingNginx(t *testing.T, pump string) doors {
	t.Helper()
	addr := freeAddr(t)
	stream := fit(t, pageBlock(t, "nginx by the PROXY protocol", 0), "listen 80;", "listen "+addr+";", pumpOnPage, pump)
	dir, path := writeConf(t, "nginx.conf", "")
	conf := "daemon off;\nmaster_process off;\npid " + dir + "/pid;\nerror_log stderr;\nevents {}\n" + stream
	if _, err := os.Stat(streamModule); err == nil {
		conf = "load_module " + streamModule + ";\n" + conf
	} else if !strings.Contains(builtInto(t), "--with-stream ") {
		missing(t, "nginx has no stream module: install libnginx-mod-stream")
	}
	if err := os.WriteFile(path, []byte(conf), 0o600); err != nil {
		t.Fatal(err)
	}
	startFront(t, exec.Command(located("nginx"), "-e", "stderr", "-c", path), addr)
	return doors{viewers: addr, encoders: addr}
}

// builtInto is what nginx was built with.
func builtInto(t *testing.T) string {
	t.Helper()
	out, err := exec.Command(located("nginx"), "-V").CombinedOutput()
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}
