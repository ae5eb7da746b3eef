package attack

import (
	"fmt"
	"strings"

	"streampump/bench/amf0"
	"streampump/bench/rtmpclient"
)

// rtmpShapes are what a stranger may send over RTMP. None is answered in words of another
// protocol, and each ends with the connection: where an answer leaves it open, a chunk
// follows that there cannot be.
func rtmpShapes() []Shape {
	const (
		closed   = "NetConnection.Connect.Closed"
		notFound = "NetStream.Play.StreamNotFound"
		badName  = "NetStream.Publish.BadName"
		welcome  = "NetConnection.Connect.Success"
	)
	hello := string(rtmpclient.Greeting())
	shaken := hello + hello[1:]
	message := func(typ uint8, body string) string {
		return string(rtmpclient.AppendMessage(nil, rtmpclient.Message{Chunk: 3, Type: typ, Body: []byte(body)}, 128))
	}
	number := func(typ uint8, n uint32) string {
		return string(rtmpclient.AppendMessage(nil, rtmpclient.NumberMessage(typ, n), 128))
	}
	call := func(values ...any) string {
		return message(rtmpclient.TypeCommand, string(amf0.Append(nil, values...)))
	}
	connected := shaken + call("connect", 1.0, amf0.Object{{Name: "app", Value: "streams"}})
	end := number(rtmpclient.TypeChunkSize, 0)
	head := func(typ uint8, length int) string {
		return string(rtmpclient.AppendHead(nil, 0, rtmpclient.Message{Chunk: 9, Type: typ}, 0, length))
	}
	list := []Shape{
		{Name: "encrypted", Send: "\x06" + hello[1:], Want: "400|", Hides: "StreamPump"},
		{Name: "version 3 and no more of it", Send: "\x03GET / HTTP/1.1\r\n\r\n" + strings.Repeat("x", 4000), Hides: welcome},
		{Name: "a chunk of no byte", Send: connected + end, Says: closed},
		{Name: "a chunk of 2 GB and a bit", Send: connected + number(rtmpclient.TypeChunkSize, 1<<31), Says: closed},
		{Name: "a size of chunks in two bytes", Send: connected + message(rtmpclient.TypeChunkSize, "\x00\x01"), Says: closed},
		{Name: "a message of 16 MB", Send: connected + head(rtmpclient.TypeVideo, 0xFFFFFF), Says: closed},
		{Name: "a command of 64 KB", Send: connected + head(rtmpclient.TypeCommand, 65_536), Says: closed},
		{Name: "a header that refers to none", Send: connected + "\xC9", Says: closed},
		{Name: "a message within another", Send: connected + head(rtmpclient.TypeAudio, 500) + strings.Repeat("x", 128) + head(rtmpclient.TypeAudio, 500), Says: closed},
		{Name: "an abort of what there is not", Send: connected + number(rtmpclient.TypeAbort, 77) + end, Says: closed},
		{Name: "no connect", Send: shaken + call("play", 1.0, nil, "live")},
		{Name: "no connect, and an encoder", Send: shaken + call("publish", 1.0, nil, "live")},
		{Name: "a command without a name", Send: connected + call(1.0, 2.0), Says: closed},
		{Name: "a command with nothing in it", Send: connected + message(rtmpclient.TypeCommand, ""), Says: closed},
		{Name: "a name of 15,000 bytes", Send: shaken + call(strings.Repeat("x", 15_000))},
		{Name: "connect twice", Send: connected + call("connect", 2.0, amf0.Object{{Name: "app", Value: "x"}}) + end, Says: closed},
		{Name: "a number that is none", Send: connected + message(rtmpclient.TypeCommand, "\x02\x00\x0CcreateStream\x00\x7F\xF8\x00\x00\x00\x00\x00\x01") + end, Says: closed},
		{Name: "no stream", Send: connected + call("play", 3.0, nil, "nothing"), Says: notFound},
		{Name: "no stream for an encoder", Send: connected + call("publish", 3.0, nil, "nothing", "live"), Says: badName},
		{Name: "a stream of another protocol", Send: connected + call("play", 3.0, nil, "live"), Says: notFound},
		{Name: "an encoder at a stream of another protocol", Send: connected + call("publish", 3.0, nil, "live", "live"), Says: badName},
		{Name: "pictures without a stream", Send: connected + head(rtmpclient.TypeVideo, 5) + "\x17\x01\x00\x00\x00" + end, Says: closed},
		{Name: "the end of a stream that there is not", Send: connected + call("deleteStream", 0.0, nil, 1.0) + call("FCUnpublish", 0.0, nil, "x") + call("pause", 0.0, nil, true, 0.0) + end, Says: closed},
		{Name: "an event without numbers", Send: connected + message(rtmpclient.TypeControl, "\x00\x06") + end, Says: closed},
		{Name: "17 chunk streams", Send: connected + chunkStreams(17), Says: closed},
	}
	for i, bomb := range bombs() {
		short := bomb[:min(len(bomb), 15_000)]
		list = append(list,
			Shape{Name: fmt.Sprintf("value %d in connect", i), Send: shaken + message(rtmpclient.TypeCommand, "\x02\x00\x07connect\x00\x3F\xF0\x00\x00\x00\x00\x00\x00"+strings.TrimPrefix(short, "\x02\x00\x0AonMetaData")) + end, Says: closed},
			Shape{Name: fmt.Sprintf("value %d in createStream", i), Send: connected + message(rtmpclient.TypeCommand, "\x02\x00\x0CcreateStream\x00\x3F\xF0\x00\x00\x00\x00\x00\x00"+strings.TrimPrefix(short, "\x02\x00\x0AonMetaData")) + end, Says: closed})
	}
	for _, path := range []string{"../../../../etc/passwd", "live/..", "live%00", "live\r\nX-Injected: 1", strings.Repeat("a", 12_000), strings.Repeat("/", 12_000), "\xff\xfe", "mp4:", "?token=" + strings.Repeat("x", 9000), ""} {
		list = append(list, Shape{Name: name("play", path), Send: connected + call("play", 3.0, nil, path), Says: notFound, Hides: "root:"})
	}
	return list
}

// chunkStreams are messages that say nothing, on so many chunk streams.
func chunkStreams(n int) string {
	var b []byte
	for i := range n {
		m := rtmpclient.NumberMessage(rtmpclient.TypeAck, 1)
		m.Chunk = 10 + uint32(i)
		b = rtmpclient.AppendMessage(b, m, 128)
	}
	return string(b)
}
