package confine

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"slices"
	"unsafe"

	seccomp "github.com/elastic/go-seccomp-bpf"
	"github.com/elastic/go-seccomp-bpf/arch"
	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"
)

// machines are those whose calls were looked at.
var machines = []string{"amd64", "arm64"}

// seccomp allows the process the calls that it makes, and refuses all others with
// EPERM. What is refused is in the kernel's audit log.
func (s *steps) seccomp() error {
	if s.Off {
		return nil
	}
	if !slices.Contains(machines, runtime.GOARCH) {
		return s.miss("seccomp: there is no filter for %s", runtime.GOARCH)
	}
	info, err := arch.GetInfo(runtime.GOARCH)
	if err != nil {
		return s.miss("seccomp: %v", err)
	}
	program, err := filter(info, os.Getpid(), s.Connects, s.Hears)
	if err != nil {
		return fmt.Errorf("the filter of system calls: %w", err)
	}
	switch err := load(program, unix.SECCOMP_FILTER_FLAG_TSYNC|unix.SECCOMP_FILTER_FLAG_LOG); {
	case errors.Is(err, unix.EINVAL): // before Linux 4.14 it logs nothing
		err = load(program, unix.SECCOMP_FILTER_FLAG_TSYNC)
		if err != nil {
			return s.miss("seccomp: %v", err)
		}
	case errors.Is(err, unix.ENOSYS):
		return s.miss("seccomp: this kernel has no filters of system calls")
	case err != nil:
		return s.miss("seccomp: %v", err)
	}
	s.Report.Seccomp = true
	return nil
}

// filter is the program that judges calls, for a machine.
func filter(info *arch.Info, pid int, network, datagrams bool) ([]bpf.RawInstruction, error) {
	there := func(names []string) (out []string) {
		for _, n := range names {
			if _, ok := info.SyscallNames[n]; ok {
				out = append(out, n)
			}
		}
		return out
	}
	p := seccomp.Policy{
		DefaultAction: seccomp.ActionErrno, // EPERM
		Syscalls: []seccomp.SyscallGroup{
			{Action: seccomp.ActionAllow, NamesWithCondtions: sends()},
			{Action: seccomp.ActionAllow, Names: there(hot)},
			{Action: seccomp.ActionAllow, Names: there(allowed)},
			{Action: seccomp.ActionAllow, NamesWithCondtions: conditional(pid, network, datagrams)},
			// Its arguments are in memory, where a filter cannot look; glibc then makes
			// threads by clone.
			{Action: seccomp.ActionErrno | seccomp.Action(unix.ENOSYS), Names: there([]string{"clone3"})},
		},
	}
	instructions, err := p.Assemble()
	if err != nil {
		return nil, err
	}
	return bpf.Assemble(instructions)
}

// load gives every thread the filter. The library's own way of doing so takes no notice
// of a thread that could not be given it.
func load(program []bpf.RawInstruction, flags uintptr) error {
	code := make([]unix.SockFilter, 0, len(program))
	for _, i := range program {
		code = append(code, unix.SockFilter{Code: i.Op, Jt: i.Jt, Jf: i.Jf, K: i.K})
	}
	f := unix.SockFprog{Len: uint16(len(code)), Filter: &code[0]}
	thread, _, errno := unix.Syscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, flags, uintptr(unsafe.Pointer(&f)))
	runtime.KeepAlive(code)
	switch {
	case errno != 0:
		return errno
	case thread != 0:
		return fmt.Errorf("thread %d has a filter of its own", thread)
	}
	return nil
}
