package streampump_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode"
)

// gplv3 is the SHA-256 of the licence's text as the Free Software Foundation
// publishes it.
const gplv3 = "3972dc9744f6499f0f9b2dbf76696f2ae7ad8af9b23dde66d6af86c9dfb36986"

// foreign are texts that only make sense on somebody's own machine. They are
// put together here so that this file does not contain them.
var foreign = []string{
	".." + "/shared",
	"/work" + "/",
	"/root" + "/",
	"/tmp" + "/brief",
	"/home" + "/",
}

func TestLicenceIsTheGPL3(t *testing.T) {
	sum := sha256.Sum256(read(t, "COPYING"))
	if got := hex.EncodeToString(sum[:]); got != gplv3 {
		t.Errorf("COPYING is not the text of the GNU GPL version 3: its SHA-256 is %s", got)
	}
}

func TestTreeNamesNoMachine(t *testing.T) {
	walk(t, func(file string) {
		for _, problem := range checkForeign(file, read(t, file)) {
			t.Error(problem)
		}
	})
}

func TestForeignPathsAreCaught(t *testing.T) {
	for _, f := range foreign {
		got := checkForeign("a.txt", []byte("one\nsee "+f+"x\n"))
		if len(got) != 1 || !strings.HasPrefix(got[0], "a.txt:2: ") {
			t.Errorf("%q gives %q, want one problem at a.txt:2", f, got)
		}
	}
}

// checkForeign looks for foreign paths in a text; files with a zero byte are
// not text.
func checkForeign(file string, text []byte) []string {
	if bytes.IndexByte(text, 0) >= 0 {
		return nil
	}
	var problems []string
	for i, line := range strings.Split(string(text), "\n") {
		for _, f := range foreign {
			if strings.Contains(line, f) {
				problems = append(problems, fmt.Sprintf("%s:%d: names %q, which others do not have", file, i+1, f))
			}
		}
	}
	return problems
}

// Every link between documents leads somewhere, headings included.
func TestLinksResolve(t *testing.T) {
	walk(t, func(file string) {
		if path.Ext(file) != ".md" {
			return
		}
		for _, target := range links(string(read(t, file))) {
			if problem := checkLink(file, target, os.ReadFile); problem != "" {
				t.Error(problem)
			}
		}
	})
}

func TestDeadLinksAreCaught(t *testing.T) {
	text := "# A title, here\n[x](other.md#there) [y](#a-title-here) [z](https://example.org/)\n"
	if got, want := links(text), []string{"other.md#there", "#a-title-here", "https://example.org/"}; !slices.Equal(got, want) {
		t.Fatalf("links are %q, want %q", got, want)
	}
	tree := func(name string) ([]byte, error) {
		if name == "a.md" {
			return []byte(text), nil
		}
		return nil, os.ErrNotExist
	}
	for target, dead := range map[string]bool{
		"#a-title-here":        false,
		"https://example.org/": false,
		"#another":             true,
		"other.md":             true,
		"a.md#nowhere":         true,
	} {
		if got := checkLink("a.md", target, tree); (got != "") != dead {
			t.Errorf("%s: problem %q, want a dead link: %v", target, got, dead)
		}
	}
}

var linkPattern = regexp.MustCompile(`\[[^]]*\]\(([^)\s]+)\)`)

// links are the targets of a Markdown text, without its code blocks.
func links(text string) []string {
	var targets []string
	for i, part := range strings.Split(text, "```") {
		if i%2 == 1 {
			continue // between two fences
		}
		for _, m := range linkPattern.FindAllStringSubmatch(part, -1) {
			targets = append(targets, m[1])
		}
	}
	return targets
}

