package rival

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"streampump/bench/child"
	"streampump/bench/feed"
	"streampump/bench/origin"
	"streampump/bench/synth"
)

// The test program is the server of these tests, too.
const (
	role     = "STREAMPUMP_RIVAL_ROLE"
	roleFrom = "STREAMPUMP_RIVAL_FROM"
	roleAddr = "STREAMPUMP_RIVAL_ADDR"
)

func TestMain(m *testing.M) {
	as := os.Getenv(role)
	if as == "" {
		os.Exit(m.Run())
	}
	if as == "dies" {
		fmt.Println("I cannot find my teapot")
		os.Exit(1)
	}
	if as == "takes" {
		fmt.Println(takeRTSP())
		os.Exit(1)
	}
	if as == "hangs" {
		fmt.Println("I think")
		<-time.After(time.Minute) // if nobody ends it
		os.Exit(1)
	}
	fmt.Println(carry())
	os.Exit(2)
}

// carry fetches the stream, gives whoever asks a little of it, and dies when it
// is asked to.
func carry() error {
	stream, err := http.Get("http://" + os.Getenv(roleFrom) + "/")
	if err != nil {
		return err
	}
	go func() {
		_, _ = io.Copy(io.Discard, stream.Body)
		_ = stream.Body.Close()
	}()
	http.HandleFunc("/live", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "some of it") })
	http.HandleFunc("/die", func(http.ResponseWriter, *http.Request) {
		fmt.Println("I am told to die")
		os.Exit(1)
	})
	server := http.Server{Addr: os.Getenv(roleAddr), ReadHeaderTimeout: time.Second}
	return server.ListenAndServe()
}

// fake is a kind of server that is the test program in a role.
func fake(as string) *Kind {
	return &Kind{Name: "fake", start: func(ctx context.Context, v *Server, s Setup) (err error) {
		if v.Addr, err = freeAddr(); err != nil {
			return err
		}
		v.Path = "/live"
		return v.fetches(ctx, s, origin.Plain, func(from string) (child.Spec, error) {
			return child.Spec{Env: []string{role + "=" + as, roleFrom + "=" + from, roleAddr + "=" + v.Addr}}, nil
		})
	}}
}

// flow is a source whose packets are due at once, and which ends with its
// context or when it is told to.
type flow struct {
	*synth.Encoder
	ctx  context.Context
	over chan struct{}
}

func (f *flow) Next() ([]byte, uint32, error) {
	tick := time.NewTimer(time.Millisecond)
	defer tick.Stop()
	select {
	case <-tick.C:
		return f.Encoder.Next()
	case <-f.ctx.Done():
	case <-f.over:
	}
	return nil, 0, io.EOF
}

// setup is how a fake is run. over ends its source.
func setup(t *testing.T) (s Setup, over chan struct{}) {
	t.Helper()
	over = make(chan struct{})
	return Setup{Path: os.Args[0], Dir: t.TempDir(), Source: func(ctx context.Context) (Source, error) {
		e, err := synth.New(synth.Spec{Streams: []synth.Stream{synth.Video(1, 100, 400_000, 10)}, PacketSize: 1400})
		return &flow{e, ctx, over}, err
	}}, over
}

// descriptors are what is open in this process.
func descriptors(t *testing.T) map[string]bool {
	t.Helper()
	list, err := filepath.Glob("/proc/self/fd/*")
	if err != nil {
		t.Fatal(err)
	}
	open := map[string]bool{}
	for _, fd := range list {
		if to, err := os.Readlink(fd); err == nil && !strings.HasPrefix(to, "/proc/") && !strings.HasPrefix(to, "anon_inode:") {
			open[to] = true
		}
	}
	return open
}

// leftovers fails the test if something stays open that was not before. A connection of
// net/http is closed by a goroutine, which may have its turn later.
func leftovers(t *testing.T, before map[string]bool) {
	t.Helper()
	const patience, look = 10 * time.Second, 5 * time.Millisecond
	for late := time.After(patience); ; {
		now := descriptors(t)
		maps.DeleteFunc(now, func(to string, _ bool) bool { return before[to] })
		if len(now) == 0 {
			return
		}
		select {
		case <-time.After(look):
		case <-late:
			t.Errorf("left open: %q", slices.Collect(maps.Keys(now)))
			return
		}
	}
}

