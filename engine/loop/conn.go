package loop

import (
	"net/netip"
	"slices"
	"sync/atomic"

	"streampump/codec"
	"streampump/engine/admission"
	"streampump/engine/reason"
	"streampump/engine/stream"
)

// phase is what a connection is doing.
type phase uint8

const (
	phaseClassify phase = iota // awaiting its first bytes, to choose a protocol
	phaseRequest               // awaiting a complete request, or its answer is being sent
	phaseAsking                // the same, and its request waits for an answer from elsewhere
	phaseView                  // it receives a stream
	phaseIngest                // it feeds one
	phaseEnding                // the last bytes are being sent
	phaseDrain                 // we have half-closed; the peer's side is read until it closes
	phaseClosed
)

// maxPendingAnswer bounds what a peer that does not read can make us queue by asking
// again and again on one connection: a head of the largest size and a few answers.
const maxPendingAnswer = 256 << 10

// maxDrain bounds what is read from a peer after our half-close, so that an encoder
// that goes on sending cannot keep its connection for the whole drain time: about
// what a window still has in flight.
const maxDrain = 1 << 20

// Conn is one connection. It belongs to its loop for life. A viewer's own state is in
// its show's slice; this is what all connections have.
type Conn struct {
	// Set once.
	loop   *Loop
	tls    *tlsState // nil: it is not encrypted; beside what else a record needs
	fd     int32
	slot   int32  // index in show.viewers; owned by the loop
	socket Socket // nil in tests
	peer   netip.AddrPort
	opened int64

	// Owned by the loop.
	sess      codec.Session
	out       *outbox
	show      *show
	inbox     *inbox         // nil: nothing waits
	setUp     *stream.Ingest // set up here and not yet published
	ingest    *stream.Ingest
	viewed    *stream.Programme // what it viewed last
	agent     string
	client    string // who the peer is to the operator, if access rules say
	key       uint64 // viewer session; 0 has none
	deadline  int64
	bytes     uint64 // sent; a viewer's are added when it leaves its show
	lastIn    int64  // arrival of an encoder's last packet; headers and garbage are none. Of a viewer: see talks
	entitled  int64  // up to when its requests and packets have used up its rate
	pace      *pace  // until it has caught up
	mark      uint64 // of a half-closed viewer, the bytes that it had been sent at the last look; of one that left its show, the first packet that it had not had
	apart     int32  // 1 + index in the loop's datagrams.to; 0: it has no datagrams
	timer     int32  // 1 + index in the loop's timers; 0 has none
	skips     uint32
	left      uint32 // of a viewer atStart, how many packets were left out for it right before, or hadNone; of a connection that is closed, the bytes read since
	phase     phase
	protocol  uint8 // index in Group.protocols, once it has a session
	transport transportKind
	reason    reason.Reason
	doomed    bool
	half      bool // the peer has closed its side
	parked    bool // the socket is full
	watched   bool // the kernel tells when it no longer is
	hungry    bool
	quiet     bool          // it is not read for now
	warned    bool          // it has sent too much, and has not yet been within its bounds since
	refused   reason.Reason // why there is no room for it, or for a viewer
	pump      atomic.Bool   // it is counted as another pump; any goroutine may read it
	ticket    admission.Ticket
	// account is where it is counted as a viewer; nil if it is none. Any goroutine may
	// read it.
	account atomic.Pointer[admission.Account]
}

// viewer is the connection's viewer state, nil if it has none. The pointer is valid
// until a viewer joins or leaves the show.
func (c *Conn) viewer() *viewer {
	if c.show == nil {
		return nil
	}
	return &c.show.viewers[c.slot]
}

// NewConn makes a connection for l. refused is why it stays only to be told that
// there is no room; [reason.None] otherwise.
func NewConn(l *Loop, peer netip.AddrPort, t admission.Ticket, refused reason.Reason) *Conn {
	return &Conn{loop: l, peer: peer, ticket: t, refused: refused}
}

// Socket is what the connection was opened with.
func (c *Conn) Socket() Socket { return c.socket }

// Peer is the address at the other end.
func (c *Conn) Peer() netip.AddrPort { return c.peer }

// Opened enters a new connection. The loop's goroutine calls it, as it does Traffic,
// HalfClosed, Closed and Run.
func (l *Loop) Opened(c *Conn, s Socket, fd int) {
	c.socket, c.fd = s, int32(fd)
	l.enter()
	defer l.leave()
	c.opened = l.now
	l.conns[c.fd] = c
	l.stats.connections.Add(1)
	if c.refused != reason.None {
		c.phase = phaseRequest
		c.finish(c.refused, l.group.unclaimed().AppendRefusal(c.outgoing().own, codec.CauseFull))
		return
	}
	c.setTimer(l.now + int64(l.group.cfg.Timeouts.Head))
	c.decrypt(nil) // more than the handshake may have come with it
	c.commit()
}

// Traffic takes all the bytes that arrived; they are ours until it returns.
func (l *Loop) Traffic(c *Conn, b []byte) {
	l.enter()
	defer l.leave()
	l.label(c.worksFor())
	if c.phase == phaseView {
		c.talks(len(b))
	}
	if c.tls != nil {
		c.decrypt(b)
	} else {
		c.input(b)
	}
	c.commit()
}

