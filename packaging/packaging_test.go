package packaging

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"streampump/packaging/licences"
)

func read(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// starts is what would start the pump, now or with the machine.
var starts = regexp.MustCompile(`^\s*(deb-systemd-(invoke|helper)|systemctl)\b.*\s(start|restart|enable|preset|unmask)\b`)

// Every script is one that sh understands, ends at the first mistake, and starts
// nothing that did not run.
func TestScripts(t *testing.T) {
	scripts, err := filepath.Glob("*/p*[tm]")
	if err != nil || len(scripts) != 7 {
		t.Fatalf("%q, %v: want postinst, prerm and postrm twice, and a preinst", scripts, err)
	}
	for _, name := range scripts {
		text := read(t, name)
		if !strings.HasPrefix(text, "#!/bin/sh\n") || !strings.Contains(text, "\nset -e\n") {
			t.Errorf("%s: want sh, with set -e", name)
		}
		for line := range strings.Lines(text) {
			if starts.MatchString(line) {
				t.Errorf("%s: what starts the pump is the operator's to say: %s", name, line)
			}
		}
		if out, err := exec.Command("sh", "-n", name).CombinedOutput(); err != nil {
			t.Errorf("%s: %v\n%s", name, err, out)
		}
		if !strings.Contains(read(t, "nfpm.yaml"), "packaging/"+name+"\n") {
			t.Errorf("nfpm.yaml does not have %s", name)
		}
	}
	for line, bad := range map[string]bool{
		"  deb-systemd-invoke restart x":           true,
		"systemctl --system enable --now x":        true,
		"deb-systemd-invoke try-restart x":         false,
		"echo 'then: systemctl enable --now x'":    false,
		"systemctl --system daemon-reload || true": false,
	} {
		if starts.MatchString(line) != bad {
			t.Errorf("%q is taken for a start: %v", line, !bad)
		}
	}
}

// What of our own tree is by others has its row in the package's copyright file.
func TestCopyrightNamesWhatIsByOthers(t *testing.T) {
	parts, err := licences.Linked("..", []string{"amd64"}, "./cmd/stream-pump", "./cmd/pump-bench")
	if err != nil {
		t.Fatal(err)
	}
	text, found := read(t, "deb/copyright"), 0
	for _, p := range parts {
		if p.Version != "" {
			continue
		}
		found++
		if !strings.Contains(text, "\nFiles: "+p.Name+"/*\n") {
			t.Errorf("deb/copyright does not speak of %s", p.Name)
		}
		for _, l := range p.Texts {
			if holder := regexp.MustCompile(`(?m)^Copyright.*$`).FindString(l.Body); !strings.Contains(text, holder[strings.LastIndex(holder, ")")+1:]) {
				t.Errorf("deb/copyright does not name the holder of %s: %s", p.Name, holder)
			}
		}
	}
	if found == 0 {
		t.Error("nothing in our tree is by others: this test is blind")
	}
}

// The tools that make a release are pinned like those that check the tree: for the Go
// of the module, with sums.
func TestToolsArePinned(t *testing.T) {
	for _, tool := range []string{"github.com/goreleaser/nfpm/v2", "github.com/CycloneDX/cyclonedx-gomod"} {
		version := regexp.MustCompile(regexp.QuoteMeta(tool) + ` (v\S+)`).FindStringSubmatch(read(t, "tools.mod"))
		if version == nil || !strings.Contains(read(t, "tools.sum"), tool+" "+version[1]+" h1:") {
			t.Errorf("tools.mod and tools.sum do not pin %s", tool)
		}
	}
	line := regexp.MustCompile(`(?m)^go .*$`)
	if got, want := line.FindString(read(t, "tools.mod")), line.FindString(read(t, "../go.mod")); got != want {
		t.Errorf("tools.mod says %q, and go.mod %q", got, want)
	}
}
