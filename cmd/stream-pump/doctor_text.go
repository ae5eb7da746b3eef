package main

import (
	"fmt"
	"strings"

	"streampump/tuning"
)

// textWidth is where lines of text end, if there is a blank to break them at.
const textWidth = 79

// appendCheck appends what was found as text for people: what is worth changing
// first, and what is well only if all is asked for.
func appendCheck(b []byte, box *tuning.Box, found []tuning.Finding, all bool) []byte {
	for _, f := range found {
		if f.State == tuning.Change {
			b = appendChange(b, f)
		}
	}
	b = appendFile(b, box, found)
	b = appendGroups(b, "Cannot be read here", found, tuning.Unread)
	b = appendGroups(b, "Does not apply here", found, tuning.Away)
	if all {
		b = appendWell(b, found)
	}
	b = fmt.Appendf(b, "\n%d worth changing, %d cannot be read here, %d do not apply here, %d as they should be",
		number(found, tuning.Change), number(found, tuning.Unread), number(found, tuning.Away), number(found, tuning.OK))
	if !all {
		b = append(b, " (--all shows them)"...)
	}
	return append(b, '\n')
}

// appendMachine appends what the machine is. What is not known is not there.
func appendMachine(b []byte, m tuning.Machine) []byte {
	line := count(len(m.CPUs), "processor") + " on " + count(m.Cores(), "core")
	if m.Processor.Name != "" {
		line = m.Processor.Name + ", " + line
	}
	if n := m.NodeCount(); n > 1 {
		line += fmt.Sprintf(", %d NUMA nodes", n)
	}
	if p := m.Processor; p.L1 > 0 && p.L2 > 0 {
		line += fmt.Sprintf(", caches %s, %s", tuning.SizeText(int64(p.L1)), tuning.SizeText(int64(p.L2)))
		if p.L3 > 0 {
			line += ", " + tuning.SizeText(int64(p.L3))
		}
	}
	if p := m.Processor; p.CacheLine > 0 {
		line += fmt.Sprintf(", lines of %d bytes", p.CacheLine)
	}
	if m.Quota > 0 {
		line += fmt.Sprintf(", of which %g may be used", m.Quota)
	}
	b = appendPart(b, "", "machine", line)
	if m.Memory > 0 {
		line = tuning.SizeText(m.Memory)
		if m.MemoryLimit > 0 {
			line = tuning.SizeText(m.MemoryLimit) + " allowed of " + line
		}
		b = appendPart(b, "", "memory", line)
	}
	for _, i := range m.Interfaces {
		b = appendPart(b, "", "network", interfaceText(i))
	}
	return b
}

func interfaceText(i tuning.Interface) string {
	speed := "speed unknown"
	if i.Speed > 0 {
		speed = fmt.Sprintf("%d Mbit/s", i.Speed)
	}
	return fmt.Sprintf("%s, %s, queues: %d receive, %d transmit", i.Name, speed, i.RX, i.TX)
}

// appendChange appends a setting that is worth changing.
func appendChange(b []byte, f tuning.Finding) []byte {
	b = append(b, "\n"+nameOf(f)+"\n"...)
	b = appendPart(b, "  ", "is", f.Is)
	should := f.Want
	if f.Row.Unit != "" {
		should += " (" + f.Row.Unit + ")"
	}
	b = appendPart(b, "  ", "should be", should)
	b = appendPart(b, "  ", "costs", f.Row.Cost)
	if f.Note != "" {
		b = appendPart(b, "  ", "note", f.Note)
	}
	label := "set it"
	for _, command := range f.Fix {
		b = fmt.Appendf(b, "  %-*s %s\n", partWidth, label, command) // never broken: it is copied
		label = ""
	}
	return b
}

// appendFile says that a file sets several settings, where it is not installed.
func appendFile(b []byte, box *tuning.Box, found []tuning.Finding) []byte {
	var names []string
	for _, f := range found {
		if f.State == tuning.Change && f.Row.File == tuning.Written {
			names = append(names, f.Row.Name)
		}
	}
	if len(names) < 2 || box.SysctlFile() != "" {
		return b
	}
	return appendWrapped(append(b, '\n'), `"make install-sysctl"`, "installs "+tuning.SysctlFile+", which sets "+strings.Join(names, ", ")+" permanently")
}

// nameOf is a setting with its place.
func nameOf(f tuning.Finding) string {
	if f.Where != "" {
		return f.Row.Name + " of " + f.Where
	}
	return f.Row.Name
}

// partWidth is how wide the words in front of a part are.
const partWidth = 10

// appendPart appends a label and a text, broken into lines that align.
func appendPart(b []byte, indent, label, text string) []byte {
	return appendWrapped(b, fmt.Sprintf("%s%-*s", indent, partWidth, label), text)
}

// appendWrapped appends a text behind its beginning of the first line; the
// others are indented as far.
func appendWrapped(b []byte, head, text string) []byte {
	line := head
	for word := range strings.FieldsSeq(text) {
		if len(line)+1+len(word) > textWidth && len(line) > len(head) {
			b = append(b, line+"\n"...)
			line = strings.Repeat(" ", len(head))
		}
		line += " " + word
	}
	return append(b, line+"\n"...)
}

// appendGroups appends the findings of a state, those with the same note together.
func appendGroups(b []byte, title string, found []tuning.Finding, state tuning.State) []byte {
	names := map[string][]string{}
	var notes []string
	for _, f := range found {
		if f.State != state {
			continue
		}
		if names[f.Note] == nil {
			notes = append(notes, f.Note)
		}
		names[f.Note] = append(names[f.Note], nameOf(f))
	}
	if len(notes) > 0 {
		b = append(b, "\n"+title+"\n"...)
	}
	for _, note := range notes {
		b = appendWrapped(b, " ", strings.Join(names[note], ", "))
		b = appendWrapped(b, "     ", note)
	}
	return b
}

// appendWell appends what is as it should be, aligned.
func appendWell(b []byte, found []tuning.Finding) []byte {
	width := 0
	for _, f := range found {
		if f.State == tuning.OK {
			width = max(width, len(nameOf(f)))
		}
	}
	if width > 0 {
		b = append(b, "\nAs it should be\n"...)
	}
	for _, f := range found {
		if f.State != tuning.OK {
			continue
		}
		text := f.Is
		if f.Note != "" {
			text += "; " + f.Note
		}
		b = appendWrapped(b, fmt.Sprintf("  %-*s ", width, nameOf(f)), text)
	}
	return b
}
