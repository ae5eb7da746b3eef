package tuning

import (
	"slices"
	"strings"
	"testing"
)

// tuned is a machine with everything as it should be: four cores, a card of 10
// Gbit/s with two queues.
var tuned = machine(4, 1, 1).with(tree{
	"proc/self/limits":  "Limit                     Soft Limit           Hard Limit           Units     \nMax open files            1024                 524288               files     \n",
	"proc/self/environ": "PATH=/bin\x00HOME=/\x00",

	"proc/sys/fs/nr_open": "1048576\n", "proc/sys/fs/file-max": "9223372036854775807\n", "proc/sys/fs/epoll/max_user_watches": "7000000\n",
	"proc/sys/net/core/somaxconn": "16384\n", "proc/sys/net/core/default_qdisc": "fq\n", "proc/sys/net/core/wmem_max": "212992\n", "proc/sys/net/core/rmem_max": "212992\n",
	"proc/sys/net/core/netdev_budget": "600\n", "proc/sys/net/core/netdev_budget_usecs": "8000\n", "proc/sys/net/core/netdev_max_backlog": "4096\n",
	"proc/sys/net/ipv4/tcp_max_syn_backlog": "16384\n", "proc/sys/net/ipv4/tcp_slow_start_after_idle": "0\n",
	"proc/sys/net/ipv4/tcp_congestion_control": "bbr\n", "proc/sys/net/ipv4/tcp_available_congestion_control": "reno cubic bbr\n",
	"proc/sys/net/ipv4/tcp_wmem": "4096\t16384\t4194304\n", "proc/sys/net/ipv4/tcp_rmem": "4096\t131072\t33554432\n",
	"proc/sys/net/ipv4/tcp_mem": "381357\t508479\t762714\n", "proc/sys/net/ipv4/ip_local_port_range": "32768\t60999\n",

	"sys/class/net/lo/operstate": "unknown\n", "sys/class/net/eth0/operstate": "up\n", "sys/class/net/eth0/speed": "10000\n",
	"sys/class/net/eth0/device/numa_node":     "0\n",
	"sys/class/net/eth0/queues/rx-0/rps_cpus": "f\n", "sys/class/net/eth0/queues/rx-1/rps_cpus": "f\n",
	"sys/class/net/eth0/queues/tx-0/xps_cpus": "5\n", "sys/class/net/eth0/queues/tx-1/xps_cpus": "a\n",
	"proc/interrupts":                                      "      CPU0 CPU1\n 40:  1 2 PCI-MSIX 0-edge eth0-TxRx-0\n 41:  1 2 PCI-MSIX 1-edge eth0-TxRx-1\nNMI: 0 0 Non-maskable\n",
	"proc/irq/40/effective_affinity_list":                  "0\n",
	"proc/irq/41/effective_affinity_list":                  "1\n",
	hugePages + "enabled":                                  "always [madvise] never\n",
	"proc/net/softnet_stat":                                "00000001 00000000 00000000\n",
	"sys/devices/system/cpu/cpu0/cpufreq/scaling_governor": "performance\n",
	"sys/devices/system/cpu/cpu1/cpufreq/scaling_governor": "performance\n",
})

func boxOf(t tree, u Use) *Box {
	root := t.root()
	m := Look(root, Self)
	m.ThreadsPerCore, m.Processor = 1, Processor{} // CPUID is that of the machine that tests
	return &Box{Root: root, Process: Self, Machine: m, Use: u, Qdisc: func(string) (Qdisc, error) {
		return Qdisc{Root: "mq", Queues: []string{"fq", "fq"}}, nil
	}}
}

func TestTunedMachineIsFine(t *testing.T) {
	for _, f := range Check(boxOf(tuned, Use{})) {
		if f.State != OK && f.State != Away || f.State == Away && f.Note == "" || f.State == OK && (f.Is == "" || f.Want == "") {
			t.Errorf("%s %s: %+v", f.Row.Name, f.Where, f)
		}
		if len(f.Fix) > 0 {
			t.Errorf("%s: there is nothing to set right: %q", f.Row.Name, f.Fix)
		}
	}
}

