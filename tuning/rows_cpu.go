package tuning

import (
	"fmt"
	"io/fs"
	"slices"
	"strings"
)

// cpuRows are about processors and memory.
func cpuRows() []Row {
	return []Row{
		{
			Name: "transparent_hugepage", Value: "madvise",
			Reason: "Go's memory is asked for in large pieces and filled bit by bit. With \"always\" the kernel makes 2 MiB of it resident where a few KiB are used, and khugepaged does so behind our back.",
			Source: "Linux, Documentation/admin-guide/mm/transhuge.rst; go.dev/doc/gc-guide, Linux transparent huge pages; Go proposal 59960",
			When:   "always; \"never\" is as good, and so is \"always\" with khugepaged/max_ptes_none at 0",
			Cost:   "Resident memory beyond the 1.5 KB per viewer: the Go project saw up to 40 % more.",
			look:   lookHugePages,
		},
		{
			Name: "scaling_governor", Value: "performance",
			Reason: "An event loop sleeps between packets. A governor that saves power finds an idle processor, lowers its clock, and each packet is then sent by a slow one.",
			Source: "Linux, Documentation/admin-guide/pm/cpufreq.rst",
			When:   "where the clock can be set; in a virtual machine its host does it",
			Cost:   "Added delay at low load, and CPU figures that mean little. What the box can carry at full load is the same.",
			look:   lookGovernor,
		},
	}
}

const hugePages = "sys/kernel/mm/transparent_hugepage/"

func lookHugePages(r *Row, b *Box) []Finding {
	text, err := readWords(b.Root, hugePages+"enabled")
	if err != nil {
		return []Finding{unread(r.Value, err)}
	}
	is, ok := chosen(text)
	if !ok {
		return []Finding{unread(r.Value, fmt.Errorf("%q names no choice", text))}
	}
	f := Finding{State: OK, Is: is, Want: r.Value}
	if is != "always" {
		return []Finding{f}
	}
	if none, err := readWords(b.Root, hugePages+"khugepaged/max_ptes_none"); err == nil && none == "0" {
		f.Note = "khugepaged/max_ptes_none is 0"
		return []Finding{f}
	}
	f.State = Change
	f.Fix = []string{setFile("/"+hugePages+"enabled", r.Value)}
	return []Finding{f}
}

// chosen is the word in brackets of a file such as "always [madvise] never".
func chosen(text string) (string, bool) {
	_, rest, ok := strings.Cut(text, "[")
	word, _, closed := strings.Cut(rest, "]")
	return word, ok && closed && word != ""
}

func lookGovernor(r *Row, b *Box) []Finding {
	others := map[string]int{}
	read := 0
	for _, cpu := range b.Machine.CPUs {
		g, err := fs.ReadFile(b.Root, fmt.Sprintf("sys/devices/system/cpu/cpu%d/cpufreq/scaling_governor", cpu))
		if err != nil {
			continue
		}
		read++
		if name := strings.TrimSpace(string(g)); name != r.Value {
			others[name]++
		}
	}
	switch {
	case read == 0:
		return []Finding{{State: Away, Note: "the clock is not set here: a virtual machine's host does it"}}
	case len(others) == 0:
		return []Finding{{State: OK, Is: r.Value, Want: r.Value}}
	}
	var names []string
	for name, n := range others {
		names = append(names, fmt.Sprintf("%s on %s", name, count(n, "processor")))
	}
	slices.Sort(names)
	return []Finding{{
		State: Change, Is: strings.Join(names, ", "), Want: r.Value,
		Fix: []string{setFile("/sys/devices/system/cpu/cpu*/cpufreq/scaling_governor", r.Value)},
	}}
}
