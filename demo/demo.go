// Package demo holds the built-in test stream: a short ASF clip that the pump
// loops as a live broadcast when it has no source of its own, as in
// `stream-pump demo`.
//
// The clip is made by make-clip.sh with ffmpeg (`make clip`) and committed, so
// that a build needs no ffmpeg. It begins with a key frame, has another every
// 2 seconds, and its sound is as long as its picture. The package knows
// nothing of ASF: whoever plays the clip parses it.
package demo

import _ "embed"

//go:embed clip.asf
var clip []byte

// Clip is the whole ASF file. The bytes are shared by all callers and must not
// be changed. It may be called from any goroutine.
func Clip() []byte { return clip }
