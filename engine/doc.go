// Package engine carries live streams from their sources to their viewers. It
// owns what protocols must not: sockets, time, memory and the decision who gets
// what. It refuses to know any protocol: what bytes mean is said by the
// contract in package codec, in a closed set of events and verdicts, and cmd
// hands the protocols in. It reads no configuration file and serves no status;
// both are done outside with [Config] and [Engine.Snapshot].
//
// # The rooms
//
// This package joins them and starts what runs. References go downwards only,
// which a test at the root holds.
//
//	door        listeners, accepting, the last descriptor
//	reactor     gnet's event loops, epoll, the calls that write
//	loop        connections, viewers, fan-out, deadlines
//	session     what peers refer to over several connections
//	stream      sources, the lease, programmes, the hold
//	ring        the backlog of a programme, its memory
//	admission   how many connections there may be, and of whom
//	reason      why connections are closed
//	clock, notice, settings, route
//
//	           door ──► reactor ──► loop 0: show ─► viewer, viewer, … ─► sockets
//	encoder ─────────────────────► loop 1: conn ─► Ingest ─┐
//	pull, file ───────────────────────────────────► Ingest ─┴► Stream ─► ring
//
// Where things go that are still to come: encryption and datagrams are kinds of
// transport in loop; what a viewer may see or an encoder may bring is decided
// between loop's handling of an event and its answer; limits are counted in
// admission; a source that converses, or needs a tick, is a pull in stream; what
// belongs to a place in the ring goes beside a programme's head, in stream.
//
// # The life of one packet
//
//  1. reactor.OnTraffic → [loop.Loop.Traffic]: bytes arrive on the encoder's loop
//     and are ours until it returns. (A pull's come from pullRead, a file's from
//     filePlay.round, each on a goroutine of its own, in stream.)
//  2. loop: Conn.input → codec.Session.Consume: bytes become a Packet event.
//     Nothing is copied; Conn.handle → Conn.ingestPacket passes it on.
//  3. stream: Ingest.Packet → appendLocked → codec.Programme.Append: the packet is
//     framed into a pooled buffer. This is the only copy of it.
//  4. ring: Append: number, time and key mark go beside it; older ones are evicted.
//  5. stream: Ingest.Commit → publish → Show.Wake: at the end of the batch each
//     loop that has viewers of the stream is woken, once.
//  6. loop: Run → fanout → show.take → serveShare → serve: on its own loop each
//     viewer is a cursor into the ring (viewer.next, and viewer.pin with the bytes
//     sent where it stopped inside a packet).
//  7. loop: position decides where a viewer goes on, and is the only place that
//     does: as it was; at the newest key frame, trimmed, if it fell out of the ring
//     or is more than Backlog.MaxLag behind and a newer one exists; in the next
//     programme, or at its end, when its own is used up.
//  8. loop: gather makes one vector of the rest of the packet it is in, its outbox
//     and whole packets, all shared memory; write writes it; advance moves the
//     cursor.
//  9. loop: leave adds what was counted to the loop's counters.
//
// Steps 5 to 9 take no lock, write no log, read no clock except when the pass and
// its fan-out begin and once in some viewers, and allocate nothing.
//
// # Reasons
//
// Every close has one [reason.Reason], the first that was given; its row in the
// table is the counter's name, whether it is an error, and the operator's sentence.
package engine
