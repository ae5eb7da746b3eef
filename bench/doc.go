// Package bench is the root of the programs that stand at the other side of a
// running pump: encoders that push to it, viewers that take from it, and what
// measures them. The command is cmd/pump-bench.
//
//	bench/synth   a synthetic encoder: a header and an endless row of data
//	              packets whose media objects, which players can show, carry
//	              a pattern that proves them
//	bench/live    its packets in real time, with time stamps
//	bench/push    the push client: PushSetup, PushStart, the body's packets
//	bench/player  the viewer: Describe, Play, and a verifier of what arrives
//	bench/answer  the heads of answers in HTTP and RTSP, spelled as they came
//	bench/rtpsynth    a synthetic source over RTP, and who checks what comes of it
//	bench/rtspclient  encoders and viewers over RTSP
//	bench/flvsynth    a synthetic source of FLV tags, and who checks what comes of it
//	bench/rtmpclient  encoders and viewers over RTMP, whose values are AMF0 (bench/amf0)
//	bench/payload     what proves the payloads of both sources
//	bench/feed    what is the same of streams over RTSP and over RTMP; their clients hold
//	              what has come with bench/incoming, and send when it is due with bench/pace
//	bench/drain   many sockets, read without a copy
//	bench/secure  TLS of players and encoders, and who vouches for servers here
//	bench/load    thousands of players on one server, and what came of it
//	bench/segment how much of a stream players take in one TCP segment
//	bench/origin  the encoder's stream for servers of other protocols
//	bench/rival   the pump and its rivals as processes (bench/child), on
//	              processors of their own (bench/affinity)
//	bench/contest servers side by side, in rounds
//	bench/gate    what a release promises, row by row
//	bench/climb   how many players a server carries, and what gives out first
//	bench/attack  peers and sources that do what must not cost others anything
//	bench/floor   the least that sending to many viewers can cost
//	bench/report  one HTML page with plots; bench/report/result: each kind of
//	              result as JSON, as text and as a page
//	bench/meter   the common clock, what processes use, and what the kernel
//	              holds for their sockets
//	bench/stat    what repeated measurements say together
//	bench/micro   compares the micro-benchmarks with a release's (make bench)
//
//	synth ─► live ──packets──► push ──socket──► pump ──socket──► player, drain
//	                                                               │     │
//	   the pattern and the stamp in each media object, looked at ◄─┘     └─► counted
//
// Rules for everything below this folder:
//
//   - It is a client. It talks to a pump over sockets, as a stranger's player
//     or encoder does, and never imports the engine.
//   - The judge is not the judged. The encoder builds packets with codec/asf,
//     but the viewer reads answers, framing and packets with code of its own,
//     written from the specifications, so that a mistake in codec does not
//     confirm itself here.
//   - A verdict names the rule that was broken, the section it stands in, and
//     where in the stream. What a missing packet or a late start explains is
//     counted; nothing else is forgiven.
//   - What can be done without a socket is done without one: the synthetic
//     encoder and the verifier take and give bytes, read no clock and start no
//     goroutine, so any conversation is a test.
//   - The same specification yields the same bytes, on every machine.
package bench
