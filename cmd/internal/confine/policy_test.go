package confine

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/elastic/go-seccomp-bpf/arch"
	"github.com/landlock-lsm/go-landlock/landlock"
)

// rulesOf are a policy's rules by path.
func rulesOf(p Policy) map[string]landlock.AccessFSSet {
	out := map[string]landlock.AccessFSSet{}
	for _, r := range (&steps{Policy: p}).rules() {
		out[r.path] |= r.rights
	}
	return out
}

func TestRules(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"certs", "acme", "roots"} {
		if err := os.Mkdir(filepath.Join(dir, name), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	file := filepath.Join(dir, "certs", "file")
	put(t, file, 0o600)
	put(t, filepath.Join(dir, "root.pem"), 0o600)
	t.Setenv("SSL_CERT_FILE", filepath.Join(dir, "root.pem"))
	t.Setenv("SSL_CERT_DIR", filepath.Join(dir, "roots")+":"+filepath.Join(dir, "missing"))
	p := Policy{Needs: Needs{Read: []string{file, filepath.Join(dir, "missing", "x")}, Write: []string{filepath.Join(dir, "acme")}}}
	closed := rulesOf(p)
	for path, want := range map[string]landlock.AccessFSSet{
		file: readFile, filepath.Join(dir, "certs"): readFolder, filepath.Join(dir, "acme"): writeInto,
		"/proc": readFolder, os.DevNull: writeFile,
		"/etc": 0, "/": 0, filepath.Join(dir, "root.pem"): 0, filepath.Join(dir, "missing"): 0,
	} {
		if closed[path] != want {
			t.Errorf("%s: %v, want %v", path, closed[path], want)
		}
	}
	p.Connects = true
	open := rulesOf(p)
	for path, want := range map[string]landlock.AccessFSSet{
		"/etc": readFolder, filepath.Join(dir, "root.pem"): readFile, filepath.Join(dir, "roots"): readFolder, "/": 0,
	} {
		if open[path] != want {
			t.Errorf("connecting: %s: %v, want %v", path, open[path], want)
		}
	}
	for path, rights := range open {
		if rights&^writeInto != 0 {
			t.Errorf("%s may be more than read and written: %v", path, rights)
		}
		if rights&^readFolder != 0 && path != filepath.Join(dir, "acme") && path != os.DevNull {
			t.Errorf("%s may be written: %v", path, rights)
		}
	}
}

// Both machines have each call that is needed in one form or another, and nothing on the
// lists is misspelt.
func TestCalls(t *testing.T) {
	known := map[string]*arch.Info{"amd64": arch.X86_64, "arm64": arch.AARCH64}
	names := slices.Concat(hot, allowed)
	for _, c := range slices.Concat(sends(), conditional(1, true, false)) {
		names = append(names, c.Name)
	}
	for _, name := range names {
		_, amd64 := known["amd64"].SyscallNames[name]
		if _, arm64 := known["arm64"].SyscallNames[name]; !amd64 && !arm64 {
			t.Errorf("nobody has a call %s", name)
		}
	}
	for _, name := range []string{
		"writev", "epoll_pwait", "read", "futex", "write", "accept4", "close", "openat", "fstat", "fstatat", "mmap", "munmap", "mprotect", "madvise",
		"clone", "tgkill", "rt_sigreturn", "rt_sigaction", "rt_sigprocmask", "sigaltstack", "exit", "exit_group", "nanosleep", "getrandom", "socket", "prlimit64", "inotify_add_watch",
	} {
		if _, ok := known["arm64"].SyscallNames[name]; !ok || !slices.Contains(names, name) {
			t.Errorf("arm64 has no call %s, or it is not on the list", name)
		}
	}
	for _, name := range []string{
		"execve", "execveat", "fork", "vfork", "ptrace", "bpf", "io_uring_setup", "mount", "umount2", "setuid", "setgid", "setresuid", "capset", "bind", "listen",
		"unshare", "setns", "process_vm_readv", "pidfd_send_signal", "kexec_load", "init_module", "keyctl", "perf_event_open", "chroot", "seccomp", "linkat", "symlinkat", "mknodat", "personality",
	} {
		if slices.Contains(names, name) {
			t.Errorf("%s is allowed", name)
		}
	}
}

// The filter is short enough for the kernel, and has what is needed at every packet in
// front.
func TestFilter(t *testing.T) {
	info, err := arch.GetInfo("")
	if err != nil {
		t.Skip(err) // there is no filter for this machine
	}
	for _, network := range []bool{false, true} {
		program, err := filter(info, 1, network, network)
		if err != nil || len(program) > 1000 {
			t.Errorf("%d instructions, %v", len(program), err)
		}
	}
	// A packet is written by one of them (engine/reactor).
	if hot[0] != "writev" || sends()[0].Name != "sendto" {
		t.Errorf("%q come first", hot)
	}
}

func TestStatusOfAThread(t *testing.T) {
	s := &steps{Report: Report{Seccomp: true}}
	s.Report.Account.UID, s.Report.Account.GID, s.Report.Account.Groups = 5, 6, []int{7, 8}
	good := "Name:\tx\nUid:\t5\t5\t5\t5\nGid:\t6\t6\t6\t6\nGroups:\t6 8 7 \nCapInh:\t0000000000000000\nCapEff:\t0000000000000000\nCapBnd:\t000001ffffffffff\nNoNewPrivs:\t1\nSeccomp:\t2\n"
	if wrong := s.wrong(good); wrong != "" {
		t.Error(wrong)
	}
	for from, to := range map[string]string{
		"Uid:\t5\t5\t5": "Uid:\t5\t5\t0", "Gid:\t6": "Gid:\t0", "8 7": "8", "CapEff:\t0": "CapEff:\t1",
		"CapInh:\t0": "CapInh:\t1", "Privs:\t1": "Privs:\t0", "comp:\t2": "comp:\t0",
	} {
		if !strings.Contains(good, from) || s.wrong(strings.Replace(good, from, to, 1)) == "" {
			t.Errorf("%s is good too", to)
		}
	}
}
