package confine

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"streampump/internal/account"
)

func TestReach(t *testing.T) {
	o := stage(t)
	dir := o.Dir
	in := func(parts ...string) string { return filepath.Join(append([]string{dir}, parts...)...) }
	pump := account.Account{User: "pump", Group: "pump", UID: 4123456, GID: 4123457, Groups: []int{4123458}}
	for _, name := range []string{"closed", "closed/inner", "shared"} {
		mode := map[string]os.FileMode{"closed": 0o700, "closed/inner": 0o755, "shared": 0o750}[name]
		if err := os.MkdirAll(in(name), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(in(name), mode); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Chown(in("shared"), 0, 4123458); err != nil {
		t.Fatal(err)
	}
	put(t, in("secret"), 0o600)
	put(t, in("it's secret"), 0o600)
	put(t, in("closed", "inner", "file"), 0o644)
	put(t, in("shared", "file"), 0o640)
	if err := os.Chown(in("shared", "file"), 0, 4123458); err != nil {
		t.Fatal(err)
	}
	for link, target := range map[string]string{"to-closed": "closed/inner/file", "to-secret": "to-secret-2", "to-secret-2": in("secret"), "dangling": "nothing"} {
		if err := os.Symlink(target, in(link)); err != nil {
			t.Fatal(err)
		}
	}
	who := "the user pump (group pump)"
	for _, c := range []struct {
		name  string
		write bool
		want  string // with %s for the folder
	}{
		{"readable/file", false, ""},
		{"shared/file", false, ""}, // by one of the user's groups
		{"missing", false, ""},
		{"dangling", false, ""},
		{"secret", false, `the file "%[1]s/secret" cannot be read by ` + who + `; open it with: chgrp pump %[1]s/secret && chmod g+r %[1]s/secret`},
		{"to-secret", false, `the file "%[1]s/to-secret" cannot be read by ` + who + `; open it with: chgrp pump %[1]s/secret && chmod g+r %[1]s/secret`},
		{"it's secret", false, `the file "%[1]s/it's secret" cannot be read by ` + who + `; open it with: chgrp pump '%[1]s/it'\''s secret' && chmod g+r '%[1]s/it'\''s secret'`},
		{"closed/inner/file", false, `the file "%[1]s/closed/inner/file" cannot be read by ` + who + `, to whom the folder "%[1]s/closed" is closed; open it with: chgrp pump %[1]s/closed && chmod g+x %[1]s/closed`},
		{"to-closed", false, `the file "%[1]s/to-closed" cannot be read by ` + who + `, to whom the folder "%[1]s/closed" is closed; open it with: chgrp pump %[1]s/closed && chmod g+x %[1]s/closed`},
		{"writable", true, ""},
		{"missing", true, ""},
		{"far", true, `the folder "%[1]s/far" cannot be written to by ` + who + `; give it away with: chown -R 4123456:4123457 %[1]s/far`},
		{"closed/inner", true, `the folder "%[1]s/closed/inner" cannot be written to by ` + who + `, to whom the folder "%[1]s/closed" is closed; open it with: chgrp pump %[1]s/closed && chmod g+x %[1]s/closed && chown -R 4123456:4123457 %[1]s/closed/inner`},
	} {
		n := Needs{Read: []string{in(c.name)}}
		if c.write {
			n = Needs{Write: []string{in(c.name)}}
		}
		got, err := Reach(pump, n)
		want := c.want
		if want != "" {
			want = fmt.Sprintf(c.want, dir)
		}
		if err != nil || want == "" && len(got) > 0 || want != "" && (len(got) != 1 || got[0].Text != want || got[0].Write != c.write) {
			t.Errorf("%s: %+v, %v\nwant %s", c.name, got, err, want)
		}
	}
	// Root can read all of it, before and after.
	root, err := account.Lookup("root", "")
	if err != nil {
		t.Fatal(err)
	}
	if got, err := Reach(root, Needs{Read: []string{in("secret"), in("closed/inner/file")}}); err != nil || len(got) > 0 {
		t.Errorf("%+v, %v", got, err)
	}
	// Nobody's group stands for many.
	got, err := Reach(o.Policy.Account, Needs{Read: []string{in("secret")}})
	if err != nil || len(got) != 1 || !strings.HasSuffix(got[0].Text, "open it with: setfacl -m u:nobody:r "+in("secret")) {
		t.Errorf("%+v, %v", got, err)
	}
}

// All that is in the way is said at once, wherever the process stands, and the command
// takes nothing from another group.
func TestEveryObstacle(t *testing.T) {
	o := stage(t)
	pump := account.Account{User: "pump", Group: "pump", UID: 4123456, GID: 4123457, Groups: []int{4123458}}
	who := "the user pump (group pump)"
	in := func(name string) string { return filepath.Join(o.Dir, name) }
	for _, f := range []struct {
		name     string
		uid, gid int
		mode     os.FileMode
	}{
		{"outer", 0, 0, 0o700}, {"outer/inner", 0, 0, 0o710}, {"outer/inner/key", 0, 0, 0o600}, {"outer/inner/open", 0, 0, 0o644},
		{"others", 0, 4123459, 0o640}, {"theirs", 0, 4123459, 0o600}, {"ours", 0, 4123458, 0o600}, {"own", 4123456, 0, 0o200},
	} {
		if f.name == "outer" || f.name == "outer/inner" {
			if err := os.Mkdir(in(f.name), 0o700); err != nil {
				t.Fatal(err)
			}
		} else {
			put(t, in(f.name), 0o600)
		}
		if err := errors.Join(os.Chown(in(f.name), f.uid, f.gid), os.Chmod(in(f.name), f.mode)); err != nil {
			t.Fatal(err)
		}
	}
	t.Chdir(in("outer/inner"))
	folders := `the file %[2]q cannot be read by ` + who + `, to whom the folders "%[1]s/outer" and "%[1]s/outer/inner"`
	passes := `open it with: chgrp pump %[1]s/outer && chmod g+x %[1]s/outer && chgrp pump %[1]s/outer/inner && chmod g=x %[1]s/outer/inner`
	for name, want := range map[string]string{
		"key":                 folders + ` and the file itself are closed; ` + passes + ` && chgrp pump %[1]s/outer/inner/key && chmod g+r %[1]s/outer/inner/key`,
		in("outer/inner/key"): folders + ` and the file itself are closed; ` + passes + ` && chgrp pump %[1]s/outer/inner/key && chmod g+r %[1]s/outer/inner/key`,
		"open":                folders + ` are closed; ` + passes,
		in("others"):          `the file %[2]q cannot be read by ` + who + `; open it with: setfacl -m u:pump:r %[1]s/others`,
		in("theirs"):          `the file %[2]q cannot be read by ` + who + `; open it with: chgrp pump %[1]s/theirs && chmod g+r %[1]s/theirs`,
		in("ours"):            `the file %[2]q cannot be read by ` + who + `; open it with: chmod g+r %[1]s/ours`,
		in("own"):             `the file %[2]q cannot be read by ` + who + `; open it with: chmod u+r %[1]s/own`,
	} {
		want = fmt.Sprintf(want, o.Dir, name)
		if got, err := Reach(pump, Needs{Read: []string{name}}); err != nil || len(got) != 1 || got[0].Text != want {
			t.Errorf("%s: %+v, %v\nwant %s", name, got, err, want)
		}
	}
}

// The commands that are said open the file.
func TestAdviceOpens(t *testing.T) {
	o := stage(t)
	a := account.Account{User: "pump", Group: "4123457", UID: 4123456, GID: 4123457}
	if err := os.Mkdir(filepath.Join(o.Dir, "outer"), 0o700); err != nil {
		t.Fatal(err)
	}
	key := filepath.Join(o.Dir, "outer", "it's a key")
	put(t, key, 0o600)
	n := Needs{Read: []string{key}}
	got, err := Reach(a, n)
	if err != nil || len(got) != 1 {
		t.Fatalf("%+v, %v", got, err)
	}
	_, command, _ := strings.Cut(got[0].Text, "open it with: ")
	if out, err := exec.Command("sh", "-c", command).CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", command, err, out)
	}
	if got, err := Reach(a, n); err != nil || len(got) > 0 {
		t.Errorf("after %s: %+v, %v", command, got, err)
	}
}

// The thread that tries is as it was before, whatever it has tried.
func TestTryingChangesNothing(t *testing.T) {
	needRoot(t)
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	before := own(t)
	back, err := masked(account.Account{UID: 4123456, GID: 4123457, Groups: []int{4123458}})
	if err != nil {
		t.Fatal(err)
	}
	if now := own(t); now == before || open1("/etc/shadow") == nil {
		t.Errorf("the thread is as before: %s", now)
	}
	if err := back(); err != nil {
		t.Fatal(err)
	}
	if now := own(t); now != before {
		t.Errorf("the thread is\n%s\nand was\n%s", now, before)
	}
}

// own is what the kernel says of the rights of the calling thread.
func own(t *testing.T) (lines string) {
	t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/self/task/%d/status", unix.Gettid()))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		if slices.ContainsFunc([]string{"Uid", "Gid", "Groups", "Cap"}, func(s string) bool { return strings.HasPrefix(line, s) }) {
			lines += line
		}
	}
	return lines
}

