// Package load is thousands of simulated players on one running server, and
// what they found out about it.
//
//	          ┌─ verified players: one goroutine each, every byte judged by
//	Options ──┤  bench/player, delay from the payload's time stamps
//	          └─ crowds: the rest, on few threads; they join as players do and
//	             are then drained without a copy (bench/drain)
//	                        │
//	                        ▼
//	          tally ──► Result, with what the server's process used
//
// The course of a run: players connect over the ramp; once all have joined or
// failed, and a second for the dust to settle, the measurement begins, with the
// stalls and the churn, and goes on for the duration. Every rate, every delay
// and every second of CPU in a [Result] is of the measurement only. Its Timeline
// has the rest: the run from the first connect on, in steps.
//
// Players of a [feed.Stream], over RTSP or RTMP, say all that it takes until the stream
// plays, have joined with the beginning of a key frame, and have every packet judged.
//
// Over TLS every player makes a whole handshake and checks the server's certificate.
// A crowd's handshakes are coroutines on its one goroutine (bench/secure); what comes
// behind a player's first packet is drained as it is, undeciphered.
//
// A player that could not connect, was turned away or was cut off is counted
// with its reason. What could not be measured is absent from a Result, with a
// sentence that says why, and never 0.
package load
