package stream

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"syscall"
	"time"

	"streampump/codec"
	"streampump/engine/udp"
)

// A source that is pulled may send its packets as datagrams, if its session asks for that
// ([codec.Knocking]). They come to ports of ours at the address of its connection, from the
// ports that it names at its own, and from nowhere else; the connection has what is said,
// and its end is the end of them. The pull's own goroutine waits for both.
//
//	socket ─► udp.Set ─► hear ─► session ─► event
//
// They are read in turns, some of each socket, and no faster than the source's rate. What comes beyond it stays in
// the socket, and when that is full the kernel drops it.

// Room for what a source has sent as datagrams and nobody has read yet, in bytes: of all its
// tracks together, since a large key frame is of one of them, and of the reports of one.
const (
	PacketRoom = 4 << 20
	ReportRoom = 64 << 10
)

// hearing is what an attempt has for datagrams.
type hearing struct {
	sess   codec.Knocking
	set    *udp.Set
	joined bool   // to the source's ports
	any    bool   // one has come
	cut    uint64 // those that were too long
	ready  []int  // sockets that are to be read
	knock  []byte // scratch
}

// Why a source is not heard, behind what its session says of it.
var (
	errMuted    = errors.New("packets over UDP are switched off here")
	errFar      = errors.New("packets over UDP are taken from this machine and private networks only")
	errBehind   = errors.New("a proxy lets no UDP through")
	errInClear  = errors.New("over UDP they would not be encrypted, as those of a source with TLS must be")
	errNoPorts  = errors.New("this connection cannot have packets over UDP")
	errSpareEar = errors.New("there is no file descriptor left for packets over UDP; raise the limit of open files (LimitNOFILE)")
)

// mayHear says why the source's packets cannot come as datagrams; nil if they can.
func (a *attempt) mayHear() (conn syscall.Conn, peer netip.Addr, err error) {
	switch {
	case a.tls != nil:
		return nil, peer, errInClear
	case a.proxied:
		return nil, peer, errBehind
	case a.st.env.Settings.Datagrams.First == 0:
		return nil, peer, errMuted
	}
	conn, ok := a.conn.(syscall.Conn)
	at, isNet := a.conn.RemoteAddr().(*net.TCPAddr)
	if !ok || !isNet {
		return nil, peer, errNoPorts
	}
	peer = at.AddrPort().Addr().Unmap().WithZone("")
	if !a.st.env.Settings.Datagrams.Reach(peer) {
		return nil, peer, errFar
	}
	return conn, peer, nil
}

// offer opens the ports that the session asks for, and tells it of them.
func (a *attempt) offer(ctx context.Context, ev *codec.Event) error {
	peer, err := a.openPorts(ctx, ev.Ports)
	if err != nil {
		return fmt.Errorf("%w, and %w", ev.Err, err)
	}
	a.st.log.Debug("source is asked to send over UDP", "why", ev.Err)
	o := codec.Offer{Peer: peer}
	copy(o.Ports[:], a.hearing.set.Ports())
	return a.reply(ctx, ev, &codec.Verdict{Offer: &o})
}

// openPorts opens ports of ours for the channels that want one.
func (a *attempt) openPorts(ctx context.Context, wanted *codec.Ports) (peer netip.Addr, err error) {
	sess, ok := a.sess.(codec.Knocking)
	if !ok || wanted == nil || a.hearing != nil {
		return peer, errNoPorts
	}
	conn, peer, err := a.mayHear()
	if err != nil {
		return peer, err
	}
	pairs := 0
	for pairs < len(wanted)/2 && wanted[2*pairs] != 0 {
		pairs++
	}
	if !a.takeEars(descriptors(pairs)) {
		return peer, errSpareEar
	}
	set, err := udp.Open(ctx, conn, pairs, func(i int) int {
		if i&1 == 1 {
			return ReportRoom
		}
		return PacketRoom / pairs
	})
	if err != nil {
		a.takeEars(-descriptors(pairs))
		return peer, fmt.Errorf("packets over UDP cannot be received: %w", err)
	}
	a.hearing = &hearing{sess: sess, set: set}
	return peer, nil
}

