// Package stream is the stream's side: where its packets come from, how they get into
// the backlog, and what becomes of them when the source is gone. Of its viewers it
// knows only an [Audience] for each loop.
//
//	encoder (loop) ─► Ingest ─┐
//	pull ───────────► Ingest ─┼─► Stream ─► Programme ─► ring
//	file ───────────► Ingest ─┘      │
//	                                 └─ publish ─► Audience ─► Show (loop)
//
// A stream is a sequence of programmes, each one header and the ring of its
// packets. A header that can go on in the present programme is spliced into it;
// another one ends it and starts the next.
//
// # Pulls
//
// A pull is a goroutine that dials again and again. Each attempt is one conversation
// ([codec.Dialled]) over one or more connections:
//
//	route ─► dial ─► tunnel ─► TLS ─► hello ─► read … ─► last word ─► redial
//	                                           ▲  │
//	                         answers and ticks └──┘
//
// The tunnel is through a proxy, to targets that want TLS or are not spoken to in HTTP.
//
// A session may go on talking: it answers what the source says ([codec.Reply]), and
// speaks when time passes ([codec.Ticking]). A source that takes nothing for [sayTime] is
// lost. Before we end a connection, for whatever reason, the session has its last word,
// within [partTime]; at the end of ctx too, which ends all waiting.
//
// A source whose packets do not come over its connection may send them as datagrams
// (hear.go), if neither TLS nor a proxy is on the way and its address may have them
// (settings.Datagrams). The pull's goroutine then waits for the connection and for its sockets,
// of which there are two for each track.
//
// Everything up to the header has Timeouts.PullConnect, redirects included. What the
// proxy sends behind its answer belongs to the target. TLS is verified with what
// settings.Pull.TLS gives for the target's host (package trust), and what is wrong with
// it becomes the stream's problem, in the log and the status. An attempt that fails is
// logged once for each reason.
//
// An encoder and a pull have a rate of packets ([Packets]), past which they are not read
// for a moment; a file has its own clock.
//
// # The lease and the hold
//
// Whoever has the stream's lease appends, under Stream.mu, which is held from a
// batch's first event ([Ingest.Header], [Ingest.Packet]) to its end
// ([Ingest.Commit]). An ingest takes the lease with its first header, not before, so
// a bare setup stops nobody; the ingest that had it is told ([Feeder.Taken]), and
// refused wherever it tries to go on. An encoder's session lies idle between requests
// and may continue on another connection: it belongs to whoever claims it
// ([Ingest.Claim]).
//
// A source that ends properly ends its viewers, unless Timeouts.EndHold keeps
// them. One that is lost leaves them held ([SourceHeld]): they keep their
// connections, joiners are told to come back, and a header within the time goes
// on where the stream stopped. Failures during the hold do not lengthen it.
// [Stream.Tend] ends it.
//
// Readers never take Stream.mu: they load [Stream.Current], and walk the ring
// inside a pass.
//
// # Memory
//
// All programmes of a stream, the present one and those that have ended, share one
// budget ([ring.Memory], Backlog.Bytes), and all streams share one above it
// (Env.Pool, Backlog.Total), of which each has its share at all times. Programmes
// count with their heads. When there is no room for a packet, because viewers still
// hold what was evicted, it is left out and counted as such; the loops have been
// asked before to let go ([Show.LetGo]). When there is no room for a programme, its
// source is refused.
//
// A source can make a programme of every packet. A stream begins some at once and
// then one a second; past that the source is refused ([ErrChanges]), before it has
// taken the lease. A programme without viewers is given back as soon as no pass can
// be looking at it.
package stream
