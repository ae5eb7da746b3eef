//go:build e2e

package e2e

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"streampump/bench/live"
	"streampump/bench/meter"
	"streampump/bench/player"
	"streampump/bench/push"
	"streampump/bench/synth"
	"streampump/e2e/rig"
	"streampump/engine"
	"streampump/internal/pki"
)

const (
	// proxyPage is where the configurations are that the tests run.
	proxyPage = "../docs/proxies.md"
	// pumpOnPage and hostOnPage are the pump's address and the public host there.
	pumpOnPage, hostOnPage = "127.0.0.1:8086", "pump.example"
	// proxyBitrate is low, so that a proxy that waits until some buffer is full
	// makes a viewer wait for long.
	proxyBitrate = 96_000
	// proxyDelay is more than any packet takes that nobody gathers. The least
	// of a viewer's delays is compared with it, which is small on a busy
	// machine too.
	proxyDelay = 500 * time.Millisecond
	// proxyPackets is how many packets each viewer judges: some seconds.
	proxyPackets = 20
	// shortBody is a body of a push that ends soon, so that some come and go.
	shortBody = 16 << 10
)

// A front is a proxy as the page sets it up.
type front struct {
	binary string
	// run starts it in front of a pump.
	run func(t *testing.T, pump string) doors
}

// doors are where a proxy listens.
type doors struct {
	viewers, encoders string
	// chunks: players that say HTTP/1.1 get bodies in chunks.
	chunks bool
	// swallows: what an encoder sends last before it closes may be lost.
	swallows bool
}

func fronts() []front {
	return []front{
		{"nginx", startNginx},
		{"haproxy", startHAProxy},
		{"squid", startSquid},
		{"varnishd", startVarnish},
	}
}

// TestProxies: what docs/proxies.md says works. Through each proxy an encoder
// pushes in short bodies and in one without an end, and is not taken for lost
// where it ends, unless the page says so; and all kinds of players get every byte, without delay.
func TestProxies(t *testing.T) {
	for _, f := range fronts() {
		t.Run(f.binary, func(t *testing.T) {
			need(t, located(f.binary))
			t.Parallel()
			p := rig.Start(t, rig.Options{Config: `"streams": [{"type": "mmsh_push", "path": "live"}, {"type": "mmsh_push", "path": "short"}]`})
			tryFront(t, p, f.run(t, p.Addr.String()))
		})
	}
}

// located is the path of a server, which may lie where only root's PATH looks.
func located(name string) string {
	if _, err := exec.LookPath(name); err == nil {
		return name
	}
	return filepath.Join("/usr/sbin", name)
}

// TestPullThroughSquid: a pump pulls from another through Squid, as the page
// says, by a name that Squid alone knows.
func TestPullThroughSquid(t *testing.T) {
	need(t, located("squid"))
	t.Parallel()
	first := rig.Start(t, rig.Options{Config: `"streams": [{"type": "mmsh_push", "path": "live"}]`})
	whole := pushThrough(t, first.Addr.String(), "live", push.Endless)
	up(t, first, "live")
	addr := freeAddr(t)
	host, port, _ := net.SplitHostPort(addr)
	_, hosts := writeConf(t, "hosts", "127.0.0.1 first.example\n")
	runSquid(t, "http_port "+addr+"\nhosts_file "+hosts+"\nhttp_access allow all\ncache deny all\n", addr)
	url := fmt.Sprintf("mmsh://first.example:%d/streams/live", first.Addr.Port())
	edge := rig.Start(t, rig.Options{Config: fit(t, pageBlock(t, "Squid", 1), "squid.example", host, "3128", port) +
		`"streams": [` + pullOf("live", url) + `]`})
	up(t, edge, "live")
	d := doors{viewers: edge.Addr.String()}
	d.viewAll(t)
	whole.end(t, 0)
	edge.AwaitStatus("the end has come through", func(s engine.Snapshot) bool {
		return streamOf(s, "live").State != engine.SourceUp.String()
	})
}

