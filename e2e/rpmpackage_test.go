//go:build e2e

package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// The RPM package's life, by the real rpm: its scripts run in the tree, which has what
// they use, though it is a Debian. rpm's own records are new, so nothing can be
// required of other packages.
func checkRPMPackage(t *testing.T, d *debian, file string) {
	need(t, "rpm")
	d.t = t
	d.purge()
	// Folders that belong to other packages there.
	d.run("mkdir", "-p", "/usr/share/fish/vendor_completions.d", "/usr/share/zsh/site-functions", "/usr/share/bash-completion/completions", "/usr/lib/sysusers.d")
	before := d.files()
	rpm := func(args ...string) string {
		t.Helper()
		args = append([]string{"--root", d.root, "--dbpath", "/tmp/rpmdb"}, args...)
		out, err := exec.Command("rpm", args...).CombinedOutput()
		if err != nil {
			t.Fatalf("rpm %q: %v\n%s", args, err, out)
		}
		return string(out)
	}
	rpm("--initdb")
	if said := rpm("--install", "--nodeps", file); !strings.Contains(said, "nothing runs yet") {
		t.Errorf("the installation does not say what is next:\n%s", said)
	}
	d.wantAsked("--system daemon-reload")
	d.checkOwners(map[string]string{"usr/share/doc/stream-pump/CHANGELOG.md": "-rw-r--r-- 0:0"})
	d.checkShipped()

	// The same once more stands for an upgrade: the scripts see two of them.
	const edited = `{"port": 8086, "streams": [{"name": "Mine", "type": "mmsh_push", "path": "mine"}]}`
	d.write(debConfig, edited, 0o600)
	if said := rpm("--upgrade", "--nodeps", "--replacepkgs", file); strings.Contains(said, "nothing runs yet") {
		t.Errorf("the upgrade speaks as if it was the first installation:\n%s", said)
	}
	if got := d.read(debConfig); got != edited {
		t.Errorf("the upgrade changed the configuration:\n%.200s", got)
	}
	d.run("rm", "-f", "/"+asked)
	rpm("--erase", "stream-pump")
	d.wantAsked("stop stream-pump*.socket stream-pump.service", "--no-reload disable stream-pump.socket stream-pump.service", "--system daemon-reload")
	if d.read(debConfig+".rpmsave") != edited {
		t.Error("what was edited is not kept")
	}
	if err := os.RemoveAll(filepath.Join(d.root, "etc/stream-pump")); err != nil {
		t.Error(err)
	}
	d.checkLeft(before)
}
