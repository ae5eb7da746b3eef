package flv

import "errors"

// ErrShort is the error of a tag that ends before it has said what it is.
var ErrShort = errors.New("an audio or video tag ends within its head")

// Kind is what a tag is to the track it belongs to.
type Kind uint8

// The kinds.
const (
	// Frame is sound, or a picture that needs those before it; also whatever is unknown.
	Frame Kind = iota
	// Header is what a decoder must have first, a sequence header; of AV1 also that of a
	// transport stream, and of sound also what its channels are: see [Tag.Channels].
	Header
	// Key is a picture with which decoding can start.
	Key
	// End says that the sequence is over. It often claims to be a key frame.
	End
	// Command is a video tag for a player that seeks.
	Command
	// Meta is what a video's pictures have in common beside the header, as their colours.
	Meta
)

var kindNames = [...]string{"frame", "header", "key", "end", "command", "meta"}

// String is the kind's name in tests.
func (k Kind) String() string {
	if int(k) < len(kindNames) {
		return kindNames[k]
	}
	return "unknown"
}

// Tag is what the first bytes of a tag say.
type Tag struct {
	// Codec is 0 if the tag is empty, or a Command.
	Codec Codec
	Kind  Kind
	// Track is the track's identifier if Multi; 0 otherwise, which is that of a stream's
	// first. Of several tracks in one tag it is 0 if that is among them, or the first
	// one's; Codec is then of the same track.
	Track uint8
	// Multi says that the tag names its tracks.
	Multi bool
	// Channels says that a Header is the order of a sound's channels
	// (MultichannelConfig), which stands beside the sequence header and not in its place.
	Channels bool
}

// Frame types of video tags (FLV 10.1, E.4.3.1).
const (
	typeKey       = 1
	typeGenerated = 4
	typeCommand   = 5
)

// Packet types of AVC, AAC and enhanced tags. From 3 on they are the latter's.
const (
	packetHeader     = 0
	packetFrames     = 1
	packetEnd        = 2
	packetFramesX    = 3 // frames without a composition time
	packetMeta       = 4
	packetTSHeader   = 5 // AV1's header as in a transport stream
	packetMultitrack = 6
	packetModEx      = 7

	packetChannels        = 4 // of sound
	packetSoundMultitrack = 5
)

// Marks of enhanced tags in the first byte.
const (
	enhancedVideo = 0x80
	enhancedAudio = 9 // as the codec
)

// aacID is AAC's number in old tags.
const aacID = 10

// likeAVC reports whether old tags of a codec have a packet type, as AVC's have.
func likeAVC(id Codec) bool { return id == OldAVC || id == OldHEVC || id == OldAV1 }

// Video looks at the body of a video tag. An empty one is a Frame of no codec. The error
// is [ErrShort].
func Video(body []byte) (Tag, error) {
	if len(body) == 0 {
		return Tag{}, nil
	}
	if body[0]&enhancedVideo != 0 {
		return enhancedVideoTag(body)
	}
	frame, codec := body[0]>>4, oldVideo+Codec(body[0]&15)
	if frame == typeCommand {
		return Tag{Kind: Command}, nil
	}
	if !likeAVC(codec) {
		return Tag{Codec: codec, Kind: picture(frame)}, nil
	}
	if len(body) < 2 {
		return Tag{}, ErrShort
	}
	t := Tag{Codec: codec}
	switch body[1] {
	case packetHeader:
		t.Kind = Header
	case packetFrames:
		t.Kind = picture(frame)
	case packetEnd:
		t.Kind = End
	}
	return t, nil
}

// picture is the kind of a picture by its frame type.
func picture(frame byte) Kind {
	if frame == typeKey || frame == typeGenerated {
		return Key
	}
	return Frame
}

// Audio looks at the body of an audio tag. An empty one, which is silence, is a Frame of
// no codec. The error is [ErrShort].
func Audio(body []byte) (Tag, error) {
	if len(body) == 0 {
		return Tag{}, nil
	}
	switch id := body[0] >> 4; id {
	case enhancedAudio:
		return enhancedAudioTag(body)
	case aacID:
		if len(body) < 2 {
			return Tag{}, ErrShort
		}
		t := Tag{Codec: OldAAC}
		if body[1] == packetHeader {
			t.Kind = Header
		}
		return t, nil
	default:
		return Tag{Codec: oldAudio + Codec(id)}, nil
	}
}
