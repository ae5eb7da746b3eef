package tuning

import (
	"maps"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/fstest"

	"golang.org/x/sys/unix"
)

// smt names the cores of n processors of which two each share one, as Linux
// numbers them: 0 and n/2, 1 and n/2+1, ….
func smt(n int) map[int]string {
	names := map[int]string{}
	for cpu := range n {
		names[cpu] = strconv.Itoa(cpu%(n/2)) + "," + strconv.Itoa(cpu%(n/2)+n/2)
	}
	return names
}

func TestDecide(t *testing.T) {
	for _, c := range []struct {
		name string
		m    Machine
		want int
		why  string
	}{
		{"nothing_known", Machine{}, 1, "one for each of 1 core"},
		{"one", Machine{CPUs: upTo(1)}, 1, "one for each of 1 core"},
		{"plain", Machine{CPUs: upTo(4), ThreadsPerCore: 1}, 4, "one for each of 4 cores"},
		{"smt", Machine{CPUs: upTo(16), Siblings: smt(16), ThreadsPerCore: 2}, 8, "one for each of 8 cores (16 threads)"},
		{"mask_of_whole_cores", Machine{CPUs: []int{0, 1, 8, 9}, Siblings: smt(16)}, 2, "one for each of 2 cores (4 threads)"},
		{"mask_of_half_cores", Machine{CPUs: []int{0, 1, 2, 3}, Siblings: smt(16), ThreadsPerCore: 2}, 4, "one for each of 4 cores"},
		{"cpuid_alone", Machine{CPUs: upTo(6), ThreadsPerCore: 2}, 3, "one for each of 3 cores (6 threads)"},
		{"cpuid_odd_mask", Machine{CPUs: upTo(5), ThreadsPerCore: 2}, 3, "one for each of 3 cores (5 threads)"},
		{"half_known", Machine{CPUs: upTo(4), Siblings: map[int]string{0: "0-1", 1: "0-1"}, ThreadsPerCore: 2}, 2, "one for each of 2 cores (4 threads)"},
		{"quota", Machine{CPUs: upTo(8), Quota: 2.5}, 2, "the control group allows the time of 2.5 processors, fewer than the 8 cores"},
		{"quota_below_one", Machine{CPUs: upTo(8), Quota: 0.25}, 1, "the control group allows the time of 0.25 processors, fewer than the 8 cores"},
		{"quota_above", Machine{CPUs: upTo(2), Quota: 8}, 2, "one for each of 2 cores"},
		{"quota_against_threads", Machine{CPUs: upTo(16), Siblings: smt(16), Quota: 12}, 8, "one for each of 8 cores (16 threads)"},
		{"huge", Machine{CPUs: upTo(1024)}, MaxLoops, "the most there are, for 1024 cores"},
	} {
		t.Run(c.name, func(t *testing.T) {
			n, why := Decide(c.m)
			if n != c.want || why != c.why {
				t.Errorf("got %d, %s\nwant %d, %s", n, why, c.want, c.why)
			}
		})
	}
}

func TestProcsExceedLoops(t *testing.T) {
	for loops := range 40 {
		if p := Procs(loops); p <= loops || p < 2 {
			t.Errorf("%d for %d loops", p, loops)
		}
	}
}

func files(contents map[string]string) fstest.MapFS {
	m := fstest.MapFS{}
	for name, text := range contents {
		m[name] = &fstest.MapFile{Data: []byte(text)}
	}
	return m
}

