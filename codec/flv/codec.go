package flv

import "strconv"

// Codec is how a track is encoded, and how its tags are written: the same encoding has
// another value in old tags than in enhanced ones, as a player may know only one of
// them. 0 stands for a tag that does not say.
type Codec uint32

// Where the numbers of old tags are. No FourCC is as small.
const (
	oldVideo Codec = 1000
	oldAudio Codec = 2000
)

// Codecs of old video tags (FLV 10.1, E.4.3.1). HEVC and AV1 there are not in the
// standard, and are written as AVC is.
const (
	Sorenson = oldVideo + 2
	Screen   = oldVideo + 3
	VP6      = oldVideo + 4
	VP6Alpha = oldVideo + 5
	Screen2  = oldVideo + 6
	OldAVC   = oldVideo + 7
	OldHEVC  = oldVideo + 12
	OldAV1   = oldVideo + 13
)

// Codecs of old audio tags (FLV 10.1, E.4.2.1).
const (
	PCM        = oldAudio + 0 // in the byte order of who made it
	ADPCM      = oldAudio + 1
	OldMP3     = oldAudio + 2
	PCMLittle  = oldAudio + 3
	Nelly16    = oldAudio + 4 // Nellymoser at 16 kHz, and at 8
	Nelly8     = oldAudio + 5
	Nelly      = oldAudio + 6
	ALaw       = oldAudio + 7
	MuLaw      = oldAudio + 8
	OldAAC     = oldAudio + 10
	Speex      = oldAudio + 11
	OldMP3At8  = oldAudio + 14 // MP3 at 8 kHz
	DeviceOnly = oldAudio + 15
)

// Codecs of enhanced tags: their FourCC.
const (
	EnhancedAVC Codec = 'a'<<24 | 'v'<<16 | 'c'<<8 | '1'
	HEVC        Codec = 'h'<<24 | 'v'<<16 | 'c'<<8 | '1'
	VVC         Codec = 'v'<<24 | 'v'<<16 | 'c'<<8 | '1'
	AV1         Codec = 'a'<<24 | 'v'<<16 | '0'<<8 | '1'
	VP8         Codec = 'v'<<24 | 'p'<<16 | '0'<<8 | '8'
	VP9         Codec = 'v'<<24 | 'p'<<16 | '0'<<8 | '9'

	EnhancedAAC Codec = 'm'<<24 | 'p'<<16 | '4'<<8 | 'a'
	EnhancedMP3 Codec = '.'<<24 | 'm'<<16 | 'p'<<8 | '3'
	Opus        Codec = 'O'<<24 | 'p'<<16 | 'u'<<8 | 's'
	FLAC        Codec = 'f'<<24 | 'L'<<16 | 'a'<<8 | 'C'
	AC3         Codec = 'a'<<24 | 'c'<<16 | '-'<<8 | '3'
	EAC3        Codec = 'e'<<24 | 'c'<<16 | '-'<<8 | '3'
)

var codecNames = map[Codec]string{
	0:        "unknown",
	Sorenson: "Sorenson", Screen: "Screen", VP6: "VP6", VP6Alpha: "VP6 with alpha", Screen2: "Screen 2",
	OldAVC: "H.264", OldHEVC: "HEVC (unofficial)", OldAV1: "AV1 (unofficial)",
	PCM: "PCM", ADPCM: "ADPCM", OldMP3: "MP3", PCMLittle: "PCM", Nelly16: "Nellymoser", Nelly8: "Nellymoser",
	Nelly: "Nellymoser", ALaw: "A-law", MuLaw: "µ-law", OldAAC: "AAC", Speex: "Speex", OldMP3At8: "MP3", DeviceOnly: "device sound",
	EnhancedAVC: "H.264", HEVC: "HEVC", VVC: "VVC", AV1: "AV1", VP8: "VP8", VP9: "VP9",
	EnhancedAAC: "AAC", EnhancedMP3: "MP3", Opus: "Opus", FLAC: "FLAC", AC3: "AC-3", EAC3: "E-AC-3",
}

// String is the operator's word for the codec.
func (c Codec) String() string {
	if name := codecNames[c]; name != "" {
		return name
	}
	switch {
	case c >= oldVideo && c < oldVideo+16:
		return "video codec " + strconv.Itoa(int(c-oldVideo))
	case c >= oldAudio && c < oldAudio+16:
		return "audio codec " + strconv.Itoa(int(c-oldAudio))
	default:
		return strconv.QuoteToASCII(string([]byte{byte(c >> 24), byte(c >> 16), byte(c >> 8), byte(c)}))
	}
}
