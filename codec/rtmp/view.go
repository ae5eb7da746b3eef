package rtmp

import "streampump/codec"

// view is a viewer's side of a session, from the play that was accepted on.
type view struct {
	key  uint64 // of the engine's session
	name string // of the stream, as the viewer spelled it
	// credentials are what it came with: it plays on with them after a pause.
	credentials *codec.Credentials
	paused      bool
}

// appendOver appends what a viewer that plays is told at the end.
func (v *view) appendEnd(dst []byte, c codec.Cause, reason string) []byte {
	switch c {
	case codec.CauseEnded, codec.CauseTaken, codec.CauseShutdown:
		return appendOver(dst, v.name)
	default:
		return appendStatus(dst, ourStream, levelError, playFailed, causeText(c, reason))
	}
}
