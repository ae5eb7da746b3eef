package main

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"runtime/pprof"
	"strings"
	"testing"
	"time"

	"github.com/google/pprof/profile"

	"streampump/admin"
	"streampump/cmd/internal/cli"
	"streampump/cmd/internal/fetch"
	"streampump/codec/mmsh"
	"streampump/config"
	"streampump/demo"
	"streampump/engine"
)

// pump is a real engine with the demo's clip, and its admin listener behind wrap.
func pump(t *testing.T, wrap func(http.Handler) http.Handler) string {
	t.Helper()
	c := config.Default()
	c.Engine.Loops = 2
	streams := []engine.StreamConfig{{Path: "clip", File: &engine.FileConfig{Data: demo.Clip(), Open: mmsh.NewFile}}}
	eng, err := engine.New(c.Engine, streams, protocolsOf(c, nil), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	if err := eng.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(eng.Shutdown)
	h := admin.Handler(netip.IPv6Loopback(), admin.Options{Source: eng, Version: "1.2.3"})
	if wrap != nil {
		h = wrap(h)
	}
	return serveHandler(t, h)
}

func serveHandler(t *testing.T, h http.Handler) string {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s.URL
}

// canned is a pump whose only profile is the given one, whatever is asked for.
func canned(t *testing.T, packed []byte) string {
	t.Helper()
	mux := http.NewServeMux()
	mux.HandleFunc("/status", func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, `{"version": "1.2.3", "viewers": 40}`)
	})
	mux.HandleFunc("/debug/pprof/", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(packed) })
	return serveHandler(t, mux)
}

// cpuProfile has three samples of two streams and one of none:
//
//	news  on loop 0: run > serve > write   600 ms
//	film  on loop 0: run > serve           200 ms
//	film  on loop 1: run > serve > serve   100 ms, a function that calls itself
//	none           : wait                  100 ms
//	quiet on loop 1: a sample that counts nothing
func cpuProfile() *profile.Profile {
	p := &profile.Profile{
		SampleType:    []*profile.ValueType{{Type: "samples", Unit: "count"}, {Type: "cpu", Unit: "nanoseconds"}},
		PeriodType:    &profile.ValueType{Type: "cpu", Unit: "nanoseconds"},
		Period:        10_000_000,
		DurationNanos: int64(10 * time.Second),
		Mapping:       []*profile.Mapping{{ID: 1, File: "stream-pump", HasFunctions: true}},
	}
	at := map[string]*profile.Location{}
	for i, name := range []string{"run", "serve", "write", "wait", "quiet"} {
		f := &profile.Function{ID: uint64(i + 1), Name: name, SystemName: name}
		l := &profile.Location{ID: uint64(i + 1), Mapping: p.Mapping[0], Address: uint64(i + 1), Line: []profile.Line{{Function: f}}}
		p.Function, p.Location, at[name] = append(p.Function, f), append(p.Location, l), l
	}
	add := func(ms int64, label map[string][]string, stack ...string) {
		s := &profile.Sample{Value: []int64{ms / 10, ms * 1_000_000}, Label: label}
		for _, name := range stack {
			s.Location = append(s.Location, at[name])
		}
		p.Sample = append(p.Sample, s)
	}
	of := func(stream, loop string) map[string][]string {
		return map[string][]string{"stream": {stream}, "loop": {loop}}
	}
	add(600, of("news", "0"), "write", "serve", "run")
	add(200, of("film", "0"), "serve", "run")
	add(100, of("film", "1"), "serve", "serve", "run")
	add(100, nil, "wait")
	add(0, of("quiet", "1"), "write", "serve", "quiet")
	return p
}

