// Package flvsynth makes a synthetic source of FLV tags, H.264 pictures and AAC sound, as
// RTMP carries them, and checks what a viewer gets of it.
//
//	Spec ──► Source ──tags──► the server under test ──tags──► Checker
//	  └────────────────────── known bytes ────────────────────┘
//
// Every body names its run, its track and its number at its end (bench/payload), and all of
// its bytes follow from these, so that a checker knows what each must hold, wherever it
// begins and whatever is missing. A tag is a whole picture, or one frame of sound; nothing
// in it can be decoded, but what describes it can be read.
//
// It is written apart from codec/flv and codec/rtmp on purpose, as package bench says: a
// mistake that both sides shared would not be seen.
package flvsynth