func TestQuota(t *testing.T) {
	const v1 = "12:cpuset:/\n3:cpu,cpuacct:/box\n1:name=systemd:/box\n0::/box\n"
	for _, c := range []struct {
		name  string
		files map[string]string
		want  float64
	}{
		{"no_groups", nil, 0},
		{"v2_none", map[string]string{"proc/self/cgroup": "0::/\n"}, 0},
		{"v2_max", map[string]string{"proc/self/cgroup": "0::/a\n", "sys/fs/cgroup/a/cpu.max": "max 100000\n"}, 0},
		{"v2", map[string]string{"proc/self/cgroup": "0::/a\n", "sys/fs/cgroup/a/cpu.max": "150000 100000\n"}, 1.5},
		{"v2_parent_is_less", map[string]string{"proc/self/cgroup": "0::/a/b/c\n",
			"sys/fs/cgroup/a/b/c/cpu.max": "400000 100000\n", "sys/fs/cgroup/a/b/cpu.max": "max 100000\n", "sys/fs/cgroup/a/cpu.max": "200000 100000\n"}, 2},
		{"v2_in_a_container", map[string]string{"proc/self/cgroup": "0::/docker/0123\n", "sys/fs/cgroup/cpu.max": "50000 100000\n"}, 0.5},
		{"v2_outside_our_namespace", map[string]string{"proc/self/cgroup": "0::/../other\n", "sys/fs/cgroup/cpu.max": "300000 100000\n"}, 3},
		{"v2_broken", map[string]string{"proc/self/cgroup": "0::/\n", "sys/fs/cgroup/cpu.max": "lots\n"}, 0},
		{"v2_no_period", map[string]string{"proc/self/cgroup": "0::/\n", "sys/fs/cgroup/cpu.max": "100000 0\n"}, 0},
		{"v1", map[string]string{"proc/self/cgroup": v1, "sys/fs/cgroup/cpu/box/cpu.cfs_quota_us": "250000\n", "sys/fs/cgroup/cpu/box/cpu.cfs_period_us": "100000\n"}, 2.5},
		{"v1_none", map[string]string{"proc/self/cgroup": v1, "sys/fs/cgroup/cpu/box/cpu.cfs_quota_us": "-1\n", "sys/fs/cgroup/cpu/box/cpu.cfs_period_us": "100000\n"}, 0},
		{"v1_half", map[string]string{"proc/self/cgroup": v1, "sys/fs/cgroup/cpu/box/cpu.cfs_quota_us": "100000\n"}, 0},
		{"v1_and_v2", map[string]string{"proc/self/cgroup": v1, "sys/fs/cgroup/box/cpu.max": "700000 100000",
			"sys/fs/cgroup/cpu/cpu.cfs_quota_us": "600000\n", "sys/fs/cgroup/cpu/cpu.cfs_period_us": "100000\n"}, 6},
		{"nonsense", map[string]string{"proc/self/cgroup": "\nx\n::::\n"}, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := quota(files(c.files), Self); got != c.want {
				t.Errorf("got %v, want %v", got, c.want)
			}
		})
	}
}

func TestSiblings(t *testing.T) {
	got := siblings(files(map[string]string{
		"sys/devices/system/cpu/cpu0/topology/thread_siblings_list": "0,2\n",
		"sys/devices/system/cpu/cpu1/topology/thread_siblings_list": "\n",
		"sys/devices/system/cpu/cpu2/topology/thread_siblings_list": "0,2\n",
	}), upTo(4))
	if want := map[int]string{0: "0,2", 2: "0,2"}; !maps.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestThisMachine(t *testing.T) {
	m := ReadMachine()
	if len(m.CPUs) == 0 || !slices.IsSorted(m.CPUs) {
		t.Fatalf("processors %v", m.CPUs)
	}
	n, why := Decide(m)
	if n < 1 || n > len(m.CPUs) || why == "" {
		t.Errorf("%d loops on %d processors: %s", n, len(m.CPUs), why)
	}
	t.Logf("%d loops: %s", n, why)
}

// The limit belongs to the whole process, so the test runs itself again.
func TestRaiseDescriptors(t *testing.T) {
	const lowered = 64
	if os.Getenv("TUNING_TEST_LOWER") != "" {
		_, hard, err := Descriptors()
		if err != nil {
			t.Fatal(err)
		}
		if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &unix.Rlimit{Cur: lowered, Max: hard}); err != nil {
			t.Fatal(err)
		}
		if soft, _, err := Descriptors(); soft != lowered || err != nil {
			t.Fatalf("lowered to %d, %v", soft, err)
		}
		if got, err := RaiseDescriptors(); got != hard || err != nil {
			t.Errorf("raised to %d of %d, %v", got, hard, err)
		}
		if soft, _, err := Descriptors(); soft != hard || err != nil {
			t.Errorf("holds %d of %d, %v", soft, hard, err)
		}
		if got, err := RaiseDescriptors(); got != hard || err != nil {
			t.Errorf("raised again to %d of %d, %v", got, hard, err)
		}
		return
	}
	cmd := exec.Command(os.Args[0], "-test.run=^TestRaiseDescriptors$", "-test.v")
	cmd.Env = append(os.Environ(), "TUNING_TEST_LOWER=1")
	out, err := cmd.CombinedOutput()
	if err != nil || !strings.Contains(string(out), "PASS") {
		t.Errorf("%v\n%s", err, out)
	}
}
