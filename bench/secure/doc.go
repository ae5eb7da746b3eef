// Package secure is TLS as simulated players and encoders speak it, and the authority
// that vouches for servers that are started here.
//
//	Client      the client's end of a connection, bytes in and bytes out, for
//	            players of whom there are thousands and whose sockets never block
//	Config      how all of them speak it
//	Authority   a certificate authority for one run; there is no way to go without
//	            one, because a player that checks nothing proves nothing
//
// A [Client] needs no goroutine that waits: its handshake, which crypto/tls makes in
// one piece, is a coroutine that is left where bytes are missing, and entered again
// when they have come.
//
//	socket ──read──► Feed ──► crypto/tls ──► got (plain bytes)
//	       ◄─write── Out  ◄──┘
package secure