// tryFront uses a pump through a proxy.
func tryFront(t *testing.T, p *rig.Pump, d doors) {
	t.Helper()
	whole := pushThrough(t, d.encoders, "live", push.Endless)
	short := pushThrough(t, d.encoders, "short", shortBody)
	up(t, p, "live", "short")
	d.viewAll(t)
	namesItself(t, d.encoders)
	whole.end(t, 0)
	short.end(t, 3*shortBody)
	// An encoder that is thought lost leaves its stream held.
	p.AwaitStatus("both encoders have ended", func(s engine.Snapshot) bool {
		for _, st := range s.Streams {
			if st.State == engine.SourceUp.String() {
				return false
			}
			if st.State == engine.SourceHeld.String() && !d.swallows {
				t.Fatalf("the end of the push to %s is taken for a loss:\n%s", st.Path, p.Log())
			}
		}
		return true
	})
}

// viewAll has all kinds of players watch at once.
func (d doors) viewAll(t *testing.T) {
	t.Helper()
	var all sync.WaitGroup
	for _, c := range player.Clients() {
		all.Go(func() {
			if err := d.view(t.Context(), c); err != nil {
				t.Errorf("%s: %v", c.Name, err)
			}
		})
	}
	all.Wait()
}

// dial connects a viewer.
func (d doors) dial(ctx context.Context, network, addr string) (net.Conn, error) {
	c, err := new(net.Dialer).DialContext(ctx, network, addr)
	if err != nil || !d.chunks {
		return c, err
	}
	return &unchunked{Conn: c, buffered: bufio.NewReader(c)}, nil
}

