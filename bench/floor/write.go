package floor

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// write makes one call and counts it. The call never blocks, so the scheduler
// need not hear of it.
func (r *Result) write(fd int, packets []unix.Iovec, size int) {
	n, _, errno := unix.RawSyscall(unix.SYS_WRITEV, uintptr(fd), uintptr(unsafe.Pointer(&packets[0])), uintptr(len(packets)))
	r.Calls++
	if errno != 0 {
		r.Short++
		return
	}
	r.Bytes += int64(n)
	if int(n) < size {
		r.Short++
	}
}
