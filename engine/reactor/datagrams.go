package reactor

import (
	"encoding/binary"
	"fmt"
	"unsafe"

	"golang.org/x/sys/unix"

	"streampump/engine/loop"
	"streampump/engine/udp"
)

// DatagramSockets are the two sockets from which a loop sends datagrams: packets from an
// even port, and the reports about them from the one above it.
type DatagramSockets struct {
	port   uint16
	fds    [2]int
	v4     bool // they have IPv4 alone: this machine has no IPv6
	buffer int  // bytes that one may have on their way
	runs   bool // the system takes runs: Linux before 4.18 does not
}

const (
	// datagramBuffer is how many bytes of datagrams a socket may have on their way. What
	// goes to a host that has vanished from a network of ours lies there for as long as it
	// is looked for, three seconds, up to lookedFor: some must be able to vanish without the
	// others' viewers having to wait.
	datagramBuffer = 16 << 20
	lookedFor      = 212_992 // net.ipv4.neigh.default.unres_qlen_bytes
	// enoughBuffer is what a pump gets that may not have so much, where net.core.wmem_max is
	// 4 MiB.
	enoughBuffer = 8 << 20
)

// Tight says what is wrong with how much may be on its way, as the system has it; empty if
// nothing is.
func Tight(all []*DatagramSockets) string {
	for _, d := range all {
		if d.buffer < enoughBuffer {
			return fmt.Sprintf("%d players that vanish from a local network at once can hold up the others for some seconds: set net.core.wmem_max to 4194304", d.buffer/lookedFor)
		}
	}
	return ""
}

// OpenDatagrams opens the sockets of some loops, from the given port on.
func OpenDatagrams(first uint16, loops int) (all []*DatagramSockets, err error) {
	for i := range loops {
		d := &DatagramSockets{port: first + uint16(2*i), fds: [2]int{-1, -1}}
		all = append(all, d)
		for k := range d.fds {
			if err := d.open(k); err != nil {
				CloseDatagrams(all)
				return nil, fmt.Errorf("UDP port %d cannot be opened: %w", d.port+uint16(k), err)
			}
		}
	}
	return all, nil
}

// CloseDatagrams closes sockets. No loop may use them any more.
func CloseDatagrams(all []*DatagramSockets) {
	for _, d := range all {
		for k, fd := range d.fds {
			if fd >= 0 {
				_ = unix.Close(fd)
				d.fds[k] = -1
			}
		}
	}
}

// open opens one of the two, for both families.
func (d *DatagramSockets) open(k int) error {
	const kind = unix.SOCK_DGRAM | unix.SOCK_CLOEXEC | unix.SOCK_NONBLOCK
	var at unix.Sockaddr = &unix.SockaddrInet6{Port: int(d.port) + k}
	fd, err := unix.Socket(unix.AF_INET6, kind, 0)
	if err == unix.EAFNOSUPPORT {
		d.v4, at = true, &unix.SockaddrInet4{Port: int(d.port) + k}
		fd, err = unix.Socket(unix.AF_INET, kind, 0)
	}
	if err != nil {
		return err
	}
	d.fds[k] = fd
	if err := d.equip(fd); err != nil {
		return err
	}
	return unix.Bind(fd, at)
}

// equip sets what a socket needs before it has a port.
func (d *DatagramSockets) equip(fd int) error {
	// Packets that are longer than the way allows are cut by IP, and joined again at its
	// end. What the way allows is not asked for: anybody could answer.
	set := [][3]int{{unix.IPPROTO_IP, unix.IP_MTU_DISCOVER, unix.IP_PMTUDISC_DONT}}
	if !d.v4 {
		set = append(set, [3]int{unix.IPPROTO_IPV6, unix.IPV6_V6ONLY, 0},
			[3]int{unix.IPPROTO_IPV6, unix.IPV6_MTU_DISCOVER, unix.IPV6_PMTUDISC_DONT})
	}
	for _, o := range set {
		if err := unix.SetsockoptInt(fd, o[0], o[1], o[2]); err != nil {
			return err
		}
	}
	if err := unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_SNDBUFFORCE, datagramBuffer); err != nil {
		_ = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_SNDBUF, datagramBuffer) // as much as we may have
	}
	d.buffer, _ = unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_SNDBUF)
	_, err := unix.GetsockoptInt(fd, unix.IPPROTO_UDP, unix.UDP_SEGMENT)
	d.runs = err == nil
	// Reports say nothing that a viewer's connection does not, and what nobody reads cannot
	// fill anything.
	return udp.LetNothingIn(fd)
}

// mostDatagrams is how many one call sends; a loop has no more for it.
const mostDatagrams = 64

// outgoing is what the calls that send datagrams need.
type outgoing struct {
	sockets  *DatagramSockets
	messages [mostDatagrams]message
	to6      [mostDatagrams]unix.RawSockaddrInet6
	to4      [mostDatagrams]unix.RawSockaddrInet4
	controls [mostDatagrams][controlRoom]byte
	source   [controlRoom]byte
}

// message is what the system has for each: struct mmsghdr of sendmmsg(2).
type message struct {
	header unix.Msghdr
	sent   uint32
}

