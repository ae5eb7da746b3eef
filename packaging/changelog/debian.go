package changelog

import (
	"fmt"
	"regexp"
	"strings"
	"time"
)

// width is how long a line of the Debian changelog may be.
const width = 78

// Package is what the changelog of a Debian package needs to know.
type Package struct {
	Name       string
	Maintainer string // Name <address>
	// Version is that of the package, 1.2.3-1, and Upstream ours, 1.2.3.
	Version, Upstream string
	// Built dates the newest entry if our changelog does not.
	Built time.Time
}

// Debian writes the changelog in the form of deb-changelog(5): an entry for the
// version that is built, and one for each release before it.
func Debian(sections []Section, p Package) string {
	var b strings.Builder
	entry := Section{Version: p.Upstream, Date: p.Built,
		Text: "- Built between two releases. What has changed since the last one is under \"Unreleased\" in changelog.gz."}
	for i, s := range sections {
		if s.Version == p.Upstream {
			if entry.Text = s.Text; !s.Date.IsZero() {
				entry.Date = s.Date
			}
			sections = sections[i+1:]
			break
		}
	}
	p.write(&b, p.Version, entry)
	for _, s := range sections {
		if !s.Date.IsZero() {
			p.write(&b, s.Version+"-1", s)
		}
	}
	return b.String()
}

func (p Package) write(b *strings.Builder, version string, s Section) {
	if b.Len() > 0 {
		b.WriteString("\n")
	}
	fmt.Fprintf(b, "%s (%s) unstable; urgency=medium\n\n", p.Name, version)
	for _, item := range items(s.Text) {
		b.WriteString(wrap(item))
	}
	fmt.Fprintf(b, "\n -- %s  %s\n", p.Maintainer, s.Date.UTC().Format(time.RFC1123Z))
}

// group is the heading of a kind of change: "### Added".
var group = regexp.MustCompile(`^#+ +(.*)$`)

// items are the points of a section, each on one line; nil if it has none. A point
// begins with the name of its group where that is not "Added".
func items(text string) (found []string) {
	kind := ""
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, " \n")
		if m := group.FindStringSubmatch(line); m != nil {
			if kind = m[1] + ": "; m[1] == "Added" {
				kind = ""
			}
			continue
		}
		point, begins := strings.CutPrefix(line, "- ")
		switch {
		case begins:
			found = append(found, kind+point)
		case strings.TrimSpace(line) != "" && len(found) > 0:
			found[len(found)-1] += " " + strings.TrimSpace(line)
		}
	}
	return found
}

// wrap breaks a point into the lines of an entry.
func wrap(item string) string {
	var b strings.Builder
	line := "  *"
	for _, word := range strings.Fields(item) {
		if len(line)+1+len(word) > width && len(strings.TrimSpace(line)) > 1 {
			b.WriteString(line + "\n")
			line = "   "
		}
		line += " " + word
	}
	return b.String() + line + "\n"
}
