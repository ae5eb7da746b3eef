package meter

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"strconv"
	"unsafe"

	"golang.org/x/sys/unix"
)

// What SO_MEMINFO tells, by its place in the answer (linux/sock_diag.h).
const (
	memReceived = iota // bytes taken by what was received
	memReceiveBuffer
	memInFlight // by what was sent and still lies somewhere below the socket
	memSendBuffer
	memForward // set aside for what comes next; may be below 0
	memQueued  // by what waits to be sent or acknowledged
	memOptions
	memBacklog
	memDrops
	memFields
)

// soMemInfo is SO_MEMINFO (asm-generic/socket.h), which unix does not name.
const soMemInfo = 55

// SocketMemory is how much memory the kernel holds for those sockets of the
// process pid whose peers are among peers, in bytes, in no order. It takes a
// copy of each of the process's descriptors for a moment, which needs the right
// to trace it: its own user's, or root's.
func SocketMemory(pid int, peers map[netip.AddrPort]bool) ([]int64, error) {
	process, err := unix.PidfdOpen(pid, 0)
	if err != nil {
		return nil, gone(pid, err)
	}
	defer unix.Close(process)
	fds, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", pid))
	if err != nil {
		return nil, gone(pid, err)
	}
	var held []int64
	for _, entry := range fds {
		target, err := strconv.Atoi(entry.Name())
		if err != nil {
			continue
		}
		fd, err := unix.PidfdGetfd(process, target, 0)
		if errors.Is(err, unix.EBADF) {
			continue // it was closed meanwhile
		}
		if err != nil {
			return nil, fmt.Errorf("the sockets of process %d can not be looked at: %w", pid, err)
		}
		n, ours := memoryOf(fd, peers)
		_ = unix.Close(fd)
		if ours {
			held = append(held, n)
		}
	}
	return held, nil
}

// memoryOf is what the kernel holds for a socket whose peer is among peers.
func memoryOf(fd int, peers map[netip.AddrPort]bool) (n int64, ours bool) {
	peer, err := unix.Getpeername(fd)
	if err != nil || !peers[AddrOf(peer)] {
		return 0, false
	}
	var mem [memFields]uint32
	size := uint32(unsafe.Sizeof(mem)) // older kernels tell fewer
	_, _, errno := unix.Syscall6(unix.SYS_GETSOCKOPT, uintptr(fd), unix.SOL_SOCKET, soMemInfo,
		uintptr(unsafe.Pointer(&mem)), uintptr(unsafe.Pointer(&size)), 0)
	if errno != 0 {
		return 0, false
	}
	return int64(mem[memReceived]) + int64(mem[memQueued]) + int64(int32(mem[memForward])) + int64(mem[memOptions]) + int64(mem[memBacklog]), true
}

// AddrOf is a socket's address, an IPv4 one inside IPv6 taken out; the zero
// value for what is neither.
func AddrOf(a unix.Sockaddr) netip.AddrPort {
	switch a := a.(type) {
	case *unix.SockaddrInet4:
		return netip.AddrPortFrom(netip.AddrFrom4(a.Addr), uint16(a.Port))
	case *unix.SockaddrInet6:
		return netip.AddrPortFrom(netip.AddrFrom16(a.Addr).Unmap(), uint16(a.Port))
	}
	return netip.AddrPort{}
}
