// Package rtsp speaks RTSP 1.0 (RFC 2326) to players, to the encoders that push to us
// and to the sources that we pull, with packets of RTP (RFC 3550) between its messages.
// It turns bytes into the engine's events and the engine's verdicts into bytes; it has
// no socket, no goroutine, no clock and no log.
//
//	NewProtocol ─► server   a connection that a peer opened: players, encoders
//	NewPull     ─► pull     a connection that we opened: sources that are fetched
//	server      ─► inlet    requests, answers and packets, told apart
//	            ─► media ─► programme   the stream's bytes, shared by all viewers
//
// # Framing
//
// On one connection come messages and packets, in both directions, each whole before
// the next (RFC 2326, 10.12):
//
//	METHOD url RTSP/1.0 CRLF fields CRLF body
//	RTSP/1.0 status reason CRLF fields CRLF body
//	'$' channel8 length16 | packet of RTP or RTCP
//
// Towards viewers, the packets of track N, by its place in the description, have channel
// 2N, and the reports about them 2N+1, whatever numbers a viewer asks for: so they are
// framed once, when they come in, and written to every viewer as they are. All players
// that were tried take the numbers of the answer.
//
// # What becomes of a source's packets
//
// A track goes out under one SSRC, payload type, run of numbers and time line for as long
// as there are viewers, because that is what players cannot bear to have changed: a new
// SSRC ends GStreamer's pipeline, numbers that leap cost ffmpeg the beginning of the next
// picture, and VLC is silent for good where times go back. Packets are otherwise as they
// came, and what the source lost is missing.
//
//	first source    seq 7 8 9   ts 100 200 300      as they came
//	another one     seq 5 6 7   ts  40 140 240      10 11 12, later by the pause
//
// Where a source begins anew, nothing goes out before a key frame, with whose first packet
// viewers go on. What stands before a picture (delimiters, parameter sets, SEI) is held
// until the picture says whether it is one, and goes out in one piece with it. Of sender
// reports, the time of day is shifted where it is set, or is another source's, so that it
// goes on as the timestamps do; where there are none, they are made.
//
// Where many packets are left out for a viewer, ffmpeg, and what is made with it, takes the
// hole in the numbers for a new sender, from 3,000 on, and drops the packet behind it: the
// beginning of a key frame. There it gets one more, for itself alone, with the key frame's
// time and the number before its first, that says nothing: a delimiter in H.264 and H.265,
// a temporal delimiter in AV1, a null packet in MPEG-TS. So the key frame is whole for who
// drops that packet and begins as it may for who takes it. An access unit that begins with
// its own delimiter then has two, which decoders pass over; if that is a packet of its own,
// it is what is dropped and nothing more is sent. H.265 with decoding order numbers, VP8,
// VP9, MPEG-4, MPEG-1 and 2, and JPEG have no such packet: there the first picture behind
// such a hole is damaged in players made with ffmpeg. Of sound, a packet is lost.
//
// # A player's conversation
//
//	OPTIONS url                ► Reply    ► 200, Public
//	DESCRIBE url               ► Describe ► 200, Content-Base, the description
//	SETUP url/trackID=N        ► Describe ► 200, Transport, Session
//	PLAY url/                  ► Play     ► 200, reports, packets …
//	'$' reports                ► nothing
//	GET_PARAMETER, OPTIONS     ► Reply    ► 200, between two packets
//	PAUSE, and another PLAY    ► Halt, Play
//	TEARDOWN url/              ► Stop     ► 200
//
// The addresses in a description are absolute and begin with what the player asked for:
// GStreamer resolves others against the host, so that the path is lost. A SETUP asks for
// the stream's media once more, because its tracks are the media's; who was described
// another programme than the present one is told to begin again. Which form a Play is in
// follows from the tracks that are set up: all, only the pictures, or only the sound.
// Other choices get all.
//
// A player that asks for UDP has the same packets, each as a datagram without its frame,
// if the engine has a port for it; requests and answers stay on the connection, and its end
// is the end of them. Packets go to the address that the connection comes from, whatever a
// Transport says, and to no port below 1024, where a machine has its services. The tracks of
// a session go one way or the other together, and can be set up anew in a pause: ffmpeg
// does so where nothing has come for a while. Who cannot have UDP is refused it with 461;
// every player then asks for TCP, on the same connection.
//
// At the end of a stream, a player gets the goodbye of each track (BYE): the end of the
// connection alone costs VLC ten seconds, and silence stops nobody. A player that says
// nothing for hours is as good as any other: VLC and GStreamer send no requests over
// TCP, and ffmpeg no reports.
//
// # An encoder's conversation
//
//	ANNOUNCE url, description  ► Setup    ► nothing, or a refusal
//	its last byte once more    ► Reply    ► 200
//	SETUP url/streamid=N       ► Reply    ► 200, with the encoder's channels
//	RECORD url                 ► Publish  ► 200
//	'$' reports, packets …     ► Header before the first packet, Packet …
//	OPTIONS, GET_PARAMETER     ► Reply    ► 200
//	TEARDOWN url               ► Finish   ► 200
//	goodbyes of all tracks     ► Finish
//
// A description is read once the engine has let its encoder in: that costs ten times what
// it costs to ask for a password.
//
// The header comes with the first packet that has something of the stream in it, of a
// payload type that was announced, because it takes the stream over; an encoder that sends
// only others is refused. Reports that came before, as ffmpeg's do, follow it. An encoder's
// channels, the names of its tracks and their places in the description are three
// different things (GStreamer's rtspclientsink): [codec.Event.Channel] is of the place.
//
// An encoder may send its packets by UDP, from the ports that it names at SETUP: all tracks,
// or none. Reports go on as they come, and packets through a window (package rtp) for each track,
// which puts them in order; what it gives up is missing, as what the encoder itself loses is.
//
// # A conversation with a source that we pull
//
//	OPTIONS url                ► whatever the answer, but 401: it goes on
//	DESCRIBE url               ► the description; or a redirect: Redial
//	SETUP track, for each      ► 200, the source's channels, the session
//	PLAY url/                  ► 200; '$' packets … Header before the first, Packet …
//	GET_PARAMETER or OPTIONS   in time for the session, answered or not
//	TEARDOWN url/              last, whoever ends it
//
// A source that refuses TCP for its first track (461) is asked to send by UDP:
//
//	461 to the first SETUP     ► Setup: ports of ours, if the engine has some
//	SETUP track, for each      ► 200, the source's ports
//	the last of these          ► Publish: from these ports packets come
//	PLAY url/                  ► 200; all but packets still comes over the connection
//
// From another address than the connection's nothing is heard, and all tracks come one way
// or the other. What comes goes through windows, as an encoder's packets do.
//
// Each answer is a [codec.Reply], with which the next request goes out. A 401 repeats its
// request with what is asked for; a password that was refused is [codec.ErrDenied].
// Tracks of data, and those that the source wants to receive, are not set up. Whatever
// host a source names in its addresses, requests are for the one that was dialled. Bytes
// between packets that belong to none are skipped, up to a bound (resync), and the
// operator is told.
//
// # Sessions
//
// One connection is one session. Its id is the engine's key of when it began, and is
// known on that connection only, so that it need not be a secret: another is told 454. An
// id that a peer brings before it was told one is its own invention, and means nothing.
//
// # Deviations from the letter, and who asked for them
//
// live555 signs the stream's address for requests about tracks, and reads a challenge by
// the places of its parts; VLC takes any refusal but 401 and 404 for a sign to try RTSP
// within HTTP; ffmpeg gives up if OPTIONS fails, and throws away packets that come before
// the answer to PLAY; GStreamer repeats its User-Agent and resets the connection at the
// end; Windows Media Player goes on with HTTP when it is refused. What each of them led
// to is said where it is done.
package rtsp