func TestCheck(t *testing.T) {
	const missing = "\x00"
	for _, c := range []struct {
		name  string
		files tree // missing takes a file away
		use   Use
		row   string
		state State
		is    string // what is read, or a part of the note
		fix   string // a part of it
	}{
		{"descriptors", tree{"proc/self/limits": "Max open files 1024 4096 files\n"}, Use{}, "RLIMIT_NOFILE", Change, "4096", "ulimit -n 262144"},
		{"descriptors_of_the_unit", tree{"proc/self/limits": "Max open files 1024 4096 files\n", "usr/local/lib/systemd/system/stream-pump.service": "[Service]\nLimitNOFILE=262144\n"}, Use{}, "RLIMIT_NOFILE", OK, "262144", ""},
		{"descriptors_of_the_unit_are_few", tree{"proc/self/limits": "Max open files 1024 4096 files\n", "usr/lib/systemd/system/stream-pump.service": "[Service]\nLimitNOFILE=262144\n"}, Use{Viewers: 600_000}, "RLIMIT_NOFILE", Change, "262144", "systemctl edit stream-pump    # and in it: [Service] LimitNOFILE=600128"},
		{"descriptors_of_an_edited_unit", tree{
			"proc/self/limits": "Max open files 1024 4096 files\n", "usr/lib/systemd/system/stream-pump.service": "[Service]\nLimitNOFILE=262144\n",
			"etc/systemd/system/stream-pump.service.d/override.conf": "[Service]\nLimitNOFILE=1000\n",
		}, Use{}, "RLIMIT_NOFILE", Change, "1000", "systemctl edit"},
		{"descriptors_of_a_unit_without", tree{"proc/self/limits": "Max open files 1024 4096 files\n", "lib/systemd/system/stream-pump.service": "[Service]\n"}, Use{}, "RLIMIT_NOFILE", Change, "the system's own", "systemctl edit"},
		{"descriptors_are_enough_for_these", tree{"proc/self/limits": "Max open files 1024 4096 files\n"}, Use{Viewers: 3968}, "RLIMIT_NOFILE", OK, "4096", ""},
		{"descriptors_one_too_few", tree{"proc/self/limits": "Max open files 1024 4096 files\n"}, Use{Viewers: 3969}, "RLIMIT_NOFILE", Change, "4096", "ulimit -n 4097"},
		{"descriptors_unlimited", tree{"proc/self/limits": "Max open files 1024 unlimited files\n"}, Use{}, "RLIMIT_NOFILE", OK, "9223372036854775807", ""},
		{"descriptors_not_told", tree{"proc/self/limits": "Max cpu time 1 1 s\n"}, Use{}, "RLIMIT_NOFILE", Unread, "no line", ""},
		{"nr_open", tree{"proc/sys/fs/nr_open": "65536\n"}, Use{}, "fs.nr_open", Change, "65536", "'fs.nr_open = 262144' >> /etc/sysctl.d/95-stream-pump.conf"},
		{"conntrack_full", tree{"proc/sys/net/netfilter/nf_conntrack_max": "65536\n"}, Use{}, "net.netfilter.nf_conntrack_max", Change, "65536", "'net.netfilter.nf_conntrack_max = 262144' >> /etc/sysctl.d/95-stream-pump.conf"},
		{"no_conntrack", nil, Use{}, "net.netfilter.nf_conntrack_max", Away, "no connections are tracked", ""},
		{"in_a_container", tree{"proc/sys/net/core/netdev_budget": missing}, Use{}, "net.core.netdev_budget", Unread, "does not show it", ""},
		{"somaxconn", tree{"proc/sys/net/core/somaxconn": "4096\n"}, Use{}, "net.core.somaxconn", Change, "4096", "'net.core.somaxconn = 16384' >> /etc/sysctl.d/95-stream-pump.conf"},
		{"somaxconn_of_the_file", tree{"proc/sys/net/core/somaxconn": "4096\n", "usr/local/lib/sysctl.d/90-stream-pump.conf": ""}, Use{}, "net.core.somaxconn", Change, "4096", "sysctl --system    # /usr/local/lib/sysctl.d/90-stream-pump.conf has it"},
		{"not_of_the_file", tree{"proc/sys/fs/nr_open": "65536\n", "usr/local/lib/sysctl.d/90-stream-pump.conf": ""}, Use{}, "fs.nr_open", Change, "65536", "'fs.nr_open = 262144' >> /etc/sysctl.d/95-stream-pump.conf"},
		{"nonsense", tree{"proc/sys/net/core/somaxconn": "many\n"}, Use{}, "net.core.somaxconn", Change, "many", "sysctl"},
		{"wmem_most_is_low", tree{"proc/sys/net/ipv4/tcp_wmem": "4096\t16384\t262144\n"}, Use{}, "net.ipv4.tcp_wmem", Change, "4096 16384 262144", `'net.ipv4.tcp_wmem = 4096 16384 4194304' >> /etc/sysctl.d/95-stream-pump.conf`},
		{"wmem_two_numbers", tree{"proc/sys/net/ipv4/tcp_wmem": "4096\t16384\n"}, Use{}, "net.ipv4.tcp_wmem", Change, "4096 16384", "sysctl"},
		{"datagrams", nil, Use{Datagrams: true}, "net.core.wmem_max", Change, "212992", "'net.core.wmem_max = 4194304' >> /etc/sysctl.d/95-stream-pump.conf"},
		{"datagrams_have_room", tree{"proc/sys/net/core/wmem_max": "8388608\n"}, Use{Datagrams: true}, "net.core.wmem_max", OK, "8388608", ""},
		{"no_datagrams", nil, Use{}, "net.core.wmem_max", Away, "no player gets UDP", ""},
		{"hears", nil, Use{Hears: true}, "net.core.rmem_max", Change, "212992", "'net.core.rmem_max = 2097152' >> /etc/sysctl.d/95-stream-pump.conf"},
		{"hears_nobody", nil, Use{Datagrams: true}, "net.core.rmem_max", Away, "no encoder", ""},
		{"tcp_mem", tree{"proc/sys/net/ipv4/tcp_mem": "1 2 3\n"}, Use{}, "net.ipv4.tcp_mem", Change, "2", "net.ipv4.tcp_mem = "},
		{"tcp_mem_for_few", tree{"proc/sys/net/ipv4/tcp_mem": "7500 10000 15000\n"}, Use{Viewers: 100}, "net.ipv4.tcp_mem", OK, "10000", ""},
		{"tcp_mem_nonsense", tree{"proc/sys/net/ipv4/tcp_mem": "1 2\n"}, Use{}, "net.ipv4.tcp_mem", Unread, "not three numbers", ""},
		{"cubic", tree{"proc/sys/net/ipv4/tcp_congestion_control": "cubic\n"}, Use{}, "net.ipv4.tcp_congestion_control", Change, "cubic", "'net.ipv4.tcp_congestion_control = bbr' >> /etc/sysctl.d/95-stream-pump.conf"},
		{"no_bbr", tree{"proc/sys/net/ipv4/tcp_congestion_control": "cubic\n", "proc/sys/net/ipv4/tcp_available_congestion_control": "reno cubic\n"}, Use{}, "net.ipv4.tcp_congestion_control", Change, "cubic", "modprobe tcp_bbr"},
		{"idle", tree{"proc/sys/net/ipv4/tcp_slow_start_after_idle": "1\n"}, Use{}, "net.ipv4.tcp_slow_start_after_idle", Change, "1", " = 0'"},
		{"lowat_high", nil, Use{NotSentLowat: 1 << 20}, "fanout.notsent_lowat", Change, "1048576", "131072"},
		{"lowat_low", nil, Use{NotSentLowat: 4 << 10}, "fanout.notsent_lowat", Change, "4096", "131072"},
		{"ports", nil, Use{Generator: true}, "net.ipv4.ip_local_port_range", Change, "32768 60999", " = 10240 65535'"},
		{"ports_elsewhere", tree{"proc/sys/net/ipv4/ip_local_port_range": "1024 60000\n"}, Use{Pulls: manyPulls}, "net.ipv4.ip_local_port_range", OK, "1024 60000", ""},
		{"ports_do_not_matter", nil, Use{Pulls: 3}, "net.ipv4.ip_local_port_range", Away, "fetches 3 streams", ""},
		{"qdisc", tree{"proc/sys/net/core/default_qdisc": "pfifo_fast\n"}, Use{}, "net.core.default_qdisc", Change, "pfifo_fast", "'net.core.default_qdisc = fq' >> /etc/sysctl.d/95-stream-pump.conf"},
		{"no_card", tree{"sys/class/net/eth0/device/numa_node": missing}, Use{}, "net.core.default_qdisc", Away, "no physical interface", ""},
		{"slow_card", tree{"sys/class/net/eth0/speed": "1000\n"}, Use{}, "net.core.netdev_budget", Away, "put next to nothing off", ""},
		{"idle_system_s_moments", tree{"sys/class/net/eth0/speed": "1000\n", "proc/net/softnet_stat": "4e20 0 1\n4e20 0 2\n"}, Use{}, "net.core.netdev_budget", Away, "put next to nothing off", ""},
		{"often_left", tree{"sys/class/net/eth0/speed": "1000\n", "proc/net/softnet_stat": "4e20 0 2\n4e20 0 3\n", "proc/sys/net/core/netdev_budget": "300\n"}, Use{}, "net.core.netdev_budget", Change, "300", " = 600'"},
		{"slow_card_that_drops", tree{"sys/class/net/eth0/speed": "1000\n", "proc/net/softnet_stat": "9 1 0\n", "proc/sys/net/core/netdev_budget": "300\n"}, Use{}, "net.core.netdev_budget", Change, "300", " = 600'"},
		{"rps", tree{"sys/class/net/eth0/queues/rx-1/rps_cpus": "0\n"}, Use{}, "rps_cpus", Change, "0", "echo f > /sys/class/net/eth0/queues/rx-1/rps_cpus"},
		{"rps_broken", tree{"sys/class/net/eth0/queues/rx-1/rps_cpus": "x\n"}, Use{}, "rps_cpus", Unread, "no list", ""},
		{"xps", tree{"sys/class/net/eth0/queues/tx-1/xps_cpus": "0\n"}, Use{}, "xps_cpus", Change, "1 of 2 queues have none", "echo a > /sys/class/net/eth0/queues/tx-1/xps_cpus"},
		{"xps_not_shown", tree{"sys/class/net/eth0/queues/tx-1/xps_cpus": missing}, Use{}, "xps_cpus", Away, "one transmit queue", ""},
		{"interrupts_on_one", tree{
			"proc/interrupts":                     " 40: 1 x eth0-TxRx-0\n 41: 1 x eth0-TxRx-1\n 42: 1 x eth0-TxRx-2\n 43: 1 x eth0-TxRx-3\n",
			"proc/irq/41/effective_affinity_list": "0\n", "proc/irq/42/smp_affinity_list": "0\n", "proc/irq/43/smp_affinity_list": "0\n",
		}, Use{}, "smp_affinity_list", Change, "4 interrupts on 1 processor", "echo 1 > /proc/irq/41/smp_affinity_list"},
		{"interrupts_without_name", tree{"proc/interrupts": " 40: 1 x eth01\n"}, Use{}, "smp_affinity_list", Unread, "no interrupt bears", ""},
		{"thp", tree{hugePages + "enabled": "[always] madvise never\n"}, Use{}, "transparent_hugepage", Change, "always", "enabled - - - - madvise' >> /etc/tmpfiles.d/stream-pump.conf"},
		{"thp_tamed", tree{hugePages + "enabled": "[always] madvise never\n", hugePages + "khugepaged/max_ptes_none": "0\n"}, Use{}, "transparent_hugepage", OK, "always", ""},
		{"thp_nonsense", tree{hugePages + "enabled": "always\n"}, Use{}, "transparent_hugepage", Unread, "no choice", ""},
		{"governor", tree{"sys/devices/system/cpu/cpu1/cpufreq/scaling_governor": "powersave\n"}, Use{}, "scaling_governor", Change, "powersave on 1 processor", "performance"},
		{"loops", nil, Use{Loops: 7}, "fanout.loops", Change, "7", "auto"},
		{"gogc", tree{"proc/self/environ": "GOGC=off\x00"}, Use{}, "GOGC", Change, "off", "unset GOGC"},
		{"memory_limit_fits", tree{"proc/self/environ": "GOMEMLIMIT=8GiB\x00"}, Use{}, "GOMEMLIMIT", OK, "8GiB", ""},
		{"memory_limit_too_much", tree{"proc/self/environ": "A=1\x00GOMEMLIMIT=64GiB\x00"}, Use{}, "GOMEMLIMIT", Change, "64GiB", "unset"},
		{"memory_limit_nonsense", tree{"proc/self/environ": "GOMEMLIMIT=lots\x00"}, Use{}, "GOMEMLIMIT", Change, "lots", "unset"},
		{"environment_of_another_user", tree{"proc/self/environ": missing}, Use{}, "GOGC", Unread, "does not show it", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			all := tuned.with(c.files)
			for name, text := range all {
				if text == missing {
					delete(all, name)
				}
			}
			found := Check(boxOf(all, c.use))
			i := slices.IndexFunc(found, func(f Finding) bool { return f.Row.Name == c.row })
			if i < 0 {
				t.Fatalf("nothing was found of %s", c.row)
			}
			f := found[i]
			said := f.Is
			if f.State == Unread || f.State == Away {
				said = f.Note
			}
			if f.State != c.state || !strings.Contains(said, c.is) || !strings.Contains(strings.Join(f.Fix, "\n"), c.fix) || (c.fix == "") != (len(f.Fix) == 0) {
				t.Errorf("%+v\nwant %s, %s, fix %s", f, c.state, c.is, c.fix)
			}
		})
	}
}

