// Package loop is a loop's side: connections, viewers, and the fan-out of
// packets to them. It is driven from outside, by [Loop.Opened], [Loop.Traffic],
// [Loop.Closed] and [Loop.Run], and reaches sockets through a [Kernel] only, so
// that the tests run whole engines in virtual time.
//
//	conn.go      a connection, its phases, deadline and end
//	handle.go    what viewers ask for
//	publish.go   what encoders ask for, and what they bring
//	viewer.go    a cursor into the backlog: where it goes on, what is written
//	fanout.go    a stream's viewers on this loop (a show), and whose turn it is
//	held.go      how long packets are held, to be sent together
//	outbox.go    what a connection sends besides packets
//	transport.go how bytes get onto a socket
//	half.go      peers that have closed their side
//	timers.go    deadlines
//	overload.go  whether the loop has time for its work
//	group.go     what the loops share, and the clock's look at them
//
// # The loop rule
//
// A connection belongs to one loop for life, and what belongs to a loop is
// touched only within a pass: each of the four entry points begins with enter and
// ends with leave. Everybody else reads atomics, or hands the loop a function
// ([Loop.Post]). A pass announces itself to the rings, so that what it finds there
// stays whole until it ends; a viewer that stops inside a packet pins it beyond
// that. Taking a viewer off its show moves another into its place, so nobody
// leaves in the middle of a sweep: Loop.end notes those whose stream is over and
// Conn.doom those to be closed, and leave does it. A pass that has served viewers
// for some milliseconds yields, and goes on in the next, after the event loop has read
// what was ready meanwhile; and reading, if it takes as long, lets a pass go between.
// A loop that has had no time for all its work for a second says so (Loop.judge).
//
// Conn.finish and Conn.conclude are the only peaceful end of a connection: the
// rest of a packet, the last words, half-close, a drain bounded in time and
// bytes, close. Conn.doom closes without a word. A socket that takes nothing
// parks its connection: it is not tried again until the kernel tells
// (Loop.unpark), and its only deadline is Timeouts.Stall.
//
// # Memory
//
// A viewer keeps a packet of the backlog only while it is inside it, and gives that
// up for a copy of the rest when it has been inside for too long, or when the
// stream's memory is short ([stream.Show], LetGo). A form of a packet that the
// ring does not keep is made in the loop's scratch, for one write call.
//
// # Labels
//
// A loop's goroutine carries its number as the profiler's label "loop" for life,
// and while a pass works for a stream also the path, as "stream" (Loop.label):
// set by whoever goes from one stream to the next, taken off by leave. So a CPU
// profile says which stream costs what.
//
// # Time
//
// Time is an argument: the clock is read when a pass begins. Each connection has
// at most one deadline, in its loop's heap (timers), set by Conn.rearm for the
// phase that it is in; a healthy viewer has none. Loop.arm publishes the loop's
// earliest deadline, and the clock wakes the loops that have one ([Group.Due]). After
// a pause of the whole process what the peers sent meanwhile is read before deadlines
// are acted on (Loop.overslept), and a full socket is looked at before it is given up.
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
package loop
