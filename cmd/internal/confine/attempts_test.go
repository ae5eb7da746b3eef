package confine

import (
	"context"
	"errors"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"

	"streampump/internal/account"
)

// attempts are what a pump that somebody else has got hold of might try, and what it must
// still be able to do.
var attempts = map[string]func(order) error{
	"read_shadow": func(order) error { return open1("/etc/shadow") },
	"read_passwd": func(order) error { return open1("/etc/passwd") },
	"read_own":    func(o order) error { return open1(filepath.Join(o.Dir, "readable", "file")) },
	"read_link":   func(o order) error { return open1(filepath.Join(o.Dir, "links", "link")) },
	"lookup_known": func(order) error {
		_, err := account.Lookup(account.Nobody, "")
		return err
	},
	"lookup_other": func(order) error {
		_, err := account.Lookup("daemon", "")
		return err
	},
	"write_outside":  func(o order) error { return written(filepath.Join(o.Dir, "outside")) },
	"write_readable": func(o order) error { return written(filepath.Join(o.Dir, "readable", "new")) },
	"write_own": func(o order) error {
		dir := filepath.Join(o.Dir, "writable")
		if err := os.WriteFile(filepath.Join(dir, "new"), []byte("x"), 0o600); err != nil {
			return err
		}
		if err := os.Rename(filepath.Join(dir, "new"), filepath.Join(dir, "newer")); err != nil {
			return err
		}
		return os.Remove(filepath.Join(dir, "newer"))
	},
	"exec":   func(order) error { return exec.Command("/bin/true").Run() },
	"execve": func(order) error { return call(unix.SYS_EXECVE, 0, 0, 0) },
	"fork":   func(order) error { return forked() },
	"bind_low": func(order) error {
		return listen("127.0.0.1:84")
	},
	"bind_high": func(order) error { return listen("127.0.0.1:0") },
	"bind_udp":  func(order) error { return bindDatagrams() },
	"bind_local": func(o order) error {
		name := filepath.Join(o.Dir, "writable", "socket")
		c, err := net.ListenPacket("unixgram", name)
		if err == nil {
			err = errors.Join(c.Close(), os.Remove(name))
		}
		return err
	},
	"connect": func(o order) error {
		c, err := net.Dial("tcp", o.Target)
		if err == nil {
			_ = c.Close()
		}
		return err
	},
	"raw_socket":    func(order) error { return socket(unix.AF_INET, unix.SOCK_RAW, unix.IPPROTO_ICMP) },
	"packet_socket": func(order) error { return socket(unix.AF_PACKET, unix.SOCK_DGRAM, 0) },
	"netlink":       func(order) error { return socket(unix.AF_NETLINK, unix.SOCK_DGRAM, 0) },
	"send":          func(order) error { return sent(0) },
	"fast_open":     func(order) error { return sent(unix.MSG_FASTOPEN) },
	"pair":          func(order) error { return pair(unix.AF_UNIX) },
	"network_pair": func(order) error {
		if err := pair(unix.AF_INET); err != unix.EOPNOTSUPP { //nolint:errorlint // it is an errno
			return err
		}
		return nil // the kernel has looked at it
	},
	"ptrace": func(o order) error {
		return call(unix.SYS_PTRACE, unix.PTRACE_SEIZE, uintptr(o.Victim), 0)
	},
	"kill":      func(o order) error { return unix.Kill(o.Victim, 0) },
	"kill_self": func(order) error { return unix.Kill(os.Getpid(), 0) },
	"kill_by_descriptor": func(o order) error {
		return errors.Join(owned(unix.F_SETOWN, o.Victim), owned(unix.F_SETSIG, int(unix.SIGKILL)))
	},
	"tgkill": func(o order) error { return unix.Tgkill(o.Victim, o.Victim, 0) },
	"mount": func(o order) error {
		if err := unix.Mount("none", o.Dir, "tmpfs", 0, ""); err != nil {
			return err
		}
		return unix.Unmount(o.Dir, 0)
	},
	"namespace": func(order) error { return unix.Unshare(unix.CLONE_NEWUTS) },
	"setuid":    func(order) error { return syscall.Setuid(0) },
	"chroot":    func(order) error { return unix.Chroot("/") },
	"bpf":       func(order) error { return reached(call(unix.SYS_BPF, 0, 0, 0)) },
	"io_uring": func(order) error {
		var parameters [120]byte
		return closed1(unix.Syscall(unix.SYS_IO_URING_SETUP, 1, uintptr(unsafe.Pointer(&parameters)), 0))
	},
	"memory_of": func(o order) error {
		b := []byte{0}
		local := []unix.Iovec{{Base: &b[0], Len: 1}}
		_, err := unix.ProcessVMReadv(o.Victim, local, []unix.RemoteIovec{{Base: 0, Len: 1}}, 0)
		return reached(err)
	},
	"executable_memory": func(order) error {
		m, err := unix.Mmap(-1, 0, 4096, unix.PROT_READ|unix.PROT_EXEC, unix.MAP_PRIVATE|unix.MAP_ANON)
		if err == nil {
			err = unix.Munmap(m)
		}
		return err
	},
	"take_back": func(order) error { return unix.Setpriority(unix.PRIO_PROCESS, 0, 19) },
	"take_back_others": func(o order) error {
		return unix.Setpriority(unix.PRIO_PROCESS, o.Victim, 19)
	},
	"limit": func(order) error {
		var l unix.Rlimit
		if err := unix.Prlimit(0, unix.RLIMIT_CORE, nil, &l); err != nil {
			return err
		}
		return unix.Prlimit(0, unix.RLIMIT_CORE, &l, nil)
	},
}

