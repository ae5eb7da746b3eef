package tuning

import (
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
)

// tree is the files of a machine to be tried.
type tree map[string]string

// with is the tree with more files.
func (t tree) with(more tree) tree {
	all := maps.Clone(t)
	maps.Copy(all, more)
	return all
}

func (t tree) root() fstest.MapFS { return files(t) }

// machine are the files of n processors, of which each core has as many as
// threads says, on as many NUMA nodes.
func machine(n, threads, onNodes int) tree {
	t := tree{"proc/meminfo": "MemTotal:       33554432 kB\nMemFree:  1 kB\n"}
	t["proc/self/status"] = "Name:\tx\nCpus_allowed_list:\t" + listText(upTo(n)) + "\n"
	cores := n / threads
	perNode := make([][]int, onNodes)
	for cpu := range n {
		core := cpu % cores
		var siblings []int
		for k := range threads {
			siblings = append(siblings, core+k*cores)
		}
		t[fmt.Sprintf("sys/devices/system/cpu/cpu%d/topology/thread_siblings_list", cpu)] = listText(siblings) + "\n"
		node := core * onNodes / cores
		perNode[node] = append(perNode[node], cpu)
	}
	for node, cpus := range perNode {
		t[fmt.Sprintf("sys/devices/system/node/node%d/cpulist", node)] = listText(cpus) + "\n"
	}
	return t
}

// contained is a container's share of a machine: half a quota, some memory.
func contained(quota, memory string) tree {
	return tree{
		"proc/self/cgroup":                   "0::/box/inner\n",
		"sys/fs/cgroup/box/cpu.max":          quota + "\n",
		"sys/fs/cgroup/box/inner/memory.max": "max\n",
		"sys/fs/cgroup/box/memory.max":       memory + "\n",
		"sys/fs/cgroup/memory.max":           "68719476736\n",
	}
}

// TestLook tries what is decided on kinds of machines, from their files.
func TestLook(t *testing.T) {
	for _, c := range []struct {
		name  string
		files tree
		loops int
		pins  string // of as many loops, or why not
		soft  string
	}{
		{"one_core", machine(1, 1, 1), 1, "0", "24 GiB"},
		{"four_cores", machine(4, 1, 1), 4, "0-3", "24 GiB"},
		{"smt", machine(8, 2, 1), 4, "0-3", "24 GiB"},
		{"two_sockets", machine(16, 2, 2), 8, "0-7", "24 GiB"},
		{"container", machine(16, 2, 2).with(contained("250000 100000", "2147483648")), 2, "0-1", "1.5 GiB"},
		{"container_v1", machine(4, 1, 1).with(tree{
			"proc/self/cgroup": "4:memory:/a/b\n1:cpu,cpuacct:/a/b\n",
			"sys/fs/cgroup/memory/a/memory.limit_in_bytes":         "4294967296\n",
			"sys/fs/cgroup/memory/a/b/memory.limit_in_bytes":       "9223372036854771712\n",
			"sys/fs/cgroup/cpu/a/cpu.cfs_quota_us":                 "150000\n",
			"sys/fs/cgroup/cpu/a/cpu.cfs_period_us":                "100000\n",
			"sys/fs/cgroup/memory/unrelated/memory.limit_in_bytes": "1\n",
		}), 1, "0", "3 GiB"},
		{"no_bound_is_no_limit", machine(2, 1, 1).with(tree{
			"proc/self/cgroup": "4:memory:/\n", "sys/fs/cgroup/memory/memory.limit_in_bytes": "9223372036854771712\n",
		}), 2, "0-1", "24 GiB"},
		{"mask_of_second_socket", machine(16, 2, 2).with(tree{"proc/self/status": "Cpus_allowed_list:\t4-7,12-15\n"}), 4, "4-7", "24 GiB"},
		{"pinned_threads", machine(4, 1, 1).with(tree{
			"proc/self/status":        "Cpus_allowed_list:\t1\n",
			"proc/self/task/7/status": "Cpus_allowed_list:\t1\n", "proc/self/task/8/status": "Cpus_allowed_list:\t0\n",
			"proc/self/task/9/status": "Cpus_allowed_list:\t0-2\n",
		}), 3, "0-2", "24 GiB"},
		{"no_sysfs", tree{"proc/self/status": "Cpus_allowed_list:\t0-2\n"}, 3, "0-2", "0 B"},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := Look(c.files.root(), Self)
			m.ThreadsPerCore = 1 // CPUID is that of the machine that tests
			n, why := Decide(m)
			cpus, how, err := Pins(m, n)
			soft, _ := SoftLimit(m)
			if n != c.loops || err != nil || listText(cpus) != c.pins || how == "" || SizeText(soft) != c.soft {
				t.Errorf("%d loops (%s) on %v (%s, %v), %s for Go; want %d on %s, %s", n, why, cpus, how, err, SizeText(soft), c.loops, c.pins, c.soft)
			}
		})
	}
}

