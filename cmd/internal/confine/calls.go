package confine

import (
	seccomp "github.com/elastic/go-seccomp-bpf"
	"golang.org/x/sys/unix"
)

// hot are the calls of every packet. They come first: kernels before 5.11 walk through
// the filter for each call, later ones remember which calls are always allowed.
var hot = []string{
	"writev", "epoll_pwait", "epoll_wait", "read", "futex", "write", "timerfd_settime", "nanosleep", "epoll_ctl", "recvmsg",
}

// sends are those by which a packet is sent with flags; sendto comes first. With
// MSG_FASTOPEN they connect as well, which landlock does not see: any socket that was
// accepted could be turned round for that. The condition costs 3 ns.
func sends() (out []seccomp.NameWithConditions) {
	for _, c := range []struct {
		name  string
		flags uint32
	}{{"sendto", 3}, {"sendmsg", 2}, {"sendmmsg", 3}} {
		out = append(out, when(c.name, unset(c.flags, unix.MSG_FASTOPEN)))
	}
	return out
}

// allowed are the other calls that are allowed whatever their arguments. Each machine
// has its own subset of them: amd64 kept the old forms of some. Those that are made
// seldom were found by tracing real runs (docs/hardening.md tells how).
var allowed = []string{
	// Sockets that there are, and those that are accepted. bind and listen are not here; see
	// the conditions for the first.
	"accept4", "accept", "connect", "close", "shutdown", "getsockname", "getpeername", "getsockopt", "setsockopt",
	"recvfrom", "recvmmsg", "readv", "pread64", "pwrite64", "preadv", "pwritev", "sendfile", "splice", "tee",
	// Waiting.
	"epoll_create1", "epoll_pwait2", "poll", "ppoll", "pselect6", "select", "eventfd2", "timerfd_create", "timerfd_gettime", "pipe2",
	// Files: what may be opened is a matter of rights and of landlock.
	"openat", "open", "fstat", "newfstatat", "fstatat", "stat", "lstat", "statx", "statfs", "fstatfs", "lseek", "dup", "dup3", "getcwd",
	"access", "faccessat", "faccessat2", "readlink", "readlinkat", "getdents64", "fadvise64", "fsync", "fdatasync", "ftruncate",
	"mkdirat", "unlinkat", "renameat", "renameat2", "fchmod", "flock", "umask",
	"inotify_init1", "inotify_add_watch", "inotify_rm_watch",
	// Memory; see also the conditions.
	"munmap", "mremap", "madvise", "mincore", "brk", "msync", "membarrier",
	// Threads, signals and time of the process itself.
	"exit", "exit_group", "gettid", "getpid", "getppid", "getuid", "geteuid", "getgid", "getegid", "getgroups", "getresuid", "getresgid",
	"sched_yield", "sched_getaffinity", "sched_setaffinity", "set_robust_list", "get_robust_list", "rseq", "set_tid_address", "arch_prctl", "restart_syscall",
	"rt_sigaction", "rt_sigprocmask", "rt_sigreturn", "rt_sigtimedwait", "rt_sigpending", "sigaltstack",
	"clock_gettime", "clock_getres", "clock_nanosleep", "gettimeofday", "time", "getitimer", "setitimer",
	"timer_create", "timer_settime", "timer_gettime", "timer_delete",
	// What the machine is.
	"getrandom", "getrlimit", "getrusage", "times", "uname", "sysinfo", "getcpu", "capget",
}

// namespaces are the flags of clone that would give a thread a world of its own, in which
// it might be root.
const namespaces = unix.CLONE_NEWNS | unix.CLONE_NEWCGROUP | unix.CLONE_NEWUTS | unix.CLONE_NEWIPC | unix.CLONE_NEWUSER | unix.CLONE_NEWPID | unix.CLONE_NEWNET

// anonymousNames is prctl's PR_SET_VMA, by which Go names its memory.
const anonymousNames = 0x53564d41

// Requests of ioctl whose names the library lacks: FIONBIO and FIOCLEX.
const (
	nonBlocking = 0x5421
	closeOnExec = 0x5451
)

