//go:build e2e

package e2e

import (
	"fmt"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
)

const (
	debConfig = "etc/stream-pump/config.json"
	// asked is where the stand-in for systemctl writes what it is asked.
	asked = "tmp/systemctl.log"
)

// The package on a Debian that nobody has touched: installed, used, purged; and once
// more from the release before: edited, upgraded, removed, purged. systemctl is a
// stand-in that writes down what it is asked; a real systemd has a test of its own.
func checkDebianPackage(t *testing.T, d *debian, deb string) {
	need(t, "dpkg-deb", "curl")
	d.t = t
	d.write("usr/bin/systemctl", "#!/bin/sh\necho \"$*\" >> /"+asked+"\n", 0o755)
	const wants = "/etc/systemd/system/multi-user.target.wants"
	d.run("mkdir", "-p", "/run/systemd/system", wants)
	before := d.files()

	said := d.install(deb)
	if !strings.Contains(said, "nothing runs yet") || !strings.Contains(said, "systemctl enable --now stream-pump") {
		t.Errorf("the installation does not say what is next:\n%s", said)
	}
	d.wantAsked("--system daemon-reload")
	d.checkOwners(onlyDebian)
	if got := d.run("dpkg", "--verify", "stream-pump"); got != "" {
		t.Errorf("files differ from the package's:\n%s", got)
	}
	d.checkShipped()
	d.serve("stream-pump")
	d.serve("root")
	d.run("apt-get", "purge", "-y", "stream-pump")
	d.wantAsked("stop stream-pump*.socket stream-pump.service", "--system daemon-reload", "--system daemon-reload")
	d.checkLeft(before)

	d.install(previous(t, deb))
	const edited = `{"port": 8086, "streams": [{"name": "Mine", "type": "mmsh_push", "path": "mine"}]}`
	d.write(debConfig, edited, 0o600) // an existing file keeps its mode
	d.wantAsked("--system daemon-reload")
	if said := d.install(deb); strings.Contains(said, "nothing runs yet") {
		t.Errorf("the upgrade speaks as if it was the first installation:\n%s", said)
	}
	d.wantAsked("--system daemon-reload", "try-restart stream-pump.service")
	if got := d.read(debConfig); got != edited {
		t.Errorf("the upgrade changed the configuration:\n%.200s", got)
	}
	if got := d.read(debConfig + ".dpkg-dist"); !strings.Contains(got, `"streams"`) || strings.Contains(got, "previous") {
		t.Errorf("the new version's configuration is not beside it: %.200q", got)
	}
	d.checkOwners(onlyDebian)
	d.serve("stream-pump")

	d.write("var/lib/stream-pump/acme/key", "secret", 0o600)
	d.write("etc/stream-pump/mine.pem", "secret", 0o600)
	d.run("ln", "-s", "/usr/lib/systemd/system/stream-pump.service", wants+"/stream-pump.service")
	d.run("apt-get", "remove", "-y", "stream-pump")
	d.wantAsked("stop stream-pump*.socket stream-pump.service", "--system daemon-reload")
	if d.read(debConfig) != edited || d.read("var/lib/stream-pump/acme/key") == "" || d.files()["usr/bin/stream-pump"] {
		t.Error("removing takes the configuration or what the pump keeps, or leaves the program")
	}
	d.run("apt-get", "purge", "-y", "stream-pump")
	d.checkLeft(before)

	// Without sysusers, adduser makes the account.
	d.run("deluser", "stream-pump")
	d.run("dpkg", "--purge", "systemd-standalone-sysusers")
	d.install(deb)
	d.checkOwners(onlyDebian)
}

// onlyDebian are files of the Debian package alone.
var onlyDebian = map[string]string{"usr/share/doc/stream-pump/changelog.gz": "-rw-r--r-- 0:0"}

// purge takes the package and its account out of the tree, whatever is left of a test
// that failed.
func (d *debian) purge() {
	d.t.Helper()
	d.run("dpkg", "--purge", "stream-pump")
	_ = d.command("deluser", "stream-pump").Run()
	_ = os.Remove(filepath.Join(d.root, asked))
}

