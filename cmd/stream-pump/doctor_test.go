package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"streampump/cmd/internal/cli"
	"streampump/cmd/internal/fetch"
	"streampump/engine"
	"streampump/tuning"
)

var update = flag.Bool("update", false, "write what the tests got into testdata")

// readyBox are the files of a machine with two cores and nothing to change.
var readyBox = map[string]string{
	"proc/self/status":                                          "Cpus_allowed_list:\t0-1\n",
	"proc/self/limits":                                          "Max open files            1024                 524288               files\n",
	"proc/self/environ":                                         "",
	"proc/7/status":                                             "Cpus_allowed_list:\t0\n",
	"proc/7/limits":                                             "Max open files            1024                 4096                 files\n",
	"proc/7/environ":                                            "GOGC=off\x00",
	"proc/meminfo":                                              "MemTotal:       8388608 kB\nMemAvailable:   6291456 kB\n",
	"proc/net/softnet_stat":                                     "00000001 00000000 00000000\n",
	"proc/interrupts":                                           " 40: 1 2 PCI-MSIX 0-edge eth0-TxRx-0\n",
	"proc/irq/40/smp_affinity_list":                             "0-1\n",
	"proc/sys/fs/nr_open":                                       "1048576\n",
	"proc/sys/fs/file-max":                                      "9223372036854775807\n",
	"proc/sys/fs/epoll/max_user_watches":                        "1700000\n",
	"proc/sys/net/core/somaxconn":                               "16384\n",
	"proc/sys/net/core/default_qdisc":                           "fq\n",
	"proc/sys/net/ipv4/tcp_max_syn_backlog":                     "16384\n",
	"proc/sys/net/ipv4/tcp_slow_start_after_idle":               "0\n",
	"proc/sys/net/ipv4/tcp_congestion_control":                  "bbr\n",
	"proc/sys/net/ipv4/tcp_wmem":                                "4096\t16384\t4194304\n",
	"proc/sys/net/ipv4/tcp_rmem":                                "4096\t131072\t6291456\n",
	"proc/sys/net/ipv4/tcp_mem":                                 "190000\t253334\t380000\n",
	"sys/class/net/lo/operstate":                                "unknown\n",
	"sys/class/net/eth0/operstate":                              "up\n",
	"sys/class/net/eth0/speed":                                  "1000\n",
	"sys/class/net/eth0/device/numa_node":                       "-1\n",
	"sys/class/net/eth0/queues/rx-0/rps_cpus":                   "0\n",
	"sys/class/net/eth0/queues/tx-0/tx_timeout":                 "0\n",
	"sys/kernel/mm/transparent_hugepage/enabled":                "always [madvise] never\n",
	"sys/devices/system/cpu/cpu0/topology/thread_siblings_list": "0\n",
	"sys/devices/system/cpu/cpu1/topology/thread_siblings_list": "1\n",
}

// plainBox is one as it comes out of the box.
var plainBox = with(readyBox, map[string]string{
	"proc/self/limits":                                     "Max open files            1024                 4096                 files\n",
	"proc/sys/net/core/somaxconn":                          "4096\n",
	"proc/sys/net/core/default_qdisc":                      "fq_codel\n",
	"proc/sys/net/ipv4/tcp_max_syn_backlog":                "2048\n",
	"proc/sys/net/ipv4/tcp_congestion_control":             "cubic\n",
	"proc/sys/net/ipv4/tcp_available_congestion_control":   "reno cubic\n",
	"sys/devices/system/cpu/cpu0/cpufreq/scaling_governor": "powersave\n",
	"sys/devices/system/cpu/cpu1/cpufreq/scaling_governor": "powersave\n",
	"sys/class/net/eth0/speed":                             "10000\n",
})

// containerBox is a container with a network and little of its own.
var containerBox = map[string]string{
	"proc/self/status":                            "Cpus_allowed_list:\t0-1\n",
	"proc/self/cgroup":                            "0::/\n",
	"proc/self/limits":                            "Max open files            1048576              1048576              files\n",
	"proc/self/environ":                           "HOME=/\x00",
	"proc/meminfo":                                "MemTotal:       8388608 kB\n",
	"sys/fs/cgroup/cpu.max":                       "150000 100000\n",
	"sys/fs/cgroup/memory.max":                    "536870912\n",
	"proc/sys/net/core/somaxconn":                 "16384\n",
	"proc/sys/net/ipv4/tcp_max_syn_backlog":       "16384\n",
	"proc/sys/net/ipv4/tcp_slow_start_after_idle": "0\n",
	"proc/sys/net/ipv4/tcp_congestion_control":    "bbr\n",
	"sys/class/net/eth0/operstate":                "up\n",
	"sys/kernel/mm/transparent_hugepage/enabled":  "always madvise [never]\n",
}

