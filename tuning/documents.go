package tuning

import (
	"fmt"
	"strings"
	"unicode"
)

// Document is a file that is made from the table.
type Document struct {
	Name string // from the repository's root, with slashes
	Text string
}

// Documents are the files that are made from the table. `go generate ./tuning`
// writes them, and a test fails where one is not what the table says.
func Documents() []Document {
	return []Document{
		{"systemd/90-stream-pump.conf", sysctlText(Rows())},
		{"tuning/SETTINGS.md", settingsText(Rows())},
	}
}

// sysctlText is the file for sysctl.d. What is Offered stands behind a "#"; what
// is Left is named at the end, so that nobody thinks it was forgotten.
func sysctlText(rows []Row) string {
	var b strings.Builder
	b.WriteString(`# Settings of the kernel for Stream Pump, for the whole machine: programs other
# than the pump have them too. ` + "`make install-sysctl`" + ` puts this file where
# sysctl.d(5) finds it; it holds from the next start of the system, or after:
#
#   sysctl --system
#
# Made from the table in package tuning by ` + "`go generate ./tuning`" + `; do not edit.
# Your own settings go into /etc/sysctl.d, under a name that sorts behind this
# one. "stream-pump doctor" says what is, what should be, and what it costs. A
# dash in front of a name: a system without that setting is no mistake.
`)
	var left []string
	for _, r := range rows {
		switch r.File {
		case Written:
			b.WriteString("\n" + wrap("# ", r.Reason) + wrap("# Otherwise: ", r.Cost) + "-" + r.Name + " = " + r.Value + "\n")
		case Offered:
			b.WriteString("\n" + wrap("# ", r.Reason) + wrap("# For ", r.When+".") + "#" + r.Name + " = " + r.Value + "\n")
		case Left:
			left = append(left, r.Name)
		}
	}
	b.WriteString("\n" + wrap("# ", "Not set here, because the system's own value is often higher, or depends on its memory: "+
		strings.Join(left, ", ")+`. "stream-pump doctor" looks at them.`))
	return b.String()
}

// lineWidth is where lines of comments end.
const lineWidth = 79

// wrap breaks a text into lines of comments. The first begins with the prefix,
// the others with a "#".
func wrap(prefix, text string) string {
	var b strings.Builder
	line := strings.TrimRight(prefix, " ")
	for word := range strings.FieldsSeq(text) {
		if len(line)+1+len(word) > lineWidth {
			b.WriteString(line + "\n")
			line = "#"
		}
		line += " " + word
	}
	b.WriteString(line + "\n")
	return b.String()
}

// settingsText is the table for people.
func settingsText(rows []Row) string {
	var b strings.Builder
	b.WriteString(`# Settings of the machine

What the kernel, the network card and the process should be set to for many
viewers, why, and where that is known from. Made from the table in package
tuning by ` + "`go generate ./tuning`; do not edit." + `

` + "`stream-pump doctor`" + ` looks at each of these on a machine, and
[90-stream-pump.conf](../systemd/90-stream-pump.conf) sets those of the kernel that
can be set for every machine alike.

| setting | should be | applies |
| --- | --- | --- |
`)
	for _, r := range rows {
		fmt.Fprintf(&b, "| [%s](#%s) | %s | %s |\n", r.Name, anchor(r.Name), r.valueText(), r.When)
	}
	for _, r := range rows {
		fmt.Fprintf(&b, "\n## %s\n\nShould be: %s\n\n%s\n\n- Where it is not so: %s\n- Source: %s.\n- In the file for sysctl.d: %s.\n",
			r.Name, r.valueText(), r.Reason, r.Cost, r.Source, r.File)
	}
	return b.String()
}

// valueText is the value with how it is compared and its unit.
func (r *Row) valueText() string {
	text := r.holds.words + "`" + r.Value + "`"
	if strings.Contains(r.Value, " ") && r.Value[0] > '9' {
		text = r.holds.words + r.Value // a sentence
	}
	if r.Unit != "" {
		text += " (" + r.Unit + ")"
	}
	return text
}

// anchor is how a heading of that name is linked to: readers of Markdown leave out
// whatever is no letter, digit, space or dash.
func anchor(name string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == ' ':
			return '-'
		case r == '-', r == '_', unicode.IsLetter(r), unicode.IsDigit(r):
			return unicode.ToLower(r)
		}
		return -1
	}, name)
}

// String says what the file for sysctl.d does with a row.
func (p Place) String() string {
	switch p {
	case Written:
		return "set"
	case Offered:
		return "there as a comment, for the machines that it applies to"
	case Left:
		return "left out, because the system's own value is often higher and would be lowered"
	}
	return "no, this is no sysctl"
}
