//go:build e2e

package e2e

import (
	"debug/buildinfo"
	"debug/elf"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"
)

// released is the version that the tests build; older is the one before it.
const (
	released = "v9.8.7"
	older    = "9.8.6-1"
)

// What a release consists of is built once, and looked at from all sides.
func TestReleaseArtifacts(t *testing.T) {
	need(t, "go", "make", "git", "tar")
	dist := artifacts(t, checkout(t), released, "umask 022")
	t.Run("Programs", func(t *testing.T) { checkPrograms(t, dist) })
	t.Run("Licences", func(t *testing.T) { checkLicences(t, dist) })
	t.Run("Bills", func(t *testing.T) { checkBills(t, dist) })
	t.Run("Archive", func(t *testing.T) { checkArchive(t, dist) })
	t.Run("Lintian", func(t *testing.T) { checkLintian(t, dist) })
	t.Run("Packages", func(t *testing.T) {
		d := newDebian(t, "systemd-standalone-sysusers")
		t.Run("Debian", func(t *testing.T) { checkDebianPackage(t, d, one(t, dist, "*.deb")) })
		t.Run("RPM", func(t *testing.T) { checkRPMPackage(t, d, one(t, dist, "*.rpm")) })
	})
	t.Run("Reproducible", func(t *testing.T) { checkReproducible(t, dist) })
	t.Run("Beside", func(t *testing.T) { checkBeside(t, dist) })
}

// A package that is made afterwards, of another version, comes beside what is published,
// which stays as it is, and so does what was built for this machine.
func checkBeside(t *testing.T, dist string) {
	sums := func() string {
		return run(t, "sh", "-c", `cd "$0" && find dist bin ! -name '*_9.8.8-1_*' -type f | sort | xargs sha256sum`, filepath.Dir(dist))
	}
	program := filepath.Join(filepath.Dir(dist), "bin/stream-pump")
	if err := os.MkdirAll(filepath.Dir(program), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(program, []byte("this machine's"), 0o600); err != nil {
		t.Fatal(err)
	}
	before := sums()
	makeRelease(t, filepath.Dir(dist), "v9.8.8", "umask 022", "deb")
	one(t, dist, "*_9.8.8-1_*.deb")
	if after := sums(); after != before {
		t.Errorf("before\n%s\nafter\n%s", before, after)
	}
}

// checkout copies the tree as git has it, changes that are not committed too.
func checkout(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "source")
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("sh", "-c", `git ls-files -z --cached --others --exclude-standard | tar -c --null -T - | tar -x -C "$0"`, dir)
	cmd.Dir = ".."
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return dir
}

// artifacts makes a release of the tree for this machine's architecture and returns
// the folder. The script comes before, in the same shell.
func artifacts(t *testing.T, dir, version, script string, env ...string) string {
	t.Helper()
	makeRelease(t, dir, version, script, "release-artifacts", env...)
	return filepath.Join(dir, "dist")
}

// makeRelease runs one of make's targets that pack the tree.
func makeRelease(t *testing.T, dir, version, script, target string, env ...string) {
	t.Helper()
	cmd := exec.Command("sh", "-c", script+"; exec make "+target)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), append([]string{
		"VERSION=" + version, "COMMIT=0123456789ab", "SOURCE_DATE_EPOCH=1767225600", "ARCHES=" + runtime.GOARCH,
	}, env...)...)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("make %s: %v\n%s", target, err, out)
	}
}

// one is the only file of that pattern.
func one(t *testing.T, dir, pattern string) string {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(dir, pattern))
	if err != nil || len(names) != 1 {
		t.Fatalf("%s: %q, %v, want one", pattern, names, err)
	}
	return names[0]
}

// programsIn are the programs of a release, by name.
func programsIn(dist string) map[string]string {
	dir := filepath.Join(dist, "linux_"+runtime.GOARCH)
	return map[string]string{"stream-pump": filepath.Join(dir, "stream-pump"), "pump-bench": filepath.Join(dir, "pump-bench")}
}

