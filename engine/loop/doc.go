// Package loop is the loop's side: connections, viewers, and the fan-out of packets
// to them. It is driven from outside, by [Loop.Opened], [Loop.Traffic],
// [Loop.HalfClosed], [Loop.Closed] and [Loop.Run], and reaches sockets through a
// [Kernel] only, so that the tests run whole engines in virtual time.
//
//	loop.go      passes: what is done in one, and when the next one is
//	conn.go      a connection, its phases, deadline and end
//	requests.go  how many requests of a connection are answered, and when
//	intake.go    how much viewers and encoders may send
//	handle.go    what viewers ask for
//	ask.go       whether they may
//	await.go     requests that wait for an answer from elsewhere
//	publish.go   what encoders ask for, and what they bring
//	comeback.go  encoders whose session is still on another connection
//	viewer.go    a cursor into the backlog: where it begins and ends
//	serve.go     where it goes on, what is written
//	unit.go      the rest of what a late viewer is in the middle of
//	fanout.go    a stream's viewers on this loop (a show), and whose turn it is
//	pace.go      how fast viewers that join catch up
//	room.go      whether there is room for a viewer
//	demand.go    whose packets are held, to be sent together
//	held.go      for how long
//	outbox.go    what a connection sends besides packets
//	datagram.go  viewers whose packets are datagrams
//	batch.go     how those get onto the loop's sockets
//	hear.go      encoders whose packets are datagrams
//	transport.go how bytes get onto a socket
//	tls.go       the same for encrypted connections, and how theirs are read
//	kernel.go    what a loop asks of the system and of its event loop
//	half.go      peers that have closed their side
//	timers.go    deadlines
//	roster.go    who is watching, for the operator
//	overload.go  whether the loop has time for its work
//	group.go     what the loops share, and the clock's look at them
//
// # The loop rule
//
// A connection belongs to one loop for life, and what belongs to a loop is touched
// only within a pass: each of the five entry points begins with enter and ends with
// leave. All other goroutines read atomics, or hand the loop a function
// ([Loop.Post]). A pass announces itself to the rings, so that what it finds there
// stays whole until it ends; a viewer that stops inside a packet pins it beyond that.
// Taking a viewer off its show moves another into its place, so nobody leaves in the
// middle of a sweep: Loop.end notes viewers whose stream is over and Conn.doom
// connections to be closed, and leave removes them. A pass that has served viewers
// for some milliseconds yields; the next one goes on, after the event loop has read
// what became ready meanwhile. Reading that takes as long lets a pass run in between.
// A loop that has not had time for all its work for a second says so (Loop.judge).
//
// Conn.finish and Conn.conclude are the only orderly end of a connection: the rest of
// a packet, the last words, half-close, a drain bounded in time and bytes, close.
// Conn.leaveShow ends what a viewer gets, and leaves its connection open.
// Conn.doom closes without a word. A socket that takes nothing parks its connection:
// it is not tried again until the kernel says so (Loop.unpark), and its only deadline
// is Timeouts.Stall.
//
// # Memory
//
// A viewer keeps a packet of the backlog, and those that belong to it, only while its
// socket is full inside them, and exchanges that for a copy of the rest when it has been
// inside for too long, or when the stream's memory is short ([stream.Show], LetGo); where
// that would be too much, it is closed. A form of a packet that the ring
// does not keep is made in the loop's scratch, for one write call. Over TLS each viewer
// has records of its own: packets are copied once, to where their records are made, in
// the loop's memory, while the socket takes bytes. The rest of a record that the socket
// took a part of is all that is kept.
//
// # Labels
//
// A loop's goroutine carries the loop's number as the profiler's label "loop" for
// life, and the path as "stream" while a pass works for a stream (Loop.label):
// whatever goes from one stream to the next sets it, and leave takes it off. So a CPU
// profile says which stream costs what.
//
// # Time
//
// Time is an argument: the clock is read when a pass begins. Each connection has at
// most one deadline, in its loop's heap (timers), set by Conn.rearm for its phase; a
// healthy viewer has none. Loop.arm publishes the loop's earliest deadline, and the
// clock wakes the loops whose deadline has come ([Group.Due]). After a pause of the
// whole process, what the peers sent meanwhile is read before deadlines are acted on
// (Loop.overslept), and a full socket is looked at before it is given up.
//
// # Coalescing
//
// A write call costs the same for several packets as for one, so fan-out must save
// calls. While viewers × packets a second × the price of a call stays under a tenth
// of a core, everybody is served at each publish. Beyond that the viewers take turns
// (held): each is served with everything new since its last turn when its oldest packet
// has waited for as long as keeps fan-out under a twenty-fifth of a core, or for
// Fanout.Budget if that is less; and sooner, after a burst of the source, where too many
// would have their turn at the same time later. When the source pauses, flushAt makes the
// clock finish the round. All of this is computed from how often the source sends and how
// many viewers there are; no cost is measured.
package loop
