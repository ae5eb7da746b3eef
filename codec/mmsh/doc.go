// Package mmsh speaks the Windows Media HTTP protocols: [MS-WMSP] to players
// and from the sources that we pull, [MS-WMHTTP] from the encoders that push to
// us. It turns bytes into the engine's events and the engine's verdicts into
// bytes; it has no socket, no goroutine, no clock and no log.
//
//	NewProtocol  ─► server  a connection that a peer opened: players, encoders
//	NewPull      ─► pull    a connection that we opened: a source
//	NewFile      ─► file    the bytes of an ASF file, as if a source sent them
//	all three    ─► media ─► programme   the stream's bytes, shared by all viewers
//
// # Framing
//
// Everything in a stream is packets, little-endian ([MS-WMSP] 2.2.3.1):
//
//	'$' PacketID length16 | Reason32        $C $E
//	'$' PacketID length16 | payload         $H $D $F from an encoder
//	'$' PacketID length16 | LocationId32 Incarnation8 AFFlags8 length16 | payload
//	                                        $H $D towards players, and pulled
//
// The last of these is made once for each packet, when it comes in, and is written to
// every viewer as it is: LocationIds are the stream's, and AFFlags, which by the
// letter would count each viewer's packets, are 0 as from all other servers of this
// kind. LocationIds rise by one from packet to packet; where packets are missing,
// because the source was cut off or they were left out, there is a gap, which
// [MS-WMSP] 2.2.3.1.2 allows and a player that counts can see.
//
// # A player's conversation
//
//	GET /streams/x                    ► Describe ► 200, Content-Length, $H
//	GET /streams/x  xPlayStrm=1       ► Play     ► 200, $H, $D $D … $E(0)
//	POST                              ► Control, Stop or Reply ► 200 or 204
//
// The two GETs usually come on two connections, and nothing links them for players
// that do not echo the client-id. A GET that only selects streams is a Play too:
// PeerCastStation sends no xPlayStrm. After Play the connection belongs to the
// stream: what the player still sends is ignored. A GET by anything but an MMSH
// player is a Play of the Plain form, an endless ASF file; HEAD is answered as GET
// would be. A stream's name may be followed by .asf, .wma or .wmv.
//
// # An encoder's conversation
//
//	POST /streams/x_push  pushsetup   ► Setup   ► 204, Set-Cookie: push-id
//	POST /streams/x_push  pushstart   ► Publish ► nothing yet
//	$H $D $D … $E(1) $C $D … $F       ► Header, Packet …
//	the body's last byte              ► Pause   ► 204, and the next pushstart
//	$E(0)                             ► Finish
//
// An encoder that does not know the protocol may send plain ASF, in chunks:
//
//	POST /streams/x_push  chunked     ► Publish ► nothing yet
//	header, data packets …            ► Header, Packet …
//	the last chunk                    ► Finish  ► 204
//
// A peer that announces a body with Expect is first told 100: by the answer to a
// Reply before the request's own event, or by the answer to Publish.
//
// # Sessions
//
// A client-id has 32 bits, because [MS-WMSP] 2.2.1.4.5 allows no more, so it can be
// guessed and proves nothing: the engine must also look at the address before it lets
// one connection act on another's session. A push-id may be any text ([MS-WMHTTP]
// 3.2.3) and has 63 random bits.
//
// # A source's pause
//
// When a source comes back after a pause, its packets follow the last ones at once,
// without a step in the stream's times, because the clock of a player that has no
// data stands still. Real players of Debian 12, on a stream of 25 pictures a second
// whose encoder was away for 8 s (2 s where it says so), with a step of the same
// length and without:
//
//	                      with the step                 without
//	VLC, mmsh and http    what it had of the new,       goes on within 2 seconds;
//	                      then 6 s of standstill;       4.6 s behind, as before
//	                      11.2 s behind from then on
//	GStreamer's playbin   the rest of the old, then     goes on; no further behind
//	                      8 s of standstill; stays      than before
//	                      8 s further behind
//	MPlayer               sound ahead by 8 s, and by    pictures catch up in 4.5 s,
//	                      6.7 s after 20 s more         then both together
//	mpv, 2 s              "desynchronisation",          fills its cache for a second,
//	                      pictures late for 6 s         then both together
//	mpv, 8 s              goes on without a cache       as with 2 s
//	ffplay                goes on                       goes on
//
// A source whose own clock ran on while it was away is moved too, if it was away for
// more than two seconds.
//
// # Deviations from the letter, and who asked for them
//
// ffmpeg runs its last Pragma line into the next header line; VLC's GUID is not one;
// MPlayer sends the entries of a selection before their count, and dies when the
// connection of its MMST attempt is reset; libmms needs a reason phrase; VLC's server
// answers as application/octet-stream. What each of them led to is said where it is
// done.
package mmsh
