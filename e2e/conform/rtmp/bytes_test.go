package rtmp

import (
	"encoding/binary"

	"streampump/bench/rtmpclient"
)

// ours is the size of the chunks that a row's peers send, unless a row says otherwise.
const ours = 65_536

// late is the time from which on it stands behind the head of a chunk.
const late = 0xFFFFFF

// head0 is the head of a chunk that tells everything; time is absolute.
func head0(chunk uint32, typ uint8, stream, time uint32, size int) []byte {
	return rtmpclient.AppendHead(nil, 0, rtmpclient.Message{Chunk: chunk, Type: typ, Stream: stream}, time, size)
}

// head1 is one of the same message stream, some time later.
func head1(chunk uint32, typ uint8, delta uint32, size int) []byte {
	return rtmpclient.AppendHead(nil, 1, rtmpclient.Message{Chunk: chunk, Type: typ}, delta, size)
}

// head2 is one of the same type and size as well.
func head2(chunk, delta uint32) []byte {
	return rtmpclient.AppendHead(nil, 2, rtmpclient.Message{Chunk: chunk}, delta, 0)
}

// head3 is one that goes on, or is as the one before.
func head3(chunk uint32) []byte { return rtmpclient.AppendBasic(nil, 3, chunk) }

// basic3 is how a chunk begins whose stream is told in three bytes.
func basic3(form uint8, chunk uint32) []byte {
	return []byte{form<<6 | 1, byte(chunk - 64), byte((chunk - 64) >> 8)}
}

// number is the body of a message with one number.
func number(n uint32) []byte { return binary.BigEndian.AppendUint32(nil, n) }

// inChunks is a body in chunks of a size, behind the head of the first: between them stands
// the given head.
func inChunks(body []byte, size int, between []byte) (b []byte) {
	for len(body) > size {
		b = append(append(b, body[:size]...), between...)
		body = body[size:]
	}
	return append(b, body...)
}
