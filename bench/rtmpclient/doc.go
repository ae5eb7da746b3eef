// Package rtmpclient is the other end of a server of RTMP (Adobe's specification 1.0), for
// tests: the simple handshake, chunks, commands, an encoder that publishes a synthetic
// source, and a viewer whose every message is checked.
//
//	Publisher ──handshake, connect, publish, messages──► the server under test
//	Viewer    ◄──messages──handshake, connect, play──    the same
//
// From the bottom up: a [Reader] and [AppendMessage] for chunks, a [Conn] with messages and
// raw bytes, a [Client] for commands and their answers. It is written apart from codec/rtmp
// on purpose: a mistake that both sides shared would not be seen.
package rtmpclient
