// Package rtpsynth makes a synthetic source of RTP packets, H.264 pictures and AAC sound,
// and checks what a viewer gets of it.
//
//	Spec ──► Source ──packets──► the server under test ──packets──► Checker
//	  └────────────────────────── known bytes ───────────────────────┘
//
// Every payload names its run, its track and its number at its end, and all of its bytes
// follow from these, so that a checker knows what each packet must hold, wherever it
// begins and whatever is missing. A picture is an access unit of several packets, as
// encoders send it; nothing in it can be decoded.
//
// It is written apart from codec/rtp and codec/rtsp on purpose, as package bench says: a
// mistake that both sides shared would not be seen.
package rtpsynth
