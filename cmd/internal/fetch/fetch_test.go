package fetch

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"reflect"
	"strings"
	"testing"
	"time"

	"streampump/config"
)

func TestParse(t *testing.T) {
	for text, want := range map[string]string{
		"http://127.0.0.1:8087":    "http://127.0.0.1:8087",
		"http://pump.example:90/":  "http://pump.example:90",
		"https://pump.example":     "https://pump.example:8087",
		"127.0.0.1:8087":           "http://127.0.0.1:8087",
		"pump.example":             "http://pump.example:8087",
		"[2001:db8::1]:90":         "http://[2001:db8::1]:90",
		"http://[2001:db8::1]/":    "http://[2001:db8::1]:8087",
		"localhost:8087":           "http://localhost:8087",
		"":                         "the URL \"\" has no host",
		":8087":                    "the URL \":8087\" has no host",
		"ftp://h":                  "the URL of an admin listener begins with http://, and \"ftp://h\" does not",
		"h:port":                   "\"h:port\" is no address of an admin listener, as in http://127.0.0.1:8087",
		"http://u:p@h":             "a user in a URL is not supported",
		"http://h/debug/pprof":     "the URL is that of the admin listener alone, as in http://127.0.0.1:8087, and \"http://h/debug/pprof\" has more",
		"http://h?seconds=1":       "the URL is that of the admin listener alone, as in http://127.0.0.1:8087, and \"http://h?seconds=1\" has more",
		"mms://h:8086/streams/new": "the URL of an admin listener begins with http://, and \"mms://h:8086/streams/new\" does not",
	} {
		a, err := Parse(text)
		got := a.String()
		if err != nil {
			got = err.Error()
		}
		if got != want {
			t.Errorf("%q: got %s, want %s", text, got, want)
		}
	}
	if got := config.Default().Admin.Listen.String(); !strings.HasSuffix(got, ":"+DefaultPort) {
		t.Errorf("the default port is %s, and the configuration's default address %s", DefaultPort, got)
	}
}

// FuzzParse: what is taken for an address is one, and is taken again.
func FuzzParse(f *testing.F) {
	for _, s := range []string{"127.0.0.1:8087", "http://h", "[::1]", "https://h:1/", "h:0", "http://h%41"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		a, err := Parse(text)
		if err != nil {
			return
		}
		if _, err := http.NewRequest("GET", a.String()+"/status", nil); err != nil {
			t.Fatalf("%q gives %q: %v", text, a, err)
		}
		if again, err := Parse(a.String()); err != nil || again != a {
			t.Fatalf("%q gives %q, and that %q, %v", text, a, again, err)
		}
	})
}

// serve answers every request with h.
func serve(t *testing.T, h http.HandlerFunc) Admin {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	a, err := Parse(s.URL)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// The pump is asked in the way that it understands.
func TestOrders(t *testing.T) {
	want := map[string]string{
		"cpu":       "GET /debug/pprof/profile?seconds=7",
		"heap":      "GET /debug/pprof/heap",
		"allocs":    "GET /debug/pprof/allocs?seconds=7",
		"goroutine": "GET /debug/pprof/goroutine",
		"block":     "POST /debug/pprof/block?block_rate=5&seconds=7",
		"mutex":     "POST /debug/pprof/mutex?mutex_fraction=5&seconds=7",
	}
	a := serve(t, func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, r.Method+" "+r.RequestURI) })
	for _, k := range Kinds() {
		o := Order{Kind: k, Seconds: 7}
		if k.rate != "" {
			o.Rate = 5
		}
		got, err := a.Profile(t.Context(), o)
		if err != nil || string(got) != want[k.Name] {
			t.Errorf("%s: got %s %v, want %s", k.Name, got, err, want[k.Name])
		}
	}
	if len(Kinds()) != len(want) {
		t.Errorf("there are %d kinds", len(Kinds()))
	}
	block, _ := KindOf("block")
	if got, err := a.Profile(t.Context(), Order{Kind: block, Seconds: 7}); err != nil || string(got) != "POST /debug/pprof/block?seconds=7" {
		t.Errorf("with the pump's own rate: %s %v", got, err)
	}
}