func TestFollow(t *testing.T) {
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	in := func(name string) string { return filepath.Join(dir, name) }
	for _, name := range []string{"live/site", "archive/site", "mount/..1", "a/b"} {
		if err := os.MkdirAll(in(name), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	put(t, in("archive/site/cert1.pem"), 0o600)
	put(t, in("mount/..1/tls.crt"), 0o600)
	for link, target := range map[string]string{
		"live/site/cert.pem": "../../archive/site/cert1.pem",           // as certbot has it
		"mount/..data":       "..1", "mount/tls.crt": "..data/tls.crt", // as Kubernetes has it
		"circle": "circle", "absolute": in("archive/site/cert1.pem"),
	} {
		if err := os.Symlink(target, in(link)); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct {
		name, end string
		beside    []string
	}{
		{"archive/site/cert1.pem", "archive/site/cert1.pem", []string{"archive/site"}},
		{"live/site/cert.pem", "archive/site/cert1.pem", []string{"live/site", "archive/site"}},
		{"mount/tls.crt", "mount/..1/tls.crt", []string{"mount", "mount", "mount/..1"}},
		{"absolute", "archive/site/cert1.pem", []string{"", "archive/site"}},
		{"a/b/missing", "a/b/missing", []string{"a/b"}},
		{"a/missing/file", "a/missing/file", []string{"a"}},
	} {
		w := follow(in(c.name))
		var beside []string
		for _, b := range c.beside {
			beside = append(beside, in(b))
		}
		if w.end != in(c.end) || !slices.Equal(w.beside, beside) || w.passed[0] != "/" {
			t.Errorf("%s: %+v, want %s beside %q", c.name, w, c.end, beside)
		}
	}
	if w := follow(in("circle")); len(w.passed) > 2*maxLinks*strings.Count(dir, "/")+maxLinks {
		t.Errorf("a circle leads through %d folders", len(w.passed))
	}
	// Links of the system's own are not where a certificate changes.
	if w := follow("/proc/self/status"); slices.Contains(w.beside, "/proc") || slices.Contains(follow("/file").beside, "/") {
		t.Errorf("%+v", w)
	}
}
