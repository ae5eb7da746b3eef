//go:build e2e

package e2e

import (
	"net"
	"os/exec"
	"strings"
	"testing"

	"streampump/bench/push"
	"streampump/e2e/rig"
	"streampump/engine"
)

const (
	// stunnelPage has the configurations that are run here, each in its section.
	stunnelPage          = "../docs/stunnel.md"
	toPump, throughProxy = "## To the pump", "## Through an HTTP proxy"
	// tlsOnPage and caOnPage are the pump's TLS port and the system's certificates there.
	tlsOnPage, caOnPage = "pump.example:8089", "/etc/ssl/certs/ca-certificates.crt"
	proxyOnPage         = "proxy.example:3128"
)

// secured is a pump with TLS, and an encoder's stunnel in front of it.
type secured struct {
	pump *rig.Pump
	who  *rig.Identity
	at   string // of its TLS
}

func securedPump(t *testing.T) *secured {
	t.Helper()
	i := rig.Identify(t, rig.Reachable(t))
	p := rig.Start(t, rig.Options{TLS: i, Config: `"streams": [{"type": "mmsh_push", "path": "live"}, {"type": "mmsh_push", "path": "short"}]`})
	return &secured{p, i, p.TLS.String()}
}

// beside starts the configuration of a section of the page beside an encoder, and says where the
// encoder pushes to.
func (s *secured) beside(t *testing.T, section, roots string, pairs ...string) string {
	t.Helper()
	near := freeAddr(t)
	conf := fit(t, blockOf(t, stunnelPage, section, 0), append([]string{"accept = " + pumpOnPage, "accept = " + near, caOnPage, roots}, pairs...)...)
	_, path := writeConf(t, "encoder.conf", "foreground = yes\npid =\n"+conf)
	startFront(t, exec.Command(located("stunnel4"), path), near)
	return near
}

// takes has encoders push where stunnel listens: in short bodies, in one without an end,
// and to their end; what viewers then get is whole and not late.
func (s *secured) takes(t *testing.T, near string) {
	t.Helper()
	whole, short := pushThrough(t, near, "live", push.Endless), pushThrough(t, near, "short", shortBody)
	up(t, s.pump, "live", "short")
	d := doors{viewers: s.pump.Addr.String()}
	d.viewAll(t)
	whole.end(t, 0)
	short.end(t, 3*shortBody)
	s.pump.AwaitStatus("both encoders have ended", func(now engine.Snapshot) bool {
		for _, st := range now.Streams {
			if st.State == engine.SourceHeld.String() {
				t.Fatalf("the end of the push to %s is taken for a loss:\n%s", st.Path, s.pump.Log())
			}
		}
		return streamOf(now, "live").State != engine.SourceUp.String() && streamOf(now, "short").State != engine.SourceUp.String()
	})
}

// TestStunnelBesideAnEncoder: what docs/stunnel.md says about pushing over TLS works.
func TestStunnelBesideAnEncoder(t *testing.T) {
	need(t, located("stunnel4"))
	t.Parallel()
	s := securedPump(t)
	s.takes(t, s.beside(t, toPump, s.who.Roots, tlsOnPage, s.at))
}

// TestStunnelThroughAProxy: the same through Squid, which alone knows where the pump is.
func TestStunnelThroughAProxy(t *testing.T) {
	need(t, located("stunnel4"))
	need(t, located("squid"))
	t.Parallel()
	s := securedPump(t)
	_, port, _ := net.SplitHostPort(s.at)
	proxy := freeAddr(t)
	_, hosts := writeConf(t, "hosts", "127.0.0.1 "+hostOnPage+"\n")
	runSquid(t, "http_port "+proxy+"\nhosts_file "+hosts+"\nacl CONNECT method CONNECT\nhttp_access allow CONNECT\nhttp_access deny all\n", proxy)
	s.takes(t, s.beside(t, throughProxy, s.who.Roots, proxyOnPage, proxy, tlsOnPage, net.JoinHostPort(hostOnPage, port)))
}

// TestStunnelThroughAProxyWithAPassword: the same through tinyproxy, which wants to know
// who is there, and lets nobody else through.
func TestStunnelThroughAProxyWithAPassword(t *testing.T) {
	need(t, located("stunnel4"))
	need(t, located("tinyproxy"))
	t.Parallel()
	s := securedPump(t)
	_, port, _ := net.SplitHostPort(s.at)
	proxy := freeAddr(t)
	_, own, _ := net.SplitHostPort(proxy)
	_, path := writeConf(t, "tinyproxy.conf", "Port "+own+"\nAllow 127.0.0.1\nConnectPort "+port+"\nBasicAuth encoder secret\n")
	startFront(t, exec.Command(located("tinyproxy"), "-d", "-c", path), proxy)
	there := []string{proxyOnPage, proxy, tlsOnPage, s.at}
	s.refused(t, "without the password", s.beside(t, throughProxy, s.who.Roots, there...))
	s.takes(t, s.beside(t, throughProxy, s.who.Roots, append(there, ";protocol", "protocol")...))
}

// TestStunnelChecksThePump: an encoder's stream goes to nobody who is not the pump: not
// to one that another vouches for, and not to one of another name.
func TestStunnelChecksThePump(t *testing.T) {
	need(t, located("stunnel4"))
	t.Parallel()
	s := securedPump(t)
	stranger := rig.Identify(t, rig.Reachable(t))
	s.refused(t, "another vouches", s.beside(t, toPump, stranger.Roots, tlsOnPage, s.at))
	s.refused(t, "another name", s.beside(t, toPump, s.who.Roots, tlsOnPage, s.at, "checkHost = "+hostOnPage, "checkHost = other.example"))
	if log := s.pump.Log(); strings.Contains(log, "encoder") {
		t.Errorf("the pump has heard of an encoder:\n%s", log)
	}
}

// refused has an encoder push where stunnel listens, and get no answer.
func (s *secured) refused(t *testing.T, why, near string) {
	t.Helper()
	c, err := push.Dial(t.Context(), near, push.Options{Path: "/streams/live_push"})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if h, err := c.Setup(t.Context(), push.AutoDestroy); err == nil {
		t.Errorf("%s: the push is answered %v", why, h)
	}
}
