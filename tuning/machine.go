package tuning

import (
	"fmt"
	"io/fs"
	"os"
	"runtime"
	"strings"

	"github.com/klauspost/cpuid/v2"
	"golang.org/x/sys/unix"
)

// ReadMachine looks at the machine and at what the process may use of it.
// What can not be read counts as not limiting.
func ReadMachine() Machine {
	root := os.DirFS("/")
	m := Machine{
		CPUs:           affinity(),
		ThreadsPerCore: cpuid.CPU.ThreadsPerCore,
		Quota:          quota(root),
	}
	m.Siblings = siblings(root, m.CPUs)
	return m
}

// affinity lists the logical processors of the process's affinity mask, which
// a cpuset narrows as well.
func affinity() []int {
	var set unix.CPUSet
	if err := unix.SchedGetaffinity(0, &set); err != nil {
		// A machine with more processors than the set holds: they are many.
		return upTo(runtime.NumCPU())
	}
	const bits = len(set) * 64
	var cpus []int
	for cpu := range bits {
		if set.IsSet(cpu) {
			cpus = append(cpus, cpu)
		}
	}
	return cpus
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