// descriptors is how many descriptors so many pairs of sockets take, and what waits for them.
func descriptors(pairs int) int { return 2*pairs + 1 }

// takeEars takes n more descriptors, if there are so many, or gives -n back.
func (a *attempt) takeEars(n int) bool {
	take := a.st.env.Ears
	return take == nil || take(n)
}

// join has the packets come from the ports that the session names.
func (a *attempt) join(ctx context.Context, ev *codec.Event) error {
	h := a.hearing
	if h == nil || ev.Ports == nil || h.joined {
		return errNoPorts
	}
	for i := range h.set.Ports() {
		if err := h.set.Join(i, ev.Ports[i]); err != nil {
			return fmt.Errorf("packets from port %d of the source cannot be received: %w", ev.Ports[i], err)
		}
	}
	h.joined = true
	h.knocks()
	return a.reply(ctx, ev, &codec.Verdict{})
}

// knocks sends what opens the way for the source's packets; nothing while there is none, or
// nobody hears.
func (h *hearing) knocks() {
	if h == nil || !h.joined {
		return
	}
	for i := range h.set.Ports() {
		h.knock = h.sess.AppendKnock(h.knock[:0], uint8(i))
		h.set.Send(i, h.knock)
	}
}

// wait waits until the connection can be read, and reports that, or something has come as a
// datagram.
func (a *attempt) wait(ctx context.Context, until time.Time) (conn bool, err error) {
	h := a.hearing
	if at, ok := h.sess.Due(); ok {
		c := a.st.env.Clock
		if due := time.Now().Add(time.Duration(c.At(at) - c.Now())); due.Before(until) {
			until = due
		}
	}
	h.ready, conn, err = h.set.Wait(ctx, until)
	return conn, err
}

// hear takes what the source has sent as datagrams, as much as a turn and its rate allow, and
// what has waited long enough for others before it.
func (a *attempt) hear(ctx context.Context) error {
	h := a.hearing
	if h == nil {
		return nil
	}
	if err := a.heard(ctx, 0, nil); err != nil {
		return err
	}
	for _, i := range h.ready {
		most := a.mayTake()
		if most == 0 {
			break // the others have their turn when it is within its rate again
		}
		in, cut, _ := h.set.Receive(i, most)
		h.cut += uint64(cut)
		if len(in) > 0 && !h.any {
			h.any = true
			a.st.log.Info("source sends its packets over UDP")
		}
		for _, b := range in {
			a.brought(len(b), false)
			if err := a.heard(ctx, uint8(i), b); err != nil {
				return err
			}
		}
	}
	h.ready = h.ready[:0]
	return nil
}

// mayTake is how many datagrams may be read at once of a source; 0 if it is ahead of its rate.
func (a *attempt) mayTake() int {
	over := a.over()
	if over > 0 {
		return 0
	}
	n := udp.Together
	if each := PacketTime(a.st.env.Settings.Limits.Packets); each > 0 {
		n = min(n, 1+int(-over/each))
	}
	return n
}

// heard passes a datagram on to the session, or with nil that time has passed, and acts on
// what comes of it.
func (a *attempt) heard(ctx context.Context, channel uint8, b []byte) error {
	c := a.st.env.Clock
	now := c.Time(c.Now())
	for more := true; more; b = nil {
		var ev codec.Event
		if ev, more = a.hearing.sess.Hear(channel, b, now); ev.Kind == codec.None {
			return nil
		}
		if _, err := a.event(ctx, &ev); err != nil {
			return err
		}
	}
	return nil
}

// closeEars ends what the source sends as datagrams, if it does.
func (a *attempt) closeEars() {
	h := a.hearing
	if h == nil {
		return
	}
	a.hearing = nil
	pairs := len(h.set.Ports()) / 2
	missed := h.cut + h.set.Close()
	a.takeEars(-descriptors(pairs))
	if missed > 0 {
		a.st.env.Unheard.Add(missed)
		a.st.log.Warn("packets of the source over UDP came too fast or were too long, and were lost here", "packets", missed)
	}
}
