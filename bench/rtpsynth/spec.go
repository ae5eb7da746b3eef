package rtpsynth

import (
	"encoding/base64"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Track is one of the tracks of a source.
type Track int

// The tracks.
const (
	Video Track = iota
	Audio
)

// What the tracks carry.
const (
	videoClock = 90_000
	audioClock = 48_000
	videoStep  = videoClock / 25 // a picture
	audioStep  = 1024            // an AAC frame
	videoType  = 96
	audioType  = 97
)

// Picture is the time from one picture to the next.
const Picture = time.Second * videoStep / videoClock

// Spec says what a source sends. Its zero value is nothing; begin with [Plain].
type Spec struct {
	// Tracks are in the order of the description.
	Tracks []Track
	// GOP is the number of pictures from one key frame to the next.
	GOP int
	// Parts is the number of packets of each picture, and KeyParts that of key frames, 0 for
	// as many; a key frame has one or two more in front of them.
	Parts, KeyParts int
	// Size is about how many bytes a packet of pictures has.
	Size int
	// Lead sends supplemental information in a packet of its own in front of the
	// parameter sets, as some encoders do.
	Lead bool
	// InBand leaves the parameter sets out of the description.
	InBand bool
	// Dressed gives each packet a contributing source, a header extension and padding.
	Dressed bool
	// Unmarked leaves out the marker that ends a picture.
	Unmarked bool
	// Unknown describes the pictures as of a format that nobody knows.
	Unknown bool
	// NewSets is the first picture whose key frame brings other parameter sets than those
	// described; 0 for none.
	NewSets int
	// Rate is that of the sound, in samples a second.
	Rate int
	// Run tells runs of a source apart.
	Run uint32
	// SSRC, Seq and Time are where each track begins, in the order of [Video], [Audio].
	SSRC [2]uint32
	Seq  [2]uint16
	Time [2]uint32
	// Clock is the wall clock of the first packet, as its reports have it.
	Clock time.Time
}

// Plain is a source with pictures and sound, a key frame each second and four packets for
// each picture, whose numbers are about to begin again from zero.
func Plain() Spec {
	return Spec{
		Tracks: []Track{Video, Audio}, GOP: 25, Parts: 4, Size: 700, Lead: true, Rate: audioClock, Run: 1,
		SSRC:  [2]uint32{0x1234_5678, 0x9ABC_DEF0},
		Seq:   [2]uint16{65_500, 65_530},
		Time:  [2]uint32{0xFFFF_0000, 0xFFFF_F000},
		Clock: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC),
	}
}

// Again is the same source after a restart: it describes itself as before, and its
// numbers, its times and its identities are all different.
func (s Spec) Again() Spec {
	s.Run++
	for i := range s.SSRC {
		s.SSRC[i] = s.SSRC[i]*7 + 13
		s.Seq[i] += 20_000
		s.Time[i] += 0x5000_0000
	}
	s.Clock = s.Clock.Add(time.Hour)
	return s
}

// Back is the same source whose clock is set back in mid-stream, after so many packets of
// each track.
func (s Spec) Back(by time.Duration, sent [2]int) Spec {
	s.Run++
	for i, clock := range []int{videoClock, s.Rate} {
		s.Time[i] -= uint32(by.Seconds() * float64(clock))
		s.Seq[i] += uint16(sent[i]) //nolint:gosec // it wraps
	}
	return s
}

// Other is a source that describes itself in another way: nothing of it can follow.
func (s Spec) Other() Spec {
	s = s.Again()
	s.Rate = 44_100
	return s
}

// Has reports whether there is a track.
func (s *Spec) Has(t Track) bool { return slices.Contains(s.Tracks, t) }

// Parameter sets of H.264, Main profile, 640×360.
var (
	sps = decode64("Z01AHtoCgL/lwEQAAAMABAAAAwDIPFi6gA==")
	pps = decode64("aO88gA==")

	// otherPPS is another picture parameter set of the same length.
	otherPPS = decode64("aO48gA==")
)

func decode64(s string) []byte {
	b, err := base64.StdEncoding.DecodeString(s)
	if err != nil {
		panic(err)
	}
	return b
}

// Describe is the source's description (RFC 8866), as ffmpeg writes one. control is the
// control attribute of each track in the order of [Spec.Tracks]; none leaves them out.
func (s *Spec) Describe(control ...string) string {
	var b strings.Builder
	b.WriteString("v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\ns=No Name\r\nc=IN IP4 192.0.2.77\r\nt=0 0\r\na=tool:libavformat LIBAVFORMAT_VERSION\r\n")
	for i, t := range s.Tracks {
		switch t {
		case Video:
			format := "H264"
			if s.Unknown {
				format = "X-NOBODY-KNOWS"
			}
			fmt.Fprintf(&b, "m=video 0 RTP/AVP %d\r\nb=AS:904\r\na=rtpmap:%d %s/%d\r\na=fmtp:%d packetization-mode=1", videoType, videoType, format, videoClock, videoType)
			if !s.InBand && !s.Unknown {
				fmt.Fprintf(&b, "; sprop-parameter-sets=%s,%s; profile-level-id=4D401E", base64.StdEncoding.EncodeToString(sps), base64.StdEncoding.EncodeToString(pps))
			}
			b.WriteString("\r\n")
		case Audio:
			fmt.Fprintf(&b, "m=audio 0 RTP/AVP %d\r\nb=AS:128\r\na=rtpmap:%d MPEG4-GENERIC/%d/2\r\n", audioType, audioType, s.Rate)
			fmt.Fprintf(&b, "a=fmtp:%d profile-level-id=1;mode=AAC-hbr;sizelength=13;indexlength=3;indexdeltalength=3; config=119056E500\r\n", audioType)
		}
		if i < len(control) && control[i] != "" {
			fmt.Fprintf(&b, "a=control:%s\r\n", control[i])
		}
	}
	return b.String()
}

// ParameterSets are the source's as a description has them, the first ones or those that
// come later.
func ParameterSets(later bool) string {
	second := pps
	if later {
		second = otherPPS
	}
	return base64.StdEncoding.EncodeToString(sps) + "," + base64.StdEncoding.EncodeToString(second)
}
