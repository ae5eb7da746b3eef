package engine

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"fmt"
	"io"
	"log/slog"
	"net"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"streampump/codec"
	"streampump/engine/internal/text"
	"streampump/internal/pki"
)

// tlsEngine is an engine with a TLS listener and a plain one.
func tlsEngine(t testing.TB, change func(*Config)) (e *Engine, secure, plain string, log *syncBuffer) {
	t.Helper()
	cfg := labConfig()
	cfg.Loops = 2
	if change != nil {
		change(&cfg)
	}
	log = &syncBuffer{}
	e, err := New(cfg, []StreamConfig{{Path: "live", Push: true}}, []codec.Protocol{text.Protocol{}}, slog.New(slog.NewTextHandler(log, nil)))
	if err != nil {
		t.Fatal(err)
	}
	server := &tls.Config{
		Certificates: []tls.Certificate{pki.Alone(t, "pump")}, NextProtos: []string{"http/1.1", "other"},
		MinVersion: tls.VersionTLS12, DynamicRecordSizingDisabled: true,
	}
	if err := e.Listen(Listener{Address: "127.0.0.1:0", TLS: server}, Listener{Address: "127.0.0.1:0"}); err != nil {
		t.Fatal(err)
	}
	if err := e.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(e.Shutdown)
	return e, e.Addresses()[0].String(), e.Addresses()[1].String(), log
}

// syncBuffer is a log that may be read while it is written.
type syncBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *syncBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *syncBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

// tlsClient is a peer on an encrypted connection.
type tlsClient struct {
	t testing.TB
	*tls.Conn
	in *bufio.Reader
}

func connectTLS(t testing.TB, address string, cfg *tls.Config) *tlsClient {
	t.Helper()
	tcp := connect(t, address)
	if cfg == nil {
		cfg = &tls.Config{}
	}
	cfg.InsecureSkipVerify = true
	c := tls.Client(tcp.TCPConn, cfg)
	if err := c.Handshake(); err != nil {
		t.Fatal(err)
	}
	return &tlsClient{t, c, bufio.NewReader(c)}
}

func (c *tlsClient) say(line string) {
	c.t.Helper()
	if _, err := io.WriteString(c, line+"\n"); err != nil {
		c.t.Fatal(err)
	}
}

func (c *tlsClient) until(end byte, want string) string {
	c.t.Helper()
	s, err := c.in.ReadString(end)
	if err != nil || !strings.Contains(s, want) {
		c.t.Fatalf("got %.200q %v, want %q", s, err, want)
	}
	return s
}

// An encoder and viewers of both versions of TLS, and a plain one beside them, get
// the same bytes; at the end TLS says so.
func TestStreamOverTLS(t *testing.T) {
	e, secure, plain, _ := tlsEngine(t, nil)
	enc := connectTLS(t, secure, nil)
	enc.say("PUBLISH live")
	enc.say("H A audio")
	enc.until('\n', "OK Publish")
	enc.say("P first")
	unsealed := playing(t, nil, plain)
	var viewers []*tlsClient
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		v := connectTLS(t, secure, &tls.Config{MaxVersion: version, NextProtos: []string{"h2", "http/1.1"}})
		if got := v.ConnectionState().Version; got != version {
			t.Errorf("%s was agreed on", tls.VersionName(got))
		}
		v.say("PLAY live")
		v.until('}', "OK Play")
		v.until(';', "first")
		viewers = append(viewers, v)
	}
	long := strings.Repeat("x", 60000) // several records
	for i := range 20 {
		enc.say(fmt.Sprintf("P %d%s", i, long))
	}
	for i := range 20 {
		want := unsealed.until(';', fmt.Sprint(i))
		for _, v := range viewers {
			if got := v.until(';', ""); got != want {
				t.Fatalf("packet %d: %d bytes over TLS, %d in clear, or others", i, len(got), len(want))
			}
		}
	}
	enc.say("FINISH")
	for _, v := range viewers {
		v.until('\n', "END ended")
		if rest, err := io.ReadAll(v.in); err != nil || len(rest) > 0 {
			t.Errorf("after the end came %q, %v", rest, err)
		}
	}
	for _, v := range viewers {
		_ = v.Close()
	}
	_ = enc.Close()
	_ = unsealed.Close()
	eventually(t, "everybody has gone", func() bool { return e.Snapshot().Connections == 0 && e.books.Empty() })
}