// conditional are the calls that are allowed with some arguments only. pid is the
// process; network says that it may open sockets for one, and datagrams that it may open
// such for datagrams at addresses of its own.
func conditional(pid int, network, datagrams bool) []seccomp.NameWithConditions {
	self := is(0, uint64(pid))
	out := []seccomp.NameWithConditions{
		when("clone", set(0, unix.CLONE_THREAD), unset(0, namespaces)),
		// Pairs are local ones. For any other family the kernel would load what it has of
		// it and make a socket, before it says that there are no pairs.
		when("socketpair", is(0, unix.AF_UNIX), is(2, 0)),
		when("tgkill", self), when("kill", self),
		when("prlimit64", is(0, 0), is(2, 0)), // to read limits of its own
		// A thread may take itself back; for the other direction it has no right.
		when("setpriority", is(0, unix.PRIO_PROCESS), is(1, 0)),
		// No memory is executed that was not from the beginning.
		when("mmap", unset(2, unix.PROT_EXEC)), when("mprotect", unset(2, unix.PROT_EXEC)),
	}
	for _, option := range []uint64{unix.PR_SET_NAME, unix.PR_GET_NAME, unix.PR_SET_TIMERSLACK, unix.PR_GET_TIMERSLACK, unix.PR_GET_DUMPABLE, unix.PR_GET_NO_NEW_PRIVS, unix.PR_CAPBSET_READ, anonymousNames} {
		out = append(out, when("prctl", is(0, option)))
	}
	// Whether it is a terminal, what a socket or pipe holds, and that it does not block.
	for _, request := range []uint64{unix.TCGETS, unix.TIOCGWINSZ, unix.TIOCINQ, unix.TIOCOUTQ, unix.SIOCOUTQNSD, nonBlocking, closeOnExec} {
		out = append(out, when("ioctl", is(1, request)))
	}
	// Not to whom a descriptor sends signals, and which: kill would be the same.
	for _, command := range []uint64{unix.F_DUPFD, unix.F_DUPFD_CLOEXEC, unix.F_GETFD, unix.F_SETFD, unix.F_GETFL, unix.F_SETFL, unix.F_GETPIPE_SZ, unix.F_SETPIPE_SZ} {
		out = append(out, when("fcntl", is(1, command)))
	}
	// Streams and datagrams of the usual protocol, with any flags.
	socket := func(family, kind uint64) {
		out = append(out, when("socket", is(0, family), set(1, kind), unset(1, socketKinds&^kind), is(2, 0)))
	}
	socket(unix.AF_UNIX, unix.SOCK_STREAM)
	socket(unix.AF_UNIX, unix.SOCK_DGRAM)
	for _, family := range [2]uint64{unix.AF_INET, unix.AF_INET6} {
		if network {
			socket(family, unix.SOCK_STREAM)
		}
		if network || datagrams {
			socket(family, unix.SOCK_DGRAM)
		}
	}
	if datagrams {
		// As long as addresses of the network are. That of a stream is of no use without
		// listen, and landlock forbids it.
		for _, size := range [2]uint64{unix.SizeofSockaddrInet4, unix.SizeofSockaddrInet6} {
			out = append(out, when("bind", is(2, size)))
		}
	}
	return out
}

// socketKinds are the bits that say of which kind a socket is.
const socketKinds = 0xf

func when(name string, c ...seccomp.Condition) seccomp.NameWithConditions {
	return seccomp.NameWithConditions{Name: name, Conditions: c}
}

// is, set and unset are conditions on an argument: it is the value, has one of its bits,
// has none of them.
func is(argument uint32, value uint64) seccomp.Condition {
	return seccomp.Condition{Argument: argument, Operation: seccomp.Equal, Value: value}
}

func set(argument uint32, bits uint64) seccomp.Condition {
	return seccomp.Condition{Argument: argument, Operation: seccomp.BitsSet, Value: bits}
}

func unset(argument uint32, bits uint64) seccomp.Condition {
	return seccomp.Condition{Argument: argument, Operation: seccomp.BitsNotSet, Value: bits}
}
