package streampump_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// buildPrepare builds packaging/prepare and returns its path.
func buildPrepare(t *testing.T) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "prepare")
	if out, err := exec.Command("go", "build", "-o", name, "./packaging/prepare").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return name
}

// releaseTree is a repository in which v1.2.3 may be released. make is a stand-in
// that fails at the target that the test names, and go one that only runs packaging/prepare.
func releaseTree(t *testing.T, prepare string) (dir string, run func(version string) (string, error)) {
	t.Helper()
	dir = t.TempDir()
	tools := t.TempDir()
	write := func(name, text string, mode os.FileMode) {
		t.Helper()
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(text), mode); err != nil {
			t.Fatal(err)
		}
	}
	write(filepath.Join(dir, ".ci/release"), string(read(t, ".ci/release")), 0o755)
	write(filepath.Join(dir, "CHANGELOG.md"), "# Changelog\n\n## [1.2.3] - 2026-01-31\n\n- News.\n\n## [1.2.2] - 2026-01-01\n\n- Old.\n", 0o644)
	write(filepath.Join(dir, ".gitignore"), "/dist/\n", 0o644)
	write(filepath.Join(dir, "bench/LEDGER.md"), "| release |\n| v1.2.3 | x |\n", 0o644)
	write(filepath.Join(dir, "bench/results/v1.2.2.txt"), "old", 0o644)
	write(filepath.Join(dir, "bench/results/v1.2.3.txt"), "new", 0o644)
	write(filepath.Join(tools, "make"), "#!/bin/sh\necho \"make $*\"\nmkdir -p dist\n[ \"$1\" != \"$FAILS\" ]\n", 0o755)
	write(filepath.Join(tools, "go"), "#!/bin/sh\n[ \"$1 $2\" = 'run ./packaging/prepare' ] && shift 2 && exec "+prepare+" \"$@\"\n", 0o755)
	env := append(os.Environ(), "PATH="+tools+":"+os.Getenv("PATH"), "HOME="+tools, "GO=go",
		"GIT_AUTHOR_NAME=a", "GIT_AUTHOR_EMAIL=a@b", "GIT_COMMITTER_NAME=a", "GIT_COMMITTER_EMAIL=a@b", "GIT_CONFIG_GLOBAL=/dev/null")
	command := func(name string, args ...string) (string, error) {
		cmd := exec.Command(name, args...)
		cmd.Dir, cmd.Env = dir, append(env, "FAILS="+os.Getenv("RELEASE_TEST_FAILS"))
		out, err := cmd.CombinedOutput()
		return string(out), err
	}
	for _, args := range [][]string{{"init", "-q"}, {"add", "-A"}, {"commit", "-qm", "x"}} {
		if out, err := command("git", args...); err != nil {
			t.Fatalf("git %v: %v\n%s", args, err, out)
		}
	}
	return dir, func(version string) (string, error) { return command(filepath.Join(dir, ".ci/release"), version) }
}

// tagged says whether the tree has the tag.
func tagged(t *testing.T, dir string) bool {
	t.Helper()
	cmd := exec.Command("git", "tag", "-l", "v1.2.3")
	cmd.Dir = dir
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	return len(out) > 0
}

func TestReleaseIsTagged(t *testing.T) {
	dir, run := releaseTree(t, buildPrepare(t))
	out, err := run("v1.2.3")
	if err != nil || !tagged(t, dir) {
		t.Fatalf("%v\n%s", err, out)
	}
	for _, want := range []string{"make test\n", "make bench benchstat BENCHOLD=bench/results/v1.2.2.txt\n", "make gate\n",
		"make release-artifacts VERSION=v1.2.3\n", "make reproduce VERSION=v1.2.3\n"} {
		if !strings.Contains(out, want) {
			t.Errorf("it did not run %q:\n%s", want, out)
		}
	}
	if notes, err := os.ReadFile(filepath.Join(dir, "dist/NOTES.md")); err != nil || string(notes) != "- News.\n" {
		t.Errorf("the notes: %v %q", err, notes)
	}
	if out, err := run("v1.2.3"); err == nil || !strings.Contains(out, "is tagged already") {
		t.Errorf("%v\n%s", err, out)
	}
}

func TestReleaseIsRefused(t *testing.T) {
	prepare := buildPrepare(t)
	commit := func(t *testing.T, dir string) {
		t.Helper()
		cmd := exec.Command("git", "-c", "user.name=a", "-c", "user.email=a@b", "commit", "-qam", "y")
		cmd.Dir = dir
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
	}
	for _, c := range []struct {
		name, version, fails string
		change               string // a file that is emptied and committed
		want                 string
	}{
		{"version", "1.2.3", "", "", "a version is v1.2.3"},
		{"changelog", "v1.2.3", "", "CHANGELOG.md", "no section [1.2.3]"},
		{"ledger", "v1.2.3", "", "bench/LEDGER.md", "no row for v1.2.3"},
		{"results", "v1.2.4", "", "", "no section [1.2.4]"},
		{"tests", "v1.2.3", "test", "", "make test failed"},
		{"counts", "v1.2.3", "bench", "", "a count of the micro-benchmarks grew"},
		{"gate", "v1.2.3", "gate", "", "the strict gate does not hold"},
		{"artifacts", "v1.2.3", "release-artifacts", "", "what is published cannot be built"},
		{"reproduce", "v1.2.3", "reproduce", "", "building it again gives something else"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Setenv("RELEASE_TEST_FAILS", c.fails)
			dir, run := releaseTree(t, prepare)
			if c.change != "" {
				if err := os.WriteFile(filepath.Join(dir, c.change), nil, 0o644); err != nil {
					t.Fatal(err)
				}
				commit(t, dir)
			}
			out, err := run(c.version)
			if err == nil || !strings.Contains(out, c.want) || tagged(t, dir) {
				t.Errorf("%v\n%s", err, out)
			}
		})
	}
	t.Run("empty_section", func(t *testing.T) {
		dir, run := releaseTree(t, prepare)
		text := "## [1.2.3] - 2026-01-31\n\n### Added\n\n## [1.2.2] - 2026-01-01\n\n- Old.\n"
		if err := os.WriteFile(filepath.Join(dir, "CHANGELOG.md"), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		commit(t, dir)
		if out, err := run("v1.2.3"); err == nil || !strings.Contains(out, "the section [1.2.3] says nothing") || tagged(t, dir) {
			t.Errorf("%v\n%s", err, out)
		}
	})
	t.Run("changed_tree", func(t *testing.T) {
		dir, run := releaseTree(t, prepare)
		if err := os.WriteFile(filepath.Join(dir, "new"), nil, 0o644); err != nil {
			t.Fatal(err)
		}
		if out, err := run("v1.2.3"); err == nil || !strings.Contains(out, "not committed") || tagged(t, dir) {
			t.Errorf("%v\n%s", err, out)
		}
	})
}
