package confine

import (
	"fmt"
	"maps"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	ll "github.com/landlock-lsm/go-landlock/landlock/syscall"
	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"

	"streampump/internal/account"
)

// needRoot skips a test that only root can make.
func needRoot(t *testing.T) {
	t.Helper()
	if os.Geteuid() != 0 {
		cannot(t, "this takes root")
	}
}

// stage is where children try things.
func stage(t *testing.T) order {
	t.Helper()
	needRoot(t)
	// The test's own folder lies below one that is closed to others.
	dir, err := os.MkdirTemp("", "stream-pump-confine-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	nobody, err := account.Lookup(account.Nobody, "")
	if err != nil {
		t.Fatal(err)
	}
	for name, mode := range map[string]os.FileMode{"": 0o777, "readable": 0o777, "writable": 0o777, "links": 0o755, "far": 0o755} {
		if err := os.MkdirAll(filepath.Join(dir, name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(filepath.Join(dir, name), mode); err != nil {
			t.Fatal(err)
		}
	}
	put(t, filepath.Join(dir, "readable", "file"), 0o644)
	put(t, filepath.Join(dir, "far", "file"), 0o644)
	if err := os.Symlink("../far/file", filepath.Join(dir, "links", "link")); err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	return order{
		Dir: dir, Target: l.Addr().String(), Victim: run(t, order{How: "none"}).Process.Pid,
		Policy: Policy{Account: nobody, Needs: Needs{
			Read:  []string{filepath.Join(dir, "readable", "file"), filepath.Join(dir, "links", "link")},
			Write: []string{filepath.Join(dir, "writable")},
		}},
	}
}

func put(t *testing.T, name string, mode os.FileMode) {
	t.Helper()
	if err := os.WriteFile(name, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(name, mode); err != nil {
		t.Fatal(err)
	}
}

// What is denied, and by which mechanism, for each of them alone. Who is not
// confined may do all of it.
const (
	perm   = "operation not permitted"
	access = "permission denied"
	ok     = "<nil>"
)

type denial struct{ attempt, drop, landlock, seccomp, all string }

var denied = []denial{
	{"read_shadow", access, access, ok, access},
	{"read_passwd", ok, access, ok, access},
	{"lookup_known", ok, ok, ok, ok},
	{"lookup_other", ok, "/etc/passwd is closed to this process", ok, "/etc/passwd is closed to this process"},
	{"read_own", ok, ok, ok, ok},
	{"read_link", ok, ok, ok, ok},
	{"write_own", ok, ok, ok, ok},
	{"write_outside", ok, access, ok, access},
	{"write_readable", ok, access, ok, access},
	{"exec", ok, access, perm, perm},
	{"fork", ok, access, perm, perm},
	{"bind_low", access, access, perm, perm},
	{"bind_high", ok, access, perm, perm},
	{"bind_udp", ok, ok, perm, perm},
	{"bind_local", ok, access, perm, perm},
	{"connect", ok, access, perm, perm},
	{"raw_socket", perm, ok, perm, perm},
	{"packet_socket", perm, ok, perm, perm},
	{"netlink", ok, ok, perm, perm},
	{"send", ok, ok, ok, ok},
	{"fast_open", ok, ok, perm, perm},
	{"pair", ok, ok, ok, ok},
	{"network_pair", ok, ok, perm, perm},
	{"ptrace", perm, perm, perm, perm},
	{"kill", perm, ok, perm, perm},
	{"tgkill", perm, ok, perm, perm},
	{"kill_by_descriptor", ok, ok, perm, perm},
	{"kill_self", ok, ok, ok, ok},
	{"mount", perm, perm, perm, perm},
	{"namespace", perm, ok, perm, perm},
	{"setuid", perm, ok, perm, perm},
	{"chroot", perm, ok, perm, perm},
	{"io_uring", ok, ok, perm, perm},
	{"memory_of", perm, perm, perm, perm},
	{"executable_memory", ok, ok, perm, perm},
	{"limit", ok, ok, perm, perm},
	{"take_back", ok, ok, ok, ok},
	{"take_back_others", perm, ok, perm, perm},
}

// needLandlock skips a test where the kernel cannot forbid to connect.
func needLandlock(t *testing.T) {
	t.Helper()
	version, err := ll.LandlockGetABIVersion()
	if err == nil && version >= 4 {
		return
	}
	cannot(t, fmt.Sprintf("landlock is too old here, or not there: version %d, %v", version, err))
}

// cannot skips a test, or fails it where nothing may be skipped.
func cannot(t *testing.T, why string) {
	t.Helper()
	if os.Getenv("STREAMPUMP_NOSKIP") == "1" {
		t.Fatal(why + ", and nothing may be skipped")
	}
	t.Skip(why)
}

func TestWhatIsDeniedByWhat(t *testing.T) {
	o := stage(t)
	needLandlock(t)
	for _, d := range denied {
		o.Try = append(o.Try, d.attempt)
	}
	o.How = "none"
	free := run(t, o)
	for _, d := range denied {
		if said := free.said[d.attempt]; said != ok {
			cannot(t, d.attempt+" is forbidden without us: "+said)
		}
	}
	for how, want := range map[string]func(i int) string{
		"drop":     func(i int) string { return denied[i].drop },
		"landlock": func(i int) string { return denied[i].landlock },
		"seccomp":  func(i int) string { return denied[i].seccomp },
		"all":      func(i int) string { return denied[i].all },
	} {
		o.How = how
		got := run(t, o)
		if text := got.said["error"]; text != "" {
			t.Errorf("%s: %s", how, text)
			continue
		}
		for i, d := range denied {
			if w := want(i); w == ok && got.said[d.attempt] != ok || !strings.HasSuffix(got.said[d.attempt], w) {
				t.Errorf("%s: %s: %s, want %s", how, d.attempt, got.said[d.attempt], w)
			}
		}
	}
}

// A process that connects by itself may do that, and look names up.
func TestConnecting(t *testing.T) {
	o := stage(t)
	o.How, o.Try = "all", []string{"connect", "raw_socket", "bind_high", "bind_udp", "read_passwd"}
	o.Policy.Connects = true
	got := run(t, o)
	for attempt, want := range map[string]string{"connect": ok, "raw_socket": perm, "bind_high": perm, "bind_udp": perm} {
		if !strings.HasSuffix(got.said[attempt], want) {
			t.Errorf("%s: %s, want %s", attempt, got.said[attempt], want)
		}
	}
}

// status is what the kernel says of each thread of a process, by the names of the lines.
func status(t *testing.T, pid int) (threads []map[string]string) {
	t.Helper()
	tasks, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/status", pid))
	if err != nil || len(tasks) < 5 {
		t.Fatalf("%d threads, %v", len(tasks), err)
	}
	for _, task := range tasks {
		text, err := os.ReadFile(task)
		if err != nil {
			continue // the thread has ended
		}
		lines := map[string]string{}
		for line := range strings.Lines(string(text)) {
			key, value, _ := strings.Cut(line, ":")
			lines[key] = strings.Join(strings.Fields(value), " ")
		}
		threads = append(threads, lines)
	}
	return threads
}

func TestEveryThread(t *testing.T) {
	o := stage(t)
	o.How = "all"
	o.Policy.Account.Groups = []int{4123456, 4123457}
	a := o.Policy.Account
	got := run(t, o)
	if !slices.Equal(got.report.Account.Groups, a.Groups) || got.report.Account.User != account.Nobody || !got.report.Seccomp || len(got.report.Missing) > 0 {
		t.Errorf("%+v, %q", got.report, got.said)
	}
	ids := func(id int) string { return strings.TrimSpace(strings.Repeat(fmt.Sprint(id)+" ", 4)) }
	want := map[string]string{
		"Uid": ids(a.UID), "Gid": ids(a.GID), "Groups": "4123456 4123457",
		"CapInh": noCapabilities, "CapPrm": noCapabilities, "CapEff": noCapabilities, "CapBnd": noCapabilities, "CapAmb": noCapabilities,
		"NoNewPrivs": "1", "Seccomp": "2",
	}
	for _, thread := range status(t, got.Process.Pid) {
		for key, w := range want {
			if thread[key] != w {
				t.Errorf("thread %s: %s is %q, want %q", thread["Pid"], key, thread[key], w)
			}
		}
	}
}

// Whoever stays root loses all that root may do beyond its own files.
func TestRootWithoutRights(t *testing.T) {
	o := stage(t)
	o.How, o.Try = "drop", []string{"read_shadow", "mount", "raw_socket", "chroot"}
	root, err := account.Lookup("root", "")
	if err != nil {
		t.Fatal(err)
	}
	o.Policy.Account = root
	got := run(t, o)
	if !got.report.Account.Root() || !strings.HasSuffix(got.said["mount"], perm) || !strings.HasSuffix(got.said["raw_socket"], perm) || !strings.HasSuffix(got.said["chroot"], perm) {
		t.Errorf("%+v, %q", got.report, got.said)
	}
}

// with has the program run by somebody else, or with less.
func with(prefix ...string) func(*exec.Cmd) {
	return func(cmd *exec.Cmd) {
		path, err := exec.LookPath(prefix[0])
		if err == nil {
			cmd.Path, cmd.Args = path, slices.Concat(prefix, cmd.Args)
		}
	}
}

// An ordinary user has nothing to lose but capabilities that it was given.
func TestOrdinaryUser(t *testing.T) {
	o := stage(t)
	o.How, o.Try = "all", []string{"read_shadow", "exec", "bind_high"}
	for _, c := range []struct {
		name            string
		named, required bool
		missing, err    string
	}{
		{"default", false, true, "", ""},
		{"named", true, false, "the user stays 4123456: only root could become nobody", ""},
		{"required", true, true, "", `"sandbox" is "required", and not all of it can be had: the user stays 4123456: only root could become nobody`},
	} {
		t.Run(c.name, func(t *testing.T) {
			o.Policy.Named, o.Policy.Required = c.named, c.required
			got := run(t, o, with("setpriv", "--reuid=4123456", "--regid=4123456", "--clear-groups",
				"--inh-caps=+net_bind_service", "--ambient-caps=+net_bind_service"))
			if got.said["error"] != c.err {
				t.Fatalf("%q, want %q", got.said["error"], c.err)
			}
			if c.err != "" {
				return
			}
			if text := strings.Join(got.report.Missing, "; "); text != c.missing || got.report.Account.UID != 4123456 {
				t.Errorf("%+v, want %q", got.report, c.missing)
			}
			for _, attempt := range o.Try {
				if got.said[attempt] == ok {
					t.Errorf("%s is possible", attempt)
				}
			}
			for _, thread := range status(t, got.Process.Pid) {
				if thread["CapEff"] != noCapabilities || thread["CapPrm"] != noCapabilities || thread["CapAmb"] != noCapabilities || thread["CapInh"] != noCapabilities || thread["NoNewPrivs"] != "1" || thread["Seccomp"] != "2" {
					t.Errorf("%q", thread)
				}
			}
		})
	}
}

// Root that may not change its user, as in some containers.
func TestRootThatCannotBecomeAnybody(t *testing.T) {
	o := stage(t)
	o.How, o.Try = "all", []string{"read_own", "exec", "mount"}
	for _, caps := range []string{"setuid", "setgid"} {
		lacking := with("setpriv", "--bounding-set=-"+caps, "--inh-caps=-"+caps)
		o.Policy.Required = false
		got := run(t, o, lacking)
		if len(got.report.Missing) != 1 || strings.Contains(got.report.Missing[0], "\n") || !strings.HasPrefix(got.report.Missing[0], "the user stays root: it") && !strings.HasPrefix(got.report.Missing[0], "the user stays root: its groups cannot be changed, which takes CAP_SETGID") ||
			!got.report.Account.Root() || got.said["read_own"] != ok || got.said["exec"] == ok || got.said["mount"] == ok {
			t.Errorf("%s: %+v, %q", caps, got.report, got.said)
		}
		o.Policy.Required = true
		if got := run(t, o, lacking); !strings.Contains(got.said["error"], "the user stays root") {
			t.Errorf("%s: %q", caps, got.said)
		}
	}
}

// A mechanism that the kernel does not have is said, or an error where it is required;
// the others work all the same.
func TestMissingMechanism(t *testing.T) {
	o := stage(t)
	needLandlock(t)
	o.Try = []string{"write_outside", "exec", "setuid"}
	for how, c := range map[string]struct{ says, write, exec string }{
		"without landlock": {"landlock: this kernel has none (it came with Linux 5.13), or a filter forbids it", ok, perm},
		"without seccomp":  {"seccomp: this kernel has no filters of system calls", access, access},
	} {
		t.Run(how, func(t *testing.T) {
			o.How, o.Policy.Required = how, false
			got := run(t, o)
			if len(got.report.Missing) != 1 || got.report.Missing[0] != c.says || !strings.HasSuffix(got.said["write_outside"], c.write) ||
				!strings.HasSuffix(got.said["exec"], c.exec) || !strings.HasSuffix(got.said["setuid"], perm) {
				t.Errorf("%+v, %q", got.report, got.said)
			}
			o.Policy.Required = true
			if got := run(t, o); !strings.HasSuffix(got.said["error"], `"sandbox" is "required", and not all of it can be had: `+c.says) {
				t.Errorf("%q", got.said)
			}
		})
	}
}

// lack makes a system call one that the kernel does not have.
func lack(call uint32) error {
	if err := noNewPrivileges(); err != nil {
		return err
	}
	program, err := bpf.Assemble([]bpf.Instruction{
		bpf.LoadAbsolute{Off: 0, Size: 4},
		bpf.JumpIf{Cond: bpf.JumpEqual, Val: call, SkipFalse: 1},
		bpf.RetConstant{Val: unix.SECCOMP_RET_ERRNO | uint32(unix.ENOSYS)},
		bpf.RetConstant{Val: unix.SECCOMP_RET_ALLOW},
	})
	if err != nil {
		return err
	}
	return load(program, unix.SECCOMP_FILTER_FLAG_TSYNC)
}

// Every attempt is in the table, so that none is forgotten.
func TestEveryAttemptIsTried(t *testing.T) {
	spared := []string{"execve", "bpf"} // tried below
	for name := range maps.Keys(attempts) {
		if !slices.Contains(spared, name) && !slices.ContainsFunc(denied, func(d denial) bool { return d.attempt == name }) {
			t.Errorf("%s is not tried", name)
		}
	}
	o := stage(t)
	o.Try = spared
	for how, want := range map[string][2]string{"none": {"bad address", ok}, "seccomp": {perm, perm}, "all": {perm, perm}} {
		o.How = how
		got := run(t, o)
		if got.said["execve"] != want[0] || got.said["bpf"] != want[1] {
			t.Errorf("%s: %q", how, got.said)
		}
	}
}