func TestPins(t *testing.T) {
	two := Look(machine(16, 2, 2).root(), Self)
	odd := Look(machine(8, 1, 1).with(tree{
		"sys/devices/system/node/node0/cpulist": "0-2\n", "sys/devices/system/node/node1/cpulist": "3-7\n",
	}).root(), Self)
	near := two
	near.Interfaces = []Interface{{Name: "slow", Node: 0, Speed: 1000}, {Name: "fast", Node: 1, Speed: 25000}}
	for _, c := range []struct {
		name string
		m    Machine
		n    int
		want string
	}{
		{"few_stay_on_one_node", two, 3, "0-2"},
		{"the_card_s_node", near, 3, "4-6"},
		{"the_larger_node", odd, 4, "3-6"},
		{"all_begin_with_the_larger", odd, 6, "0,3-7"},
		{"more_than_cores", two, 9, "9 loops cannot have a core each, there being 8 cores"},
		{"siblings_unknown", Machine{CPUs: upTo(4), ThreadsPerCore: 2}, 2, "the system does not tell which processors share a core with processor 0"},
		{"no_threads", Machine{CPUs: upTo(4), ThreadsPerCore: 1}, 2, "0-1"},
	} {
		t.Run(c.name, func(t *testing.T) {
			cpus, _, err := Pins(c.m, c.n)
			slices.Sort(cpus)
			got := listText(cpus)
			if err != nil {
				got = err.Error()
			}
			if got != c.want {
				t.Errorf("got %s, want %s", got, c.want)
			}
			cores := map[string]bool{}
			for _, cpu := range cpus {
				if name, known := c.m.Siblings[cpu]; known && cores[name] {
					t.Errorf("two loops on core %s", name)
				} else {
					cores[name] = known
				}
			}
		})
	}
}

func TestInterfaces(t *testing.T) {
	root := tree{
		"sys/class/net/lo/operstate":               "unknown\n",
		"sys/class/net/veth1/operstate":            "up\n",
		"sys/class/net/eth0/operstate":             "up\n",
		"sys/class/net/eth0/speed":                 "10000\n",
		"sys/class/net/eth0/queues/rx-0/rps_cpus":  "0\n",
		"sys/class/net/eth0/queues/rx-1/rps_cpus":  "0\n",
		"sys/class/net/eth0/queues/tx-0/xps_cpus":  "1\n",
		"sys/class/net/eth1/operstate":             "up\n",
		"sys/class/net/eth1/speed":                 "-1\n",
		"sys/class/net/eth1/device/numa_node":      "1\n",
		"sys/class/net/down0/operstate":            "down\n",
		"sys/class/net/down0/device/numa_node":     "0\n",
		"sys/devices/pci/0000:01:00.0/numa_node":   "0\n",
		"sys/devices/pci/0000:01:00.0/other/files": "\n",
	}.root()
	root["sys/class/net/eth0/device"] = &fstest.MapFile{Data: []byte("../../../devices/pci/0000:01:00.0"), Mode: fs.ModeSymlink}
	want := []Interface{
		{Name: "eth0", Device: "0000:01:00.0", Speed: 10000, Node: 0, RX: 2, TX: 1},
		{Name: "eth1", Device: "", Speed: 0, Node: 1},
	}
	if got := interfaces(root); !slices.Equal(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

// The kernel of the machine that tests is read without a complaint.
func TestLookHere(t *testing.T) {
	m := ReadMachine()
	if m.Memory == 0 || m.Usable() == 0 || m.Processor.CacheLine < 0 || m.Processor.L1 < 0 {
		t.Errorf("%+v", m)
	}
	bytes, why := SoftLimit(m)
	if bytes <= 0 || bytes >= m.Usable() || !strings.Contains(why, "75 %") {
		t.Errorf("%d of %d: %s", bytes, m.Usable(), why)
	}
}

func TestSizeText(t *testing.T) {
	for bytes, want := range map[int64]string{0: "0 B", 1023: "1023 B", 1024: "1 KiB", 1536 << 20: "1.5 GiB", 1 << 50: "1024 TiB"} {
		if got := SizeText(bytes); got != want {
			t.Errorf("%d is %q, want %q", bytes, got, want)
		}
	}
}
