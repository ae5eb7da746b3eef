package licences

import (
	"fmt"
	"io"
	"slices"
	"strings"
)

// kinds are the licences that may be linked into a program under the GPL-3, each with
// words that no other has. The first match decides.
var kinds = []struct{ spdx, words string }{
	{"Apache-2.0", "apache license version 2.0"},
	{"BSD-3-Clause", "neither the name of"},
	{"BSD-3-Clause", "the name of any author may not be used to endorse"}, // libcap's; the GPL-2 is its other side
	{"BSD-2-Clause", "redistributions in binary form must reproduce"},
	{"MIT", "permission is hereby granted, free of charge, to any person"},
	{"ISC", "permission to use, copy, modify, and/or distribute this software for any purpose"},
}

// KindOf is the SPDX identifier of a licence's text; empty if it is not in the table.
func KindOf(text string) string {
	plain := strings.ToLower(strings.Join(strings.Fields(text), " "))
	for _, k := range kinds {
		if strings.Contains(plain, k.words) {
			return k.spdx
		}
	}
	return ""
}

// Kinds are the licences of a part, as in "BSD-3-Clause, MIT"; empty if none is known.
func (p Part) Kinds() string {
	var names []string
	for _, t := range p.Texts {
		if t.Kind != "" && !slices.Contains(names, t.Kind) {
			names = append(names, t.Kind)
		}
	}
	slices.Sort(names)
	return strings.Join(names, ", ")
}

// Write writes the parts as one text for people: a list, then every licence.
func Write(w io.Writer, parts []Part) error {
	var b strings.Builder
	b.WriteString("Stream Pump contains the following works by others. Their licences are below.\n\n")
	for _, p := range parts {
		fmt.Fprintf(&b, "  %-45s %-36s %s\n", p.Name, p.Version, p.Kinds())
	}
	for _, p := range parts {
		for _, t := range p.Texts {
			fmt.Fprintf(&b, "\n%s\n%s\n\n%s\n", strings.Repeat("=", 79), strings.TrimSpace(p.Name+" "+p.Version)+": "+t.File, strings.TrimSpace(t.Body))
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}