// A request that arrives in pieces of a byte, each in a record of its own, and one
// that comes with the last bytes of the handshake.
func TestRequestsOverTLS(t *testing.T) {
	_, secure, _, _ := tlsEngine(t, nil)
	v := connectTLS(t, secure, nil)
	for _, b := range []byte("REPLY\n") {
		if _, err := v.Write([]byte{b}); err != nil {
			t.Fatal(err)
		}
	}
	v.until('\n', "OK Reply")
	// The client's last bytes of a handshake and its request in one segment.
	tcp := connect(t, secure)
	w := &lateWriter{Conn: tcp.TCPConn}
	c := tls.Client(w, &tls.Config{InsecureSkipVerify: true})
	w.hold = 1 // from the second flight on
	if err := c.Handshake(); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Write([]byte("REPLY\n")); err != nil {
		t.Fatal(err)
	}
	w.flush()
	if s, err := bufio.NewReader(c).ReadString('\n'); err != nil || !strings.Contains(s, "OK Reply") {
		t.Errorf("got %q, %v", s, err)
	}
}

// lateWriter keeps what is written after the first calls back.
type lateWriter struct {
	net.Conn
	hold int
	kept []byte
}

func (w *lateWriter) Write(p []byte) (int, error) {
	if w.hold--; w.hold >= 0 {
		return w.Conn.Write(p)
	}
	w.kept = append(w.kept, p...)
	return len(p), nil
}

func (w *lateWriter) flush() { _, _ = w.Conn.Write(w.kept) }

// A peer that says nothing has so long for its handshake. In an engine of its own: on a
// busy machine, handshakes that go on take as long.
func TestLateHandshake(t *testing.T) {
	e, secure, _, log := tlsEngine(t, func(c *Config) { c.Timeouts.Handshake = 100 * time.Millisecond })
	connect(t, secure)
	eventually(t, "it is counted and told", func() bool {
		return e.Snapshot().Closes["tls_late"] == 1 && strings.Contains(log.String(), "reason=tls_late")
	})
}

// What goes wrong with a handshake is told to the peer, where that is possible, and
// to the operator.
func TestFailuresOfTLS(t *testing.T) {
	e, secure, _, log := tlsEngine(t, nil)
	web := connect(t, secure)
	web.say("GET / HTTP/1.1")
	web.until('\n', "REFUSED clear")
	gone := connect(t, secure)
	_ = gone.Close()
	bad := connect(t, secure)
	_, _ = bad.Write([]byte("\x16\x03\x01\x00\x05\x09\x09\x09\x09\x09"))
	old := tls.Client(connect(t, secure), &tls.Config{InsecureSkipVerify: true, MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11})
	if err := old.Handshake(); err == nil {
		t.Error("TLS 1.1 was spoken")
	}
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		wary := tls.Client(connect(t, secure), &tls.Config{ServerName: "pump", MaxVersion: version})
		if err := wary.Handshake(); err == nil {
			t.Error("a certificate of nobody was accepted")
		}
	}
	other := tls.Client(connect(t, secure), &tls.Config{InsecureSkipVerify: true, NextProtos: []string{"other"}})
	if err := other.Handshake(); err != nil {
		t.Errorf("another protocol: %v", err)
	}
	if _, err := other.Read(make([]byte, 1)); err == nil {
		t.Error("something was said in another protocol")
	}
	want := map[string]uint64{"tls_missing": 1, "peer_left": 1, "tls_broken": 2, "tls_refused": 2, "answered": 1}
	eventually(t, "all of them are counted", func() bool {
		closes := e.Snapshot().Closes
		for r, n := range want {
			if closes[r] != n {
				return false
			}
		}
		return true
	})
	// What is counted is logged next.
	for _, say := range []string{"reason=tls_missing", "bad certificate", "reason=tls_broken"} {
		eventually(t, "the log says "+say, func() bool { return strings.Contains(log.String(), say) })
	}
	eventually(t, "nothing is left of them", func() bool { return e.books.Empty() && e.Snapshot().Handshakes == 0 })
}