// controlRoom is enough for the control messages of a datagram: which address it is from
// (ipv6(7), ip(7)), and how long the datagrams are of which it is a run (udp(7)).
const controlRoom = 96

// Datagrams implements [loop.Kernel].
func (k *sockets) Datagrams(fd int, r *loop.Route, bufs []unix.Iovec, runs []loop.Run) (n int, errno unix.Errno) {
	o := k.outgoing
	source := o.from(r)
	for i := range runs {
		m, count := &o.messages[i].header, int(runs[i].Count)
		if count > 1 && !o.sockets.runs {
			return o.send(fd, i, unix.EINVAL)
		}
		*m = unix.Msghdr{Iov: &bufs[0]}
		m.SetIovlen(count)
		m.Name, m.Namelen = o.target(i, r, runs[i].Port)
		control := source
		if count > 1 {
			control = appendControl(append(o.controls[i][:0], source...), unix.IPPROTO_UDP, unix.UDP_SEGMENT, 2)
			binary.NativeEndian.PutUint16(control[len(source)+unix.CmsgLen(0):], uint16(bufs[0].Len))
		}
		if len(control) > 0 {
			m.Control = &control[0]
			m.SetControllen(len(control))
		}
		bufs = bufs[count:]
	}
	return o.send(fd, len(runs), 0)
}

// send makes the call for the first messages; after is why there are no more.
func (o *outgoing) send(fd, count int, after unix.Errno) (n int, errno unix.Errno) {
	for n < count {
		taken, _, e := unix.RawSyscall6(unix.SYS_SENDMMSG, uintptr(fd), uintptr(unsafe.Pointer(&o.messages[n])), uintptr(count-n),
			unix.MSG_DONTWAIT|unix.MSG_NOSIGNAL, 0, 0)
		switch {
		case e == unix.EINTR:
		case e != 0:
			return n, e
		default:
			n += int(taken) // if that is not all, the next call says why
		}
	}
	return n, after
}

// from is the control message with the address that datagrams are from; empty if it is
// not known.
func (o *outgoing) from(r *loop.Route) []byte {
	b := o.source[:0]
	switch {
	case !r.From.IsValid():
		return nil
	case o.sockets.v4:
		b = appendControl(b, unix.IPPROTO_IP, unix.IP_PKTINFO, unix.SizeofInet4Pktinfo)
		(*unix.Inet4Pktinfo)(unsafe.Pointer(&b[unix.CmsgLen(0)])).Spec_dst = r.From.As4()
		return b
	}
	b = appendControl(b, unix.IPPROTO_IPV6, unix.IPV6_PKTINFO, unix.SizeofInet6Pktinfo)
	*(*unix.Inet6Pktinfo)(unsafe.Pointer(&b[unix.CmsgLen(0)])) = unix.Inet6Pktinfo{Addr: r.From.As16(), Ifindex: r.Scope}
	return b
}

// appendControl appends a control message with so many bytes of data, all 0.
func appendControl(b []byte, level, typ int32, data int) []byte {
	at := len(b)
	b = b[:at+unix.CmsgSpace(data)]
	clear(b[at:])
	head := (*unix.Cmsghdr)(unsafe.Pointer(&b[at]))
	head.Level, head.Type = level, typ
	head.SetLen(unix.CmsgLen(data))
	return b
}

// target is the address of a datagram.
func (o *outgoing) target(i int, r *loop.Route, port uint16) (name *byte, size uint32) {
	if o.sockets.v4 {
		a := &o.to4[i]
		a.Family, a.Port, a.Addr = unix.AF_INET, inNetworkOrder(port), r.To.As4()
		return (*byte)(unsafe.Pointer(a)), unix.SizeofSockaddrInet4
	}
	a := &o.to6[i]
	a.Family, a.Port, a.Addr, a.Scope_id = unix.AF_INET6, inNetworkOrder(port), r.To.As16(), r.Scope
	return (*byte)(unsafe.Pointer(a)), unix.SizeofSockaddrInet6
}

// inNetworkOrder is a port as the system has it in memory.
func inNetworkOrder(port uint16) (n uint16) {
	b := (*[2]byte)(unsafe.Pointer(&n))
	b[0], b[1] = byte(port>>8), byte(port)
	return n
}

// Scope implements [loop.Kernel].
func (k *sockets) Scope(fd int) uint32 {
	if at, err := unix.Getpeername(fd); err == nil {
		if a, ok := at.(*unix.SockaddrInet6); ok {
			return a.ZoneId
		}
	}
	return 0
}

// A silent connection is probed after 30 s, and given up 40 s later.
const (
	probeAfter    = 30
	probeInterval = 10
	probes        = 4
)

// Probe implements [loop.Kernel].
func (k *sockets) Probe(fd int) {
	for _, o := range [][3]int{
		{unix.SOL_SOCKET, unix.SO_KEEPALIVE, 1},
		{unix.IPPROTO_TCP, unix.TCP_KEEPIDLE, probeAfter},
		{unix.IPPROTO_TCP, unix.TCP_KEEPINTVL, probeInterval},
		{unix.IPPROTO_TCP, unix.TCP_KEEPCNT, probes},
	} {
		_ = unix.SetsockoptInt(fd, o[0], o[1], o[2]) // which fails for a bad descriptor only
	}
}
