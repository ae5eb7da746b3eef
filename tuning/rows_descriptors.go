package tuning

import (
	"fmt"
	"io/fs"
	"path"
	"strconv"
	"strings"
)

// descriptorRows are the limits on how many viewers can be connected at all.
func descriptorRows() []Row {
	return []Row{
		{
			Name: "RLIMIT_NOFILE", Value: strconv.Itoa(DescriptorLimit), Unit: "descriptors",
			Reason: "Each viewer is a socket, and each socket a descriptor of the process. The pump raises its soft limit to the hard one by itself; the hard one is for whoever starts it.",
			Source: "getrlimit(2); LimitNOFILE in systemd.exec(5)",
			When:   "always; with limits.connections or limits.viewers in the configuration, that many and what is kept back for everything else, 128 or more",
			Cost:   "Viewers beyond the limit are refused.",
			want:   func(b *Box) string { return strconv.Itoa(descriptorsFor(b)) },
			holds:  atLeast,
			look:   lookDescriptors,
		},
		{
			Name: "fs.nr_open", Value: strconv.Itoa(DescriptorLimit), Unit: "descriptors",
			Reason: "The ceiling above which no process may set its limit on descriptors, not even as root.",
			Source: "Linux, Documentation/admin-guide/sysctl/fs.rst: nr_open",
			When:   "always",
			Cost:   "The limit on descriptors cannot be raised, and systemd starts the pump with a lower one.",
			File:   Left,
			want:   func(b *Box) string { return strconv.Itoa(descriptorsFor(b)) },
			holds:  atLeast,
		},
		{
			Name: "fs.file-max", Value: strconv.Itoa(2 * DescriptorLimit), Unit: "descriptors",
			Reason: "How many the whole system may have open: the pump's, and as many again for everything else.",
			Source: "Linux, Documentation/admin-guide/sysctl/fs.rst: file-max",
			When:   "always",
			Cost:   "Every program on the machine fails to open files once the viewers have taken them all.",
			File:   Left,
			want:   func(b *Box) string { return strconv.Itoa(2 * descriptorsFor(b)) },
			holds:  atLeast,
		},
		{
			Name: "fs.epoll.max_user_watches", Value: strconv.Itoa(2 * DescriptorLimit), Unit: "sockets",
			Reason: "Each connection is in the set of its event loop, and a viewer whose socket is full is in a second one until it takes bytes again.",
			Source: "epoll(7): /proc interfaces",
			When:   "always",
			Cost:   "Connections are closed as soon as they are accepted, and the log says that the event loop cannot watch them.",
			File:   Left,
			want:   func(b *Box) string { return strconv.Itoa(2 * descriptorsFor(b)) },
			holds:  atLeast,
		},
		{
			Name: "net.netfilter.nf_conntrack_max", Value: strconv.Itoa(DescriptorLimit), Unit: "connections",
			Reason: "A firewall that tracks connections has a table with an entry for each; when it is full, packets of new ones are dropped.",
			Source: "Linux, Documentation/networking/nf_conntrack-sysctl.rst",
			When:   "where connections are tracked",
			Cost:   "New viewers cannot connect (the kernel's log says \"nf_conntrack: table full, dropping packet\"), while everything else looks well.",
			File:   Left,
			want:   func(b *Box) string { return strconv.Itoa(descriptorsFor(b)) },
			holds:  atLeast,
			away: func(b *Box) string {
				if _, err := fs.Stat(b.Root, sysctlFile("net.netfilter.nf_conntrack_max")); err != nil {
					return "no connections are tracked here"
				}
				return ""
			},
		},
	}
}

// descriptorsFor is how many descriptors the pump wants on a box.
func descriptorsFor(b *Box) int {
	if b.Use.Viewers > 0 {
		return b.Use.Viewers + max(b.Use.Reserved, ReservedDescriptors)
	}
	return DescriptorLimit
}

// lookDescriptors reads the hard limit: the pump raises its own soft one. The limit
// of the shell that we run in says little where a unit sets that of the pump.
func lookDescriptors(r *Row, b *Box) []Finding {
	want := r.wanted(b)
	hard, err := HardDescriptors(b.Root, b.Process)
	if err != nil {
		return []Finding{unread(r.holds.words+want, err)}
	}
	const shell = "    # as root, in the shell that starts the pump"
	f := r.judge(strconv.FormatUint(hard, 10), want, "ulimit -n "+want+shell)
	if f.State != Change {
		return []Finding{f}
	}
	unit, installed := unitSetting(b.Root, "LimitNOFILE")
	enough := unit == "infinity" || r.holds.compare(unit, want)
	switch edit := "systemctl edit stream-pump    # and in it: [Service] LimitNOFILE=" + want; {
	case b.Process != Self && installed && enough:
		f.Note = "the systemd unit has enough, but this pump was not started by it, or before the unit had it"
	case b.Process != Self:
		f.Fix = append([]string{edit}, f.Fix...)
	case installed && enough:
		f = Finding{State: OK, Is: unit, Want: f.Want, Note: "the systemd unit sets it, whatever this shell has (" + f.Is + ")"}
	case installed:
		f.Is, f.Fix = unit, []string{edit}
		f.Note = "this is the systemd unit's limit; --pid looks at a running pump"
		if unit == "" {
			f.Is = "the system's own for services"
		}
	default:
		f.Note = `this is the limit of the shell that doctor runs in; --pid looks at a running pump, and "make install" brings a systemd unit that sets it`
	}
	return []Finding{f}
}

// Descriptors is the most that a pump started on this box may have open: as the
// systemd unit says, if it is installed and no running process is looked at.
func (b *Box) Descriptors() (uint64, error) {
	if b.Process == Self {
		unit, _ := unitSetting(b.Root, "LimitNOFILE")
		if n, err := strconv.ParseUint(unit, 10, 63); err == nil {
			return n, nil
		}
	}
	return HardDescriptors(b.Root, b.Process)
}

// unlimited is what a limit without a bound counts as.
const unlimited = 1<<63 - 1

// HardDescriptors is the most descriptors that a process may raise its limit to.
func HardDescriptors(root fs.FS, process string) (uint64, error) {
	text, err := fs.ReadFile(root, path.Join("proc", process, "limits"))
	if err != nil {
		return 0, err
	}
	return parseLimits(string(text))
}

// parseLimits finds the hard limit on open files in /proc/PID/limits.
func parseLimits(text string) (uint64, error) {
	const name = "Max open files"
	for line := range strings.Lines(text) {
		rest, ok := strings.CutPrefix(line, name)
		if !ok {
			continue
		}
		fields := strings.Fields(rest)
		if len(fields) < 2 {
			break
		}
		if fields[1] == "unlimited" {
			return unlimited, nil
		}
		return strconv.ParseUint(fields[1], 10, 63)
	}
	return 0, fmt.Errorf("it has no line %q", name)
}