// reached turns the kernel's complaint about nonsense into none: the call was let through.
func reached(err error) error {
	if err == unix.EINVAL || err == unix.EFAULT { //nolint:errorlint // it is an errno
		return nil
	}
	return err
}

func open1(name string) error {
	f, err := os.Open(name)
	if err == nil {
		err = f.Close()
	}
	return err
}

// written makes a file, and removes it.
func written(name string) error {
	err := os.WriteFile(name, nil, 0o600)
	if err == nil {
		err = os.Remove(name)
	}
	return err
}

func call(number, a, b, c uintptr) error {
	if _, _, errno := unix.Syscall6(number, a, b, c, 0, 0, 0); errno != 0 {
		return errno
	}
	return nil
}

func closed1(fd, _ uintptr, errno syscall.Errno) error {
	if errno != 0 {
		return errno
	}
	return unix.Close(int(fd))
}

// forked makes a process by clone, which ends at once.
func forked() error {
	cmd := exec.Command("/proc/self/exe")
	cmd.Env = []string{"NOTHING=1"}
	cmd.Args = []string{"x", "-test.run=^$"}
	return cmd.Run()
}

func listen(address string) error {
	var c net.ListenConfig
	c.SetMultipathTCP(false)
	l, err := c.Listen(context.Background(), "tcp4", address)
	if err == nil {
		err = l.Close()
	}
	return err
}

func bindDatagrams() error {
	c, err := net.ListenPacket("udp4", "127.0.0.1:0")
	if err == nil {
		err = c.Close()
	}
	return err
}

// owned says something of the signals of a descriptor.
func owned(command, what int) error {
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	_, err = unix.FcntlInt(uintptr(fds[0]), command, what)
	return errors.Join(err, unix.Close(fds[0]), unix.Close(fds[1]))
}

// sent sends nothing to nowhere, by each call.
func sent(flags uintptr) error {
	const nowhere = ^uintptr(0)
	for _, errno := range []syscall.Errno{
		number(unix.Syscall6(unix.SYS_SENDTO, nowhere, 0, 0, flags, 0, 0)),
		number(unix.Syscall6(unix.SYS_SENDMSG, nowhere, 0, flags, 0, 0, 0)),
		number(unix.Syscall6(unix.SYS_SENDMMSG, nowhere, 0, 0, flags, 0, 0)),
	} {
		if errno != unix.EBADF {
			return errno
		}
	}
	return nil
}

func number(_, _ uintptr, errno syscall.Errno) syscall.Errno { return errno }

func pair(family int) error {
	fds, err := unix.Socketpair(family, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err == nil {
		err = errors.Join(unix.Close(fds[0]), unix.Close(fds[1]))
	}
	return err
}

func socket(family, kind, protocol int) error {
	fd, err := unix.Socket(family, kind, protocol)
	if err == nil {
		err = unix.Close(fd)
	}
	return err
}