// Silent peers of one address fill all places for handshakes, and its queue: whoever
// comes from elsewhere is served, and one of the crowd goes for it.
func TestCrowdOfHandshakes(t *testing.T) {
	e, secure, _, _ := tlsEngine(t, func(c *Config) { c.Limits.Handshakes = 20 })
	for range 60 {
		connect(t, secure)
	}
	eventually(t, "the crowd is in", func() bool { return e.Snapshot().Handshakes == 60 })
	d := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 0, 2)}, Timeout: patience}
	tcp, err := d.Dial("tcp", secure)
	if err != nil {
		t.Fatal(err)
	}
	defer tcp.Close()
	_ = tcp.SetDeadline(time.Now().Add(patience))
	v := tls.Client(tcp, &tls.Config{InsecureSkipVerify: true})
	if _, err := io.WriteString(v, "REPLY\n"); err != nil {
		t.Fatal(err)
	}
	if s, err := bufio.NewReader(v).ReadString('\n'); err != nil || !strings.Contains(s, "OK Reply") {
		t.Errorf("got %q, %v", s, err)
	}
	eventually(t, "one has made room", func() bool { return e.Snapshot().Closes["tls_crowded"] == 1 })
}

// A crowd of one address that comes at once is served, however few places there are.
func TestCrowdOfOneAddressIsServed(t *testing.T) {
	e, secure, _, _ := tlsEngine(t, func(c *Config) { c.Limits.Handshakes = 3 })
	var all sync.WaitGroup
	for range 100 {
		tcp := connect(t, secure)
		all.Go(func() {
			v := tls.Client(tcp.TCPConn, &tls.Config{InsecureSkipVerify: true})
			_, _ = io.WriteString(v, "REPLY\n")
			if s, err := bufio.NewReader(v).ReadString('\n'); err != nil || !strings.Contains(s, "OK Reply") {
				t.Errorf("got %q, %v", s, err)
			}
		})
	}
	all.Wait()
	if n := e.Snapshot().Closes["tls_crowded"]; n != 0 {
		t.Errorf("%d had to go", n)
	}
}

// An engine ends while handshakes are under way.
func TestShutdownDuringHandshakes(t *testing.T) {
	e, secure, _, _ := tlsEngine(t, nil)
	for range 10 {
		connect(t, secure)
	}
	eventually(t, "they have begun", func() bool { return e.Snapshot().Handshakes == 10 })
	began := time.Now()
	e.Shutdown()
	if took := time.Since(began); took > patience/2 {
		t.Errorf("the end took %v", took)
	}
	if !e.books.Empty() {
		t.Error("the books are not empty")
	}
}

// Viewers that stop reading keep one record each, whatever there is to send; the
// others go on. When they read again they get whole packets.
func TestStalledViewersOverTLS(t *testing.T) {
	e, secure, plain, _ := tlsEngine(t, func(c *Config) { c.Fanout.NotSentLowat = 16 << 10 })
	enc := connectTLS(t, secure, nil)
	enc.say("PUBLISH live")
	enc.say("H A audio")
	enc.until('\n', "OK Publish")
	enc.say("P first")
	good := playing(t, e, plain)
	const stalled = 20
	var viewers []*tlsClient
	for range stalled {
		tcp := connect(t, secure)
		_ = tcp.SetReadBuffer(smallBuffer)
		c := tls.Client(tcp.TCPConn, &tls.Config{InsecureSkipVerify: true})
		if err := c.Handshake(); err != nil {
			t.Fatal(err)
		}
		v := &tlsClient{t, c, bufio.NewReader(c)}
		v.say("PLAY live")
		v.until(';', "first")
		viewers = append(viewers, v)
	}
	body := strings.Repeat("x", 50000)
	for i := range 400 {
		enc.say(fmt.Sprintf("P %d%s", i, body))
		good.until(';', fmt.Sprint(i))
	}
	eventually(t, "all of them are full", func() bool { return e.Snapshot().Stalled == stalled })
	if kept := e.Snapshot().Kept; kept <= 0 || kept > stalled*(17<<10) {
		t.Errorf("%d bytes are kept for %d stalled viewers", kept, stalled)
	}
	for _, v := range viewers {
		last := -1
		for range 3 {
			s := v.until(';', "x")
			var n int
			if _, err := fmt.Sscanf(s[strings.IndexByte(s, ':')+1:], "%d", &n); err != nil || n <= last || len(s) < 50000 {
				t.Fatalf("after %d came %.40q of %d bytes", last, s, len(s))
			}
			last = n
		}
	}
}

