//go:build e2e

package e2e

import (
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"streampump/config"
)

// makeTarget runs make at the repository's root.
func makeTarget(t *testing.T, args ...string) string {
	t.Helper()
	out, err := exec.Command("make", append([]string{"-C", ".."}, args...)...).CombinedOutput()
	if err != nil {
		t.Fatalf("make %q: %v\n%s", args, err, out)
	}
	return string(out)
}

// filesIn are all files below a folder, from there.
func filesIn(t *testing.T, root string) (names []string) {
	t.Helper()
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			names = append(names, strings.TrimPrefix(path, root))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}

// What `make install` brings runs as it stands: the unit starts the program that
// was installed, with a configuration that is there and good. The settings of the
// kernel come only when asked for, and the configuration is the operator's.
func TestInstallAndUninstall(t *testing.T) {
	root := t.TempDir()
	at := []string{"DESTDIR=" + root, "PREFIX=/opt/pump", "SYSCONFDIR=/opt/pump/etc"}
	said := makeTarget(t, append(at, "install")...)
	if !strings.Contains(said, "systemd-sysusers && chgrp stream-pump /opt/pump/etc/stream-pump/config.json && systemctl daemon-reload && systemctl enable --now stream-pump") {
		t.Errorf("make install does not say what is next:\n%s", said)
	}
	for _, name := range filesIn(t, root) {
		if strings.Contains(name, "sysctl") {
			t.Errorf("make install changes the kernel's settings: %s", name)
		}
	}
	unit, err := os.ReadFile(filepath.Join(root, "opt/pump/lib/systemd/system/stream-pump.service"))
	if err != nil {
		t.Fatal(err)
	}
	_, start, _ := strings.Cut(string(unit), "\nExecStart=")
	command := strings.Fields(start)[:3]
	conf := filepath.Join(root, command[2])
	out, err := exec.Command(filepath.Join(root, command[0]), "check", anybodys(t, conf)).CombinedOutput()
	if err != nil || !strings.Contains(string(out), "is valid: 1 stream, 1 enabled") {
		t.Errorf("%q: %v\n%s", command, err, out)
	}

	if err := os.WriteFile(conf, []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	makeTarget(t, append(at, "install", "install-sysctl")...)
	if text, err := os.ReadFile(conf); err != nil || string(text) != "mine" {
		t.Errorf("the configuration was replaced: %v %.40q", err, text)
	}
	if !slices.ContainsFunc(filesIn(t, root), func(name string) bool { return strings.HasSuffix(name, "/sysctl.d/90-stream-pump.conf") }) {
		t.Error("make install-sysctl brings no file for sysctl.d")
	}
	makeTarget(t, append(at, "uninstall")...)
	if left := filesIn(t, root); len(left) != 1 || left[0] != command[2] {
		t.Errorf("make uninstall leaves %q", left)
	}
}

// anybodys is a copy of the configuration that `make install` brings, for a machine
// without the unit's user.
func anybodys(t *testing.T, conf string) string {
	t.Helper()
	text, err := os.ReadFile(conf)
	if err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(conf); err != nil || info.Mode() != 0o640 {
		t.Errorf("the configuration may name secrets, and its mode is %v, %v", info.Mode(), err)
	}
	const own = `"user": "stream-pump",`
	if !strings.Contains(string(text), "\n  "+own+"\n") {
		t.Error("the configuration does not name the unit's user")
	}
	name := filepath.Join(t.TempDir(), "config.json")
	if err := os.WriteFile(name, []byte(strings.Replace(string(text), own, `"user": "nobody",`, 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

// On a machine that has the unit's group, the configuration is given to it. chgrp is a
// stand-in that writes down what it is asked.
func TestInstallGivesTheConfigurationToTheGroup(t *testing.T) {
	root, tools := t.TempDir(), t.TempDir()
	script := "#!/bin/sh\necho \"$*\" >> " + tools + "/asked\n"
	if err := os.WriteFile(filepath.Join(tools, "chgrp"), []byte(script), 0o755); err != nil { //nolint:gosec // it is run
		t.Fatal(err)
	}
	t.Setenv("PATH", tools+":"+os.Getenv("PATH"))
	conf := root + "/etc/stream-pump/config.json"
	said := makeTarget(t, "PREFIX="+root, "SYSCONFDIR="+root+"/etc", "install")
	if !strings.Contains(said, "next, as root: systemd-sysusers && systemctl daemon-reload") {
		t.Errorf("it asks for what is done:\n%s", said)
	}
	if asked, err := os.ReadFile(filepath.Join(tools, "asked")); err != nil || string(asked) != "stream-pump "+conf+"\n" {
		t.Errorf("chgrp was asked %q, %v", asked, err)
	}
	anybodys(t, conf)
}

// Root has no Go: what was built before is installed.
func TestInstallWithoutGo(t *testing.T) {
	makeTarget(t, "build")
	root := t.TempDir()
	makeTarget(t, "DESTDIR="+root, "GO=no-such-go", "install")
	if out, err := exec.Command(filepath.Join(root, "usr/local/bin/stream-pump"), "version").CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

// The command that check names turns the original's configuration into ours.
func TestOriginalConfigurationIsConverted(t *testing.T) {
	need(t, "node")
	dir := t.TempDir()
	const original = `// the original's configuration is a module
exports.config = {
	port: '8086',
	use_http_proxy: false,
	redirect_404_to: undefined,
	streams: [
		{name: 'Test Push', enabled: true, type: 'mmsh_push', path: 'live'},
		{name: "Test Pull", enabled: false, type: 'mmsh_pull', source_options: {host: '192.0.2.7', port: 7070, path: '/'}, path: 'far'},
	],
};
`
	if err := os.WriteFile(filepath.Join(dir, "config.js"), []byte(original), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("sh", "-c", config.ConvertScript)
	cmd.Dir = dir
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	c, problems := config.Parse("config.json", out, dir)
	if c == nil || len(problems) > 0 || len(c.Streams) != 2 || c.Streams[0].Name != "Test Push" || c.Streams[1].Pull.Port != 7070 {
		t.Errorf("%v\n%s", problems, out)
	}
}
