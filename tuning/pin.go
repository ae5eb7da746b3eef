package tuning

import (
	"cmp"
	"fmt"
	"slices"
)

// core is a physical core by the first of its logical processors that we may
// run on.
type core struct{ cpu, node int }

// Pins chooses a logical processor for each of n event loops, and says in half
// a sentence how. No two are threads of one core, and all are on one NUMA node
// where enough cores are: that of the network card if possible, else the one
// with the most. It fails where that cannot be had: pinned loops that share a
// core are worse than loops that the kernel may move.
func Pins(m Machine, n int) (cpus []int, how string, err error) {
	cores, err := m.pinnable()
	if err != nil {
		return nil, "", err
	}
	if n > len(cores) {
		return nil, "", fmt.Errorf("%s cannot have a core each, there being %s", count(n, "loop"), count(len(cores), "core"))
	}
	order := m.nodesByWorth(cores)
	for _, node := range order {
		if on := onNode(cores, node); len(on) >= n {
			return firstOf(on, n), fmt.Sprintf("a core each on NUMA node %d", node), nil
		}
	}
	var all []core
	for _, node := range order {
		all = append(all, onNode(cores, node)...)
	}
	return firstOf(all, n), "a core each, on several NUMA nodes because none has enough", nil
}

// pinnable lists the physical cores in the order of their processors.
func (m Machine) pinnable() ([]core, error) {
	seen := map[string]bool{}
	var cores []core
	for _, cpu := range m.CPUs {
		name, known := m.Siblings[cpu]
		if !known && m.ThreadsPerCore > 1 {
			return nil, fmt.Errorf("the system does not tell which processors share a core with processor %d", cpu)
		}
		if known && seen[name] {
			continue
		}
		seen[name] = known
		cores = append(cores, core{cpu, m.Nodes[cpu]})
	}
	return cores, nil
}

// nodesByWorth lists the nodes of cores, that of a network card first, then
// those with the most cores.
func (m Machine) nodesByWorth(cores []core) []int {
	size, near := map[int]int{}, map[int]int{}
	var nodes []int
	for _, c := range cores {
		if size[c.node]++; size[c.node] == 1 {
			nodes = append(nodes, c.node)
		}
	}
	for _, i := range m.Interfaces {
		near[i.Node] = max(near[i.Node], 1+i.Speed)
	}
	slices.SortStableFunc(nodes, func(a, b int) int {
		return cmp.Or(cmp.Compare(near[b], near[a]), cmp.Compare(size[b], size[a]), cmp.Compare(a, b))
	})
	return nodes
}

func onNode(cores []core, node int) (on []core) {
	for _, c := range cores {
		if c.node == node {
			on = append(on, c)
		}
	}
	return on
}

func firstOf(cores []core, n int) []int {
	cpus := make([]int, n)
	for i := range cpus {
		cpus[i] = cores[i].cpu
	}
	return cpus
}
