package main

import (
	"bytes"
	"crypto/tls"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"

	"streampump/codec/mmsh"
	"streampump/config"
	"streampump/demo"
	"streampump/engine"
	"streampump/internal/pki"
)

// watcher is a log that tells of the first line with a text.
type watcher struct {
	text string
	seen chan string
}

// Write implements [io.Writer].
func (w watcher) Write(b []byte) (int, error) {
	if strings.Contains(string(b), w.text) {
		select {
		case w.seen <- string(b):
		default:
		}
	}
	return len(b), nil
}

// running starts an engine until the test ends, and tells of a line of its log.
func running(t *testing.T, streams []engine.StreamConfig, at engine.Listener, text string) (e *engine.Engine, seen <-chan string) {
	t.Helper()
	w := watcher{text, make(chan string, 1)}
	c := config.Default()
	c.Engine.Loops = 1
	e, err := engine.New(c.Engine, streams, protocolsOf(c, nil), slog.New(slog.NewTextHandler(w, nil)))
	if err != nil {
		t.Fatal(err)
	}
	if err := e.Listen(at); err != nil {
		t.Fatal(err)
	}
	if err := e.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(e.Shutdown)
	return e, w.seen
}

// A pump pulls from a pump over TLS, as its configuration says, and its viewers see the
// stream.
func TestChainOverTLS(t *testing.T) {
	dir := t.TempDir()
	root := pki.New(t, "Test Root")
	pki.Write(t, dir, "root.pem", root.PEM())
	clip := engine.StreamConfig{Path: "clip", File: &engine.FileConfig{Data: demo.Clip(), Open: mmsh.NewFile}}
	secure := engine.Listener{Address: "127.0.0.1:0", TLS: &tls.Config{Certificates: []tls.Certificate{root.Issue(nil, "first.example")}}}
	first, up := running(t, []engine.StreamConfig{clip}, secure, "source is up")
	<-up

	c, problems := config.Parse("edge.json", fmt.Appendf(nil, `{"streams": [{"type": "mmsh_pull", "path": "news", "source_options":
		{"url": "mmshs://%s/streams/clip", "ssl_ca": "root.pem", "ssl_name": "first.example"}}]}`, first.Addresses()[0]), dir)
	if c == nil || len(problems) > 0 {
		t.Fatal(problems)
	}
	streams, err := streamsOf(c)
	if err != nil {
		t.Fatal(err)
	}
	edge, up := running(t, streams, engine.Listener{Address: "127.0.0.1:0"}, "source is up")
	<-up
	if n := first.Snapshot().Viewers; n != 1 {
		t.Errorf("the first pump has %d viewers, want the edge", n)
	}
	tr := &http.Transport{DisableKeepAlives: true}
	r, err := (&http.Client{Transport: tr}).Get("http://" + edge.Addresses()[0].String() + "/streams/news")
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	got := make([]byte, 32<<10)
	if _, err := io.ReadFull(r.Body, got); err != nil || !bytes.Equal(got[:16], demo.Clip()[:16]) {
		t.Errorf("a viewer got %x, %v", got[:16], err)
	}
}

// Nothing comes from a source that cannot prove its name, and the log says why.
func TestChainOverTLSNeedsAProof(t *testing.T) {
	dir := t.TempDir()
	root := pki.New(t, "Test Root")
	pki.Write(t, dir, "root.pem", root.PEM())
	first, _ := running(t, nil, engine.Listener{Address: "127.0.0.1:0", TLS: &tls.Config{Certificates: []tls.Certificate{root.Issue(nil, "first.example")}}}, "")
	c, _ := config.Parse("edge.json", fmt.Appendf(nil, `{"streams": [{"type": "mmsh_pull", "path": "news", "source_options":
		{"url": "mmshs://%s/", "ssl_ca": "root.pem"}}]}`, first.Addresses()[0]), dir)
	streams, err := streamsOf(c)
	if err != nil {
		t.Fatal(err)
	}
	_, failed := running(t, streams, engine.Listener{Address: "127.0.0.1:0"}, "source failed")
	if line := <-failed; !strings.Contains(line, "the source's certificate is for first.example and not for 127.0.0.1") {
		t.Error(line)
	}
}
