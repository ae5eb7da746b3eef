package engine

import (
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"
)

// behindProxy is an engine that believes the proxies of one network, with a stream. The
// encoder and the proxies are in it.
func behindProxy(t *testing.T, change func(*Config)) (e *Engine, secure, plain string, log *syncBuffer) {
	t.Helper()
	e, secure, plain, log = tlsEngine(t, func(cfg *Config) {
		cfg.Proxies = []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}
		cfg.Timeouts.Drain, cfg.Timeouts.Shutdown = 50*time.Millisecond, time.Second // nothing is waited for
		if change != nil {
			change(cfg)
		}
	})
	enc := connect(t, plain)
	enc.write("PROXY TCP4 198.51.100.9 127.0.0.1 1 2\r\n")
	enc.say("PUBLISH live")
	enc.until('\n', "OK Publish")
	enc.say("H A\nPk first")
	eventually(t, "the stream is up", func() bool { return e.Snapshot().Streams[0].PacketsIn > 0 })
	return e, secure, plain, log
}

func (c *client) write(s string) {
	c.t.Helper()
	if _, err := io.WriteString(c, s); err != nil {
		c.t.Fatal(err)
	}
}

// v2Header is a header of version 2 for a peer with the given last byte of its address.
func v2Header(last byte) string {
	return "\r\n\r\n\x00\r\nQUIT\n\x21\x11\x00\x0c" + string([]byte{192, 0, 2, last, 127, 0, 0, 1, 0x12, 0x34, 0, 80})
}

// In the log and in the books a peer behind a proxy is itself, over TLS too, however its
// header comes in pieces, and what comes with the header is not lost.
func TestPeersBehindAProxy(t *testing.T) {
	e, secure, plain, log := behindProxy(t, nil)
	look := func(name, peer string, play func(c *client)) {
		t.Run(name, func(t *testing.T) {
			c := connect(t, plain)
			play(c)
			c.until('\n', "OK Play")
			c.until(';', "first")
			_ = c.Close()
			eventually(t, "its line is in the log", func() bool {
				return strings.Contains(log.String(), `msg="viewer left" stream=live peer=`+peer)
			})
		})
	}
	look("version_1", "192.0.2.1:4660", func(c *client) { c.write("PROXY TCP4 192.0.2.1 127.0.0.1 4660 80\r\nPLAY live\n") })
	look("version_2", "192.0.2.2:4660", func(c *client) { c.write(v2Header(2) + "PLAY live\n") })
	look("in_pieces", "192.0.2.3:4660", func(c *client) {
		for _, b := range []byte(v2Header(3)) {
			c.write(string([]byte{b}))
		}
		c.write("PLAY live\n")
	})
	look("ipv6", "[2001:db8::1]:4660", func(c *client) { c.write("PROXY TCP6 2001:db8::1 ::1 4660 80\r\nPLAY live\n") })
	look("for_itself", "127.0.0.1:", func(c *client) { c.write("\r\n\r\n\x00\r\nQUIT\n\x20\x00\x00\x00PLAY live\n") })
	t.Run("tls", func(t *testing.T) {
		raw, err := net.Dial("tcp", secure)
		if err != nil {
			t.Fatal(err)
		}
		defer raw.Close()
		if _, err := io.WriteString(raw, v2Header(4)); err != nil {
			t.Fatal(err)
		}
		c := tls.Client(raw, &tls.Config{InsecureSkipVerify: true}) //nolint:gosec // the certificate is the test's own
		if _, err := io.WriteString(c, "PLAY live\n"); err != nil {
			t.Fatal(err)
		}
		b := make([]byte, 7)
		if _, err := io.ReadFull(c, b); err != nil || string(b) != "OK Play" {
			t.Fatalf("%q, %v", b, err)
		}
		_ = c.Close()
		eventually(t, "its line is in the log", func() bool { return strings.Contains(log.String(), `stream=live peer=192.0.2.4:4660`) })
	})
	eventually(t, "all but the encoder have gone", func() bool { return e.Snapshot().Connections == 1 })
}

// Limits for each address are those of the peers, and not of the proxy.
func TestLimitsBehindAProxy(t *testing.T) {
	e, _, plain, _ := behindProxy(t, func(cfg *Config) { cfg.Limits.LoosePerAddress = 2 })
	for i := range 10 {
		c := connect(t, plain)
		c.write(v2Header(byte(i)) + "REPLY\n")
		c.until('\n', "OK Reply")
	}
	var same []*client
	for range 3 {
		c := connect(t, plain)
		c.write(v2Header(200))
		same = append(same, c)
	}
	eventually(t, "one of three is refused", func() bool { return e.Snapshot().Refused == 1 })
	if n := e.Snapshot().Closes["too_many_idle"]; n != 0 {
		t.Errorf("%d of other addresses had to go", n)
	}
	_ = same
}

// Whoever is not trusted is believed nothing, and whoever is must say who its peer is.
func TestWhoIsBelieved(t *testing.T) {
	e, secure, plain, log := behindProxy(t, func(cfg *Config) { cfg.Timeouts.Head = 300 * time.Millisecond })
	closes := func(name string) bool { return e.Snapshot().Closes[name] > 0 }
	t.Run("from_elsewhere", func(t *testing.T) {
		raw, err := (&net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 0, 2)}}).Dial("tcp", plain)
		if err != nil {
			t.Fatal(err)
		}
		defer raw.Close()
		fmt.Fprint(raw, "PROXY TCP4 192.0.2.66 127.0.0.1 4660 80\r\nPLAY live\n")
		b, _ := io.ReadAll(raw)
		if !strings.HasPrefix(string(b), "OK Bad") {
			t.Errorf("a stranger's header is answered %.60q", b)
		}
		eventually(t, "it is logged with its own address", func() bool { return strings.Contains(log.String(), "peer=127.0.0.2:") })
		if strings.Contains(log.String(), "192.0.2.66") {
			t.Errorf("what a stranger says is believed:\n%s", log.String())
		}
	})
	gone := func(c *client) {
		t.Helper()
		if b, _ := io.ReadAll(c); len(b) > 0 {
			t.Errorf("it is answered %q", b)
		}
	}
	for _, address := range []string{plain, secure} {
		missing := connect(t, address)
		missing.write("PLAY live\n")
		gone(missing)
		broken := connect(t, address)
		broken.write("PROXY TCP4 192.0.2.1 192.0.2.1 x y\r\n")
		gone(broken)
		silent := connect(t, address)
		silent.write("PROX")
		gone(silent)
	}
	for _, name := range []string{"proxy_missing", "proxy_broken", "proxy_late"} {
		eventually(t, name+" is counted", func() bool { return e.Snapshot().Closes[name] == 2 })
		eventually(t, name+" is in the log", func() bool { return strings.Contains(log.String(), "reason="+name) })
	}
	_ = connect(t, plain).Close() // as those who only look whether somebody listens
	eventually(t, "it is counted as one that left", func() bool { return closes("peer_left") })
}

// Connections whose proxy is silent do not keep a pump from its end.
func TestShutdownWhileProxiesAreSilent(t *testing.T) {
	e, _, plain, _ := behindProxy(t, func(cfg *Config) { cfg.Timeouts.Head = time.Hour })
	for range 20 {
		connect(t, plain).write("PROXY")
	}
	began := time.Now()
	e.Shutdown()
	if d := time.Since(began); d > patience {
		t.Errorf("the shutdown took %v", d)
	}
}
