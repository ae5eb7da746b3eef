// Package http1 reads and writes the heads of HTTP/1.x messages from partial
// input: the start line and the header fields, nothing of bodies but where they
// end, and nothing of the protocol that rides on it.
//
//	bytes ──► Cutter ──one whole head──► ParseRequest, ParseResponse
//	                                     ParseRTSPRequest, ParseRTSPResponse
//	bytes ──► Chunks ──how many of them are the body's data
//	AppendStatus, AppendField, AppendBlank ──► bytes
//	Fields.Authorization, Token ──► what a request proves itself with
//	Fields.Challenges, Challenge.AppendAuthorization ──► what a request of ours does
//
// A [Cutter] finds the end of a head in bytes that come in any pieces and
// refuses on sight what cannot be one; the parsers then read a whole head.
// Nothing here is of net/http: that package decides on its own to chunk, to
// rename header fields and to add lengths, each of which breaks a player or an
// encoder.
//
// Requests come from strangers and are read strictly; a source's answers come
// from a server that the operator chose, and an odd line in them is passed over.
// Both sides accept a lone LF as the end of a line. The heads of RTSP/1.0 have the
// syntax of HTTP's (RFC 2326, 4) and are read here too.
package http1