func packed(t testing.TB, p *profile.Profile) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := p.Write(&b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

const cpuText = `cpu profile of stream-pump 1.2.3 at %s, 40 viewers
1.00 s in 10.0 s, 0.10 cores

          s       %%  stream
       0.60    60.0  news
       0.30    30.0  film
       0.10    10.0  (none)

          s       %%  loop
       0.80    80.0  0
       0.10    10.0  1
       0.10    10.0  (none)

     flat s  flat %%        cum s   cum %%  function
       0.60    60.0         0.60    60.0  write
       0.30    30.0         0.90    90.0  serve
       0.10    10.0         0.10    10.0  wait
       0.00     0.0         0.90    90.0  run
`

func TestProfileTables(t *testing.T) {
	url := canned(t, packed(t, cpuProfile()))
	measuring := "measuring cpu for 10 s\n"
	start(t, "profile", url).want(t, cli.ExitOK, fmt.Sprintf(cpuText, url), measuring)

	o := start(t, "profile", url, "--rows", "1", "--cum", "--seconds", "3")
	o.want(t, cli.ExitOK, `cpu profile of stream-pump 1.2.3 at `+url+`, 40 viewers
1.00 s in 10.0 s, 0.10 cores

          s       %  stream
       0.60    60.0  news
and 2 more

          s       %  loop
       0.80    80.0  0
and 2 more

     flat s  flat %        cum s   cum %  function
       0.30    30.0         0.90    90.0  serve
and 3 more
`, "measuring cpu for 3 s\n")
}

func TestProfileIsSaved(t *testing.T) {
	want := packed(t, cpuProfile())
	url := canned(t, want)
	name := filepath.Join(t.TempDir(), "cpu.pb.gz")
	if o := start(t, "profile", url, "--output", name); o.code != cli.ExitOK || o.stdout != fmt.Sprintf(cpuText, url) {
		t.Errorf("%+v", o)
	}
	if got, err := os.ReadFile(name); err != nil || !bytes.Equal(got, want) {
		t.Errorf("the file has %d bytes, want %d, %v", len(got), len(want), err)
	}
	o := start(t, "profile", url, "--output", filepath.Join(name, "x"))
	if o.code != cli.ExitFailed || !strings.HasPrefix(strings.TrimPrefix(o.stderr, "measuring cpu for 10 s\n"), "stream-pump: the profile cannot be saved: ") {
		t.Errorf("%+v", o)
	}
	if o.stdout != fmt.Sprintf(cpuText, url) {
		t.Errorf("what was measured is lost with the file: %+v", o)
	}
}

func TestEmptyProfilesAreSaidToBe(t *testing.T) {
	empty := cpuProfile()
	empty.Sample = nil
	url := canned(t, packed(t, empty))
	start(t, "profile", url, "--http", ":0").want(t, cli.ExitOK, "cpu profile of stream-pump 1.2.3 at "+url+", 40 viewers\n"+
		"the profile is empty: the pump did too little to be sampled, which happens once for every 10 ms of processor time\n",
		"measuring cpu for 10 s\n")
	for _, c := range commands(t) {
		if c.Name() != "profile" {
			continue
		}
		kinds, _ := completeKind(c, nil, "")
		for _, k := range kinds {
			name, _, _ := strings.Cut(k, "\t")
			if emptiness[name] == "" {
				t.Errorf("nothing is said of an empty %s profile", name)
			}
		}
	}
}

func TestProfilesThatAreNone(t *testing.T) {
	whole := packed(t, cpuProfile())
	var text bytes.Buffer
	if err := pprof.Lookup("goroutine").WriteTo(&text, 1); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		kind   string
		packed []byte
		want   string
	}{
		"nothing":    {"cpu", nil, "it is not compressed: EOF"},
		"text":       {"goroutine", text.Bytes(), "it is not compressed: gzip: invalid header"},
		"cut":        {"cpu", whole[:len(whole)/2], "it is damaged: unexpected EOF"},
		"other kind": {"heap", whole, `it is not a heap profile: it does not count "inuse_space"`},
	} {
		url := canned(t, c.packed)
		o := start(t, "profile", url, "--kind", c.kind)
		want := "stream-pump: the profile of " + url + " cannot be read: " + c.want + "\n"
		if o.code != cli.ExitFailed || o.stdout != "" || !strings.HasSuffix(o.stderr, want) {
			t.Errorf("%s: %+v, want %s", name, o, want)
		}
	}
}

func TestProfileOfWhatIsNoPump(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_ = l.Close()
	start(t, "profile", l.Addr().String()).want(t, cli.ExitFailed, "",
		"stream-pump: no connection to http://"+l.Addr().String()+": connection refused\n")
	other := serveHandler(t, http.NotFoundHandler())
	start(t, "profile", other).want(t, cli.ExitFailed, "",
		"stream-pump: "+other+" is not the admin listener of a pump: its status is answered 404 Not Found\n")
}

