package admin

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/google/pprof/profile"

	"streampump/engine"
)

type fixed struct{}

func (fixed) Snapshot() engine.Snapshot {
	return engine.Snapshot{
		Viewers: 7, Closes: map[string]uint64{"viewer_left": 3},
		Streams: []engine.StreamSnapshot{{Path: "news", State: "up"}},
	}
}

func get(t *testing.T, path string) *httptest.ResponseRecorder {
	t.Helper()
	w := httptest.NewRecorder()
	Handler(fixed{}, "1.2.3").ServeHTTP(w, httptest.NewRequest("GET", path, nil))
	return w
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
	w := httptest.NewRecorder()
	Handler(fixed{}, "").ServeHTTP(w, httptest.NewRequest("POST", "/status", nil))
	if w.Code != http.StatusMethodNotAllowed {
		t.Errorf("POST /status got %d", w.Code)
	}
}

func TestListenAndClose(t *testing.T) {
	log := slog.New(slog.DiscardHandler)
	s, err := Listen("127.0.0.1:0", Handler(fixed{}, ""), log)
	if err != nil {
		t.Fatal(err)
	}
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
	if _, err := Listen(s.Address().String(), nil, log); err == nil {
		t.Fatal("an address in use was taken")
	}
	s.Close(context.Background())
	if _, err := http.Get("http://" + s.Address().String() + "/"); err == nil {
		t.Fatal("it still answers")
	}
}
