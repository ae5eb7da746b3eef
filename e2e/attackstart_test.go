//go:build e2e

package e2e

import (
	"fmt"
	"net"
	"os"
	"slices"
	"strings"
	"testing"

	"streampump/bench/attack"
	"streampump/e2e/rig"
)

// start starts the sources and the pump.
func (g *staged) start(t *testing.T) {
	t.Helper()
	config, streams := g.config, []string{
		`{"type": "mmsh_push", "path": "live"}`, `{"type": "mmsh_push", "path": "other"}`,
		fmt.Sprintf(`{"type": "mmsh_push", "path": "evil"%s}`, g.evil),
	}
	if g.third != "" {
		streams = append(streams, fmt.Sprintf(`{"type": "mmsh_push", "path": "third"%s}`, g.third))
	}
	for i := range g.crowd {
		streams = append(streams, fmt.Sprintf(`{"type": "mmsh_push", "path": "evil%d"}`, i+1))
	}
	if g.rtsp {
		streams = append(streams, fmt.Sprintf(`{"type": "rtsp_push", "path": %q}`, healthyStream))
	}
	if g.rtmp {
		streams = append(streams, fmt.Sprintf(`{"type": "rtmp_push", "path": %q}`, healthyClip))
	}
	for i := range g.rows {
		m, is := mannerOf(g.rows[i].name)
		if !is {
			if kind := g.pushed(); kind != "" {
				streams = append(streams, fmt.Sprintf(`{"type": %q, "path": %q%s}`, kind, g.rows[i].name, g.evil))
			}
			continue
		}
		source, err := attack.Listen(m)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(source.Close)
		g.sources[m.Name] = source
		url, kind := "mmsh://"+source.Addr().String()+"/live", "mmsh_pull"
		if m.RTSP {
			url, kind = "rtsp://"+source.Addr().String()+"/live", "rtsp_pull"
		}
		if m.RTMP {
			url, kind = "rtmp://"+source.Addr().String()+"/live/x", "rtmp_pull"
		}
		if m.Proxy {
			config += fmt.Sprintf(`"use_http_proxy": true, "use_proxy_for_local_addresses": true, "http_proxy_host": "127.0.0.1", "http_proxy_port": %d,`, source.Addr().Port())
			url = "mmshs://127.0.0.1:9/live"
		}
		streams = append(streams, fmt.Sprintf(`{"type": %q, "path": %q, "source_options": {"url": %q}}`, kind, m.Name, url))
	}
	if g.tls {
		g.tlsAddr = freeAddr(t)
		_, port, _ := net.SplitHostPort(g.tlsAddr)
		cert := certificate(t, rig.Reachable(t), "localhost")
		config += fmt.Sprintf(`"ssl": true, "ssl_port": %s, "ssl_cert": %q, "ssl_key": %q,`, port, cert, cert)
	}
	if g.udp {
		config += rig.UDPPorts(t)
	}
	if len(g.prefix) > 0 {
		need(t, g.prefix[0])
	}
	g.p = startPump(t, rig.Options{
		Config: config + `"streams": [` + strings.Join(streams, ",\n") + `]`, Prefix: g.prefix, LogLevel: "info",
	}, plainDial)
}

// pushed is the type of the streams that have the rows' names; empty if there are none.
func (g *staged) pushed() string {
	switch {
	case g.rtmp:
		return "rtmp_push"
	case g.rtsp:
		return "rtsp_push"
	}
	return ""
}

// others are the rows that are no sources.
func (g *staged) others() (names []string) {
	for i := range g.rows {
		if g.sources[g.rows[i].name] == nil {
			names = append(names, g.rows[i].name)
		}
	}
	return names
}

// mannerOf is the source of that name, if it is one.
func mannerOf(name string) (attack.Manner, bool) {
	manners := attack.Manners()
	i := slices.IndexFunc(manners, func(m attack.Manner) bool { return m.Name == name })
	if i < 0 {
		return attack.Manner{}, false
	}
	return manners[i], true
}

// forgetPeak has the system note the pump's largest memory anew (proc(5)).
func (p *pump) forgetPeak() {
	p.t.Helper()
	if err := os.WriteFile(fmt.Sprintf("/proc/%d/clear_refs", p.PID()), []byte("5"), 0); err != nil {
		p.t.Fatal(err)
	}
}

// peak is the most memory that the system held for the pump since then, in bytes.
func (p *pump) peak() int64 { return p.memory("VmHWM") }