// Each kind of a real pump is read; goroutines are told by stream and loop.
func TestProfileOfARealPump(t *testing.T) {
	url := pump(t, nil)
	o := start(t, "profile", url, "--kind", "goroutine", "--rows", "0")
	if o.code != cli.ExitOK || o.stderr != "" || !strings.HasPrefix(o.stdout, "goroutine profile of stream-pump 1.2.3 at "+url+", 0 viewers\n") {
		t.Fatalf("%+v", o)
	}
	for _, row := range []string{`n +% +stream\n +1 .* clip\n`, `n +% +loop\n( .*\n)* .* 0\n`, `n +% +loop\n( .*\n)* .* 1\n`, ` streampump/engine/stream\.\(\*filePlay\)\.round\n`} {
		if !regexp.MustCompile(row).MatchString(o.stdout) {
			t.Errorf("no row is like %s in\n%s", row, o.stdout)
		}
	}
	if o := start(t, "profile", url, "-k", "heap"); o.code != cli.ExitOK || !regexp.MustCompile(`viewers\n([\d.]+ (MB|kB)\n|the profile is empty: no sampled memory )`).MatchString(o.stdout) {
		t.Errorf("%+v", o)
	}
	if o := start(t, "profile", url, "-k", "block", "-s", "1", "--block-rate", "1ns"); o.code != cli.ExitOK || !regexp.MustCompile(` s in 1\.\d s\n`).MatchString(o.stdout) {
		t.Errorf("%+v", o)
	}
	wantRatesOff(t, url)
}

func rates(t *testing.T, url string) string {
	t.Helper()
	r, err := http.Get(url + "/debug/rates")
	if err != nil {
		t.Error(err)
		return ""
	}
	defer r.Body.Close()
	b, err := io.ReadAll(r.Body)
	if err != nil {
		t.Error(err)
	}
	return strings.TrimSpace(string(b))
}

// wantRatesOff waits until the pump notes nothing more: it may learn a moment
// later than we that its client has gone.
func wantRatesOff(t *testing.T, url string) {
	t.Helper()
	look := time.NewTicker(2 * time.Millisecond)
	defer look.Stop()
	const off = `{"block_rate":0,"mutex_fraction":0}`
	for end := time.Now().Add(20 * time.Second); rates(t, url) != off; <-look.C {
		if time.Now().After(end) {
			t.Fatalf("the rates are still %s", rates(t, url))
		}
	}
}

// Ctrl-C in the middle of a measurement ends it here and in the pump.
func TestInterruptedProfileRestoresTheRates(t *testing.T) {
	for kind, on := range map[string]string{
		"block": `{"block_rate":10000,"mutex_fraction":0}`, "mutex": `{"block_rate":0,"mutex_fraction":10}`,
	} {
		ctx, cancel := context.WithCancel(t.Context())
		var url string
		begun := make(chan struct{})
		url = pump(t, func(h http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.Method == http.MethodPost {
					close(begun)
				}
				h.ServeHTTP(w, r)
			})
		})
		seen := make(chan string, 1)
		go func() {
			defer cancel()
			<-begun
			got := rates(t, url)
			for range 1000 { // the handler may not have come so far
				if got == on {
					break
				}
				got = rates(t, url)
			}
			seen <- got
		}()
		var stdout, stderr bytes.Buffer
		code := run(ctx, []string{"profile", url, "--kind", kind, "--seconds", "3600"}, &stdout, &stderr)
		output{code, stdout.String(), stderr.String()}.want(t, cli.ExitFailed, "",
			"measuring "+kind+" for 3600 s\nstream-pump: interrupted; nothing was measured\n")
		if got := <-seen; got != on {
			t.Errorf("during the measurement the rates were %s, want %s", got, on)
		}
		wantRatesOff(t, url)
	}
}

// What the pump says when it cannot is passed on.
func TestPumpThatIsMeasuredAlready(t *testing.T) {
	url := pump(t, nil)
	if pprof.StartCPUProfile(io.Discard) == nil { // else the test itself is profiled, which will do
		defer pprof.StopCPUProfile()
	}
	start(t, "profile", url, "-s", "1").want(t, cli.ExitFailed, "", "measuring cpu for 1 s\n"+
		"stream-pump: the pump gives no cpu profile: Could not enable CPU profiling: cpu profiling already in use (500 Internal Server Error)\n")
}