func with(a, b map[string]string) map[string]string {
	all := maps.Clone(a)
	maps.Copy(all, b)
	return all
}

// fakeBox is a machine of these files.
func fakeBox(contents map[string]string) func(process string) *tuning.Box {
	root := fstest.MapFS{}
	for name, text := range contents {
		root[name] = &fstest.MapFile{Data: []byte(text)}
	}
	// Its card came up with the default.
	qdisc := func(string) (tuning.Qdisc, error) {
		return tuning.Qdisc{Root: strings.TrimSpace(contents["proc/sys/net/core/default_qdisc"])}, nil
	}
	return func(process string) *tuning.Box {
		m := tuning.Look(root, process)
		// CPUID is that of the machine that tests.
		m.ThreadsPerCore = 1
		m.Processor = tuning.Processor{Name: "Processor", CacheLine: 64, L1: 32 << 10, L2: 1 << 20, L3: 16 << 20}
		return &tuning.Box{Root: root, Process: process, Machine: m, Qdisc: qdisc}
	}
}

// noPump is what is asked where no pump runs.
func noPump(context.Context, string) (fetch.Status, error) {
	return fetch.Status{}, errors.New("nobody is there")
}

// startOn runs the program in this process as if it were on that machine.
func startOn(t *testing.T, box func(string) *tuning.Box, args ...string) output {
	t.Helper()
	return startBeside(t, noPump, box, args...)
}

// startBeside does it beside a running pump.
func startBeside(t *testing.T, pump func(context.Context, string) (fetch.Status, error), box func(string) *tuning.Box, args ...string) output {
	t.Helper()
	var stdout, stderr bytes.Buffer
	code := cli.Run(t.Context(), newRootCommand(env{stdout: &stdout, stderr: &stderr, box: box, floor: fixedFloor, cipher: fixedCipher, status: pump}), args, &stderr)
	return output{code, stdout.String(), stderr.String()}
}

// golden compares a text with a file of testdata.
func golden(t *testing.T, name, got string) {
	t.Helper()
	file := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil || got != string(want) {
		t.Errorf("%v; got\n%s\nwhich is not %s (go test -update writes it)", err, got, file)
	}
}

func TestDoctorText(t *testing.T) {
	for _, c := range []struct {
		name  string
		files map[string]string
		args  []string
		code  int
	}{
		{"doctor-ready.txt", readyBox, nil, cli.ExitOK},
		{"doctor-plain.txt", plainBox, []string{"--generator"}, cli.ExitFailed},
		{"doctor-container.txt", containerBox, []string{"--all"}, cli.ExitOK},
	} {
		t.Run(c.name, func(t *testing.T) {
			o := startOn(t, fakeBox(c.files), append([]string{"doctor"}, c.args...)...)
			if o.code != c.code || o.stderr != "" {
				t.Errorf("exit code %d, errors %q", o.code, o.stderr)
			}
			golden(t, c.name, o.stdout)
		})
	}
}

func TestDoctorJSON(t *testing.T) {
	o := startOn(t, fakeBox(plainBox), "doctor", "--json")
	var r checkReport
	if err := json.Unmarshal([]byte(o.stdout), &r); err != nil || o.code != cli.ExitFailed || o.stderr != "" {
		t.Fatalf("exit code %d, errors %q, %v", o.code, o.stderr, err)
	}
	if len(r.Settings) < 25 || r.Machine.Cores != 2 || r.Machine.L2 != 1<<20 || len(r.Machine.Interfaces) != 1 {
		t.Errorf("%d settings on %+v", len(r.Settings), r.Machine)
	}
	count := map[tuning.State]int{}
	for _, s := range r.Settings {
		count[s.State]++
		if s.Reason == "" || s.Source == "" || s.Cost == "" || (s.State == tuning.Change) != (len(s.Fix) > 0) {
			t.Errorf("%+v", s)
		}
	}
	if count[tuning.Change] == 0 || fmt.Sprint(count) != fmt.Sprint(nonZero(r.Count)) {
		t.Errorf("%v counted, and %v told", count, r.Count)
	}
}

