// Package rtspclient is the other end of a server of RTSP (RFC 2326), for tests: a
// connection on which answers and interleaved packets are told apart, an encoder that
// publishes a synthetic source, and a viewer whose every packet is checked.
//
//	Publisher ──ANNOUNCE, SETUP, RECORD, $ packets──► the server under test
//	Viewer    ◄──answers, $ packets──DESCRIBE, SETUP, PLAY── the same
//
// Packets go over the connection itself (RFC 2326, 10.12). It is written apart from
// codec/rtsp on purpose: a mistake that both sides shared would not be seen.
package rtspclient
