package flv

import (
	"fmt"
	"strconv"
)

var avcProfiles = map[byte]string{
	44: "CAVLC 4:4:4", 66: "Baseline", 77: "Main", 88: "Extended", 100: "High", 110: "High 10", 122: "High 4:2:2", 244: "High 4:4:4",
}

// Bits of the constraints in AVC's configuration (H.264 7.4.2.1.1).
const (
	constraint1 = 0x40
	constraint3 = 0x10
)

// AVC describes the configuration of H.264, the body of its sequence header from the
// sixth byte on in an old tag, by profile and level: "High 3.0". "" if it cannot be read.
func AVC(config []byte) string {
	if len(config) < 4 || config[0] != 1 {
		return ""
	}
	profile, constraints, level := config[1], config[2], config[3]
	name := avcProfiles[profile]
	switch {
	case name == "":
		name = fmt.Sprintf("profile %d", profile)
	case profile == 66 && constraints&constraint1 != 0:
		name = "Constrained Baseline"
	}
	if level == 9 || level == 11 && profile <= 88 && constraints&constraint3 != 0 {
		return name + " 1b"
	}
	return fmt.Sprintf("%s %d.%d", name, level/10, level%10)
}

// AAC's object types (ISO 14496-3 1.5.1.1), those of sound in streams.
var aacTypes = map[uint32]string{
	1: "Main", 2: "LC", 3: "SSR", 4: "LTP", typeSBR: "HE", 23: "LD", typePS: "HEv2", 39: "ELD", 42: "xHE",
}

const (
	typeSBR    = 5
	typePS     = 29
	typeEscape = 31
	ownRate    = 15
)

// aacRates are the sample rates by their index, in Hz (ISO 14496-3 1.6.3.3).
var aacRates = [...]uint32{96000, 88200, 64000, 48000, 44100, 32000, 24000, 22050, 16000, 12000, 11025, 8000, 7350}

var aacChannels = [16]string{
	1: "mono", 2: "stereo", 3: "3.0", 4: "4.0", 5: "5.0", 6: "5.1", 7: "7.1", 11: "6.1", 12: "7.1", 13: "22.2", 14: "7.1",
}

// AAC describes AAC's configuration, the body of its sequence header from the third byte
// on in an old tag, by object type, sample rate and channels: "LC 44.1 kHz stereo". What
// only a decoder would find out, an extension that is not announced or channels in the
// stream, is not in it. "" if it cannot be read.
func AAC(config []byte) string {
	r := bits{b: config}
	object := r.objectType()
	rate, channels := r.sampleRate(), r.take(4)
	if object == typeSBR || object == typePS {
		rate = r.sampleRate() // that of what is heard
	}
	name := aacTypes[object]
	if r.short || rate == 0 || object == 0 {
		return ""
	}
	if name == "" {
		name = fmt.Sprintf("type %d", object)
	}
	s := name + " " + strconv.FormatFloat(float64(rate)/1000, 'f', -1, 64) + " kHz"
	if order := aacChannels[channels]; order != "" {
		s += " " + order
	}
	return s
}

// bits reads the first bits of a configuration, which are zeros behind its end.
type bits struct {
	b     []byte
	at    int // in bits
	short bool
}

// take reads n bits.
func (r *bits) take(n int) (v uint32) {
	for range n {
		v <<= 1
		if r.at>>3 >= len(r.b) {
			r.short = true
			continue
		}
		v |= uint32(r.b[r.at>>3]>>(7-r.at&7)) & 1
		r.at++
	}
	return v
}

func (r *bits) objectType() uint32 {
	if t := r.take(5); t != typeEscape {
		return t
	}
	return 32 + r.take(6)
}

// sampleRate is in Hz; 0 for an index that stands for none.
func (r *bits) sampleRate() uint32 {
	i := r.take(4)
	if i == ownRate {
		return r.take(24)
	}
	if int(i) < len(aacRates) {
		return aacRates[i]
	}
	return 0
}
