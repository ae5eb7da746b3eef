package rtmp

import "encoding/binary"

// ourChunk is how much of a message each chunk holds that we send, from the first one on
// that is longer than [firstChunk]: Set Chunk Size goes before it. Most encoders copy it.
const ourChunk = 65536

// headSize is the size of a header of format 0 on a chunk stream below 64, without a long
// time.
const headSize = 1 + 11

// appendHead appends the header with which a message of size bytes, at most 16,777,215,
// begins on the chunk stream csid, 2 to 63. All our messages begin with format 0, so that
// nothing depends on what a viewer got before.
func appendHead(dst []byte, csid, typ uint8, stream, time uint32, size int) []byte {
	short := min(time, longTime)
	dst = append(dst, csid,
		byte(short>>16), byte(short>>8), byte(short),
		byte(size>>16), byte(size>>8), byte(size), typ)
	dst = binary.LittleEndian.AppendUint32(dst, stream)
	return appendLongTime(dst, time)
}

// appendLongTime appends what a time needs that does not fit three bytes. Each chunk
// repeats it: most players depend on that.
func appendLongTime(dst []byte, time uint32) []byte {
	if time < longTime {
		return dst
	}
	return binary.BigEndian.AppendUint32(dst, time)
}

// appendMessage appends a whole message: see [appendHead]. The peer must know of
// [ourChunk] if the body is longer than [firstChunk].
func appendMessage(dst []byte, csid, typ uint8, stream, time uint32, body []byte) []byte {
	return appendChunked(dst, ourChunk, csid, typ, stream, time, body)
}

func appendChunked(dst []byte, size int, csid, typ uint8, stream, time uint32, body []byte) []byte {
	dst = appendHead(dst, csid, typ, stream, time, len(body))
	for len(body) > size {
		dst = append(append(dst, body[:size]...), 3<<6|csid)
		dst = appendLongTime(dst, time)
		body = body[size:]
	}
	return append(dst, body...)
}

// messageSize is how many bytes appendMessage appends for a body of size bytes.
func messageSize(time uint32, size int) int {
	again := max(size-1, 0) / ourChunk
	n := headSize + size + again
	if time >= longTime {
		n += 4 * (1 + again)
	}
	return n
}
