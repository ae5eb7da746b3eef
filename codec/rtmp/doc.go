// Package rtmp speaks RTMP (Adobe's specification of 2012, and Enhanced RTMP v2) to players,
// to encoders that push to us and to the sources that we pull. It turns bytes into the
// engine's events and the engine's verdicts into bytes; it has no socket, no goroutine, no
// clock and no log.
//
//	NewProtocol ─► server   a connection that a peer opened: players, encoders
//	NewPull     ─► pull     a connection that we opened: sources that are fetched
//	server      ─► shaking, chunks   the handshake, and messages put together
//	            ─► intake   which tracks there are; what a source's messages are
//	            ─► media ─► programme   the stream's bytes, shared by all viewers
//
// # Framing
//
// Both sides shake hands, and then send messages in chunks:
//
//	C0 C1, S0 S1 S2, C2                                   see handshake.go
//	chunk header  type, length, time, message stream      see chunkheader.go
//	payload, in pieces of the chunk size
//
// A message that goes to viewers always has a whole header, the stream 1, one chunk stream
// for each type, its time in full, and chunks of 64 KiB: so it is framed once, when it comes
// in, and written to every viewer as it is. All players that were tried take that, from any
// key frame on.
//
// # A player's conversation
//
//	C0 C1                        ► Reply    ► S0 S1 S2
//	connect app                  ► Reply    ► Window Ack Size, Peer Bandwidth, Chunk Size, _result
//	createStream                 ► Reply    ► _result 1
//	play name                    ► Play     ► StreamBegin, Play.Reset, Play.Start; headers; messages …
//	acknowledgements, buffer     ► nothing
//	ping                         ► Reply    ► pong, between two messages
//	pause true, pause false      ► Halt, Play
//	deleteStream, closeStream    ► Stop
//
// One that is sent elsewhere is told so by two statuses (see elsewhere.go).
//
// S0, S1 and S2 go out before C2 comes: many players wait for S2 first. What C2 says is not
// looked at. A player whose handshake is the one with digests is answered with the plain
// one, which all take.
//
// The end of a stream is said in three ways, because GStreamer knows only one and
// libavformat and librtmp only the others; of an end of the connection alone, players say
// that it is an error.
//
// # An encoder's conversation
//
//	C0 C1, connect, createStream ► Reply    ► as above
//	releaseStream, FCPublish     ► Reply    ► _result
//	publish name                 ► Publish  ► StreamBegin, Publish.Start
//	messages                     ► Header once the tracks are known, Packet …
//	                             ► Reply    ► an acknowledgement, in between
//	FCUnpublish, deleteStream    ► Finish   ► Unpublish.Success
//
// An encoder may first have to prove who it is, which takes three connections (see proof.go):
// its connect is then a Lookup that is ahead of the publish.
//
// A packet's [codec.Event.Channel] is the type of the message: 8 for sound, 9 for pictures,
// 18 for data. Its Number is the source's time.
//
// Where an address is cut into app and name is up to the client, so that both are put
// together again; what follows the stream's name is a key, which is a token: see [target].
//
// # A source that we pull
//
//	we say                                           once the source has said
//	C0 C1
//	C2                                               S0 S1
//	Set Chunk Size, connect                          S2
//	Window Ack Size, SetBufferLength, createStream   _result
//	FCSubscribe, play name -1000, SetBufferLength    _result, with the stream's number
//	acknowledgements, pongs                          messages, pings
//	deleteStream                                     that it is over, or nothing more
//
// We say what players say, in their order. Sources end a stream by a status; where nginx-rtmp
// says StreamEOF alone, another encoder may come on the same connection. Some send us on with
// an error that has another address in it. A source that does not take what is in the query of
// its address is [codec.ErrDenied].
//
// # What becomes of a source's messages
//
// Bodies go out as they came. Times are the programme's: they begin at 0, never go back
// within a type, and step over what is missing by as much as really passed, whatever the
// source's clock does (see [timeline]). Sources begin anew at 0, and players freeze, or end,
// where times leap or go back.
//
// A viewer needs the metadata and the headers of the tracks before its first message. Those
// may change in mid-stream: a phone is turned, an encoder comes back with another size. Who
// is in step gets the new ones right before the first message that needs them; who starts
// gets those under which its first packet was sent (see [head]). Such that are sent again
// unchanged are left out.
//
// Metadata that names a track which does not come is left out: libavformat would wait for
// it. Which tracks there are is known from their messages alone (see [intake]). Another codec or
// another track in mid-stream is another programme, for which viewers have to come again;
// players fix their tracks at the start.
//
// Where a source begins anew, nothing goes out before a key frame. Tags that claim to be
// key frames and are headers, ends of a sequence, or commands, are none (package flv).
package rtmp