func nonZero(m map[tuning.State]int) map[tuning.State]int {
	m = maps.Clone(m)
	maps.DeleteFunc(m, func(_ tuning.State, n int) bool { return n == 0 })
	return m
}

// A configuration changes what the machine should be.
func TestDoctorWithConfiguration(t *testing.T) {
	t.Chdir(t.TempDir())
	write(t, "pump.json", `{
  "streams": [{"type": "mmsh_push", "path": "live"}],
  "limits": {"connections": 600000}, "fanout": {"loops": 5, "notsent_lowat": "1MiB"},
}`)
	box := fakeBox(readyBox)
	if o := startOn(t, box, "doctor"); o.code != cli.ExitOK {
		t.Fatalf("without it: %+v", o)
	}
	o := startOn(t, box, "doctor", "pump.json")
	for _, part := range []string{
		"RLIMIT_NOFILE\n  is         524288\n  should be  at least 600131 ",
		"fanout.loops\n  is         5\n  should be  2 ", "fanout.notsent_lowat\n  is         1048576\n",
	} {
		if o.code != cli.ExitFailed || !strings.Contains(o.stdout, part) {
			t.Errorf("exit code %d, and no %q in\n%s", o.code, part, o.stdout)
		}
	}
	write(t, "viewers.json", `{"limits": {"viewers": 600000, "pumps": 5}, "streams": [{"type": "mmsh_push", "path": "live"}]}`)
	if o := startOn(t, box, "doctor", "viewers.json"); !strings.Contains(o.stdout, "should be  at least 600133 ") {
		t.Errorf("viewers that are asked for are not counted:\n%s", o.stdout)
	}
	write(t, "pump.json", `{"fanout": {"loops": -1}, "streams": [{"type": "mmsh_push", "path": "live"}]}`)
	// Its mistakes do not hide the machine.
	o = startOn(t, box, "doctor", "pump.json")
	if want := "pump.json:1:22: /fanout/loops: the number must be between 1 and 256, not -1\npump.json cannot be used: 1 mistake\n"; o.code != cli.ExitFailed || o.stderr != want || !strings.Contains(o.stdout, "\n0 worth changing, ") {
		t.Errorf("%+v", o)
	}
}

// Another process has limits and an environment of its own.
func TestDoctorOfAProcess(t *testing.T) {
	o := startOn(t, fakeBox(readyBox), "doctor", "--pid", "7")
	for _, part := range []string{"RLIMIT_NOFILE\n  is         4096\n", "GOGC\n  is         off\n", "1 processor on 1 core"} {
		if o.code != cli.ExitFailed || !strings.Contains(o.stdout, part) {
			t.Errorf("exit code %d, and no %q in\n%s", o.code, part, o.stdout)
		}
	}
	startOn(t, fakeBox(readyBox), "doctor", "--pid", "8").want(t, cli.ExitFailed, "", "stream-pump: there is no process 8\n")
}

func TestDoctorUsage(t *testing.T) {
	for args, want := range map[string]string{
		"a b":      `unexpected argument "b"`,
		"--pid -1": "--pid takes a number above 0",
		"--pid x":  `--pid takes a whole number, not "x"`,
	} {
		startOn(t, fakeBox(readyBox), append([]string{"doctor"}, strings.Fields(args)...)...).want(t, cli.ExitUsage, "",
			"stream-pump: "+want+"\nTry 'stream-pump doctor --help'.\n")
	}
}

// On the machine that tests, whatever it is: nothing but a verdict.
func TestDoctorHere(t *testing.T) {
	o := start(t, "doctor")
	if o.code > cli.ExitFailed || o.stderr != "" || !strings.Contains(o.stdout, "worth changing") {
		t.Errorf("%+v", o)
	}
}

// What the table says of the engine is the engine's.
func TestTableAgreesWithTheEngine(t *testing.T) {
	if tuning.ReservedDescriptors != engine.ReservedDescriptors {
		t.Errorf("%d descriptors are reserved, and the engine reserves %d", tuning.ReservedDescriptors, engine.ReservedDescriptors)
	}
}
