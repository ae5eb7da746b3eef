// Package player is a viewer of a pump, and the judge of what a viewer gets.
//
// It speaks to a pump in the words of real players (the [Client] values hold their
// requests to the letter) and reads what comes with code of its own: the heads of
// answers, the framing, the header and the data packets are parsed here once more,
// from the specifications, and not with codec. Two parsers by one author who looked
// only once would agree on his mistakes.
//
//	Client ──request──► pump
//	                      │ bytes, in any pieces
//	                      ▼
//	  Framing: MMS packets          or, for a plain viewer, header and chunks
//	                      ▼
//	  Verifier: order of packets, LocationIds, AFFlags, start at a key frame
//	                      ▼
//	  media objects, rebuilt ──► a check of their bytes ([Pattern])
//
// A [Verifier] takes bytes and keeps no clock, no socket and no goroutine. It
// stops at the first broken rule, and says which one it was, where it is
// written, and at which byte of the stream. What it forgives: a viewer joins in
// the middle, and is skipped forward when it is slow. At such a place media
// objects may be cut and numbers may jump, but the packet there must start a
// key frame. Everywhere else each object is whole and follows the one before.
//
// [Conn] and [Viewer] are the little that is needed to put a verifier on a
// socket. Whoever wants a viewer that stalls, just does not read.
package player