// pushThrough starts an encoder whose bodies have the given length.
func pushThrough(t *testing.T, addr, path string, body int64) *proxyPush {
	t.Helper()
	ctx := t.Context()
	c, err := push.Dial(ctx, addr, push.Options{Path: "/streams/" + path + "_push"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Setup(ctx, push.AutoDestroy); err != nil {
		t.Fatal(err)
	}
	running, stop := context.WithCancel(ctx)
	source, err := live.New(running, synth.Plain(proxyBitrate), 0)
	if err != nil {
		t.Fatal(err)
	}
	e := &proxyPush{path: path, stop: stop, over: make(chan struct{})}
	go func() {
		defer close(e.over)
		e.err = c.Run(ctx, source, push.RunOptions{Length: body, Sent: func(b []byte) { e.sent.Add(int64(len(b))) }})
		_ = c.Close()
	}()
	t.Cleanup(stop)
	return e
}

// proxyPush is an encoder behind a proxy.
type proxyPush struct {
	path string
	sent atomic.Int64 // bytes of packets
	stop func()
	over chan struct{}
	err  error // once over
}

// end has the encoder end its stream properly, after at least so many bytes.
func (e *proxyPush) end(t *testing.T, least int64) {
	t.Helper()
	ticker(t, func() bool {
		select {
		case <-e.over:
			return true
		default:
			return e.sent.Load() >= least
		}
	}, "too little was pushed to "+e.path)
	e.stop()
	<-e.over
	if e.err != nil || e.sent.Load() < least {
		t.Errorf("the push to %s ended after %d bytes: %v", e.path, e.sent.Load(), e.err)
	}
}

// view judges what a player gets through the proxy.
func (d doors) view(ctx context.Context, c player.Client) error {
	w := player.Viewer{Client: c, Addr: d.viewers, Path: "/streams/live", Dial: d.dial}
	conn, _, err := w.Play(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	least := patience
	v := player.NewVerifier(player.Options{
		Plain: c.Plain, Switch: c.Switch, Object: player.Pattern(),
		Began: func(_ uint8, first []byte) {
			if m, ok := synth.ReadMark(first); ok && m.Stamp != 0 {
				least = min(least, time.Duration(meter.Now()-m.Stamp))
			}
		},
	})
	if err := conn.Verify(ctx, v, func(n player.Counts) bool { return n.Packets >= proxyPackets }); err != nil {
		return err
	}
	if n := v.Counts(); n.Packets < proxyPackets || n.Gaps != 0 || n.Objects == 0 {
		return fmt.Errorf("it got %+v", n)
	}
	if least > proxyDelay {
		return fmt.Errorf("no packet came within %v, the quickest took %v", proxyDelay, least)
	}
	return nil
}

// unchunked takes the chunks off what comes on a connection, as programs that
// say HTTP/1.1 do.
type unchunked struct {
	net.Conn
	buffered *bufio.Reader
	answer   io.Reader // the one under way, or nil
}

// Read reads the next answer once the one before is over.
func (u *unchunked) Read(b []byte) (int, error) {
	for {
		if u.answer == nil {
			r, err := http.ReadResponse(u.buffered, nil)
			if errors.Is(err, io.ErrUnexpectedEOF) {
				err = io.EOF
			}
			if err != nil {
				return 0, err
			}
			head := new(bytes.Buffer)
			fmt.Fprintf(head, "%s %s\r\n", r.Proto, r.Status)
			if r.Close || r.ContentLength < 0 {
				r.Header.Set("Connection", "close")
			}
			_ = r.Header.Write(head)
			head.WriteString("\r\n")
			u.answer = io.MultiReader(head, r.Body)
		}
		n, err := u.answer.Read(b)
		if !errors.Is(err, io.EOF) {
			return n, err
		}
		u.answer = nil
		if n > 0 {
			return n, nil
		}
	}
}

// namesItself checks that the playlist names the address that was asked.
func namesItself(t *testing.T, addr string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+addr+"/streams/live.asx", nil)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(text), "mms://"+addr+"/streams/live") {
		t.Errorf("the playlist does not name %s:\n%s", addr, text)
	}
}

// pageBlock is the n-th block of code, from 0, below a heading of the page.
func pageBlock(t testing.TB, heading string, n int) string {
	t.Helper()
	return blockOf(t, proxyPage, "## "+heading, n)
}

// blockOf is the n-th block of code, from 0, below a heading of a file, with its marks.
func blockOf(t testing.TB, file, heading string, n int) string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	_, section, ok := strings.Cut(string(text), "\n"+heading+"\n")
	if !ok {
		t.Fatalf("%s has no section %s", file, heading)
	}
	section, _, _ = strings.Cut(section, "\n## ")
	section, _, _ = strings.Cut(section, "\n### ")
	parts := strings.Split(section, "\n```")
	if len(parts) < 2*n+2 {
		t.Fatalf("%s has no block %d in section %s", file, n, heading)
	}
	_, code, _ := strings.Cut(parts[2*n+1], "\n") // behind the language
	return code + "\n"
}

// fit puts the test's addresses in the places of those on the page, which must
// be there: pairs of old and new.
func fit(t testing.TB, text string, pairs ...string) string {
	t.Helper()
	for i := 0; i < len(pairs); i += 2 {
		if !strings.Contains(text, pairs[i]) {
			t.Fatalf("the configuration on the page has no %q:\n%s", pairs[i], text)
		}
		text = strings.ReplaceAll(text, pairs[i], pairs[i+1])
	}
	return text
}

// startFront starts a proxy and waits until it listens.
func startFront(t *testing.T, cmd *exec.Cmd, addr string) {
	t.Helper()
	p := start(t, cmd, false)
	t.Cleanup(p.terminate)
	ticker(t, func() bool {
		c, err := net.Dial("tcp", addr)
		if err != nil {
			p.mu.Lock()
			defer p.mu.Unlock()
			if p.exited {
				p.t.Fatalf("%s ended: %v; it printed:\n%s", p.name, p.err, tail(p.output.String()))
			}
			return false
		}
		_ = c.Close()
		return true
	}, cmd.Args[0]+" does not listen")
}

