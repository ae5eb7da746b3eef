package udp

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// SetRoom gives a socket room for so many bytes that are not read yet, or for as many as we
// may have. The system counts what is around the bytes as well, and doubles the number that
// it is told.
func SetRoom(fd, room int) {
	if err := unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, room/2); err != nil {
		_ = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUF, room/2)
	}
}

// LetNothingIn has the system drop whatever arrives at a socket.
func LetNothingIn(fd int) error {
	nothing := unix.SockFilter{Code: unix.BPF_RET | unix.BPF_K}
	return unix.SetsockoptSockFprog(fd, unix.SOL_SOCKET, unix.SO_ATTACH_FILTER, &unix.SockFprog{Len: 1, Filter: &nothing})
}

// LetIn undoes [LetNothingIn].
func LetIn(fd int) error { return unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_DETACH_FILTER, 0) }

// Drops is how many datagrams the system has dropped because a socket was full; 0 where it
// does not tell: before Linux 4.12.
func Drops(fd int) uint32 {
	var info [9]uint32
	size := uint32(unsafe.Sizeof(info))
	_, _, errno := unix.RawSyscall6(unix.SYS_GETSOCKOPT, uintptr(fd), unix.SOL_SOCKET, unix.SO_MEMINFO,
		uintptr(unsafe.Pointer(&info)), uintptr(unsafe.Pointer(&size)), 0)
	if errno != 0 {
		return 0
	}
	return info[unix.SK_MEMINFO_DROPS]
}
