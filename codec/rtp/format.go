package rtp

// Look is what one payload is to its access unit. They grow with what a viewer that
// starts here gets to see.
type Look uint8

// The looks.
const (
	// Other decides that the access unit is nothing to start at, or belongs inside one.
	Other Look = iota
	// Lead may stand before a picture of any kind: parameter sets, delimiters, SEI,
	// headers. What follows it in the same access unit decides; where an encoder gives
	// it a time of its own, it belongs to the next.
	Lead
	// Refresh begins a picture at which a decoder may start, and from which on it
	// becomes right bit by bit (recovery point, intra refresh). It is for streams that
	// have no Key for long.
	Refresh
	// Key begins a picture at which decoding can start.
	Key
)

var lookNames = [...]string{"other", "lead", "refresh", "key"}

// String is the look's name in tests.
func (l Look) String() string {
	if int(l) < len(lookNames) {
		return lookNames[l]
	}
	return "unknown"
}

// A Format looks into the payloads of one track. It remembers what it has seen between
// pictures, so it is given every payload once, in order.
type Format interface {
	// Look says what the payload of a packet is. It keeps no reference to it, and
	// does not allocate. A payload that is broken, or empty, is Other.
	Look(payload []byte) Look
}

// FormatOf makes a format for a track with the given encoding, whose name is in upper
// case, as in a description's rtpmap or from [Static]. fmtp gives the values of the
// description's format parameters by their names in lower case, "" for those that are
// missing; it is not kept. pictures says that a viewer has to start at a Key; of all
// others any packet will do. known is false for an encoding that nothing is known of:
// its payloads are Other.
func FormatOf(encoding string, fmtp func(name string) string) (f Format, pictures, known bool) {
	if f = pictureFormat(encoding, fmtp); f != nil {
		return f, true, true
	}
	if encoding == "MP4A-LATM" {
		return latm{inBand: fmtp("cpresent") != "0"}, false, true
	}
	if standsAlone[encoding] {
		return alone{}, false, true
	}
	return unknown{}, false, false
}

func pictureFormat(encoding string, fmtp func(name string) string) Format {
	switch encoding {
	case "H264":
		return &h264{}
	case "H265", "HEVC":
		return newH265(fmtp("sprop-max-don-diff"))
	case "AV1":
		return av1{}
	case "VP8":
		return vp8{}
	case "VP9":
		return vp9{}
	case "MP4V-ES":
		return mp4v{}
	case "MPV":
		return mpv{}
	case "MP2T":
		return newMP2T()
	case "JPEG":
		return jpeg{}
	default:
		return nil
	}
}

// standsAlone are encodings each packet of which can be decoded without those before:
// sound, and what comes with it.
var standsAlone = map[string]bool{
	"MPEG4-GENERIC": true, "MPA": true, "MPA-ROBUST": true, "OPUS": true, "VORBIS": true,
	"PCMU": true, "PCMA": true, "G722": true, "L8": true, "L16": true, "L20": true, "L24": true,
	"AC3": true, "EAC3": true, "SPEEX": true, "AMR": true, "AMR-WB": true, "ILBC": true,
	"GSM": true, "G723": true, "G728": true, "G729": true, "DVI4": true, "LPC": true, "QCELP": true, "CN": true,
	"G726-16": true, "G726-24": true, "G726-32": true, "G726-40": true,
	"TELEPHONE-EVENT": true, "VND.ONVIF.METADATA": true, "SMPTE336M": true,
}

// Continuous reports whether the packets of f are not joined to access units by marker
// and timestamp: a viewer may start, and leave packets out, at each of them that looks
// right, whatever came before. It is so for a transport stream, whose RTP packets are
// cut anywhere, and for sound.
func Continuous(f Format) bool {
	switch f.(type) {
	case *mp2t, latm, alone:
		return true
	default:
		return false
	}
}

// alone is the format of encodings each packet of which stands alone.
type alone struct{}

// Look implements [Format].
func (alone) Look(payload []byte) Look { return keyIf(len(payload) > 0) }

// unknown is the format of everything else.
type unknown struct{}

// Look implements [Format].
func (unknown) Look([]byte) Look { return Other }

// keyIf is for formats that know nothing in between.
func keyIf(yes bool) Look {
	if yes {
		return Key
	}
	return Other
}

// latm is MPEG-4 audio as LATM (RFC 6416 6).
type latm struct {
	inBand bool // the configuration comes in the payload
}

// sameConfig is the bit useSameStreamMux, the first of an AudioMuxElement whose
// configuration comes in band (ISO 14496-3 1.7.3).
const sameConfig = 0x80

// Look implements [Format]. With the configuration in band it is Key where that comes.
func (f latm) Look(payload []byte) Look {
	return keyIf(len(payload) > 0 && (!f.inBand || payload[0]&sameConfig == 0))
}

// jpeg is JPEG, each frame of which is whole (RFC 2435 3.1).
type jpeg struct{}

// jpegHead is a type-specific byte, the fragment's offset of three, type, quality and
// size.
const jpegHead = 8

// Look implements [Format].
func (jpeg) Look(payload []byte) Look {
	return keyIf(len(payload) > jpegHead && payload[1]|payload[2]|payload[3] == 0)
}
