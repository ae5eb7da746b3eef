// Package engine carries live streams from their sources to their viewers. It owns
// what protocols must not: sockets, time, memory and the decision who gets what. It
// knows no protocol: the contract in package codec says what bytes mean, in a closed
// set of events and verdicts, and cmd hands the protocols in. It reads no
// configuration file and serves no status; both are done outside, with [Config] and
// [Engine.Snapshot].
//
// # The rooms
//
// This package joins them and starts what runs. References go downwards only; a test
// at the root sees to it.
//
//	door        listeners, accepting, the last descriptor, for whom a proxy stands
//	reactor     gnet's event loops, waking them, epoll, the calls that write
//	loop        connections, viewers, fan-out, deadlines
//	session     what peers refer to over several connections
//	stream      sources, the lease, programmes, the hold
//	ring        the backlog of a programme, its memory
//	secure      TLS: handshakes off the loops, records in memory
//	admission   how many connections and viewers there may be, and of whom
//	proxyproto  what a proxy says in front of a connection
//	reason      why connections are closed
//	trust       whom a pull over TLS believes, from certificates in files
//	udp         sockets for the datagrams of sources
//	clock, notice, settings, route
//
// Who may publish and view is decided outside, by package access; loop asks it between
// an event and its answer.
//
//	           door ──► reactor ──► loop 0: show ─► viewer, viewer, … ─► sockets
//	encoder ─────────────────────► loop 1: conn ─► Ingest ─┐
//	pull, file ───────────────────────────────────► Ingest ─┴► Stream ─► ring
//
// A connection to a TLS listener has its handshake at the door, on a goroutine of its
// own. Then the loop has it like any other; only its transport is another one, which
// encrypts the shared packets as the socket takes them.
//
// Packets of viewers that want datagrams go from sockets that each loop has for all of
// them; that is one more transport, and nothing is received there. Sources that send datagrams
// are heard on sockets of their own: encoders by the loop that has their connection, pulled
// ones by the goroutine of their pull.
//
// Where future work goes: the kernel's TLS is a kind of transport in loop; limits are counted
// in admission.
//
// # What gnet is for
//
// gnet runs the event loops: for each, a goroutine that waits in epoll, reads what
// arrives into one buffer for all connections of the loop, and reports when a
// connection opens or ends. It knows which connections a loop has, and closes them.
// That is all we use, and only package reactor knows gnet. What gnet does not do, or
// does in a way that lets one peer make others pay, is ours:
//
//   - Accepting: one failed accept ends gnet's engine, and it can neither take over
//     a listener nor close one (door).
//   - The choice of loop: each loop is a gnet client of its own, so that the handler
//     is the loop (reactor).
//   - Writing, and waiting for a full socket: gnet copies what a socket does not take
//     into an unbounded buffer, and tells nobody when that is empty (loop's
//     transport, reactor's sockets).
//   - Waking: gnet empties its queue of tasks before it looks at its sockets again,
//     so a loop that always has more to do would read nothing. A bell in gnet's own
//     epoll set is heard after everything that was ready before it rang
//     (reactor.bell).
//   - What a connection is watched for: gnet asks for urgent data, which one segment
//     keeps ready forever. We find gnet's epoll set and ask for input only.
//   - Leaving a peer unread: gnet reads whatever is ready. We ask for nothing of a
//     connection that has sent too much, and what its peer sends stays in its socket
//     (reactor.Listen).
//   - A peer that closes its side: gnet closes the connection. A viewer, or a peer
//     that is owed an answer, is taken out of gnet's hands and served to the end
//     (reactor.halves).
//   - Time: gnet's ticks come on another goroutine (clock).
//   - Its log: it goes to ours, without what it says about itself.
//
// What cannot be worked round: handing a connection to gnet takes a second descriptor
// for a moment and waits for the loop's turn, so goroutines of the loop's own do it;
// and an event loop that does not come back from a call keeps its connections
// waiting, and the engine from ending.
//
// # The life of one packet
//
//  1. reactor.OnTraffic → [loop.Loop.Traffic]: bytes arrive on the encoder's loop and
//     are ours until it returns. (A pull's come from attempt.read, a file's from
//     filePlay.round, each on a goroutine of its own, in stream.)
//  2. loop: Conn.input → codec.Session.Consume: bytes become a Packet event.
//     Nothing is copied; Conn.handle → Conn.ingestPacket passes it on.
//  3. stream: Ingest.Packet → appendLocked → codec.Programme.Append: the packet is
//     framed into a segment of the ring. This is the only copy of it, unless the codec
//     holds it to go with the next one.
//  4. ring: Append: number, time and marks go beside it; older units are evicted.
//  5. stream: Ingest.Commit → publish → Show.Wake: at the end of the batch each
//     loop that has viewers of the stream is woken, once. Its pass comes after
//     everything that its event loop had to read at that moment.
//  6. loop: Run → fanout → show.take → serveShare → serve: on its own loop each
//     viewer is a cursor into the ring (viewer.next, and viewer.pin with the bytes
//     sent where it stopped inside a packet).
//  7. loop: position decides where a viewer goes on, and nothing else does: as it
//     was; at the newest key frame, trimmed, if it fell out of the ring or is more
//     than Backlog.MaxLag behind and a newer one exists, but first with the rest of the
//     unit it is in, which it has pinned where its socket was full; in the next
//     programme, or at its end, when its own is used up.
//  8. loop: gather makes one vector of the rest of the packet it is in, its outbox
//     and whole packets, which are all shared memory; write writes it; advance moves
//     the cursor.
//  9. loop: leave adds what was counted to the loop's counters.
//
// Steps 5 to 9 write no log, allocate nothing, take no lock but the bell's (5), and
// read no clock except when the pass and its fan-out begin and now and then during a
// sweep.
//
// # Reasons
//
// Every close has one [reason.Reason], the first that was given; its row in the table
// holds the counter's name, whether it is an error, and the operator's sentence.
package engine
