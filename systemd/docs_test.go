package systemd

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// page is the document that shows the units, the examples and what systemd says.
const page = "../docs/systemd.md"

func read(t *testing.T, file string) string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// shown is the block of the page behind a comment.
func shown(t *testing.T, name string) string {
	t.Helper()
	_, block, found := strings.Cut(read(t, page), "<!-- "+name+" -->\n```\n")
	block, _, closed := strings.Cut(block, "```\n")
	if !found || !closed {
		t.Fatalf("%s does not show %s", page, name)
	}
	return block
}

// What the page has to copy is what was tried.
func TestPageShowsTheExamples(t *testing.T) {
	files, err := filepath.Glob("examples/*")
	if err != nil || len(files) == 0 {
		t.Fatalf("no examples: %v", err)
	}
	for _, file := range files {
		if shown(t, filepath.Base(file)) != read(t, file) {
			t.Errorf("%s shows another %s", page, file)
		}
	}
}

// The page has what systemd/try prints now: the same steps in the same order, each with
// the same findings, and all good.
func TestPageShowsAFreshRun(t *testing.T) {
	run := shown(t, "systemd/try bookworm")
	script := read(t, "try-inside")
	for _, kind := range []struct{ name, said, meant string }{
		{"steps", `(?m)^== (.*)$`, `(?m)^ *step "(.*)"$`},
		{"findings", `(?m)^ok: (.*)$`, `(?m)^ *(?:must|echo) "(?:ok: )?([^"$]*?)"(?: |$)`},
	} {
		said, meant := groups(run, kind.said), groups(script, kind.meant)
		if kind.name == "findings" {
			// Where they stand depends on the order of the steps, and some have a version in them.
			said, meant = plain(said), plain(meant)
		}
		if !slices.Equal(said, meant) {
			t.Errorf("%s: %s has\n%q, and systemd/try-inside\n%q: run it and copy what it prints", kind.name, page, said, meant)
		}
	}
	if !strings.HasSuffix(run, "\nAll is as it should be.\n") || strings.Contains(run, "WRONG") {
		t.Error("the run on the page is not a good one")
	}
}

func groups(text, expression string) (all []string) {
	for _, m := range regexp.MustCompile(expression).FindAllStringSubmatch(text, -1) {
		all = append(all, m[1])
	}
	return all
}

// plain leaves out sentences with variables in them, and sorts the others.
func plain(all []string) []string {
	var out []string
	for _, s := range all {
		if !strings.ContainsAny(s, "$") && !strings.HasPrefix(s, "with systemd ") {
			out = append(out, s)
		}
	}
	slices.Sort(out)
	return out
}
