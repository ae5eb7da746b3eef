package systemd

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
)

// generated is what the generator writes for a version of systemd: for each file its
// settings.
func generated(t *testing.T, says string) map[string]unit {
	t.Helper()
	dir, bin := t.TempDir(), t.TempDir()
	if err := os.WriteFile(filepath.Join(bin, "systemctl"), []byte("#!/bin/sh\ncat <<'END'\n"+says+"\nEND\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("./stream-pump-generator", dir, dir+"/early", dir+"/late")
	cmd.Env = []string{"PATH=" + bin + ":/usr/bin:/bin"}
	if out, err := cmd.CombinedOutput(); err != nil || len(out) > 0 {
		t.Fatalf("%v\n%s", err, out)
	}
	files, err := filepath.Glob(dir + "/*/*")
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]unit{}
	for _, f := range files {
		name, err := filepath.Rel(dir, f)
		if err != nil {
			t.Fatal(err)
		}
		all[name] = readUnit(t, f)
	}
	return all
}

// Each version of systemd is asked for what it knows, and no more.
func TestGeneratorKnowsTheVersions(t *testing.T) {
	const reload, steps = unitFile + ".d/10-notify-reload.conf", unitFile + ".d/10-restart-steps.conf"
	for _, c := range []struct {
		name, says string
		want       []string
	}{
		{"debian_12", "systemd 252 (252.39-1~deb12u2)\n+PAM +AUDIT", nil},
		{"the_first_that_knows_notify-reload", "systemd 253 (253.5-1)", []string{reload}},
		{"the_first_with_steps", "systemd 254 (254.1)", []string{reload, steps}},
		{"debian_13", "systemd 257 (257.9-1~deb13u1)\n+PAM", []string{reload, steps}},
		{"of_tomorrow", "systemd 1000~rc1 (1000~rc1)", []string{reload, steps}},
		{"of_which_nothing_is_known", "something else", nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			files := generated(t, c.says)
			var names []string
			for name := range files {
				names = append(names, name)
			}
			slices.Sort(names)
			if !slices.Equal(names, c.want) {
				t.Fatalf("got %q, want %q", names, c.want)
			}
			if u, ok := files[reload]; ok && (u.one(t, "Service.Type") != "notify-reload" || u.one(t, "Service.ExecReload") != "") {
				t.Errorf("%v: want the type, and no second signal by ExecReload", u)
			}
		})
	}
}

// Without the generator a reload is a signal, and the type is one that all versions know.
func TestUnitIsForTheOldestSystemd(t *testing.T) {
	u := readUnit(t, unitFile)
	if got := u.one(t, "Service.Type"); got != "notify" {
		t.Errorf("Type is %s", got)
	}
	if got := u.one(t, "Service.ExecReload"); got != `+/bin/sh -c "kill -HUP ${MAINPID}"` {
		t.Errorf("ExecReload is %s", got)
	}
}
