package tuning

import (
	"fmt"
	"io/fs"
	"os"
	"path"
	"runtime"
	"slices"
	"strconv"
	"strings"

	"github.com/klauspost/cpuid/v2"
	"golang.org/x/sys/unix"
)

// Machine is what a process may use of the machine it runs on. Nothing in it
// changes while the process runs.
type Machine struct {
	// CPUs are the logical processors that we may run on, in ascending order.
	CPUs []int
	// Siblings names, for each logical processor, the physical core it is a
	// thread of. It is empty, or lacks processors, where that is not known.
	Siblings map[int]string
	// ThreadsPerCore is how many logical processors a physical core has,
	// from CPUID; 0 or 1 where it is not known. It serves where Siblings is silent.
	ThreadsPerCore int
	// Nodes is the NUMA node of each logical processor; empty where the kernel
	// names no nodes.
	Nodes map[int]int
	// Quota is how many processors' time the control groups allow, 0 if they
	// set no bound.
	Quota float64
	// Processor is what CPUID tells.
	Processor Processor
	// Memory is the machine's memory in bytes, and MemoryLimit the least bound
	// that the control groups set below it; 0 where it is not known, or there
	// is none.
	Memory, MemoryLimit int64
	// Interfaces are the physical network interfaces that are up.
	Interfaces []Interface
}

// Processor is the kind of processor. What CPUID does not tell is 0; a virtual
// machine tells what its host wants it to.
type Processor struct {
	Name       string
	CacheLine  int // bytes
	L1, L2, L3 int // bytes: data cache and those behind it
}

// Root is the file system of this machine, as [Look] and [Check] take it.
func Root() fs.FS { return os.DirFS("/") }

// Self is this process, in the place of a process's number.
const Self = "self"

// ReadMachine looks at the machine and at what this process may use of it.
// What cannot be read counts as not limiting.
func ReadMachine() Machine { return Look(Root(), Self) }

// Look is [ReadMachine] for the process with a number, or [Self], on the machine
// whose files root holds. CPUID is always that of this machine.
func Look(root fs.FS, process string) Machine {
	m := Machine{
		CPUs:           affinity(root, process),
		ThreadsPerCore: cpuid.CPU.ThreadsPerCore,
		Processor:      processor(),
		Quota:          quota(root, process),
		Memory:         memory(root),
		Interfaces:     interfaces(root),
	}
	m.MemoryLimit = memoryLimit(root, process, m.Memory)
	m.Siblings = siblings(root, m.CPUs)
	m.Nodes = nodes(root)
	return m
}

func processor() Processor {
	c := cpuid.CPU.Cache // -1 where it is not known
	return Processor{
		Name: cpuid.CPU.BrandName, CacheLine: cpuid.CPU.CacheLine,
		L1: max(0, c.L1D), L2: max(0, c.L2), L3: max(0, c.L3),
	}
}

// affinity lists the logical processors that the process may run on, which a
// cpuset narrows as well: those of all its threads together, since a thread may
// be pinned.
func affinity(root fs.FS, process string) []int {
	const key = "Cpus_allowed_list"
	tasks, _ := fs.ReadDir(root, path.Join("proc", process, "task"))
	var all []int
	for _, task := range tasks {
		all = append(all, listIn(statusLine(root, path.Join("proc", process, "task", task.Name()), key))...)
	}
	all = append(all, listIn(statusLine(root, path.Join("proc", process), key))...)
	if len(all) > 0 {
		slices.Sort(all)
		return slices.Compact(all)
	}
	var set unix.CPUSet
	if process != Self || unix.SchedGetaffinity(0, &set) != nil {
		return upTo(runtime.NumCPU())
	}
	const bits = len(set) * 64
	for cpu := range bits {
		if set.IsSet(cpu) {
			all = append(all, cpu)
		}
	}
	return all
}

// listIn is a list of processors, empty where it is none.
func listIn(text string) []int {
	cpus, err := parseList(text)
	if err != nil {
		return nil
	}
	return cpus
}

// statusLine is the value of one line of the file status in a folder of /proc;
// empty if it is not there.
func statusLine(root fs.FS, dir, name string) string {
	text, err := fs.ReadFile(root, path.Join(dir, "status"))
	if err != nil {
		return ""
	}
	for line := range strings.Lines(string(text)) {
		if value, ok := strings.CutPrefix(line, name+":"); ok {
			return strings.TrimSpace(value)
		}
	}
	return ""
}

func upTo(n int) []int {
	cpus := make([]int, n)
	for i := range cpus {
		cpus[i] = i
	}
	return cpus
}

// siblings asks the kernel which logical processors share a core: the list of
// the core's threads serves as its name.
func siblings(root fs.FS, cpus []int) map[int]string {
	known := map[int]string{}
	for _, cpu := range cpus {
		text, err := fs.ReadFile(root, fmt.Sprintf("sys/devices/system/cpu/cpu%d/topology/thread_siblings_list", cpu))
		if name := strings.TrimSpace(string(text)); err == nil && name != "" {
			known[cpu] = name
		}
	}
	return known
}

// nodes asks the kernel which NUMA node each logical processor belongs to.
func nodes(root fs.FS) map[int]int {
	const folder = "sys/devices/system/node"
	known := map[int]int{}
	entries, _ := fs.ReadDir(root, folder)
	for _, e := range entries {
		number, ok := strings.CutPrefix(e.Name(), "node")
		node, err := strconv.Atoi(number)
		if !ok || err != nil {
			continue
		}
		text, err := fs.ReadFile(root, path.Join(folder, e.Name(), "cpulist"))
		if err != nil {
			continue
		}
		cpus, err := parseList(strings.TrimSpace(string(text)))
		if err != nil {
			continue
		}
		for _, cpu := range cpus {
			known[cpu] = node
		}
	}
	return known
}

// memory is the machine's memory in bytes, from /proc/meminfo; 0 if it is not told.
func memory(root fs.FS) int64 {
	total, _ := meminfo(root, "MemTotal")
	return total
}

// meminfo is one line of /proc/meminfo in bytes.
func meminfo(root fs.FS, name string) (int64, bool) {
	text, err := fs.ReadFile(root, "proc/meminfo")
	if err != nil {
		return 0, false
	}
	for line := range strings.Lines(string(text)) {
		if value, ok := strings.CutPrefix(line, name+":"); ok {
			kib, err := strconv.ParseInt(strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(value), "kB")), 10, 64)
			if err != nil || kib < 0 || kib > maxKiB {
				return 0, false
			}
			return kib << 10, true
		}
	}
	return 0, false
}

// maxKiB keeps a number of KiB from overflowing as bytes.
const maxKiB = 1 << 50

// Usable is the memory that the process may use, in bytes: the control groups'
// limit where there is one, or the machine's; 0 if neither is known.
func (m Machine) Usable() int64 {
	if m.MemoryLimit > 0 {
		return m.MemoryLimit
	}
	return m.Memory
}

// NodeCount is the number of NUMA nodes that the processors lie on; 0 if it is
// not known.
func (m Machine) NodeCount() int {
	on := map[int]bool{}
	for _, cpu := range m.CPUs {
		if node, known := m.Nodes[cpu]; known {
			on[node] = true
		}
	}
	return len(on)
}