// A machine that shows nothing gives findings that say so, and none that pass.
func TestCheckWithoutFiles(t *testing.T) {
	pumpsOwn := []string{"fanout.notsent_lowat", "fanout.loops", "GOMAXPROCS", "timer slack", "timer slack of Go's monitor", "read buffer"}
	for _, f := range Check(boxOf(tree{}, Use{})) {
		if f.State != Unread && f.State != Away && !slices.Contains(pumpsOwn, f.Row.Name) {
			t.Errorf("%s is %s: %+v", f.Row.Name, f.State, f)
		}
	}
}

func TestRowsAreComplete(t *testing.T) {
	seen := map[string]bool{}
	for _, r := range Rows() {
		for what, text := range map[string]string{"name": r.Name, "value": r.Value, "reason": r.Reason, "source": r.Source, "when": r.When, "cost": r.Cost} {
			if text == "" {
				t.Errorf("%q has no %s", r.Name, what)
			}
		}
		if seen[r.Name] {
			t.Errorf("%s is there twice", r.Name)
		}
		seen[r.Name] = true
		if sysctl := strings.HasPrefix(r.Name, "net.") || strings.HasPrefix(r.Name, "fs."); sysctl != (r.File != Elsewhere) {
			t.Errorf("%s: %v", r.Name, r.File)
		}
		if r.File == Written && r.want != nil {
			t.Errorf("%s depends on the machine and cannot be set for all of them", r.Name)
		}
	}
}

