package meter

import (
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"os"
	"slices"
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

// Link names a TCP connection by both its ends, as the server sees them. One end
// does not: a client's port may lead to several servers at a time. Where something
// between them changes addresses, the two ends name it differently.
type Link struct{ Server, Peer netip.AddrPort }

// SocketMemory is how much memory the kernel holds for those sockets of the
// process pid that are the server's ends of links, in bytes, in no order; one
// with several descriptors is told once. It takes a copy of each of the
// process's descriptors for a moment, which needs the right to trace it: its own
// user's, or root's.
func SocketMemory(pid int, links map[Link]bool) ([]int64, error) {
	process, err := unix.PidfdOpen(pid, 0)
	if err != nil {
		return nil, gone(pid, err)
	}
	defer unix.Close(process)
	fds, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", pid))
	if err != nil {
		return nil, gone(pid, err)
	}
	held := make(map[Link]int64, len(links))
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
			return nil, fmt.Errorf("the sockets of process %d cannot be looked at: %w", pid, err)
		}
		if link := linkOf(fd); links[link] {
			if n, ok := memoryOf(fd); ok {
				held[link] = n
			}
		}
		_ = unix.Close(fd)
	}
	return slices.Collect(maps.Values(held)), nil
}

// linkOf is the connection whose server's end a descriptor is; the zero value
// for what is no connection.
func linkOf(fd int) Link {
	own, err := unix.Getsockname(fd)
	if err != nil {
		return Link{}
	}
	peer, err := unix.Getpeername(fd)
	if err != nil {
		return Link{}
	}
	return Link{Server: AddrOf(own), Peer: AddrOf(peer)}
}

// memoryOf is what the kernel holds for a socket.
func memoryOf(fd int) (n int64, ok bool) {
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