// checkLeft compares the tree after a purge with what it was before the installation.
func (d *debian) checkLeft(before map[string]bool) {
	d.t.Helper()
	after := d.files()
	for name := range after {
		if !before[name] {
			d.t.Errorf("left behind: /%s", name)
		}
	}
	for name := range before {
		if !after[name] {
			d.t.Errorf("lost: /%s", name)
		}
	}
	if !strings.Contains(d.read("etc/passwd"), "\nstream-pump:") {
		d.t.Error("the account is gone; its number might be given to another")
	}
}

// previous is the package of the release before: what the last tag makes, or where
// there is none this tree. It has another configuration, so that dpkg has something to
// ask about.
func previous(t *testing.T, deb string) string {
	t.Helper()
	if tag := lastRelease(t); tag != "" {
		source := t.TempDir()
		run(t, "sh", "-c", `git -C .. archive "$0" | tar -x -C "$1"`, tag, source)
		deb = one(t, artifacts(t, source, tag, "umask 022"), "*.deb")
	}
	dir := filepath.Join(t.TempDir(), "previous")
	run(t, "dpkg-deb", "--raw-extract", deb, dir)
	edit := func(name string, change func(string) string) {
		t.Helper()
		name = filepath.Join(dir, name)
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(change(string(text))), 0); err != nil {
			t.Fatal(err)
		}
	}
	edit("DEBIAN/control", func(s string) string {
		return regexp.MustCompile(`(?m)^Version: .*$`).ReplaceAllString(s, "Version: "+older)
	})
	edit(debConfig, func(s string) string { return "// of the previous version\n" + s })
	file := filepath.Join(t.TempDir(), "stream-pump_"+older+".deb")
	run(t, "dpkg-deb", "--build", "--root-owner-group", "-Znone", dir, file)
	return file
}

// lastRelease is the newest tag that has packages; empty if there is none.
func lastRelease(t *testing.T) string {
	t.Helper()
	for _, tag := range strings.Fields(run(t, "git", "-C", "..", "tag", "--list", "--merged", "HEAD", "--sort=-v:refname", "v*")) {
		if exec.Command("git", "-C", "..", "cat-file", "-e", tag+":packaging/artifacts").Run() == nil {
			return tag
		}
	}
	return ""
}

// install installs or upgrades a package as an operator does, and returns what is said.
// Where the operator is asked, what he has edited stays.
func (d *debian) install(deb string) string {
	d.t.Helper()
	text, err := os.ReadFile(deb)
	if err != nil {
		d.t.Fatal(err)
	}
	name := "tmp/" + filepath.Base(deb)
	d.write(name, string(text), 0o644)
	return d.run("apt-get", "install", "-y", "--no-install-recommends", "-o", "Dpkg::Options::=--force-confold", "./"+name)
}

// wantAsked compares what systemctl was asked since the last call.
func (d *debian) wantAsked(want ...string) {
	d.t.Helper()
	if got := d.read(asked); got != strings.Join(want, "\n") {
		d.t.Errorf("systemctl was asked\n%s\nwant\n%s", got, strings.Join(want, "\n"))
	}
	if err := os.Remove(filepath.Join(d.root, asked)); err != nil {
		d.t.Error(err)
	}
}