// checkLink follows a link inside the tree; those to other sites are not tried.
func checkLink(from, target string, readFile func(string) ([]byte, error)) string {
	if strings.Contains(target, "://") {
		return ""
	}
	name, anchor, _ := strings.Cut(target, "#")
	file := from
	if name != "" {
		file = path.Join(path.Dir(from), name)
	}
	if info, err := os.Stat(filepath.FromSlash(file)); err == nil && info.IsDir() && anchor == "" {
		return ""
	}
	text, err := readFile(file)
	if err != nil {
		return fmt.Sprintf("%s links to %s: %v", from, target, err)
	}
	if anchor != "" && !slices.Contains(anchors(string(text)), anchor) {
		return fmt.Sprintf("%s links to %s, and there is no such heading", from, target)
	}
	return ""
}

// anchors are the names by which a Markdown text's headings are linked to.
func anchors(text string) []string {
	var names []string
	for _, line := range strings.Split(text, "\n") {
		if !strings.HasPrefix(line, "#") {
			continue
		}
		names = append(names, strings.Map(func(r rune) rune {
			switch {
			case r == ' ':
				return '-'
			case r == '-', r == '_', unicode.IsLetter(r), unicode.IsDigit(r):
				return unicode.ToLower(r)
			}
			return -1
		}, strings.TrimSpace(strings.TrimLeft(line, "#"))))
	}
	return names
}

// What a document tells people to type has to be there.
func TestMakeTargetsInDocumentsExist(t *testing.T) {
	targets := map[string]bool{}
	for _, m := range regexp.MustCompile(`(?m)^([a-z][a-z0-9-]*):`).FindAllStringSubmatch(string(read(t, "Makefile")), -1) {
		targets[m[1]] = true
	}
	readme := string(read(t, "README.md"))
	for _, m := range regexp.MustCompile("`make ([a-z0-9-]+)|(?m)^make ([a-z0-9-]+)").FindAllStringSubmatch(readme, -1) {
		if name := m[1] + m[2]; !targets[name] {
			t.Errorf("README.md says make %s, and the Makefile has no such target", name)
		}
	}
	for _, name := range []string{"run", "test", "help"} {
		if !strings.Contains(readme, "make "+name) {
			t.Errorf("README.md does not show make %s", name)
		}
	}
}

// Each target has a line in `make help`.
func TestMakeTargetsAreListed(t *testing.T) {
	makefile := string(read(t, "Makefile"))
	phony := regexp.MustCompile(`(?m)^\.PHONY: (\S+)$`).FindAllStringSubmatch(makefile, -1)
	if len(phony) == 0 {
		t.Fatal("no target found in the Makefile")
	}
	for _, m := range phony {
		if !regexp.MustCompile(`(?m)^` + m[1] + `:.* ## \S`).MatchString(makefile) {
			t.Errorf("make %s has no line of help", m[1])
		}
	}
}

// The configuration's reference and its example have the same keys with the
// same defaults; the example's own test holds that one to the program.
func TestReferenceNamesEveryKey(t *testing.T) {
	reference := string(read(t, "docs/configuration.md"))
	for _, problem := range compareKeys(referenceKeys(reference), exampleKeys(string(read(t, "config/example.json")))) {
		t.Error(problem)
	}
}

func TestKeyDifferencesAreCaught(t *testing.T) {
	example := exampleKeys("{\n  \"port\": 80,\n  //\"log\": {\n  //  // Say \"x\": y.\n  //  \"level\": \"info\",\n  //},\n  \"streams\": [\n    {\n      \"source_options\": {\"url\": \"x\"},\n    },\n  ],\n}\n")
	want := map[string]string{"port": "80", "log.level": `"info"`, "streams": "", "streams.source_options": "", "source_options.url": ""}
	if !maps.Equal(example, want) {
		t.Fatalf("the example's keys are %q, want %q", example, want)
	}
	rows := "| `port` | `81` | x |\n| `log.level` | `\"info\"` | x |\n| `log.more` | none | x |\n| `streams` | | x |\n| `streams.source_options` | | x |\n"
	got := strings.Join(compareKeys(referenceKeys(rows), example), "\n")
	for _, want := range []string{"port is 81", "log.more is not", "source_options.url is not"} {
		if !strings.Contains(got, want) {
			t.Errorf("got %q, want a problem with %q", got, want)
		}
	}
}

