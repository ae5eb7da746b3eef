package confine

import (
	"errors"
	"fmt"
	"unsafe"

	"golang.org/x/sys/unix"
	"kernel.org/pub/linux/libs/security/libcap/psx"
)

// sets are a thread's capabilities: effective, permitted and inheritable ones, in two
// halves.
type sets [2]unix.CapUserData

func header() unix.CapUserHeader {
	return unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3} // of whoever calls
}

// getCapabilities are those of the calling thread.
func getCapabilities() (c sets, err error) {
	h := header()
	if err := unix.Capget(&h, &c[0]); err != nil {
		return c, fmt.Errorf("capabilities cannot be read: %w", err)
	}
	return c, nil
}

// setOwnCapabilities sets those of the calling thread.
func setOwnCapabilities(c sets) error {
	h := header()
	if err := unix.Capset(&h, &c[0]); err != nil {
		return fmt.Errorf("capabilities cannot be changed: %w", err)
	}
	return nil
}

// effective reports whether the calling thread has a capability.
func effective(c uint) bool {
	have, err := getCapabilities()
	return err == nil && have[c/32].Effective&(1<<(c%32)) != 0
}

// dropBounding empties the set of capabilities that programs could give the process.
// Without CAP_SETPCAP it stays: no_new_privs keeps programs from giving any.
func (s *steps) dropBounding() error {
	if !effective(unix.CAP_SETPCAP) {
		return nil
	}
	for c := uintptr(0); ; c++ {
		in, err := unix.PrctlRetInt(unix.PR_CAPBSET_READ, c, 0, 0, 0)
		switch {
		case errors.Is(err, unix.EINVAL):
			return nil // the kernel has no more
		case err != nil:
			return fmt.Errorf("the bounding set of capabilities cannot be read: %w", err)
		case in == 0:
			continue
		}
		if err := everywhere(unix.PR_CAPBSET_DROP, c); err != nil {
			return fmt.Errorf("capability %d cannot be taken out of the bounding set: %w", c, err)
		}
	}
}

// dropCapabilities leaves no thread any capability.
func dropCapabilities() error {
	// Kernels before 4.3 have no ambient ones.
	if err := everywhere(unix.PR_CAP_AMBIENT, unix.PR_CAP_AMBIENT_CLEAR_ALL); err != nil && !errors.Is(err, unix.EINVAL) {
		return fmt.Errorf("ambient capabilities cannot be dropped: %w", err)
	}
	h, none := header(), sets{}
	if _, _, errno := psx.Syscall3(unix.SYS_CAPSET, uintptr(unsafe.Pointer(&h)), uintptr(unsafe.Pointer(&none[0])), 0); errno != 0 {
		return fmt.Errorf("capabilities cannot be dropped: %w", errno)
	}
	return nil
}

// noNewPrivileges keeps programs that the process might start from having more rights.
func noNewPrivileges() error {
	if err := everywhere(unix.PR_SET_NO_NEW_PRIVS, 1); err != nil {
		return fmt.Errorf("no_new_privs cannot be set: %w", err)
	}
	return nil
}

// everywhere is prctl on every thread.
func everywhere(option, argument uintptr) error {
	if _, _, errno := psx.Syscall6(unix.SYS_PRCTL, option, argument, 0, 0, 0, 0); errno != 0 {
		return errno
	}
	return nil
}