// The programs need nothing of the system, and say their version.
func checkPrograms(t *testing.T, dist string) {
	for name, file := range programsIn(dist) {
		f, err := elf.Open(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range f.Progs {
			if p.Type == elf.PT_INTERP || p.Type == elf.PT_DYNAMIC {
				t.Errorf("%s is not static: it has %v", name, p.Type)
			}
		}
		_ = f.Close()
		if got, want := run(t, file, "version"), name+" "+released+" 0123456789ab "; !strings.HasPrefix(got, want) {
			t.Errorf("it says %q, want %q", got, want)
		}
	}
}

// Each module that a program says it consists of has its licence in the text.
func checkLicences(t *testing.T, dist string) {
	text, err := os.ReadFile(filepath.Join(dist, "THIRD-PARTY.txt"))
	if err != nil {
		t.Fatal(err)
	}
	want := regexp.MustCompile(`\nGo \d+\.\d+\S*: LICENSE\n`)
	if !want.Match(text) {
		t.Error("Go's own licence is missing")
	}
	for _, file := range programsIn(dist) {
		info, err := buildinfo.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range info.Deps {
			header := regexp.MustCompile(`\n` + regexp.QuoteMeta(m.Path+" "+m.Version) + `: (?i:licence|license|copying)[^\n]*\n\n[^\n]`)
			if !header.Match(text) {
				t.Errorf("%s %s has no licence", m.Path, m.Version)
			}
		}
	}
}

// The bill of each program names the modules that it says it consists of, and no other.
func checkBills(t *testing.T, dist string) {
	for name, file := range programsIn(dist) {
		text, err := os.ReadFile(one(t, dist, name+"_"+released+"_linux_*.cdx.json"))
		if err != nil {
			t.Fatal(err)
		}
		var bill struct {
			BomFormat  string
			Components []struct {
				Name, Version, Purl string
				Licenses, Evidence  any
			}
		}
		if err := json.Unmarshal(text, &bill); err != nil || bill.BomFormat != "CycloneDX" {
			t.Fatalf("%s: %v, format %q", name, err, bill.BomFormat)
		}
		billed := map[string]string{}
		for _, c := range bill.Components {
			billed[c.Name] = c.Version
			if !strings.HasPrefix(c.Purl, "pkg:golang/") {
				t.Errorf("%s: %s has no package URL", name, c.Name)
			}
			if c.Licenses != nil || c.Evidence != nil {
				t.Errorf("%s: a guess at the licence of %s: %v, %v", name, c.Name, c.Licenses, c.Evidence)
			}
		}
		info, err := buildinfo.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if billed["std"] != info.GoVersion {
			t.Errorf("%s: the standard library is %q, want %q", name, billed["std"], info.GoVersion)
		}
		delete(billed, "std")
		for _, m := range info.Deps {
			if billed[m.Path] != m.Version {
				t.Errorf("%s: %s is %q, want %q", name, m.Path, billed[m.Path], m.Version)
			}
			delete(billed, m.Path)
		}
		if len(billed) > 0 {
			t.Errorf("%s: these are not linked in: %v", name, billed)
		}
	}
}

// The archive unpacks to what `make install` brings, for root whoever packed it.
func checkArchive(t *testing.T, dist string) {
	list := run(t, "tar", "--numeric-owner", "-tvzf", one(t, dist, "*.tar.gz"))
	for _, want := range []string{"bin/stream-pump", "bin/pump-bench", "lib/systemd/system/stream-pump.service", "share/man/man1/stream-pump.1", "share/doc/stream-pump/COPYING", "share/doc/stream-pump/config.json", "share/doc/stream-pump/THIRD-PARTY.txt", "share/doc/stream-pump/docs/systemd.md", "share/doc/stream-pump/tuning/SETTINGS.md"} {
		if !strings.Contains(list, " stream-pump_"+released+"_linux_"+runtime.GOARCH+"/"+want+"\n") {
			t.Errorf("there is no %s", want)
		}
	}
	plain := regexp.MustCompile(`^(-rw-r--r--|[-d]rwxr-xr-x) 0/0 `)
	for line := range strings.Lines(list) {
		if !plain.MatchString(line) {
			t.Errorf("owner or mode of %s", line)
		}
	}
}

// Debian's own checker finds no mistake and nothing to warn of; what it is told to
// overlook is in packaging/deb/lintian-overrides, with reasons.
func checkLintian(t *testing.T, dist string) {
	need(t, "lintian")
	out, err := exec.Command("lintian", "--allow-root", "--fail-on", "error,warning", one(t, dist, "*.deb")).CombinedOutput()
	if err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

// Another folder, umask, time zone and language give the same bytes, everything
// compiled anew.
func checkReproducible(t *testing.T, dist string) {
	again := artifacts(t, checkout(t), released, "umask 077", "REBUILD=1", "TZ=Asia/Kathmandu", "LC_ALL=C.UTF-8", "LANG=C.UTF-8")
	sums := func(dist string) string {
		text, err := os.ReadFile(filepath.Join(dist, "SHA256SUMS"))
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	if first, second := sums(dist), sums(again); first != second {
		t.Errorf("first\n%s\nsecond\n%s", first, second)
	}
	cmd := exec.Command("sha256sum", "--check", "--strict", "--quiet", "SHA256SUMS")
	cmd.Dir = again
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}
