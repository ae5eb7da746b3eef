// Package secure is TLS for the engine: handshakes that no event loop waits for, and
// records that are made and read in memory, where the loop wants them.
//
// crypto/tls does the protocol. A connection's handshake runs on the connection itself,
// on a goroutine of its own, because crypto/tls cannot go on with one that was
// interrupted. From then on the loop has the connection: it gives the bytes that
// arrive to [Conn.Feed], takes what they say from [Conn.Read], and what it gives to
// [Conn.Write] comes back as a record to a [Sink]. crypto/tls keeps a record of which
// only a part has arrived, and nothing of what it has sent.
//
// Handshakes are dear: one costs as much as sending a viewer a megabyte, and a
// stranger can ask for thousands. So they have a [Room]: it has places for some
// that are under way, and fewer turns for those that calculate. Both go round by
// address, each of which has a queue. If all places are taken, peers that are silent
// give theirs up: at once if their address has a large share, after a while otherwise.
package secure
