package journal

import (
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// StreamVariable is the environment variable in which systemd says which stream leads
// to the journal.
const StreamVariable = "JOURNAL_STREAM"

// Stream reports whether a file is the stream that the variable's value names, as
// DEVICE:INODE. A process that inherited the variable and has its output elsewhere
// is not meant.
func Stream(value string, f *os.File) bool {
	var device, inode uint64
	if n, err := fmt.Sscanf(value, "%d:%d", &device, &inode); n != 2 || err != nil {
		return false
	}
	raw, err := f.SyscallConn() // f.Fd would make it blocking
	if err != nil {
		return false
	}
	var st unix.Stat_t
	bad := raw.Control(func(fd uintptr) { err = unix.Fstat(int(fd), &st) })
	return bad == nil && err == nil && st.Dev == device && st.Ino == inode
}