// commit ends the batch of packets that an encoder's bytes have brought. Until then the
// stream is locked.
func (c *Conn) commit() {
	if c.ingest != nil && c.phase == phaseIngest {
		c.ingest.Commit()
	}
}

// Closed is called when the connection is gone, or about to be closed by us;
// the descriptor is still valid.
func (l *Loop) Closed(c *Conn) {
	l.enter()
	defer l.leave()
	if c.phase == phaseClosed {
		return
	}
	if c.reason == reason.None {
		c.reason = c.leftReason()
	}
	if c.ingest != nil {
		if c.reason == reason.PushLost {
			l.group.pushLog.Warn("encoder is lost", c.about("stream", c.ingest.Stream.Config.Path, "peer", c.peer, "agent", c.agent, "why", c.reason.Info().Text)...)
		}
		c.dropIngest(c.reason.Info().Text)
	}
	c.closeEars()
	c.unpark()
	c.detach()
	if c.watched {
		l.kernel.Unwatch(int(c.fd))
	}
	l.timers.remove(c)
	l.freeOutbox(c)
	c.dropRecords()
	delete(l.conns, c.fd)
	l.stats.connections.Add(-1)
	l.stats.closes[c.reason].Add(1)
	c.phase, c.inbox = phaseClosed, nil
	l.group.left(c)
}

// leftReason is why a connection that the peer closed has ended.
func (c *Conn) leftReason() reason.Reason {
	switch {
	case c.show != nil && c.viewer().ending != reason.None:
		return c.viewer().ending // it did not wait for the end that was on its way
	case c.show != nil:
		return reason.ViewerLeft
	case c.ingest != nil && c.ingest.LastUsedBy(c):
		return reason.PushLost
	case c.viewed != nil:
		return reason.ViewerLeft // while it had its stream halted
	case c.bytes > 0 && !c.ticket.Pending(): // what went before a request was a step towards it
		return reason.Answered
	default:
		return reason.PeerLeft
	}
}

// classify finds the protocol by the first bytes; false if more are needed to tell.
func (c *Conn) classify(b []byte) (found bool) {
	g := c.loop.group
	i, found := g.protocolFor(b[:min(len(b), codec.MaxClassify)])
	if !found {
		return false
	}
	c.protocol = uint8(i)
	c.sess = g.protocols[i].Accept(codec.Peer{Remote: c.peer, Local: c.local(), Secure: c.tls != nil, Datagrams: c.datagramPort()})
	c.phase = phaseRequest
	return true
}

// protocolFor is the number of the protocol that claims the bytes: the first that does
// not say that they are none of its own. found is false while that one needs more of
// them. The last protocol has the connections that nobody claims.
func (g *Group) protocolFor(first []byte) (number int, found bool) {
	for i, p := range g.protocols {
		switch p.Classify(first) {
		case codec.Mine:
			return i, true
		case codec.NeedMore:
			if len(first) < codec.MaxClassify {
				return 0, false
			}
		}
	}
	return len(g.protocols) - 1, true
}

// unclaimed is the protocol that speaks to peers that have said nothing yet, or nothing
// that anybody knows.
func (g *Group) unclaimed() codec.Protocol { return g.protocols[len(g.protocols)-1] }

// local is our own end of the connection.
func (c *Conn) local() netip.AddrPort {
	if c.socket == nil {
		return netip.AddrPort{}
	}
	return admission.Address(c.socket.LocalAddr())
}

// sent is how many bytes the connection's socket has taken.
func (c *Conn) sent() uint64 {
	n := c.bytes
	if v := c.viewer(); v != nil {
		n += v.bytes
	}
	if c.tls != nil {
		n += c.tls.taken
	}
	return n
}

// Evict implements [admission.Conn].
func (c *Conn) Evict() {
	c.loop.Post(func() {
		if !c.ticket.Carrying() {
			c.doom(reason.TooManyIdle)
		}
	})
}

// doom closes the connection at the end of the pass, without another word.
func (c *Conn) doom(r reason.Reason) {
	if c.doomed || c.phase == phaseClosed {
		return
	}
	if c.reason == reason.None {
		c.reason = r
	}
	c.doomed = true
	c.loop.doomed = append(c.loop.doomed, c)
}

// finish sends own, which is the outbox's own bytes with more appended, and ends the
// connection.
func (c *Conn) finish(r reason.Reason, own []byte) {
	if c.doomed || c.phase >= phaseEnding {
		return
	}
	c.outgoing().own = own
	c.conclude(r)
}

// conclude makes the contents of the outbox the last to be sent: then come our
// half-close, the drain of the peer's side, and the close. So no last word is lost to
// a reset while the peer is still sending. A peer that leaves by itself is drained without
// our half-close.
func (c *Conn) conclude(r reason.Reason) {
	if c.reason == reason.None {
		c.reason = r
	}
	c.out.then = thenClose
	if c.loop.ev.Leaves {
		c.out.then = thenDrain
	}
	if v := c.viewer(); v != nil && v.pin != nil {
		// The packet it is in goes out whole before the last word.
		c.out.own = slices.Concat(c.loop.restOfPacket(v), c.out.own)
	}
	c.detach()
	c.phase = phaseEnding
	c.unheard()
	c.loop.group.books.Keep(&c.ticket, c.peer.Addr(), c)
	c.rearm()
	c.loop.send(c)
}