func TestServerThatCarriesTheStream(t *testing.T) {
	before := descriptors(t)
	s, _ := setup(t)
	v, err := fake("carries").Start(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	if v.Err() != nil || v.PID() <= 0 || v.Kind.Name != "fake" || !v.answers(t.Context()) || answers(t.Context(), nil, v.Addr, "/other") {
		t.Errorf("%+v, %v", v, v.Err())
	}
	for range 2 {
		if err := v.Stop(); err != nil {
			t.Error(err)
		}
	}
	if v.Err() == nil || v.answers(t.Context()) {
		t.Errorf("it goes on, %v", v.Err())
	}
	leftovers(t, before)
}

// TestServerThatDiesSaysWhy, and not that its source has lost the connection.
func TestServerThatDiesSaysWhy(t *testing.T) {
	s, _ := setup(t)
	v, err := fake("carries").Start(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	answers(t.Context(), nil, v.Addr, "/die")
	<-v.process.Exited()
	if err := v.Err(); err == nil || !strings.Contains(err.Error(), "exit status 1; it said last: I am told to die") {
		t.Errorf("%v", err)
	}
	if err := v.Stop(); err != nil {
		t.Errorf("one that has ended is ended with %v", err)
	}
}

func TestServerWhoseSourceEnds(t *testing.T) {
	s, over := setup(t)
	v, err := fake("carries").Start(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	close(over)
	<-v.fed
	if err := v.Err(); err == nil || err.Error() != "the source ended" {
		t.Errorf("%v", err)
	}
	if err := v.Stop(); err != nil {
		t.Error(err)
	}
}

// TestServersThatDoNotStart leave nothing behind, and say why.
func TestServersThatDoNotStart(t *testing.T) {
	before := descriptors(t)
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	noConfig := &Kind{Name: "fake", start: func(ctx context.Context, v *Server, s Setup) error {
		return v.fetches(ctx, s, origin.Plain, func(string) (child.Spec, error) { return child.Spec{}, errors.New("no paper") })
	}}
	for want, c := range map[string]struct {
		ctx    context.Context
		kind   *Kind
		change func(*Setup)
	}{
		"fake: " + os.Args[0] + ": exit status 1; it said last: I cannot find my teapot": {t.Context(), fake("dies"), nil},
		"fake: context canceled": {gone, fake("hangs"), nil},
		"fake: no paper":         {t.Context(), noConfig, nil},
		"fake: no camera": {t.Context(), fake("hangs"), func(s *Setup) {
			s.Source = func(context.Context) (Source, error) { return nil, errors.New("no camera") }
		}},
		"fake: /nowhere/x cannot be started: fork/exec /nowhere/x: no such file or directory": {t.Context(), fake("hangs"), func(s *Setup) { s.Path = "/nowhere/x" }},
	} {
		s, _ := setup(t)
		if c.change != nil {
			c.change(&s)
		}
		v, err := c.kind.Start(c.ctx, s)
		if v != nil || err == nil || err.Error() != want {
			t.Errorf("%v, want %q", err, want)
		}
	}
	leftovers(t, before)
}

// TestInterruptedStart: Ctrl-C while a server thinks about it.
func TestInterruptedStart(t *testing.T) {
	before := descriptors(t)
	s, _ := setup(t)
	ctx, interrupt := context.WithCancel(t.Context())
	camera := s.Source
	s.Source = func(c context.Context) (Source, error) {
		time.AfterFunc(50*time.Millisecond, interrupt)
		return camera(c)
	}
	if v, err := fake("hangs").Start(ctx, s); !errors.Is(err, context.Canceled) || v != nil {
		t.Errorf("%+v, %v", v, err)
	}
	leftovers(t, before)
}

func TestNamed(t *testing.T) {
	for _, k := range Kinds() {
		if got, err := Named(k.Name); err != nil || got.Name != k.Name {
			t.Errorf("%s: %+v, %v", k.Name, got, err)
		}
	}
	if k, err := Named("apache"); err == nil || err.Error() != `there is no server "apache", only pump, cubemap, icecast, vlc, nginx, stunnel, live555, go2rtc, nginx-rtmp, mediamtx, lal, srs` {
		t.Errorf("%+v, %v", k, err)
	}
}

// TestNoPart: who takes part over TLS, over RTSP or RTMP, and without any of them.
func TestNoPart(t *testing.T) {
	for name, want := range map[string][4]bool{ // in clear, over TLS, over RTSP, over RTMP
		"pump": {true, true, true, true}, "cubemap": {true, true, false, false}, "icecast": {true, false, false, false}, "vlc": {true, false, false, false},
		"nginx": {false, true, false, false}, "stunnel": {false, true, false, false}, "mediamtx": {false, false, true, true}, "live555": {false, false, true, false},
		"nginx-rtmp": {false, false, false, true}, "srs": {false, false, false, true},
	} {
		k, err := Named(name)
		if err != nil {
			t.Fatal(err)
		}
		got := [4]bool{k.NoPart(false, feed.MMSH) == "", k.NoPart(true, feed.MMSH) == "", k.NoPart(false, feed.RTSP) == "", k.NoPart(false, feed.RTMP) == ""}
		if got != want {
			t.Errorf("%s takes part: %v, want %v", name, got, want)
		}
	}
	if why := mediamtx().NoPart(false, feed.MMSH); why != "mediamtx takes part over RTSP and RTMP alone" {
		t.Error(why)
	}
}

// TestServerWithAPumpBehind: both are its processes, and both end with it.
func TestServerWithAPumpBehind(t *testing.T) {
	run := func() *child.Process {
		p, err := child.Start(child.Spec{Path: os.Args[0], Env: []string{role + "=hangs"}})
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	v := newServer(t.Context())
	v.Kind, v.process, v.behind = nginx(), run(), run()
	pids, err := v.Others()
	if err != nil || len(pids) != 1 || pids[0] != v.behind.PID() {
		t.Errorf("%v, %v", pids, err)
	}
	if err := v.behind.Stop(); err != nil {
		t.Error(err)
	}
	if !v.ended() || v.Err() == nil {
		t.Errorf("it goes on without its pump: %v", v.Err())
	}
	if err := v.Stop(); err != nil {
		t.Error(err)
	}
}

func TestFind(t *testing.T) {
	dir := t.TempDir()
	program := filepath.Join(dir, "thing")
	t.Setenv("PATH", dir)
	for want, k := range map[string]Kind{
		"thing is not built: make build":                                      {Name: "pump", program: "thing"},
		"rival is not installed: apt-get install --no-install-recommends a b": {Name: "rival", Package: "a b", program: "thing"},
		"thing is not on the PATH: build it from there":                       {Name: "rival", Home: "there", program: "thing"},
	} {
		k.places = []string{program, dir} // not there, and no program
		if path, err := k.Find(); err == nil || err.Error() != want {
			t.Errorf("%q, %v, want %q", path, err, want)
		}
	}
	k := Kind{program: "thing", places: []string{program}, needs: []string{dir}}
	if err := os.WriteFile(program, nil, 0o755); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{dir, ""} { // on the PATH, and beside it
		t.Setenv("PATH", path)
		if got, err := k.Find(); err != nil || got != program {
			t.Errorf("with the PATH %q: %q, %v", path, got, err)
		}
	}
	if k.needs = []string{program + ".so"}; k.look() != "" {
		t.Error("it is found without what it needs")
	}
}

func TestVersion(t *testing.T) {
	dir := t.TempDir()
	script := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte("#!/bin/sh\n"+text+"\n"), 0o755); err != nil {
			t.Fatal(err)
		}
		return path
	}
	tells := script("tells", `echo; echo "thing 1 $*"; echo more; exit 1`)
	script("dpkg-query", `test "$4" = known && echo 1.2-3`)
	t.Setenv("PATH", dir)
	for _, c := range []struct{ name, path, want string }{
		{"tells", tells, "thing 1 --version"},
		{"not there", dir + "/nothing", ""},
	} {
		if got := (&Kind{version: []string{"--version"}}).Version(t.Context(), c.path); got != c.want {
			t.Errorf("%s: %q", c.name, got)
		}
	}
	for _, c := range []struct{ pkg, path, want string }{
		{"known other", "/usr/bin/thing", "known 1.2-3"}, {"unknown", "/usr/bin/thing", ""}, {"known", "/usr/local/bin/thing", ""},
	} {
		if got := (&Kind{Package: c.pkg}).Version(t.Context(), c.path); got != c.want {
			t.Errorf("%s at %s: %q", c.pkg, c.path, got)
		}
	}
}

func TestAddressIn(t *testing.T) {
	const mark = "msg=listening "
	for log, want := range map[string]string{
		"": "",
		"level=INFO msg=listening address=127.0.0.1:80":                                              "", // half of a line
		"level=INFO msg=listening address=127.0.0.1:8086\n":                                          "127.0.0.1:8086",
		"a\nlevel=INFO msg=listening address=[::1]:8086 more=1\nmsg=listening address=127.0.0.1:1\n": "[::1]:8086",
		"msg=listening\naddress=127.0.0.1:80\n":                                                      "",
		"msg=listening address=nowhere\n":                                                            "",
		"msg=other address=127.0.0.1:8086\n":                                                         "",
		"msg=listening \naddress=127.0.0.1:1\n":                                                      "",
	} {
		if got := addressIn(log, mark, ""); got != want {
			t.Errorf("%q: %q, want %q", log, got, want)
		}
	}
	both := "msg=listening address=127.0.0.1:1 tls=false\nmsg=listening address=127.0.0.1:2 tls=true\n"
	if got := addressIn(both, mark, " tls=true"); got != "127.0.0.1:2" {
		t.Errorf("with TLS it is %q", got)
	}
}
