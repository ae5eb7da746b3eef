package udp

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

const (
	// Longest is how long a datagram may be, in bytes. Sources send what fits a packet of
	// the network, which has 9,000 bytes at most.
	Longest = 16 << 10
	// tries is how often a call is made that a peer's refusals may have failed.
	tries = 8
)

// Inbox is what the calls that receive datagrams need. It is used by one goroutine at a
// time, for any sockets.
type Inbox struct {
	messages []message
	bufs     []unix.Iovec
	whole    [][]byte
	memory   []byte
}

// message is what the system has for each: struct mmsghdr of recvmmsg(2).
type message struct {
	header   unix.Msghdr
	received uint32
}

// NewInbox is an inbox with room for so many datagrams at once.
func NewInbox(most int) *Inbox {
	in := &Inbox{
		messages: make([]message, most), bufs: make([]unix.Iovec, most),
		whole: make([][]byte, 0, most), memory: make([]byte, most*Longest),
	}
	for i := range in.messages {
		in.bufs[i].Base = &in.memory[i*Longest]
		in.bufs[i].SetLen(Longest)
		in.messages[i].header.Iov = &in.bufs[i]
		in.messages[i].header.SetIovlen(1)
	}
	return in
}

// Receive takes datagrams that have come to a socket, some and at most as many as said.
// They are the inbox's, and stay as they are until the next call. cut is how many there were
// besides that are longer than [Longest], and more says that there may be further ones. It
// does not wait.
func (in *Inbox) Receive(fd, most int) (datagrams [][]byte, cut int, more bool) {
	most = max(1, min(most, len(in.messages)))
	for range tries {
		taken, _, errno := unix.RawSyscall6(unix.SYS_RECVMMSG, uintptr(fd), uintptr(unsafe.Pointer(&in.messages[0])), uintptr(most),
			unix.MSG_DONTWAIT, 0, 0)
		switch errno {
		case 0:
			datagrams, cut = in.sort(int(taken))
			return datagrams, cut, int(taken) == most
		case unix.EAGAIN:
			return nil, 0, false
		} // that the call was interrupted, or that somebody refuses what we sent, is told once
	}
	return nil, 0, false
}

// sort is those of the first messages that are whole.
func (in *Inbox) sort(taken int) (datagrams [][]byte, cut int) {
	in.whole = in.whole[:0]
	for i := range in.messages[:taken] {
		m := &in.messages[i]
		if m.header.Flags&unix.MSG_TRUNC != 0 {
			cut++
			continue
		}
		at := i * Longest
		in.whole = append(in.whole, in.memory[at:at+int(m.received)])
	}
	return in.whole, cut
}