// compareKeys wants the same keys in both, and the same defaults where both
// name one.
func compareKeys(reference, example map[string]string) []string {
	var problems []string
	for name, value := range example {
		switch said, ok := reference[name]; {
		case !ok:
			problems = append(problems, name+" is not in docs/configuration.md, but in config/example.json")
		case said != "" && value != "" && said != value:
			problems = append(problems, fmt.Sprintf("%s is %s in docs/configuration.md and %s in config/example.json", name, said, value))
		}
	}
	for name := range reference {
		if _, ok := example[name]; !ok {
			problems = append(problems, name+" is not in config/example.json, but in docs/configuration.md")
		}
	}
	slices.Sort(problems)
	return problems
}

var referenceRow = regexp.MustCompile("(?m)^\\| `([a-z0-9_.]+)` \\| (?:`([^`]*)`)?")

// referenceKeys are the keys of the reference's tables with their defaults; "" is
// a default that is told in words.
func referenceKeys(reference string) map[string]string {
	keys := map[string]string{}
	for _, m := range referenceRow.FindAllStringSubmatch(reference, -1) {
		keys[m[1]] = m[2]
	}
	return keys
}

var (
	exampleLine = regexp.MustCompile(`^[\s/]*"([a-z][a-z0-9_]*)": (.*?),?$`)
	exampleKey  = regexp.MustCompile(`"([a-z][a-z0-9_]*)": `)
	exampleMark = regexp.MustCompile(`^[\s/]*([]{}])`)
)

// exampleKeys are the keys of the example with their defaults, those behind
// slashes too. What a stream is made of has no defaults there, nor have texts
// that are empty.
func exampleKeys(text string) map[string]string {
	keys := map[string]string{}
	var groups []string
	for _, line := range strings.Split(text, "\n") {
		m := exampleLine.FindStringSubmatch(line)
		if m == nil {
			if mark := exampleMark.FindStringSubmatch(line); mark != nil && mark[1] == "{" {
				groups = append(groups, "")
			} else if mark != nil && len(groups) > 0 {
				groups = groups[:len(groups)-1]
			}
			continue
		}
		name := strings.TrimLeft(strings.Join(append(slices.Clone(groups), m[1]), "."), ".")
		name = strings.ReplaceAll(name, "..", ".")
		switch value := m[2]; {
		case value == "{":
			groups = append(groups, m[1])
		case value == "[":
			keys[name] = ""
			groups = append(groups, m[1])
		case value[0] == '{':
			keys[name] = ""
			for _, inner := range exampleKey.FindAllStringSubmatch(value, -1) {
				keys[m[1]+"."+inner[1]] = ""
			}
		case value[0] == '[', value == `""`, strings.HasPrefix(name, "streams."):
			keys[name] = ""
		default:
			keys[name] = value
		}
	}
	return keys
}

func TestChangelogKeepsItsForm(t *testing.T) {
	text := string(read(t, "CHANGELOG.md"))
	if !strings.HasPrefix(text, "# Changelog\n") || !strings.Contains(text, "\n## [Unreleased]\n") {
		t.Error("CHANGELOG.md begins with its title and has a section [Unreleased]")
	}
	allowed := []string{"Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"}
	for _, m := range regexp.MustCompile(`(?m)^### (.*)$`).FindAllStringSubmatch(text, -1) {
		if !slices.Contains(allowed, m[1]) {
			t.Errorf("CHANGELOG.md: section %q is none of %v", m[1], allowed)
		}
	}
}

func read(t *testing.T, file string) []byte {
	t.Helper()
	text, err := os.ReadFile(filepath.FromSlash(file))
	if err != nil {
		t.Fatal(err)
	}
	return text
}
