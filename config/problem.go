package config

import (
	"cmp"
	"fmt"
	"slices"
	"sort"
	"strconv"
	"strings"
	"unicode"
)

// maxProblems is how many problems of one file are reported: a file of another kind
// altogether would otherwise fill the screen thousands of times over.
const maxProblems = 100

// Problem is one mistake in a configuration file, or one oddity.
type Problem struct {
	File string // the name that was given to Load or Parse
	// Line and Col count from 1, Col in bytes; both are 0 for a problem with
	// the file as a whole.
	Line, Col int
	Pointer   string // JSON pointer of the value; empty for the whole file
	Text      string // the operator's sentence
	Warning   bool   // the configuration can be used all the same
	// OneStream is set for a mistake that keeps only one stream from running and that
	// may pass: its file is missing. The others can be served meanwhile.
	OneStream bool
}

// String is the problem in one line: file:line:col: /json/pointer: sentence.
func (p Problem) String() string {
	var b strings.Builder
	b.WriteString(printable(p.File))
	if p.Line > 0 {
		fmt.Fprintf(&b, ":%d:%d", p.Line, p.Col)
	}
	b.WriteString(": ")
	if p.Pointer != "" {
		b.WriteString(printable(p.Pointer) + ": ")
	}
	if p.Warning {
		b.WriteString("warning: ")
	}
	b.WriteString(p.Text)
	return b.String()
}

// compare orders problems as they stand in the file.
func compare(a, b Problem) int {
	return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Col, b.Col), strings.Compare(a.Text, b.Text))
}

// printable is s with everything escaped that could move a terminal's cursor.
func printable(s string) string {
	if strings.IndexFunc(s, func(r rune) bool { return !unicode.IsPrint(r) }) < 0 {
		return s
	}
	q := strconv.Quote(s)
	return q[1 : len(q)-1]
}

// quote is s as it may stand in a sentence, shortened to stay readable.
func quote(s string) string {
	const longest = 60
	if r := []rune(s); len(r) > longest {
		s = string(r[:longest]) + "…"
	}
	return strconv.Quote(s)
}

// lines turns byte offsets into lines and columns.
type lines []int // offset of the first byte of each line

func newLines(src []byte) lines {
	l := lines{0}
	for i, c := range src {
		if c == '\n' {
			l = append(l, i+1)
		}
	}
	return l
}

// place is the line and column of the byte at offset, both from 1.
func (l lines) place(offset int) (line, col int) {
	line = sort.SearchInts(l, offset+1)
	return line, offset - l[line-1] + 1
}

// offset is the inverse of place.
func (l lines) offset(line, col int) int {
	return l[min(max(line, 1), len(l))-1] + max(col, 1) - 1
}

// report collects the problems of one file.
type report struct {
	file     string
	size     int // bytes in the file: no problem lies beyond
	lines    lines
	problems []Problem
	warnings []Problem
	fatal    bool // a mistake concerns more than one stream, noted or not
}

func (r *report) problem(offset int, pointer, text string) Problem {
	line, col := r.lines.place(min(max(offset, 0), r.size))
	return Problem{File: r.file, Line: line, Col: col, Pointer: pointer, Text: text}
}

// errorf notes a mistake at a byte offset.
func (r *report) errorf(offset int, pointer, format string, args ...any) {
	r.fatal = true
	r.note(r.problem(offset, pointer, fmt.Sprintf(format, args...)))
}

// streamf notes a mistake that keeps one stream from running.
func (r *report) streamf(offset int, pointer, format string, args ...any) {
	p := r.problem(offset, pointer, fmt.Sprintf(format, args...))
	p.OneStream = true
	r.note(p)
}

func (r *report) note(p Problem) {
	if len(r.problems) < maxProblems {
		r.problems = append(r.problems, p)
	}
}

// warnf notes an oddity at a byte offset.
func (r *report) warnf(offset int, pointer, format string, args ...any) {
	if len(r.warnings) < maxProblems {
		p := r.problem(offset, pointer, fmt.Sprintf(format, args...))
		p.Warning = true
		r.warnings = append(r.warnings, p)
	}
}

// sorted is everything found, in the order of the file.
func (r *report) sorted() []Problem {
	all := slices.Concat(r.problems, r.warnings)
	slices.SortStableFunc(all, compare)
	if len(r.problems) == maxProblems {
		all = append(all, Problem{File: r.file, Warning: true, Text: fmt.Sprintf("only the first %d mistakes are shown", maxProblems)})
	}
	return all
}
