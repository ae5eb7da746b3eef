package tuning

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strconv"
	"strings"
)

// processRows are what the program chooses for itself, and the environment that
// could make it choose otherwise.
func processRows() []Row {
	return []Row{
		{
			Name: "fanout.loops", Value: "one for each core that may be used, or for each processor's time of the control groups' quota if that is less", Unit: "event loops",
			Reason: "A loop keeps a core busy with copying to sockets. A second thread of the same core adds little, and a loop that a quota stops in the middle of a round delays all its viewers.",
			Source: "the processors of sched_getaffinity(2), their cores from CPUID and the kernel's topology, the quota from cgroups(7)",
			When:   "always",
			Cost:   "Fewer: cores lie idle while viewers wait. More: loops take each other's time.",
			look:   lookLoops,
		},
		{
			Name: "GOMAXPROCS", Value: "one more than event loops", Unit: "threads",
			Reason: "With as many as loops, each sits in a loop's wait for events, and Go's scheduler takes them away and hands them out again endlessly. The pump sets it itself.",
			Source: "we measured a quarter to a half more CPU with as many as loops, for 500 viewers of 1 Mbit/s and a packet every 11 ms",
			When:   "always",
			Cost:   "The same work takes a quarter to a half more CPU.",
			look: func(_ *Row, b *Box) []Finding {
				n := strconv.Itoa(Procs(loopsOf(b)))
				return []Finding{{State: OK, Is: n, Want: n, Note: "the pump sets it, whatever the environment says"}}
			},
		},
		{
			Name: "timer slack", Value: strconv.Itoa(TimerSlack), Unit: "ns",
			Reason: "The pump's own timers are no finer, and what is due within a millisecond takes one wake instead of several. The pump sets it itself where it may (CAP_SYS_NICE); the systemd unit does it for all.",
			Source: "prctl(2), PR_SET_TIMERSLACK; proc(5), timerslack_ns; systemd.exec(5), TimerSlackNSec; with that of Go's monitor we measured 5 to 9 % of the CPU of 1,000 viewers of 1 Mbit/s on a virtual machine",
			When:   "always",
			Cost:   "A few per cent more CPU where waking a thread is expensive.",
			look:   lookTimerSlack,
		},
		{
			Name: "timer slack of Go's monitor", Value: strconv.Itoa(MonitorSlack), Unit: "ns",
			Reason: "While the pump works, Go's monitor thread wakes every 20 µs, and with the slack of the others a thousand times a second; each time it takes the processor from a loop that writes. Every 10 ms is enough. The pump sets it itself where it may (CAP_SYS_NICE).",
			Source: "proc(5), timerslack_ns; the monitor took 9 % of the CPU of 1,000 viewers of 1 Mbit/s on a virtual machine with a slack of 1 ms, 3 % with 10 ms",
			When:   "always",
			Cost:   "A few per cent more CPU where waking a thread is expensive.",
			look:   lookMonitorSlack,
		},
		{
			Name: "read buffer", Value: strconv.Itoa(ReadBuffer), Unit: "bytes for each loop",
			Reason: "What arrives is read into one buffer of the loop. It holds the largest packet of an encoder; nothing is kept for a viewer.",
			Source: "the limit of an MMSH packet, 65,535 bytes ([MS-WMSP] 2.2.3.1.1)",
			When:   "always",
			Cost:   "Smaller, an encoder's packet takes several reads. Larger, memory for nothing.",
			look: func(r *Row, _ *Box) []Finding {
				return []Finding{{State: OK, Is: r.Value, Want: r.Value, Note: "the pump sets it"}}
			},
		},
		{
			Name: "GOGC", Value: strconv.Itoa(GCPercent), Unit: "percent",
			Reason: "Carrying packets allocates nothing, so only joins make garbage, and collections are rare whatever this is. A low value keeps the garbage of joins small. The pump sets it itself unless the environment does.",
			Source: "we measured 1.34 kB of resident memory for each of 5,000 viewers with 25, and 1.85 with Go's 100, at the same CPU; go.dev/doc/gc-guide",
			When:   "always",
			Cost:   "Higher: a third more memory for each viewer. Off, or much lower: memory without bound, or CPU for collections.",
			look:   lookGOGC,
		},
		{
			Name: "GOMEMLIMIT", Value: "three quarters of the control group's memory limit, or of the machine's memory", Unit: "bytes",
			Reason: "Go lets the heap grow to twice what is live unless it knows how much there is. The rest is for sockets, whose memory counts for the group and not for Go. The pump sets it itself unless the environment does.",
			Source: "go.dev/doc/gc-guide, memory limit; cgroups(7): memory.max",
			When:   "always",
			Cost:   "With many streams, the kernel ends the pump for lack of memory though a collection would have helped. Set too low, collections take a lot of CPU.",
			look:   lookMemoryLimit,
		},
	}
}

