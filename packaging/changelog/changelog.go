// Package changelog reads CHANGELOG.md, which is in the form of Keep a Changelog, and
// writes what a release needs of it: its notes, and the changelog of the Debian
// package. It knows no files, no clock and no version control; package prepare calls
// it.
package changelog

import (
	"fmt"
	"regexp"
	"strings"
	"time"
)

// Unreleased is the heading of what is in no release yet.
const Unreleased = "Unreleased"

// Section is what changed in one version.
type Section struct {
	// Version is 1.2.3, or Unreleased.
	Version string
	// Date is the day of the release; zero if the heading has none.
	Date time.Time
	// Text is the Markdown below the heading, without blank lines around it.
	Text string
}

// heading is "## [1.2.3] - 2026-01-31"; without a date for what is not released.
var heading = regexp.MustCompile(`^## \[([^\]]+)\](?: - (\S+))?\s*$`)

// Parse returns the sections in their order, the newest first. A date that is none is
// an error.
func Parse(text string) ([]Section, error) {
	var sections []Section
	for i, line := range strings.Split(text, "\n") {
		m := heading.FindStringSubmatch(line)
		if m == nil {
			if n := len(sections); n > 0 {
				sections[n-1].Text += line + "\n"
			}
			continue
		}
		s := Section{Version: m[1]}
		if m[2] != "" {
			day, err := time.Parse(time.DateOnly, m[2])
			if err != nil {
				return nil, fmt.Errorf("line %d: %q is no day such as 2026-01-31", i+1, m[2])
			}
			s.Date = day
		}
		sections = append(sections, s)
	}
	for i := range sections {
		sections[i].Text = strings.TrimSpace(sections[i].Text)
	}
	return sections, nil
}

// Notes is what a release of this version (1.2.3) is announced with: the text of its
// section. It is an error if there is no such section, or if it says nothing or no
// day.
func Notes(sections []Section, version string) (string, error) {
	for _, s := range sections {
		switch {
		case s.Version != version:
			continue
		case s.Date.IsZero():
			return "", fmt.Errorf("the section [%s] has no day: write ## [%s] - 2026-01-31", version, version)
		case items(s.Text) == nil:
			return "", fmt.Errorf("the section [%s] says nothing", version)
		}
		return s.Text + "\n", nil
	}
	return "", fmt.Errorf("no section [%s]", version)
}
