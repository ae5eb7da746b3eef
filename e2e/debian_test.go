//go:build e2e

package e2e

import (
	"bytes"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// debian is a small Debian in a folder, with dpkg and apt and nothing that runs.
type debian struct {
	t    testing.TB
	root string
}

// newDebian makes the release of Debian that this machine runs, from where its apt
// gets packages, with more packages if wanted. It takes root and about a minute.
func newDebian(t testing.TB, include ...string) *debian {
	t.Helper()
	if os.Geteuid() != 0 {
		missing(t, "debootstrap needs root")
	}
	need(t, "debootstrap", "apt-get", "dpkg-deb", "unshare", "chroot")
	suite, mirror := debianMirror(t)
	d := &debian{t, filepath.Join(t.TempDir(), "debian")}
	args := []string{"--variant=minbase"}
	if len(include) > 0 {
		args = append(args, "--include="+strings.Join(include, ","))
	}
	if out, err := exec.Command("debootstrap", append(args, suite, d.root, mirror)...).CombinedOutput(); err != nil {
		t.Fatalf("debootstrap: %v\n%s", err, tail(string(out)))
	}
	return d
}

// debianMirror is the release that this machine runs, and where its apt has it from.
func debianMirror(t testing.TB) (suite, mirror string) {
	t.Helper()
	text, err := os.ReadFile("/etc/os-release")
	if err != nil {
		missing(t, "this is no Debian")
	}
	for line := range strings.Lines(string(text)) {
		if name, ok := strings.CutPrefix(strings.TrimSpace(line), "VERSION_CODENAME="); ok {
			suite = name
		}
	}
	targets := run(t, "apt-get", "indextargets", "--format", "$(REPO_URI) $(RELEASE) $(COMPONENT)", "Created-By: Packages")
	for line := range strings.Lines(targets) {
		if f := strings.Fields(line); len(f) == 3 && f[1] == suite && f[2] == "main" {
			return suite, f[0]
		}
	}
	missing(t, "apt has no packages of Debian "+suite)
	return "", ""
}

// command is a command in the tree, as root, with /proc and without a terminal. Its
// mounts go with it.
func (d *debian) command(args ...string) *exec.Cmd {
	const enter = `mount -t proc proc "$0/proc" && exec chroot "$0" "$@"`
	cmd := exec.Command("unshare", append([]string{"--mount", "sh", "-c", enter, d.root}, args...)...)
	cmd.Env = []string{"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "DEBIAN_FRONTEND=noninteractive", "LC_ALL=C", "HOME=/"}
	return cmd
}

// run runs a command that must succeed, and returns all that it says.
func (d *debian) run(args ...string) string {
	d.t.Helper()
	out, err := d.command(args...).CombinedOutput()
	if err != nil {
		d.t.Fatalf("%s: %v\n%s", strings.Join(args, " "), err, tail(string(out)))
	}
	return string(out)
}

// write writes a file of the tree, with its folders.
func (d *debian) write(name, text string, mode os.FileMode) {
	d.t.Helper()
	name = filepath.Join(d.root, name)
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		d.t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(text), mode); err != nil {
		d.t.Fatal(err)
	}
}

// read is a file of the tree; empty if there is none.
func (d *debian) read(name string) string {
	d.t.Helper()
	text, err := os.ReadFile(filepath.Join(d.root, name))
	if err != nil && !os.IsNotExist(err) {
		d.t.Fatal(err)
	}
	return string(bytes.TrimSpace(text))
}

// bookkeeping is where dpkg, apt and the tools for accounts keep their own records.
var bookkeeping = []string{"proc/", "tmp/", "run/", "var/log/", "var/cache/", "var/lib/apt/", "var/lib/dpkg/"}

// accounts are the copies that the tools for accounts make before they change a file.
var accounts = []string{"etc/passwd-", "etc/shadow-", "etc/group-", "etc/gshadow-", "etc/subuid-", "etc/subgid-", "etc/.pwd.lock"}

// files are all files and folders of the tree but bookkeeping.
func (d *debian) files() map[string]bool {
	d.t.Helper()
	found := map[string]bool{}
	err := filepath.WalkDir(d.root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := strings.TrimPrefix(strings.TrimPrefix(path, d.root), "/")
		for _, b := range bookkeeping {
			if entry.IsDir() && name+"/" == b {
				return fs.SkipDir
			}
		}
		for _, a := range accounts {
			if name == a {
				return nil
			}
		}
		found[name] = true
		return nil
	})
	if err != nil {
		d.t.Fatal(err)
	}
	return found
}
