// Package engine carries live streams from their sources to their viewers. It
// owns what protocols must not: sockets, time, memory and the decision who gets
// what. It refuses to know any protocol: what bytes mean is said by the
// contract in package codec, in a closed set of events and verdicts, and cmd
// hands the protocols in. It reads no configuration file and serves no status;
// both are done outside with [Config] and [Engine.Snapshot].
//
//	encoder ─► conn ─► ingest ─┐
//	pull ────────────► ingest ─┼─► stream ─► programme ─► ring
//	file ────────────► ingest ─┘      │ publish             │
//	                                  ▼                     ▼
//	              loop 0: show ─► viewer, viewer, …  ─► write ─► sockets
//	              loop 1: show ─► viewer, …
//
// A stream is a sequence of programmes, each one header and the ring of its
// packets. A header that can go on in the present programme is spliced into it;
// another one ends it and starts the next.
//
// # The life of one packet
//
//  1. netReactor.OnTraffic → loop.traffic: bytes arrive on the encoder's loop and
//     are ours until it returns. (A pull's come from stream.pullRead, a file's
//     from filePlay.round, each on a goroutine of its own.)
//  2. conn.input → codec.Session.Consume: bytes become a Packet event. Nothing is
//     copied; conn.handle → conn.ingestPacket passes it on.
//  3. ingest.packet → stream.appendLocked → codec.Programme.Append: the packet is
//     framed into a pooled buffer. This is the only copy of it.
//  4. ring.Append: number, time and key mark go beside it; older ones are evicted.
//  5. ingest.commit → stream.publish → loop.wake: at the end of the batch each
//     loop that has viewers of the stream is woken, once.
//  6. loop.run → loop.fanout → show.take → loop.serveShare → loop.serve: on its
//     own loop each viewer is a cursor into the ring (viewer.next, and viewer.pin
//     with the bytes sent where it stopped inside a packet).
//  7. loop.position decides where a viewer goes on, and is the only place that
//     does: as it was; at the newest key frame, trimmed, if it fell out of the ring
//     or is more than Backlog.MaxLag behind and a newer one exists; in the next
//     programme, or at its end, when its own is used up.
//  8. loop.gather makes one vector of the rest of the packet it is in, its outbox
//     and whole packets, all shared memory; loop.write writes it; loop.advance
//     moves the cursor.
//  9. loop.leave adds what was counted to the loop's counters.
//
// Steps 5 to 9 take no lock, write no log, read no clock except when the pass and
// its fan-out begin and once in some viewers, and allocate nothing.
//
// # The door
//
// A listener has one acceptor, which takes connections in and gives them to some
// ushers (acceptor.usher): these count them in, choose a loop and wait until it
// has them (Engine.admit, netReactor.OnOpen). While descriptors are short the
// acceptor does it all, one after the other. The limits are counted in admission.
//
// # The loop rule
//
// A connection belongs to one loop for life, and what belongs to a loop is
// touched only within a pass: loop.opened, loop.traffic, loop.closed and loop.run
// each begin with enter and end with leave. Everybody else reads atomics, or
// hands the loop a function (loop.post). A pass announces itself to the rings, so
// that what it finds there stays whole until it ends; a viewer that stops inside
// a packet pins it beyond that. Taking a viewer off its show moves another into
// its place, so nobody leaves in the middle of a sweep: loop.end notes those whose
// stream is over and conn.doom those to be closed, and leave does it. A pass that
// has served viewers for some milliseconds yields, and goes on in the next.
//
// conn.finish and conn.conclude are the only peaceful end of a connection: the
// rest of a packet, the last words, half-close, a drain bounded in time and
// bytes, close. conn.doom closes without a word. A socket that takes nothing
// parks its connection: it is not tried again until the kernel tells
// (loop.unpark), and its only deadline is Timeouts.Stall.
//
// # The ingest lease and the hold
//
// Whoever has the stream's lease appends, under stream.mu, which is held from a
// batch's first event (ingest.lock) to its end (ingest.commit). An ingest takes
// the lease with its first header, not before, so a bare setup stops nobody; the
// one that had it is told, and refused wherever it goes on. An encoder's session
// lies idle between requests and may go on on another connection: it is used by
// whoever claims it (ingest.claim).
//
// A source that ends properly ends its viewers, unless Timeouts.EndHold keeps
// them. One that is lost leaves them held (SourceHeld): they keep their
// connections, joiners are told to come back, and a header within the time goes
// on where the stream stopped. Failures during the hold do not lengthen it.
// stream.tend ends it.
//
// # Reasons
//
// Every close has one [Reason], the first that was given; its row in the table
// is the counter's name, whether it is an error, and the operator's sentence.
//
// # Labels
//
// A loop's goroutine carries its number as the profiler's label "loop" for life,
// and while a pass works for a stream also the path, as "stream" (loop.label):
// set by whoever goes from one stream to the next, taken off by leave. So a CPU
// profile says which stream costs what.
//
// # Time
//
// Time is an argument: the clock is read when a pass begins. Each connection has
// at most one deadline, in its loop's heap (timers), set by conn.rearm for the
// phase that it is in; a healthy viewer has none. loop.arm publishes the loop's
// earliest deadline, and one goroutine (Engine.tick) sleeps to the earliest of
// all (wakeup) and wakes the loops that have one (Engine.due). The tests put a
// number in the clock's place and walk it from deadline to deadline.
//
// # Coalescing
//
// A write call costs the same for one packet as for some, so calls are what
// fan-out must save. While viewers × packets a second × the price of a call
// stays under a tenth of a core, everybody is served at each publish. Beyond
// that the viewers take turns (held): behind each burst of the source an equal
// share of them is served, each with all that is new since its last turn, in as
// many turns as keep fan-out under a tenth of a core, and no more than
// Fanout.Budget allows the oldest packet to wait for. When the source pauses,
// flushAt makes the clock finish the round. All of it is computed, from how often
// the source sends and how many viewers there are; no cost is measured.
package engine