// checkOwners looks at whom the files belong to; more are those of one format.
func (d *debian) checkOwners(more map[string]string) {
	d.t.Helper()
	gid := strings.TrimSpace(d.run("id", "-g", "stream-pump"))
	wanted := map[string]string{
		"usr/bin/stream-pump":                               "-rwxr-xr-x 0:0",
		"usr/bin/pump-bench":                                "-rwxr-xr-x 0:0",
		"usr/lib/systemd/system/stream-pump.service":        "-rw-r--r-- 0:0",
		"usr/share/man/man1/stream-pump.1.gz":               "-rw-r--r-- 0:0",
		"etc/stream-pump":                                   "drwxr-x--- 0:" + gid,
		debConfig:                                           "-rw-r----- 0:" + gid,
		"usr/share/bash-completion/completions/stream-pump": "-rw-r--r-- 0:0",
	}
	maps.Copy(wanted, more)
	for name, want := range wanted {
		info, err := os.Lstat(filepath.Join(d.root, name))
		if err != nil {
			d.t.Error(err)
			continue
		}
		owner := info.Sys().(*syscall.Stat_t)
		if got := fmt.Sprintf("%v %d:%d", info.Mode(), owner.Uid, owner.Gid); got != want {
			d.t.Errorf("%s is %s, want %s", name, got, want)
		}
	}
}

// checkShipped holds the configuration that comes with the package, and the unit.
func (d *debian) checkShipped() {
	d.t.Helper()
	d.run("chroot", "--userspec=stream-pump:stream-pump", "/", "/usr/bin/stream-pump", "check", "/"+debConfig)
	unit := d.read("usr/lib/systemd/system/stream-pump.service")
	if !strings.Contains(unit, "\nExecStart=/usr/bin/stream-pump serve /"+debConfig+"\n") || strings.Contains(unit, "/usr/local") {
		d.t.Errorf("the unit does not start what is installed:\n%s", unit)
	}
	for name := range d.files() {
		if strings.Contains(name, "sysctl.d/") && strings.Contains(name, "stream-pump") {
			d.t.Errorf("the package changes the kernel's settings: %s", name)
		}
	}
	links, err := filepath.Glob(filepath.Join(d.root, "etc/systemd/system/*/stream-pump*"))
	if err != nil || len(links) > 0 {
		d.t.Errorf("it is enabled: %q, %v", links, err)
	}
	if err := filepath.WalkDir("/proc", d.checkRuns); err != nil {
		d.t.Error(err)
	}
}

// checkRuns complains about a process that runs from the tree.
func (d *debian) checkRuns(path string, entry fs.DirEntry, err error) error {
	switch {
	case path == "/proc":
		return err
	case !entry.IsDir() || strings.Trim(entry.Name(), "0123456789") != "":
		return fs.SkipDir
	}
	if exe, err := os.Readlink(path + "/exe"); err == nil && strings.HasPrefix(exe, d.root) {
		d.t.Errorf("process %s runs: %s", entry.Name(), exe)
	}
	return fs.SkipDir
}

// serve runs the pump with the configuration of the tree, asks how it is, and stops it.
// Whoever starts it, the package's user or root, it is the package's user that it runs
// as. It has a network of its own, as the ports are the usual ones.
func (d *debian) serve(starter string) {
	d.t.Helper()
	n := newNetwork(d.t, 0)
	defer n.remove()
	const enter = `mount -t proc proc "$0/proc" && exec chroot --userspec="$1" "$0" /usr/bin/stream-pump serve "/$2"`
	p := start(d.t, exec.Command("ip", append(n.prefix()[1:], "sh", "-c", enter, d.root, starter+":"+starter, debConfig)...), false)
	p.await("it does not listen", func(out string) bool {
		return strings.Contains(out, "listening") && strings.Contains(out, "admin listener is open")
	})
	status := run(d.t, "ip", append(n.prefix()[1:], "curl", "-sS", "http://127.0.0.1:8087/status")...)
	if !strings.Contains(status, `"streams"`) {
		d.t.Errorf("its status: %s", status)
	}
	uid := strings.TrimSpace(d.run("id", "-u", "stream-pump"))
	proc, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid))
	if want := "\nUid:\t" + strings.Join([]string{uid, uid, uid, uid}, "\t") + "\n"; err != nil || !strings.Contains(string(proc), want) {
		d.t.Errorf("started by %s, it does not run as stream-pump, %s: %v\n%s", starter, uid, err, proc)
	}
	p.terminate()
	if p.err != nil || !strings.Contains(p.said(), "down") {
		d.t.Errorf("it does not end well: %v\n%s", p.err, tail(p.said()))
	}
}