// An encrypted viewer that keeps up costs no more than 16 KB of the heap and the
// stacks.
func TestMemoryOfViewersOverTLS(t *testing.T) {
	e, secure, _, _ := tlsEngine(t, nil)
	enc := connectTLS(t, secure, nil)
	enc.say("PUBLISH live")
	enc.say("H A audio")
	enc.until('\n', "OK Publish")
	enc.say("P first")
	eventually(t, "the stream is up", func() bool { return e.Snapshot().Streams[0].PacketsIn > 0 })
	const viewers = 200
	before := living()
	for range viewers {
		tcp, err := net.Dial("tcp", secure)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = tcp.Close() })
		_ = tcp.SetDeadline(time.Now().Add(patience))
		thin(t, tcp)
	}
	if each := (living() - before) / viewers; each > 16<<10 {
		t.Errorf("a viewer costs %d bytes, and so does its own end", each)
	} else {
		t.Logf("a viewer and its own end cost %d bytes", each)
	}
}

// thin joins the stream and drops the client's TLS afterwards.
func thin(t *testing.T, tcp net.Conn) {
	c := tls.Client(tcp, &tls.Config{InsecureSkipVerify: true})
	if _, err := io.WriteString(c, "PLAY live\n"); err != nil {
		t.Fatal(err)
	}
	if s, err := bufio.NewReader(c).ReadString(';'); err != nil || !strings.Contains(s, "first") {
		t.Fatal(s, err)
	}
}

// living is what the heap and the stacks hold after a collection.
func living() int {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int(m.HeapAlloc + m.StackInuse)
}

// Who comes too fast over TLS gets no handshake to be told so in: it is the handshake
// that costs.
func TestTooFastForAHandshake(t *testing.T) {
	e, secure, _, _ := tlsEngine(t, func(c *Config) { c.Limits.Connects.Host = 1 })
	const tries = 5
	done := 0
	for range tries {
		c, err := tls.DialWithDialer(&net.Dialer{Timeout: 20 * time.Second}, "tcp", secure, &tls.Config{InsecureSkipVerify: true})
		if err == nil {
			done++
			defer c.Close()
		}
	}
	if done == 0 || done == tries {
		t.Errorf("%d handshakes of %d", done, tries)
	}
	eventually(t, "the others are counted", func() bool {
		s := e.Snapshot()
		return s.Refused == uint64(tries-done) && s.Closes["host_connects_too_fast"] == uint64(tries-done)
	})
}

// holding is a client's network that keeps back the end of its handshake, to send it
// together with what follows.
type holding struct {
	net.Conn
	writes int
	held   []byte
	done   bool
}

func (h *holding) Write(b []byte) (int, error) {
	if h.writes++; h.writes == 1 || h.done {
		return h.Conn.Write(b)
	}
	h.held = append(h.held, b...)
	return len(b), nil
}

// hurried has a handshake, and sends the end of it with early, and raw behind that, in
// one piece.
func hurried(t *testing.T, address, early, raw string) *tlsClient {
	t.Helper()
	h := &holding{Conn: connect(t, address).TCPConn}
	c := tls.Client(h, &tls.Config{InsecureSkipVerify: true})
	if err := c.Handshake(); err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(c, early); err != nil {
		t.Fatal(err)
	}
	h.done = true
	if _, err := h.Conn.Write(append(h.held, raw...)); err != nil {
		t.Fatal(err)
	}
	return &tlsClient{t, c, bufio.NewReader(c)}
}

// What comes with the end of a handshake is dealt with as soon as the connection is
// opened: an encoder's packets reach its viewers, and a connection may end there.
func TestWhatComesWithTheHandshake(t *testing.T) {
	e, secure, plain, _ := tlsEngine(t, nil)
	enc := hurried(t, secure, "PUBLISH live\nH A audio\nP first\n", "")
	v := playing(t, e, plain)
	for i := range 20 {
		if early := []string{"", "PLAY live\n", "PLAY live\nPLAY live\n"}[i%3]; early == "" {
			_, _ = io.Copy(io.Discard, hurried(t, secure, early, "\x17\x03\x03\x00\x20"+strings.Repeat("x", 32)))
		} else {
			hurried(t, secure, early, "").until('\n', "OK Play")
		}
	}
	enc.say("P second")
	v.until(';', "second")
	eventually(t, "all are gone but those two and the viewers that asked once", func() bool {
		s := e.Snapshot()
		return s.Closes["tls_broken"] == 7 && s.Closes["bad_request"] == 6 && s.Connections == 2+7
	})
}
