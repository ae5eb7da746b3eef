// Package udp receives the datagrams of sources, each at a socket that the kernel gives
// what comes from one port of one peer and nothing else: who may speak is decided before
// anything is read.
//
//	peer's port ──► socket, joined to both ends ──► Inbox ──► whoever asks
//
// An [Inbox] is the memory for what one call receives. A [Set] is the sockets of a source
// that we have a connection to, and waits for them and for the connection together. The
// event loops have their own sockets, and their own way to wait (package reactor).
//
// It knows no stream, and nothing of what is in a datagram.
package udp
