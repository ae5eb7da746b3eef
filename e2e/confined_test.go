//go:build e2e

package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"streampump/bench/push"
	"streampump/demo"
	"streampump/e2e/rig"
	"streampump/internal/account"
)

// builds are the ways to build the program: as it is shipped, with cgo, and with the
// race detector.
var builds = map[string]struct {
	env  string
	args []string
}{
	"shipped": {"CGO_ENABLED=0", nil},
	"cgo":     {"CGO_ENABLED=1", nil},
	"race":    {"CGO_ENABLED=1", []string{"-race"}},
}

// TestConfinedPump has a pump that was root do all that it may have to do later: take a
// renewed certificate and a new file over, look names up, pull in clear and over TLS,
// give profiles of all kinds, and end when it is asked to.
func TestConfinedPump(t *testing.T) {
	if os.Geteuid() != 0 {
		missing(t, "this takes root")
	}
	need(t, "gcc")
	origin := rig.Identify(t, rig.Reachable(t))
	first := rig.Start(t, rig.Options{Config: `"streams": [{"type": "mmsh_push", "path": "live"}]`, TLS: origin})
	whole := pushThrough(t, first.Addr.String(), "live", push.Endless)
	up(t, first, "live")
	for name, build := range builds {
		t.Run(name, func(t *testing.T) {
			binary := filepath.Join(t.TempDir(), "stream-pump")
			cmd := exec.Command("go", append(append([]string{"build", "-o", binary}, build.args...), "streampump/cmd/stream-pump")...)
			cmd.Env = append(os.Environ(), build.env)
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
			confinedLife(t, binary, first, origin.Roots)
		})
	}
	whole.end(t, 0)
}

// confinedLife is what one pump goes through; first is the one that it pulls from, whose
// authority is in the file.
func confinedLife(t *testing.T, binary string, first *rig.Pump, authority string) {
	t.Helper()
	dir := rig.Reachable(t)
	who := rig.Identify(t, dir)
	clip := filepath.Join(dir, "clip.asf")
	replace(t, clip, demo.Clip())
	source := func(at string) string { return "localhost" + at[strings.LastIndex(at, ":"):] } // a name, not an address
	p := rig.Start(t, rig.Options{Binary: binary, TLS: who, Config: fmt.Sprintf(`"streams": [
		{"type": "mmsh_push", "path": "pushed"},
		{"type": "file", "path": "clip", "source_options": {"file": %q}},
		{"type": "mmsh_pull", "path": "live", "source_options": {"url": "mmsh://%s/streams/live"}},
		{"type": "mmsh_pull", "path": "secure", "source_options": {"url": "mmshs://%s/streams/live", "ssl_ca": %q}}
	]`, clip, source(first.Addr.String()), source(first.TLS.String()), authority)})
	p.Await("msg=confined", "user=nobody", "capabilities=none", "no_new_privs=true")
	up(t, p, "clip", "live", "secure")
	wantNobody(t, p)
	doors{viewers: p.Addr.String()}.viewAll(t)

	if _, err := who.Authority.Issue(dir, 0o600, rig.Host, "localhost"); err != nil {
		t.Fatal(err)
	}
	rig.Give(t, who.Pair.Key)
	p.Await("a certificate was read anew")
	if err := syscall.Kill(p.PID(), syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	p.Await("reload: the configuration is the one in use")
	for _, kind := range []string{"cpu", "heap", "allocs", "goroutine", "block", "mutex"} {
		args := []string{"profile", "http://" + p.Admin.String(), "--kind", kind, "--output", filepath.Join(t.TempDir(), kind)}
		if kind == "cpu" || kind == "block" || kind == "mutex" {
			args = append(args, "--seconds", "1")
		}
		if out, err := exec.Command(binary, args...).CombinedOutput(); err != nil {
			t.Errorf("profile %s: %v\n%s", kind, err, out)
		}
	}
	wantNobody(t, p)
	if err := p.Terminate(); err != nil {
		t.Errorf("%v\n%s", err, p.Log())
	}
	for line := range strings.Lines(p.Log()) {
		if strings.Contains(line, "level=ERROR") || strings.Contains(line, "level=WARN") || strings.Contains(line, "not permitted") || strings.Contains(line, "permission denied") {
			t.Error(line)
		}
	}
}

// wantNobody wants every thread of a pump to be nobody without any rights.
func wantNobody(t *testing.T, p *rig.Pump) {
	t.Helper()
	a, err := account.Lookup(account.Nobody, "")
	if err != nil {
		t.Fatal(err)
	}
	const none = "0000000000000000"
	ids := func(id int) string { return strings.TrimSpace(strings.Repeat(fmt.Sprint(id)+"\t", 4)) }
	want := map[string]string{
		"Uid": ids(a.UID), "Gid": ids(a.GID), "Groups": "", "NoNewPrivs": "1", "Seccomp": "2",
		"CapInh": none, "CapPrm": none, "CapEff": none, "CapBnd": none, "CapAmb": none,
	}
	tasks, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/status", p.PID()))
	if err != nil || len(tasks) < 4 {
		t.Fatalf("%q, %v", tasks, err)
	}
	for _, task := range tasks {
		text, err := os.ReadFile(task)
		if err != nil {
			continue // the thread has ended
		}
		for line := range strings.Lines(string(text)) {
			key, value, _ := strings.Cut(line, ":")
			if w, ok := want[key]; ok && strings.TrimSpace(value) != w {
				t.Errorf("%s: %s is %q, want %q", task, key, strings.TrimSpace(value), w)
			}
		}
	}
}
