package rtmp

import "streampump/codec"

// Codes of what is said about streams. Players and encoders look for them; which ones they
// end at differs, and libavformat ends at any of level "error".
const (
	playStart    = "NetStream.Play.Start"
	playNotFound = "NetStream.Play.StreamNotFound"
	playFailed   = "NetStream.Play.Failed"
	pauseNotify  = "NetStream.Pause.Notify"
	unpaused     = "NetStream.Unpause.Notify"

	publishStart   = "NetStream.Publish.Start"
	publishBadName = "NetStream.Publish.BadName"
	publishDenied  = "NetStream.Publish.Denied"
	unpublished    = "NetStream.Unpublish.Success"

	connectClosed   = "NetConnection.Connect.Closed"
	connectRejected = "NetConnection.Connect.Rejected"
)

// playCode is the code for a viewer that is refused.
func playCode(c codec.Code) string {
	switch c {
	case codec.NoStream, codec.NotUp:
		return playNotFound
	default:
		return playFailed
	}
}

// publishCode is the code for an encoder that is refused.
func publishCode(c codec.Code) string {
	switch c {
	case codec.NoStream, codec.Busy:
		return publishBadName
	default:
		return publishDenied
	}
}

// causeText is the sentence of a cause.
func causeText(c codec.Cause, reason string) string {
	if reason != "" {
		return reason
	}
	switch c {
	case codec.CauseEnded:
		return "the stream is over"
	case codec.CauseIdle:
		return "nothing came for too long"
	case codec.CauseTaken:
		return "another encoder took the stream over"
	case codec.CauseFull:
		return "no room for another connection"
	case codec.CauseHeadLate:
		return "no complete request came in time"
	case codec.CauseRefused:
		return "the stream cannot take this"
	case codec.CauseClear:
		return "this port speaks TLS: write rtmps:// in front of the address"
	case codec.CauseShutdown:
		return "the server is going down"
	default:
		return "the server cannot go on"
	}
}
