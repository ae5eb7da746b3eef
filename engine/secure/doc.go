// Package secure is TLS for the engine: handshakes that no event loop waits for, and
// records that are made and read in memory, where the loop wants them.
//
// crypto/tls does the protocol. A connection's handshake runs on the connection itself,
// on a goroutine of its own, because crypto/tls cannot go on with one that was
// interrupted ([Server.Serve]). From then on the loop has the connection: it gives the
// bytes that arrive to [Conn.Feed] and takes what they say from [Conn.Read]. crypto/tls
// keeps a record of which only a part has arrived.
//
// # Records that are sent
//
// With TLS 1.3 they are made here, in memory of the loop's, several for one call
// ([Conn.Seal], [Conn.Retract]): crypto/tls makes one at a time, in memory of its own.
// The first secret comes from crypto/tls, which tells it where keys are logged for
// debugging; here it goes to its connection and nowhere else, and the next ones are made
// of it (traffic). The first number is found by opening what crypto/tls has sent behind
// its part of the handshake: session tickets, which have numbers of the same keys
// (sealer.take). The ciphers are Go's own.
//
// crypto/tls goes on to read, and to answer a peer that wants new keys, to send alerts
// and the last word. It takes its keys for its own, so its records would have numbers
// that have been used. None of them leaves: each is opened, and what it says becomes the
// next record of ours (sealer.again). After an answer to new keys both go on to the next.
//
// Connections of TLS 1.2, which few players are left with, keep the records of
// crypto/tls ([Conn.Write]), which come to a [Sink]. So do all if Go is in FIPS 140 mode
// (GODEBUG=fips140=on), whose module wants to count the records itself.
//
// # Handshakes
//
// Handshakes are dear: one costs as much as sending a viewer a megabyte, and a
// stranger can ask for thousands. So they have a [Room]: it has places for some
// that are under way, and fewer turns for those that calculate. Both go round by
// address, each of which has a queue. If all places are taken, peers that are silent
// give theirs up: at once if their address has a large share, after a while otherwise.
package secure
