package rtp

import "bytes"

// mp4v is MPEG-4 part 2 video (RFC 6416 5). Its start codes are ISO 14496-2 table 6-3.
type mp4v struct{}

const (
	mp4vObjectLayer = 0x2F // the last of video objects and their layers
	mp4vSequence    = 0xB0
	mp4vUserData    = 0xB2
	mp4vGroup       = 0xB3
	mp4vObject      = 0xB5
	mp4vPicture     = 0xB6

	mp4vTypeMask = 0xC0 // in the byte behind a picture's start code; 0 is intra-coded
)

// Look implements [Format]. Headers are Lead, and the picture behind them decides.
func (mp4v) Look(payload []byte) Look {
	b, ok := bytes.CutPrefix(payload, startCode)
	for ok && len(b) > 0 {
		switch code := b[0]; {
		case code == mp4vPicture:
			return keyIf(len(b) > 1 && b[1]&mp4vTypeMask == 0)
		case code > mp4vObjectLayer && code != mp4vSequence && code != mp4vUserData && code != mp4vGroup && code != mp4vObject:
			return Other
		}
		if _, b, ok = bytes.Cut(b, startCode); !ok {
			return Lead
		}
	}
	return Other
}

// mpv is MPEG-1 and MPEG-2 video (RFC 2250 3).
type mpv struct{}

// The header in front of each payload, and its third byte (RFC 2250 3.4).
const (
	mpvHead     = 4
	mpvSequence = 0x20 // S: a sequence header is in the packet
	mpvType     = 0x07 // P
	mpvIntra    = 1
)

// Look implements [Format]. An I picture without a sequence header is nothing to start
// at: descriptions of this format do not have one.
func (mpv) Look(payload []byte) Look {
	return keyIf(len(payload) > mpvHead && payload[2]&mpvSequence != 0 && payload[2]&mpvType == mpvIntra)
}
