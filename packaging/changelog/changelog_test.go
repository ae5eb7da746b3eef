package changelog

import (
	"os"
	"strings"
	"testing"
	"time"
)

const text = `# Changelog

## [Unreleased]

### Added

- Something to come.

## [1.1.0] - 2026-03-02

### Added

- A point that goes on
  in a second line.

### Fixed

- A mistake of which there is so much to say that it does not fit into one line of the other file.

## [1.0.0] - 2026-01-31

- The first.

## [0.9.0]
`

func parse(t *testing.T, text string) []Section {
	t.Helper()
	s, err := Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestNotes(t *testing.T) {
	got, err := Notes(parse(t, text), "1.0.0")
	if err != nil || got != "- The first.\n" {
		t.Errorf("%q, %v", got, err)
	}
}

func TestNotesAreRefused(t *testing.T) {
	sections := parse(t, text+"\n## [0.8.0] - 2026-01-01\n\n### Added\n")
	for version, want := range map[string]string{
		"2.0.0": "no section [2.0.0]",
		"0.9.0": "has no day",
		"0.8.0": "says nothing",
	} {
		if _, err := Notes(sections, version); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", version, err, want)
		}
	}
	if _, err := Parse("## [1.0.0] - yesterday\n"); err == nil || !strings.Contains(err.Error(), "line 1") {
		t.Errorf("a day that is none: %v", err)
	}
}

func TestDebian(t *testing.T) {
	p := Package{Name: "pump", Maintainer: "A <a@b.example>", Version: "1.1.0-1", Upstream: "1.1.0"}
	const want = `pump (1.1.0-1) unstable; urgency=medium

  * A point that goes on in a second line.
  * Fixed: A mistake of which there is so much to say that it does not fit
    into one line of the other file.

 -- A <a@b.example>  Mon, 02 Mar 2026 00:00:00 +0000

pump (1.0.0-1) unstable; urgency=medium

  * The first.

 -- A <a@b.example>  Sat, 31 Jan 2026 00:00:00 +0000
`
	if got := Debian(parse(t, text), p); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	p.Version, p.Upstream, p.Built = "1.1.0+5.gabc-1", "1.1.0+5.gabc", time.Unix(0, 0)
	got := Debian(parse(t, text), p)
	if !strings.HasPrefix(got, "pump (1.1.0+5.gabc-1) ") || !strings.Contains(got, "between two releases") ||
		!strings.Contains(got, "Thu, 01 Jan 1970") || !strings.HasSuffix(got, "\n"+want) {
		t.Errorf("between releases:\n%s", got)
	}
}

// The changelog of this tree is in the form that is understood here.
func TestOurChangelog(t *testing.T) {
	b, err := os.ReadFile("../../CHANGELOG.md")
	if err != nil {
		t.Fatal(err)
	}
	if s := parse(t, string(b)); len(s) == 0 || s[0].Version != Unreleased || items(s[0].Text) == nil {
		t.Errorf("%d sections, want the first to be [%s], with points", len(s), Unreleased)
	}
}
