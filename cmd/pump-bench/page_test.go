package main

import (
	"bytes"
	"context"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"streampump/cmd/internal/cli"
)

// bare is a page without style and script.
func bare(page string) string {
	return regexp.MustCompile(`(?s)<(style|script)\b.*?</(style|script)>`).ReplaceAllString(page, "")
}

// checkPage wants some things in a page, and others not.
func checkPage(t *testing.T, page string, wanted, absent []string) {
	t.Helper()
	for _, part := range wanted {
		if !strings.Contains(page, part) {
			t.Errorf("the page lacks %q", part)
		}
	}
	for _, part := range absent {
		if strings.Contains(page, part) {
			t.Errorf("the page has %q", part)
		}
	}
	if t.Failed() {
		t.Log(page)
	}
}

// entries are what is in a folder.
func entries(t *testing.T, dir string) []string {
	t.Helper()
	list, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range list {
		names = append(names, e.Name())
	}
	return names
}

// A place that cannot be written is refused before anything is measured.
func TestUnwritablePageIsRefusedFirst(t *testing.T) {
	dir := t.TempDir()
	url := "http://" + unused(t) + "/streams/x"
	for path, why := range map[string]string{
		filepath.Join(dir, "none", "r.html"): "no such file or directory",
		dir:                                  "it exists and is not a file",
		os.DevNull:                           "it exists and is not a file",
	} {
		for _, args := range [][]string{{"players", url}, {"floor", "-n", "1"}, {"compare", "-n", "1"}} {
			start(t, append(args, "--duration", "1h", "--html", path)...).want(t, cli.ExitFailed, "",
				"pump-bench: no page can be written to "+path+": "+why+"\n")
		}
	}
	if left := entries(t, dir); len(left) > 0 {
		t.Errorf("%q is left", left)
	}
}

func TestPageOfARunThatCouldNotBegin(t *testing.T) {
	dir := t.TempDir()
	start(t, "players", "http://"+unused(t)+"/x", "--pid", "2147483647", "--html", filepath.Join(dir, "r.html")).
		want(t, cli.ExitFailed, "", "pump-bench: there is no process 2147483647\n")
	if left := entries(t, dir); len(left) > 0 {
		t.Errorf("%q is left", left)
	}
}

func TestPagesAreWritten(t *testing.T) {
	dir := t.TempDir()
	file, path := filepath.Join(dir, "real.html"), filepath.Join(dir, "r.html")
	for _, err := range []error{os.WriteFile(file, []byte("old"), 0o600), os.Symlink(file, path)} {
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct {
		args []string
		code int
		want string
	}{
		{[]string{"floor", "-n", "4", "--duration", "200ms"}, cli.ExitOK, "<title>The floor for 4 viewers</title>"},
		{[]string{"players", "http://" + unused(t) + "/x", "-n", "2", "--ramp", "0"}, cli.ExitFailed, `verdict bad">Failed: `},
	} {
		o := start(t, append(c.args, "--html", path)...)
		got, err := os.ReadFile(file)
		if err != nil || o.code != c.code || o.stdout == "" || !strings.Contains(bare(string(got)), c.want) {
			t.Errorf("%v: %+v, page\n%s", err, o, bare(string(got)))
		}
	}
	if left := entries(t, dir); !slices.Equal(left, []string{"r.html", "real.html"}) {
		t.Errorf("there is %q", left)
	}
	if info, err := os.Stat(file); err != nil || info.Mode() != 0o644 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
}

// Ctrl-C leaves a page of what was measured so far.
func TestInterruptedRunHasAPage(t *testing.T) {
	path := filepath.Join(t.TempDir(), "r.html")
	ctx, interrupt := context.WithCancel(t.Context())
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		interrupt() // with the player under way
		<-r.Context().Done()
	}))
	defer server.Close()
	var stdout, stderr bytes.Buffer
	code := run(ctx, []string{"players", server.URL + "/x", "--protocol", "http", "-n", "1", "--html", path}, &stdout, &stderr)
	page, err := os.ReadFile(path)
	if err != nil || code != cli.ExitFailed || !strings.HasSuffix(stderr.String(), "pump-bench: interrupted before anything was measured\n") || !strings.HasPrefix(stdout.String(), "interrupted; this is what was measured so far\n") {
		t.Errorf("exit code %d, %v, output %s, errors %s", code, err, stdout.String(), stderr.String())
	}
	for _, want := range []string{`<p class="verdict">Interrupted; this is what was measured so far.`, "the run ended before the measurement began"} {
		if !strings.Contains(string(page), want) {
			t.Errorf("the page lacks %q:\n%s", want, bare(string(page)))
		}
	}
}