func TestParseSize(t *testing.T) {
	for text, want := range map[string]int64{"0": 0, "512B": 512, "1048576": 1 << 20, "3KiB": 3 << 10, "2GiB": 2 << 30, "1TiB": 1 << 40} {
		if got, ok := parseSize(text); !ok || got != want {
			t.Errorf("%q: %d, %v; want %d", text, got, ok, want)
		}
	}
	for _, text := range []string{"", "off", "-1", "1GB", "1Ki", "9999999999TiB", "1.5GiB", "MiB"} {
		if got, ok := parseSize(text); ok {
			t.Errorf("%q was taken for %d", text, got)
		}
	}
}

func TestTimerSlackOfARunningPump(t *testing.T) {
	for _, c := range []struct {
		name               string
		own, monitors      string // of the process and of its second thread; empty where there is no such file
		state, ofItsThread State
	}{
		{"as_the_kernel_gives_it", "50000\n", "50000\n", Change, Change},
		{"as_the_unit_sets_it", "1000000\n", "1000000\n", OK, Change},
		{"as_the_pump_sets_it", "1000000\n", "10000000\n", OK, OK},
		{"not_to_be_read", "", "", Unread, Unread},
	} {
		t.Run(c.name, func(t *testing.T) {
			files := map[string]string{"proc/77/task/77/comm": "", "proc/77/task/78/comm": "", "proc/77/task/9/comm": ""}
			if c.own != "" {
				files["proc/77/timerslack_ns"], files["proc/78/timerslack_ns"] = c.own, c.monitors
			}
			want := map[string]State{"timer slack": c.state, "timer slack of Go's monitor": c.ofItsThread}
			for _, f := range Check(&Box{Root: tree(files).root(), Process: "77"}) {
				if state, asked := want[f.Row.Name]; asked && f.State != state {
					t.Errorf("%+v", f)
				}
			}
		})
	}
}