func TestStatus(t *testing.T) {
	a := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, `{"version": "1.2.3", "uptime_seconds": 5.5, "viewers": 7, "streams": [{"path": "live", "source": "up", "bitrate": 64000, "packets_in": 3, "bytes_in": 4000}]}`)
	})
	want := Status{"1.2.3", 7, []StreamStatus{{"live", 64000, 3, 4000}}}
	if s, err := a.Status(t.Context()); err != nil || !reflect.DeepEqual(s, want) {
		t.Errorf("%+v %v", s, err)
	}
}

func TestNotAPump(t *testing.T) {
	for name, c := range map[string]struct {
		h    http.HandlerFunc
		want string
	}{
		"missing":  {http.NotFound, "its status is answered 404 Not Found"},
		"redirect": {func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/other", http.StatusFound) }, "its status is answered 302 Found"},
		"html":     {func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "<html>") }, "its status is something else"},
		"json":     {func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, `{"ok": true}`) }, "its status is something else"},
	} {
		a := serve(t, c.h)
		want := a.String() + " is not the admin listener of a pump: " + c.want
		if _, err := a.Status(t.Context()); err == nil || err.Error() != want {
			t.Errorf("%s: got %v, want %s", name, err, want)
		}
	}
}

// refusing is an address where nobody listens.
func refusing(t *testing.T) Admin {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return Admin{"http://" + l.Addr().String()}
}

// talking is a server that says the given words to whoever connects, and closes.
func talking(t *testing.T, words string) Admin {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			_, _ = c.Read(make([]byte, 4<<10))
			_, _ = io.WriteString(c, words)
			_ = c.Close()
		}
	}()
	return Admin{"http://" + l.Addr().String()}
}

func TestFailures(t *testing.T) {
	cpu, _ := KindOf("cpu")
	profile := func(ctx context.Context, a Admin) error {
		_, err := a.Profile(ctx, Order{Kind: cpu, Seconds: 1})
		return err
	}
	refused := refusing(t)
	if err := profile(t.Context(), refused); err == nil || err.Error() != "no connection to "+refused.String()+": connection refused" {
		t.Errorf("nobody there: %v", err)
	}
	other := talking(t, "220 mail.example ESMTP\r\n")
	if err := profile(t.Context(), other); err == nil || !strings.Contains(err.Error(), "malformed HTTP") {
		t.Errorf("another protocol: %v", err)
	}
	cut := talking(t, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")
	if err := profile(t.Context(), cut); err == nil || err.Error() != "the connection was lost to "+cut.String()+": unexpected EOF" {
		t.Errorf("a dying pump: %v", err)
	}
	unknown := &url.Error{Op: "Get", URL: "http://pump.invalid/", Err: &net.OpError{Op: "dial", Err: &net.DNSError{Name: "pump.invalid"}}}
	if err := refused.failed(t.Context(), "no connection to", unknown); err.Error() != "no connection to "+refused.String()+": the name cannot be looked up" {
		t.Errorf("no such name: %v", err)
	}
	busy := serve(t, func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "in use\nmore", http.StatusConflict) })
	if err := profile(t.Context(), busy); err == nil || err.Error() != "the pump gives no cpu profile: in use (409 Conflict)" {
		t.Errorf("refused: %v", err)
	}
	silent := serve(t, func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	if _, err := silent.do(t.Context(), "GET", "/", 20*time.Millisecond, 1); err == nil || err.Error() != silent.String()+" has not answered within 20ms" {
		t.Errorf("no answer: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := profile(ctx, silent); !errors.Is(err, context.Canceled) {
		t.Errorf("given up: %v", err)
	}
	long := serve(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "0123456789") })
	if b, err := long.do(t.Context(), "GET", "/", time.Minute, 10); err != nil || len(b) != 10 {
		t.Errorf("as long as allowed: %q %v", b, err)
	}
	if _, err := long.do(t.Context(), "GET", "/", time.Minute, 9); err == nil || err.Error() != "the answer of "+long.String()+" is longer than 9 bytes" {
		t.Errorf("too long: %v", err)
	}
}
