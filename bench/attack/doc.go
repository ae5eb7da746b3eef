// Package attack does to a pump what a peer must not get away with, within bounds
// and in the same way each time, so that a test can say what it cost the others.
//
//	Beside ──► load.Run: healthy viewers, every byte verified, delay measured
//	   └─────► Attack.Run(ctx, Target, Bounds): one of the table, from an address
//	           of its own ──► Did: bytes, connections, answers
//	Listen(Manner) ◄── the pump pulls from a Source that is a bad one
//
// The files are families: what encoders do (push.go, encoder.go), requests (request.go),
// peers that take their time (slow.go), viewers (watch.go), connections and TLS
// (connect.go, handshake.go, urgent.go), passwords (prove.go), sources (source.go,
// manner.go), and what all of them do over RTSP (rtsp.go and its like), by UDP
// (rtspudp.go, rtspports.go) and over TLS (rtsptls.go), and over RTMP (rtmp.go and its
// like). Where an attack is many requests of
// a moment each, it is a list of [Shape]: smuggle.go, paths.go, heads.go, length.go,
// tlsshape.go, proxied.go, page.go, rtspshape.go, rtspudpshape.go,
// rtmpshape.go. A shape says itself how
// it must be answered.
//
// An [Attack] ends when its context or its [Bounds] say so, whatever the pump does,
// and closes all it has opened. One that is turned away comes back, as an attacker
// would. It aims at loopback addresses only: it is for your own pump. A stranger can
// make any of these attacks: only [Attack.Needs] asks for more, and then of the
// attacker's own machine.
//
// But for the answers to shapes the package judges nothing. Whoever runs an attack says
// what it may cost (TestAttacks in e2e).
package attack
