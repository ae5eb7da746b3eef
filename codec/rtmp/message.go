package rtmp

// Types of messages (RTMP 1.0, 5.4, 6.2 and 7.1). Others are passed over by whoever is told
// of them.
const (
	typeChunkSize   = 1
	typeAbort       = 2
	typeAck         = 3
	typeUserControl = 4
	typeWindow      = 5 // the bytes after which the receiver is to acknowledge
	typeBandwidth   = 6
	typeAudio       = 8
	typeVideo       = 9
	typeData3       = 15 // data and commands of AMF3: a byte, and then AMF0
	typeCommand3    = 17
	typeData        = 18
	typeCommand     = 20
	typeAggregate   = 22
)

// message is what a peer said, put together from its chunks.
type message struct {
	typ    uint8
	stream uint32 // the message stream it belongs to; 0 is the connection itself
	time   uint32 // in milliseconds; it wraps
	// body is part of the bytes that were given, or of the reader's own buffer. It is
	// valid until the reader's next call.
	body []byte
}

// carriesMedia reports whether messages of a type may be as long as pictures are.
func carriesMedia(typ uint8) bool {
	return typ == typeAudio || typ == typeVideo || typ == typeAggregate
}