// writeConf writes a configuration into a folder that a proxy may use as
// whichever user it becomes.
func writeConf(t *testing.T, name, text string) (dir, path string) {
	t.Helper()
	dir, err := os.MkdirTemp("", "e2e-proxy-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o777); err != nil { //nolint:gosec // see above
		t.Fatal(err)
	}
	path = filepath.Join(dir, name)
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil { //nolint:gosec // see above
		t.Fatal(err)
	}
	return dir, path
}

func startNginx(t *testing.T, pump string) doors {
	t.Helper()
	addr := freeAddr(t)
	runNginx(t, fit(t, pageBlock(t, "nginx", 0), "listen 80;", "listen "+addr+";", pumpOnPage, pump), addr)
	return doors{viewers: addr, encoders: addr, swallows: true}
}

// runNginx starts nginx with what a server needs besides its own configuration.
func runNginx(t *testing.T, server, addr string) {
	t.Helper()
	dir, path := writeConf(t, "nginx.conf", "")
	conf := "daemon off;\nmaster_process off;\npid " + dir + "/pid;\nerror_log stderr;\nevents {}\nhttp {\naccess_log off;\n"
	for _, kind := range []string{"client_body", "proxy", "fastcgi", "uwsgi", "scgi"} {
		conf += kind + "_temp_path " + dir + "/" + kind + ";\n"
	}
	if err := os.WriteFile(path, []byte(conf+server+"}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	startFront(t, exec.Command(located("nginx"), "-e", "stderr", "-c", path), addr)
}

func startHAProxy(t *testing.T, pump string) doors {
	t.Helper()
	addr := freeAddr(t)
	_, path := writeConf(t, "haproxy.cfg", fit(t, pageBlock(t, "HAProxy", 0), "bind :80\n", "bind "+addr+"\n", pumpOnPage, pump))
	startFront(t, exec.Command(located("haproxy"), "-db", "-f", path), addr)
	return doors{viewers: addr, encoders: addr}
}

func startSquid(t *testing.T, pump string) doors {
	t.Helper()
	addr := freeAddr(t)
	_, pumpPort, _ := net.SplitHostPort(pump)
	conf := fit(t, pageBlock(t, "Squid", 0), "http_port 80 ", "http_port "+addr+" ", " 8086 ", " "+pumpPort+" ")
	runSquid(t, conf, addr)
	return doors{viewers: addr, encoders: addr, chunks: true, swallows: true}
}

// runSquid starts Squid with what only a test needs besides a configuration.
func runSquid(t *testing.T, conf, addr string) {
	t.Helper()
	_, path := writeConf(t, "squid.conf", conf+
		"pid_filename none\naccess_log none\ncache_log /dev/null\nnetdb_filename none\npinger_enable off\nshutdown_lifetime 0 seconds\n")
	startFront(t, exec.Command(located("squid"), "-N", "-f", path), addr)
}

func startVarnish(t *testing.T, pump string) doors {
	t.Helper()
	addr := freeAddr(t)
	_, pumpPort, _ := net.SplitHostPort(pump)
	dir, path := writeConf(t, "default.vcl", fit(t, pageBlock(t, "Varnish", 0), `"8086"`, `"`+pumpPort+`"`))
	line := fit(t, pageBlock(t, "Varnish", 1), "-a :80 ", "-a "+addr+" ", "/etc/varnish/default.vcl", path)
	args := strings.Fields(line)
	startFront(t, exec.Command(located(args[0]), append([]string{"-F", "-j", "none", "-n", filepath.Join(dir, "work")}, args[1:]...)...), addr)
	return doors{viewers: addr, encoders: addr}
}

// certificate writes a certificate of a host, which vouches for itself, with its
// key, and returns the file.
func certificate(t *testing.T, dir, host string) string {
	t.Helper()
	pair := pki.Alone(t, host)
	file := pki.Write(t, dir, "cert.pem", append(pki.KeyPEM(t, pair), pki.CertPEM(pair)...))
	rig.Give(t, file)
	return file
}
