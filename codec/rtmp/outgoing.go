package rtmp

import (
	"math"

	"streampump/codec/amf"
)

// All peers are sent on the same message stream and the same chunk streams, so that a
// stream's bytes can be shared: those that GStreamer, which minds the first of them, and
// nginx-rtmp, which takes no chunk stream above 31, can do with.
const (
	ourStream = 1 // that each createStream is answered with

	commandChunks = 3
	audioChunks   = 4
	statusChunks  = 5 // what is said about a stream, and data
	videoChunks   = 6
)

// appendMedia appends a message of a stream: sound, pictures or data.
func appendMedia(dst []byte, typ uint8, time uint32, body []byte) []byte {
	csid := uint8(statusChunks)
	switch typ {
	case typeAudio:
		csid = audioChunks
	case typeVideo:
		csid = videoChunks
	}
	return appendMessage(dst, csid, typ, ourStream, time, body)
}

// Levels of a status.
const (
	levelStatus = "status"
	levelError  = "error"
)

// usualBody is room for the body of an answer: its maker has it on its stack.
const usualBody = 512

// appendStatus appends an onStatus on a message stream (RTMP 1.0, 7.2.2). text is for
// people.
func appendStatus(dst []byte, stream uint32, level, code, text string) []byte {
	body := amf.AppendString(make([]byte, 0, usualBody), "onStatus")
	body = amf.AppendNumber(body, 0)
	body = amf.AppendNull(body)
	body = appendInfo(amf.AppendObject(body), level, code, text)
	csid := uint8(statusChunks)
	if stream == 0 {
		csid = commandChunks
	}
	return appendMessage(dst, csid, typeCommand, stream, 0, amf.AppendEnd(body))
}

// appendInfo appends the properties of what is said about a request.
func appendInfo(dst []byte, level, code, text string) []byte {
	dst = amf.AppendString(amf.AppendKey(dst, "level"), level)
	dst = amf.AppendString(amf.AppendKey(dst, "code"), code)
	return amf.AppendString(amf.AppendKey(dst, "description"), text)
}

// appendResult begins the body of a _result.
func appendResult(dst []byte, id float64) []byte {
	return amf.AppendNumber(amf.AppendString(dst, "_result"), id)
}

// appendAnswered appends the _result of a call that has nothing to tell.
func appendAnswered(dst []byte, id float64) []byte {
	body := amf.AppendUndefined(amf.AppendNull(appendResult(make([]byte, 0, usualBody), id)))
	return appendMessage(dst, commandChunks, typeCommand, 0, 0, body)
}

// appendCreated appends the _result of a createStream: the same stream for everybody.
func appendCreated(dst []byte, id float64) []byte {
	body := amf.AppendNumber(amf.AppendNull(appendResult(make([]byte, 0, usualBody), id)), ourStream)
	return appendMessage(dst, commandChunks, typeCommand, 0, 0, body)
}

const (
	// serverVersion is what we say that we are: clients read it, and what they do with
	// servers of Adobe works here.
	serverVersion = "FMS/3,5,3,888"
	serverCaps    = 31
	// Capabilities of Enhanced RTMP: that any codec is passed on, and that tags of several
	// tracks, with modifiers, and with times of nanoseconds are.
	forwards     = 4
	enhancedCaps = 2 | 4 | 8
	// bandwidth is the window and the limit that peers are told, in bytes.
	bandwidth = defaultWindow
)

// appendConnected appends the answer to connect (RTMP 1.0, 7.2.1.1), and what has to be
// known before it: our chunk size above all. Peers that can do more than AMF0 are told not
// to.
func (p *Protocol) appendConnected(dst []byte, id float64, enhanced bool) []byte {
	dst = appendWindow(dst, bandwidth)
	dst = appendBandwidth(dst, bandwidth)
	dst = appendChunkSize(dst)
	body := amf.AppendObject(appendResult(make([]byte, 0, usualBody), id))
	body = amf.AppendString(amf.AppendKey(body, "fmsVer"), serverVersion)
	body = amf.AppendNumber(amf.AppendKey(body, "capabilities"), serverCaps)
	if p.o.Server != "" {
		body = amf.AppendString(amf.AppendKey(body, "server"), p.o.Server)
	}
	if enhanced {
		body = appendForwards(body, "videoFourCcInfoMap")
		body = appendForwards(body, "audioFourCcInfoMap")
		body = amf.AppendNumber(amf.AppendKey(body, "capsEx"), enhancedCaps)
	}
	body = amf.AppendObject(amf.AppendEnd(body))
	body = appendInfo(body, levelStatus, "NetConnection.Connect.Success", "Connection succeeded.")
	body = amf.AppendNumber(amf.AppendKey(body, "objectEncoding"), 0)
	return appendMessage(dst, commandChunks, typeCommand, 0, 0, amf.AppendEnd(body))
}

// appendRejected appends the answer to a connect that is refused. Our chunk size goes before
// it, because text may be long.
func appendRejected(dst []byte, id float64, text string) []byte {
	body := amf.AppendNull(amf.AppendNumber(amf.AppendString(make([]byte, 0, usualBody), "_error"), id))
	body = appendInfo(amf.AppendObject(body), levelError, connectRejected, text)
	return appendMessage(appendChunkSize(dst), commandChunks, typeCommand, 0, 0, amf.AppendEnd(body))
}

func appendForwards(dst []byte, name string) []byte {
	dst = amf.AppendObject(amf.AppendKey(dst, name))
	return amf.AppendEnd(amf.AppendNumber(amf.AppendKey(dst, "*"), forwards))
}

// appendPlaying appends what a viewer is told before its packets. Without Play.Start,
// rtmpdump takes no media and GStreamer waits for ever; the last of it is Flash's.
func appendPlaying(dst []byte, name string) []byte {
	dst = appendUserControl(dst, eventStreamBegin, ourStream)
	dst = appendStatus(dst, ourStream, levelStatus, "NetStream.Play.Reset", "Playing and resetting "+name+".")
	dst = appendStatus(dst, ourStream, levelStatus, playStart, "Started playing "+name+".")
	body := amf.AppendString(make([]byte, 0, usualBody), "|RtmpSampleAccess")
	body = amf.AppendBool(amf.AppendBool(body, true), true)
	return appendMedia(dst, typeData, 0, body)
}

// appendOver appends that a stream has ended. Players end at one or the other: GStreamer
// at the event, all others at the statuses.
func appendOver(dst []byte, name string) []byte {
	dst = appendStatus(dst, ourStream, levelStatus, "NetStream.Play.UnpublishNotify", name+" is over.")
	dst = appendUserControl(dst, eventStreamEOF, ourStream)
	return appendStatus(dst, ourStream, levelStatus, "NetStream.Play.Stop", "Stopped playing "+name+".")
}

// isID reports whether a number is that of a transaction that wants an answer.
func isID(id float64) bool { return id != 0 && !math.IsNaN(id) && !math.IsInf(id, 0) }