// The flame graph is there until Ctrl-C, on the loopback, by stream; nothing on
// it writes a file.
func TestProfileInTheBrowser(t *testing.T) {
	home := t.TempDir()
	t.Setenv("HOME", home)
	t.Setenv("XDG_CONFIG_HOME", "")
	url := canned(t, packed(t, cpuProfile()))
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	stdout, w := io.Pipe()
	var stderr bytes.Buffer
	ended := make(chan int)
	go func() {
		code := run(ctx, []string{"profile", url, "--http", ":0"}, w, &stderr)
		_ = w.Close()
		ended <- code
	}()
	page, lines := "", bufio.NewScanner(stdout)
	for page == "" && lines.Scan() {
		if m := regexp.MustCompile(`^flame graph: (http://127\.0\.0\.1:\d+)/flamegraph \(Ctrl-C ends\)$`).FindStringSubmatch(lines.Text()); m != nil {
			page = m[1]
		}
	}
	if page == "" {
		t.Fatalf("no address is told: %s", stderr.String())
	}
	for path, want := range map[string]struct {
		code int
		part string
	}{
		"/flamegraph": {200, `"news"`}, "/top": {200, "serve"}, "/peek?f=write": {200, "write"}, "/": {200, `"film"`},
		"/saveconfig?config=x": {404, ""}, "/deleteconfig?config=x": {404, ""}, "/other": {404, ""},
	} {
		r, err := http.Get(page + path)
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(r.Body)
		_ = r.Body.Close()
		if r.StatusCode != want.code || !strings.Contains(string(body), want.part) {
			t.Errorf("%s: %d with %d bytes, want %d with %s", path, r.StatusCode, len(body), want.code, want.part)
		}
	}
	http.DefaultClient.CloseIdleConnections()
	cancel()
	_, _ = io.Copy(io.Discard, stdout)
	if code := <-ended; code != cli.ExitOK || stderr.String() != "measuring cpu for 10 s\n" {
		t.Errorf("exit code %d, errors %s", code, stderr.String())
	}
	if left, err := os.ReadDir(home); err != nil || len(left) > 0 {
		t.Errorf("the home directory has %v, %v", left, err)
	}
}

func TestBrowserAddressInUse(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	start(t, "profile", canned(t, nil), "--http", taken.Addr().String()).want(t, cli.ExitFailed, "",
		"stream-pump: the profile cannot be shown from "+taken.Addr().String()+": address already in use\n")
}

func TestKindsAreCompleted(t *testing.T) {
	for _, flag := range []string{"--kind", "-k"} {
		o := start(t, "__complete", "profile", flag, "")
		if o.code != cli.ExitOK || !strings.HasPrefix(o.stdout, "cpu\twhere processor time goes\nheap\t") || !strings.Contains(o.stdout, "\nmutex\t") {
			t.Errorf("%s <tab>: %+v", flag, o)
		}
	}
}

func TestUnits(t *testing.T) {
	for _, c := range []struct {
		what  string
		total int64
		want  string
	}{
		{"nanoseconds", 1_500_000_000, "1.50 s"}, {"nanoseconds", 20_000_000, "20.00 ms"}, {"nanoseconds", 1500, "1.50 us"}, {"nanoseconds", 1, "0.00 us"},
		{"bytes", 3_310_000, "3.31 MB"}, {"bytes", 4096, "4.10 kB"}, {"bytes", 5, "5 bytes"}, {"count", 14, "14 goroutines"}, {"apples", 3, "3 apples"},
	} {
		u := unitOf(c.what, c.total)
		if got := u.text(c.total) + " " + u.name; got != c.want {
			t.Errorf("%d %s: got %s, want %s", c.total, c.what, got, c.want)
		}
	}
}

// FuzzReport: whatever a server sends is a table or an error, and the tables'
// own costs add up to the total.
func FuzzReport(f *testing.F) {
	add := func(p *profile.Profile) {
		var b bytes.Buffer
		if err := p.WriteUncompressed(&b); err != nil {
			f.Fatal(err)
		}
		f.Add(b.Bytes())
	}
	add(cpuProfile())
	strange := cpuProfile()
	strange.Location[0].Line = nil
	strange.Sample[3].Location = nil
	add(strange)
	f.Fuzz(func(t *testing.T, b []byte) {
		cpu, _ := fetch.KindOf("cpu")
		r, err := readReport(b, cpu)
		if err != nil {
			return
		}
		sum := int64(0)
		for _, c := range r.labels("stream") {
			sum += c.flat
		}
		if r.labels("stream") != nil && sum != r.total {
			t.Errorf("the streams cost %d, all together %d", sum, r.total)
		}
		if text := r.appendText(nil, 3, true); !bytes.Contains(text, []byte("function\n")) {
			t.Errorf("got %s", text)
		}
	})
}
