package admin

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/pprof/profile"

	"streampump/engine"
)

type fixed struct{}

func (fixed) Snapshot() engine.Snapshot {
	return engine.Snapshot{
		Uptime: 90 * time.Second, Viewers: 7, Closes: map[string]uint64{"viewer_left": 3},
		Streams: []engine.StreamSnapshot{
			{Path: "news", Type: "push", State: "up", Bitrate: 100_000},
			{Path: "other", Type: "file", State: "down"},
		},
	}
}

func (fixed) Viewers(_ context.Context, w engine.Wanted) (rows []engine.ViewerRow, more bool, err error) {
	for n := range min(3, w.Most) {
		rows = append(rows, engine.ViewerRow{Stream: w.Stream, Client: w.Client, Seconds: float64(n), Peer: netip.MustParseAddrPort("192.0.2.7:1"), Transport: "tcp"})
	}
	return rows, w.Most < 3, nil
}

func TestViewers(t *testing.T) {
	for query, want := range map[string]string{
		"?most=1&stream=news&client=anna": `{"viewers":[{"stream":"news","peer":"192.0.2.7:1","client":"anna","agent":"","seconds":0,"bytes":0,"skips":0,"full":false,"transport":"tcp"}],"more":true}`,
		"":                                `{"viewers":[`,
		"?most=0":                         "most takes a number from 1 to 100000",
		"?most=x":                         "most takes a number from 1 to 100000",
	} {
		w := get(t, "/viewers"+query)
		var b bytes.Buffer
		if json.Compact(&b, w.Body.Bytes()) != nil {
			b.Write(w.Body.Bytes())
		}
		if got := strings.TrimSpace(b.String()); !strings.HasPrefix(got, want) || (w.Code == 200) != (got[0] == '{') {
			t.Errorf("%q: %d %s", query, w.Code, got)
		}
	}
}

// handler is the listener's, without the guard, which has tests of its own.
func handler() http.Handler {
	return patient(routes(Options{
		Source: fixed{}, Version: "1.2.3", Types: map[string]string{"news": "mmsh_push"}, LogDropped: func() uint64 { return 5 },
		Certificates: func() []CertificateStatus {
			return []CertificateStatus{{Names: []string{"pump.example"}, DaysLeft: 9, Problem: "the certificate expires in 9 days"}}
		},
	}))
}

func get(t *testing.T, path string) *httptest.ResponseRecorder {
	t.Helper()
	return ask(handler(), httptest.NewRequest("GET", path, nil))
}

func TestStatusIsTheSnapshotAsJSON(t *testing.T) {
	w := get(t, "/status")
	var got map[string]any
	if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil || w.Code != 200 {
		t.Fatalf("%d, %v: %s", w.Code, err, w.Body)
	}
	stream := got["streams"].([]any)[0].(map[string]any)
	if got["version"] != "1.2.3" || got["viewers"] != 7.0 || got["closes"].(map[string]any)["viewer_left"] != 3.0 || stream["path"] != "news" || stream["source"] != "up" {
		t.Fatalf("%v", got)
	}
	// One set of units, and the configuration's words.
	if _, there := got["uptime_ns"]; there || got["uptime_seconds"] != 90.0 || got["log_lines_dropped"] != 5.0 || stream["type"] != "mmsh_push" || stream["bitrate"] != 100_000.0 {
		t.Fatalf("%v", got)
	}
	if c := got["certificates"].([]any)[0].(map[string]any); c["names"].([]any)[0] != "pump.example" || c["days_left"] != 9.0 || c["problem"] == "" {
		t.Fatalf("%v", got)
	}
	if w.Header().Get("Content-Type") != "application/json" || w.Header().Get("Cache-Control") != "no-store" {
		t.Fatalf("%v", w.Header())
	}
}

func TestProfilesAreReadByGooglePprof(t *testing.T) {
	for _, path := range []string{"/debug/pprof/heap", "/debug/pprof/goroutine", "/debug/pprof/allocs"} {
		w := get(t, path)
		p, err := profile.Parse(w.Body)
		if err != nil || len(p.SampleType) == 0 {
			t.Errorf("%s: %v", path, err)
		}
	}
}

func TestUnknownPathsAndMethods(t *testing.T) {
	if w := get(t, "/streams/x"); w.Code != http.StatusNotFound {
		t.Errorf("an unknown path got %d", w.Code)
	}
	if w := ask(handler(), httptest.NewRequest("POST", "/status", nil)); w.Code != http.StatusMethodNotAllowed {
		t.Errorf("POST /status got %d", w.Code)
	}
}

// open opens a listener that the test closes, or that is closed at its end.
func open(t *testing.T, o Options) *Server {
	t.Helper()
	if o.Source == nil {
		o.Source = fixed{}
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	s, err := Listen(netip.MustParseAddrPort("127.0.0.1:0"), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close(context.Background()) })
	s.Serve()
	return s
}

func TestListenAndClose(t *testing.T) {
	s := open(t, Options{})
	r, err := http.Get("http://" + s.Address().String() + "/")
	if err != nil {
		t.Fatal(err)
	}
	body, _ := io.ReadAll(r.Body)
	_ = r.Body.Close()
	http.DefaultClient.CloseIdleConnections()
	if r.StatusCode != 200 || len(body) == 0 {
		t.Fatalf("%d %q", r.StatusCode, body)
	}
	_, err = Listen(s.Address().(*net.TCPAddr).AddrPort(), Options{})
	if !errors.Is(err, syscall.EADDRINUSE) {
		t.Fatalf("an address in use: %v", err)
	}
	s.Close(context.Background())
	if _, err := http.Get("http://" + s.Address().String() + "/"); err == nil {
		t.Fatal("it still answers")
	}
}

// Before it is told to, a listener answers nobody, and can be closed.
func TestListenerThatDoesNotServe(t *testing.T) {
	s, err := Listen(netip.MustParseAddrPort("127.0.0.1:0"), Options{Source: fixed{}, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	conn, err := net.Dial("tcp", s.Address().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	s.Close(context.Background())
	if _, err := conn.Read(make([]byte, 1)); err == nil {
		t.Error("it has answered")
	}
	s.Serve() // too late
}

func TestHealth(t *testing.T) {
	for path, want := range map[string]string{
		"/healthz":               "200 ok\n",
		"/healthz?stream=news":   "200 ok\n",
		"/healthz?stream=NEWS":   "200 ok\n",
		"/healthz?stream=other":  "503 the source is down\n",
		"/healthz?stream=absent": "404 there is no such stream\n",
	} {
		if w := get(t, path); fmt.Sprintf("%d %s", w.Code, w.Body) != want {
			t.Errorf("%s: %d %s, want %s", path, w.Code, w.Body, want)
		}
	}
	down := routes(Options{Source: fixed{}, GoingDown: func() bool { return true }})
	if w := ask(down, httptest.NewRequest("GET", "/healthz", nil)); w.Code != 503 || w.Body.String() != "going down\n" {
		t.Errorf("going down: %d %s", w.Code, w.Body)
	}
}