// lookTimerSlack can only look at a pump that runs.
func lookTimerSlack(r *Row, b *Box) []Finding {
	if b.Process == Self {
		return []Finding{{State: OK, Is: r.Value, Want: r.Value, Note: "the pump sets it where it may, and the systemd unit everywhere"}}
	}
	text, err := fs.ReadFile(b.Root, path.Join("proc", b.Process, "timerslack_ns"))
	if err != nil {
		return []Finding{unread(r.Value, err)}
	}
	f := Finding{State: OK, Is: strings.TrimSpace(string(text)), Want: r.Value}
	if is, err := strconv.Atoi(f.Is); err != nil || is < TimerSlack {
		f.State, f.Fix = Change, []string{"TimerSlackNSec=1ms    # in the systemd unit, as it comes with the pump"}
	}
	return []Finding{f}
}

// lookMonitorSlack can only look at a pump that runs.
func lookMonitorSlack(r *Row, b *Box) []Finding {
	if b.Process == Self {
		return []Finding{{State: OK, Is: r.Value, Want: r.Value, Note: "the pump sets it where it may"}}
	}
	threads, err := threadsOf(b.Root, b.Process)
	if err == nil && len(threads) <= monitor {
		err = errors.New("it is no Go program: it has one thread only")
	}
	if err != nil {
		return []Finding{unread(r.Value, err)}
	}
	text, err := fs.ReadFile(b.Root, path.Join("proc", strconv.Itoa(threads[monitor]), "timerslack_ns"))
	if err != nil {
		return []Finding{unread(r.Value, err)}
	}
	f := Finding{State: OK, Is: strings.TrimSpace(string(text)), Want: r.Value}
	if is, err := strconv.Atoi(f.Is); err != nil || is < MonitorSlack {
		f.State, f.Fix = Change, []string{"AmbientCapabilities=CAP_SYS_NICE and CapabilityBoundingSet=CAP_SYS_NICE    # in the systemd unit; it is given up after the start"}
	}
	return []Finding{f}
}

// loopsOf is how many event loops there are on a box.
func loopsOf(b *Box) int {
	if b.Use.Loops > 0 {
		return b.Use.Loops
	}
	n, _ := Decide(b.Machine)
	return n
}

func lookLoops(_ *Row, b *Box) []Finding {
	want, why := Decide(b.Machine)
	f := Finding{State: OK, Is: strconv.Itoa(loopsOf(b)), Want: strconv.Itoa(want), Note: why}
	if f.Is != f.Want {
		f.State = Change
		f.Fix = []string{`"fanout": {"loops": "auto"}    # in the configuration`}
	}
	return []Finding{f}
}

// variable is the value of a variable in the environment of the process, empty
// if it has none.
func variable(b *Box, name string) (string, error) {
	text, err := fs.ReadFile(b.Root, path.Join("proc", b.Process, "environ"))
	if err != nil {
		return "", err
	}
	for entry := range strings.SplitSeq(string(text), "\x00") {
		if value, ok := strings.CutPrefix(entry, name+"="); ok {
			return value, nil
		}
	}
	return "", nil
}

func lookGOGC(_ *Row, b *Box) []Finding {
	want := strconv.Itoa(GCPercent)
	is, err := variable(b, "GOGC")
	switch {
	case err != nil:
		return []Finding{unread(want, err)}
	case is == "":
		return []Finding{{State: OK, Is: want, Want: want, Note: "the pump sets it"}}
	case is == want:
		return []Finding{{State: OK, Is: is, Want: want}}
	}
	return []Finding{{State: Change, Is: is, Want: want, Fix: []string{"unset GOGC    # where the pump is started; it then sets " + want}}}
}

// lookMemoryLimit is content with any limit that fits into the memory: whoever
// sets one has a reason.
func lookMemoryLimit(_ *Row, b *Box) []Finding {
	limit, why := SoftLimit(b.Machine)
	if limit == 0 {
		return []Finding{unread("three quarters of the memory", fmt.Errorf("%s", why))}
	}
	want := fmt.Sprintf("%dMiB", limit>>20)
	text, err := variable(b, "GOMEMLIMIT")
	if err != nil {
		return []Finding{unread(want, err)}
	}
	if text == "" {
		return []Finding{{State: OK, Is: want, Want: want, Note: "the pump sets it: " + why}}
	}
	f := Finding{State: OK, Is: text, Want: "at most " + want}
	if is, ok := parseSize(text); !ok || is > limit {
		f.State, f.Fix = Change, []string{"unset GOMEMLIMIT    # where the pump is started; it then sets " + want}
	}
	return []Finding{f}
}

// parseSize reads a size as GOMEMLIMIT has it: bytes, or a number with B, KiB,
// MiB, GiB or TiB behind it. "off", which is no limit, is none.
func parseSize(text string) (int64, bool) {
	shift := 0
	digits := strings.TrimSuffix(text, "B")
	for i, unit := range []string{"Ki", "Mi", "Gi", "Ti"} {
		if d, ok := strings.CutSuffix(digits, unit); ok && digits != text {
			digits, shift = d, 10*(i+1)
		}
	}
	n, err := strconv.ParseInt(digits, 10, 64)
	if err != nil || n < 0 || n > (1<<63-1)>>shift {
		return 0, false
	}
	return n << shift, true
}
