package systemd

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// What `systemd-analyze security` may find, in tenths of a scale to 10: what is left is a
// program that serves the whole network. A capability takes more.
const (
	mostExposure     = "15"
	mostWithLowPorts = "16"
)

// analyze runs systemd-analyze, or skips the test where there is none.
func analyze(t *testing.T, args ...string) (string, error) {
	t.Helper()
	tool, err := exec.LookPath("systemd-analyze")
	if err != nil {
		if os.Getenv("STREAMPUMP_NOSKIP") == "1" {
			t.Fatal("systemd-analyze is not installed (package systemd), and nothing may be skipped")
		}
		t.Skip("systemd-analyze is not installed")
	}
	cmd := exec.Command(tool, args...)
	cmd.Env = append(os.Environ(), "SYSTEMD_COLORS=0", "SYSTEMD_PAGER=", "LC_ALL=C.UTF-8")
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// folder holds the units as an installation has them, with a program that is there, and
// the texts given in place of files or beside them.
func folder(t *testing.T, texts map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	program := filepath.Join(dir, "stream-pump")
	if err := os.WriteFile(program, []byte("#!/bin/sh\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	for _, file := range []string{unitFile, socketFile, "examples/stream-pump-tls.socket", "examples/stream-pump-admin.socket"} {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		write(t, filepath.Join(dir, filepath.Base(file)), strings.ReplaceAll(string(text), "/usr/local/bin/stream-pump", program))
	}
	for name, text := range texts {
		write(t, filepath.Join(dir, name), text)
	}
	return dir
}

func write(t *testing.T, file, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// verify is what systemd says of all units in a folder.
func verify(t *testing.T, dir string) (string, error) {
	t.Helper()
	units, err := filepath.Glob(filepath.Join(dir, "*.s*[et]"))
	if err != nil || len(units) < 4 {
		t.Fatalf("units %q, %v", units, err)
	}
	return analyze(t, append([]string{"verify", "--man=no", "--recursive-errors=no"}, units...)...)
}

// systemd has nothing to say about the units, alone and with the examples.
func TestSystemdUnderstandsTheUnits(t *testing.T) {
	examples := map[string]string{}
	for _, name := range []string{"low-ports.conf", "credentials.conf"} {
		text, err := os.ReadFile("examples/" + name)
		if err != nil {
			t.Fatal(err)
		}
		examples[unitFile+".d/"+name] = string(text)
	}
	for name, texts := range map[string]map[string]string{"as_they_come": nil, "with_the_examples": examples} {
		t.Run(name, func(t *testing.T) {
			if said, err := verify(t, folder(t, texts)); err != nil || said != "" {
				t.Errorf("%v\n%s", err, said)
			}
		})
	}
}

// The test above hears of mistakes.
func TestSystemdFindsMistakes(t *testing.T) {
	said, _ := verify(t, folder(t, map[string]string{unitFile + ".d/wrong.conf": "[Service]\nProtectProc=perhaps\nMemoryMost=1\n"}))
	for _, want := range []string{"protection mode, ignoring: perhaps", "MemoryMost"} {
		if !strings.Contains(said, want) {
			t.Errorf("no word of %s:\n%s", want, said)
		}
	}
}

// The service is hardly exposed, nor is it with the capability for ports below 1024.
func TestServiceIsHardlyExposed(t *testing.T) {
	text, err := os.ReadFile(unitFile)
	if err != nil {
		t.Fatal(err)
	}
	ports, err := os.ReadFile("examples/low-ports.conf")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name, most, text string
		good             bool
	}{
		{"as_it_comes", mostExposure, string(text), true},
		{"with_low_ports", mostWithLowPorts, string(text) + "\n" + string(ports), true},
		{"with_a_hole", mostExposure, string(text) + "\n[Service]\nUser=root\nPrivateUsers=no\nNoNewPrivileges=no\n", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := folder(t, map[string]string{unitFile: c.text})
			said, err := analyze(t, "security", "--offline=true", "--no-pager", "--threshold="+c.most, filepath.Join(dir, unitFile))
			if !strings.Contains(said, "Overall exposure level") {
				t.Fatalf("%v\n%s", err, said)
			}
			if (err == nil) != c.good {
				t.Errorf("good is %v, want %v:\n%s", err == nil, c.good, said[strings.Index(said, "→"):])
			}
		})
	}
}

// What the pump does to itself and reads of the machine is not forbidden to it.
func TestSandboxLeavesThePumpWhatItNeeds(t *testing.T) {
	u := readUnit(t, unitFile)
	filters := u["Service.SystemCallFilter"]
	denied := slices.IndexFunc(filters, func(f string) bool { return strings.HasPrefix(f, "~") })
	var again []string // that are allowed after all
	for _, f := range filters[denied+1:] {
		again = append(again, strings.Fields(f)...)
	}
	for _, c := range []struct{ call, why string }{
		{"seccomp", "the pump's own filter"},
		{"landlock_create_ruleset", "the pump's own rules for files"},
		{"landlock_add_rule", "the pump's own rules for files"},
		{"landlock_restrict_self", "the pump's own rules for files"},
		{"prlimit64", "descriptors, and no core dumps"},
		{"setrlimit", "descriptors, and no core dumps"},
		{"sched_setaffinity", "fanout.pin"},
		{"capset", "the pump gives up what it has been given"},
	} {
		if !slices.Contains(again, c.call) {
			t.Errorf("SystemCallFilter does not allow %s: %s", c.call, c.why)
		}
	}
	if got := u.one(t, "Service.ProcSubset"); got != "all" {
		t.Errorf("ProcSubset is %s: package tuning reads /proc/meminfo and /proc/sys/net", got)
	}
	for _, family := range []string{"AF_INET", "AF_INET6", "AF_UNIX"} {
		if !slices.Contains(strings.Fields(u.one(t, "Service.RestrictAddressFamilies")), family) {
			t.Errorf("RestrictAddressFamilies has no %s", family)
		}
	}
	if got := u.one(t, "Service.ExecPaths"); got != strings.Fields(u.one(t, "Service.ExecStart"))[0] {
		t.Errorf("ExecPaths is %s, and not what ExecStart runs", got)
	}
}
