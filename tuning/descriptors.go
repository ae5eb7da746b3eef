package tuning

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// Descriptors returns how many files and sockets the process may have open:
// the soft limit, which holds, and the hard one, up to which it may be raised.
func Descriptors() (soft, hard uint64, err error) {
	var l unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &l); err != nil {
		return 0, 0, fmt.Errorf("cannot read the limit on open files: %w", err)
	}
	return l.Cur, l.Max, nil
}

// RaiseDescriptors raises the soft limit on open files to the hard one, and
// returns what holds now; with an error, that is the limit as it was. Go does
// the same at start, but puts the old limit back for the processes we start
// and says nothing when it fails.
func RaiseDescriptors() (soft uint64, err error) {
	soft, hard, err := Descriptors()
	if err != nil || soft >= hard {
		return soft, err
	}
	if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &unix.Rlimit{Cur: hard, Max: hard}); err != nil {
		return soft, fmt.Errorf("cannot raise the limit on open files from %d to %d: %w", soft, hard, err)
	}
	return hard, nil
}
