package rtmp

import (
	"encoding/binary"

	"streampump/codec/amf"
)

// Headers that the tests' sources send, and what stands for frames.
var (
	avcHeader  = []byte{0x17, 0, 0, 0, 0, 1, 0x64, 0, 0x0C, 0xFF, 0xE1, 0, 0x0A, 0x67, 0x64, 0, 0x0C, 0xAC, 0xB4, 0x0A, 0x0C, 0xFC, 0xF8, 1, 0, 4, 0x68, 0xEE, 0x3C, 0xB0}
	avcOther   = []byte{0x17, 0, 0, 0, 0, 1, 0x42, 0, 0x1E, 0xFF, 0xE1, 0, 4, 0x67, 0x42, 0, 0x1E, 1, 0, 4, 0x68, 0xEE, 0x3C, 0xB0}
	aacHeader  = []byte{0xAF, 0, 0x12, 0x10}
	aacOther   = []byte{0xAF, 0, 0x11, 0x90}
	hevcHeader = []byte("\x90hvc1\x01\x01")
	opusHeader = []byte("\x90OpusOpusHead\x01\x02")
	colours    = []byte("\x94hvc1\x02\x00\x09colorInfo\x05")
	sequenceOf = []byte{0x17, 2, 0, 0, 0} // its end
)

// videoFrame is an AVC frame with a number in it, audioFrame an AAC frame.
func videoFrame(key bool, number uint32) []byte {
	b := []byte{0x27, 1, 0, 0, 80, 0, 0, 0, 5, 0x41}
	if key {
		b[0], b[9] = 0x17, 0x65
	}
	return binary.BigEndian.AppendUint32(b, number)
}

func audioFrame(number uint32) []byte { return binary.BigEndian.AppendUint32([]byte{0xAF, 1}, number) }

// numberOf is the number in a frame.
func numberOf(body []byte) uint32 { return binary.BigEndian.Uint32(body[len(body)-4:]) }

// metadata is the body of onMetaData with figures under names.
func metadata(pairs ...any) []byte {
	b := amf.AppendArray(amf.AppendString(nil, nameMetadata), len(pairs)/2)
	for i := 0; i < len(pairs); i += 2 {
		b = appendValue(amf.AppendKey(b, pairs[i].(string)), pairs[i+1])
	}
	return amf.AppendEnd(b)
}

// setFrame is a data message as encoders send it.
func setFrame(body []byte) []byte { return append(amf.AppendString(nil, nameSet), body...) }

var bothMetadata = metadata("width", 320, "height", 180, "videodatarate", 900, "audiodatarate", 96.5, keyVideo, 7, keyAudio, 10)

// bothMedia is of the tests' stream.
var bothMedia = mustMedia(
	message{typ: typeData, body: setFrame(bothMetadata)},
	message{typ: typeVideo, body: avcHeader}, message{typ: typeAudio, body: aacHeader},
)

// mustMedia is the media of a source that sends these messages.
func mustMedia(all ...message) *media {
	var in intake
	for i := range all {
		in.take(&all[i])
	}
	for at := range uint32(2) { // what else there might be does not come
		if in.media == nil {
			body := audioFrame(0)
			if all[len(all)-1].typ == typeVideo {
				body = videoFrame(true, 0)
			}
			in.take(&message{typ: all[len(all)-1].typ, time: at * trackPatience, body: body})
		}
	}
	if in.media == nil {
		panic("the tracks are not known")
	}
	return in.media
}
