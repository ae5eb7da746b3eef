package rtmp

import "streampump/codec/amf"

// What the calls of a pull are numbered, one for each that there is.
const (
	callConnect   = 1
	callCreate    = 2
	callSubscribe = 3
	callPlay      = 4
	callBandwidth = 5
	callDelete    = 6
)

const (
	// playChunks is the chunk stream of play, as it is in ffmpeg.
	playChunks = 8
	// liveOnly is the start of a play that wants a live stream and no file in its place.
	liveOnly = -1000
	// pullBuffer is how many milliseconds a source is told that we buffer. Some begin
	// with a burst of as much.
	pullBuffer = 3000
)

// What a player of RTMP says that it can do; servers expect figures like these, and
// those of ffmpeg and librtmp are nearly the same.
const (
	capabilities  = 15
	audioCodecs   = 4071
	videoCodecs   = 252
	videoFunction = 1
	// extended is the capsEx of Enhanced RTMP: multitrack (2) and ModEx (4). We do not
	// reconnect on demand (1), and need no nanoseconds (8).
	extended = 2 | 4
)

// fourCCs are the codecs of Enhanced RTMP by name: MediaMTX takes "*" for none of them.
var fourCCs = [...]string{
	"vp08", "vp09", "av01", "avc1", "hvc1", "vvc1",
	"ac-3", "ec-3", "Opus", ".mp3", "fLaC", "mp4a",
}

// appendConnect appends the first command. Our chunk size comes before it, so that it is
// one chunk: servers have been seen that cannot put a command together.
func (p *pull) appendConnect(dst []byte) []byte {
	app, _ := divide(p.url)
	b := appendCall(make([]byte, 0, 512), "connect", callConnect)
	b = amf.AppendObject(b)
	b = appendText(b, "app", app)
	b = appendText(b, "flashVer", p.o.Agent)
	b = appendText(b, "tcUrl", tcURL(p.url, app))
	b = amf.AppendBool(amf.AppendKey(b, "fpad"), false)
	b = appendNumber(b, "capabilities", capabilities)
	b = appendNumber(b, "audioCodecs", audioCodecs)
	b = appendNumber(b, "videoCodecs", videoCodecs)
	b = appendNumber(b, "videoFunction", videoFunction)
	b = appendNumber(b, "objectEncoding", 0)
	b = amf.AppendStrict(amf.AppendKey(b, "fourCcList"), len(fourCCs))
	for _, name := range fourCCs {
		b = amf.AppendString(b, name)
	}
	b = appendForwards(appendForwards(b, "videoFourCcInfoMap"), "audioFourCcInfoMap")
	b = amf.AppendEnd(appendNumber(b, "capsEx", extended))
	dst = appendChunkSize(dst)
	return appendMessage(dst, commandChunks, typeCommand, 0, 0, b)
}

// appendCreate appends what makes a stream to play on, after connect. The source is told
// how much it may send before it hears of us, which is what it told us.
func (p *pull) appendCreate(dst []byte) []byte {
	window := p.acks.window
	if window == 0 {
		window = defaultWindow
	}
	dst = appendWindow(dst, window)
	dst = appendBufferLength(dst, 0, pullBuffer)
	return appendMessage(dst, commandChunks, typeCommand, 0, 0, amf.AppendNull(appendCall(nil, "createStream", callCreate)))
}

// appendPlay appends what makes the media come. Content networks (Akamai) want to be told
// the name before, and what servers do not know they pass over.
func (p *pull) appendPlay(dst []byte) []byte {
	_, name := divide(p.url)
	b := amf.AppendNull(appendCall(nil, "FCSubscribe", callSubscribe))
	dst = appendMessage(dst, commandChunks, typeCommand, 0, 0, amf.AppendString(b, name))
	b = amf.AppendNull(appendCall(nil, "play", callPlay))
	b = amf.AppendNumber(amf.AppendString(b, name), liveOnly)
	dst = appendMessage(dst, playChunks, typeCommand, p.stream, 0, b)
	return appendBufferLength(dst, p.stream, pullBuffer)
}

// appendDelete appends the last word to a source that plays.
func (p *pull) appendDelete(dst []byte) []byte {
	b := amf.AppendNull(appendCall(nil, "deleteStream", callDelete))
	return appendMessage(dst, commandChunks, typeCommand, 0, 0, amf.AppendNumber(b, float64(p.stream)))
}

// appendCall appends how a command begins: its name and its number.
func appendCall(dst []byte, name string, id float64) []byte {
	return amf.AppendNumber(amf.AppendString(dst, name), id)
}

func appendText(dst []byte, key, value string) []byte {
	return amf.AppendString(amf.AppendKey(dst, key), value)
}

func appendNumber(dst []byte, key string, value float64) []byte {
	return amf.AppendNumber(amf.AppendKey(dst, key), value)
}
