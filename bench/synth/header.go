package synth

import (
	"fmt"
	"math"

	"streampump/codec/asf"
	"streampump/codec/wire"
)

// minPadding is the size of a padding object without padding.
const minPadding = 24

// languages are what the lists of languages of two runs differ in.
var languages = [...][]string{{"en-us"}, {"de-at", "en-gb"}, {"nl-be"}}

// header makes the header of a Spec.
func (s *Spec) header() ([]byte, error) {
	h := s.headerSpec()
	if s.HeaderSize != 0 {
		h.Padding = 0
		missing := s.HeaderSize - len(h.Append(nil))
		if missing != 0 && missing < minPadding {
			return nil, fmt.Errorf("the header cannot have %d bytes, %d are missing for a padding object", s.HeaderSize, minPadding-missing)
		}
		h.Padding = missing
	}
	b := h.Append(nil)
	if _, err := asf.ParseHeader(b); err != nil {
		return nil, err
	}
	return b, nil
}

func (s *Spec) headerSpec() asf.HeaderSpec {
	if s.EE4 {
		h := asf.EE4Header(int(s.Epoch) & 1)
		s.identify(&h)
		return h
	}
	h := asf.HeaderSpec{
		PacketSize: s.PacketSize, Preroll: s.Preroll, Live: true, ExtraFlags: 8,
		Languages: languages[int(s.Epoch)%len(languages)],
		CodecList: true, StreamBitrates: true,
		Content: []asf.Attribute{{Name: "WMFSDKVersion", Text: "12.0.7600.16385"}},
	}
	s.identify(&h)
	for i := range s.Streams {
		h.Streams = append(h.Streams, s.Streams[i].headerSpec())
	}
	return h
}

// identify gives the header what is different in every run.
func (s *Spec) identify(h *asf.HeaderSpec) {
	h.FileID = wire.GUID{'s', 'y', 'n', 't', 'h', 0, 0, 0x40, 0x80, 0, 0, 0, 0, 0, byte(s.Epoch >> 8), byte(s.Epoch)}
	const day = 24 * 60 * 60 * 10_000_000 // in units of 100 ns
	h.Created = 150_000*day + uint64(s.Epoch)*day
}

// headerSpec is what the header says of a stream.
func (st *Stream) headerSpec() asf.StreamSpec {
	o := asf.StreamSpec{
		Number: st.Number, Kind: st.Kind, Extended: true, Buffer: 3000,
		NoCleanPoints: st.NoCleanPoints, Bitrate: uint32(st.bitrate()),
	}
	switch st.Kind {
	case asf.Video:
		st.describeVideo(&o)
	case asf.Audio:
		st.describeAudio(&o)
	}
	return o
}

func (st *Stream) describeVideo(o *asf.StreamSpec) {
	o.FrameTime = st.Interval
	if st.Carrier == JPEG {
		o.FourCC, o.Width, o.Height, o.CodecName = "MJPG", 8*pictureColumns, 8*pictureRows, "Motion JPEG"
		return
	}
	o.FourCC, o.Width, o.Height = st.FourCC, 320, 240
	o.CodecData = []byte{0x4E, 0x51, 0x00, 0x01, 0x00}
	o.CodecName = "Synthetic video"
	if o.FourCC == "" {
		o.FourCC = "WMV3"
	}
}

func (st *Stream) describeAudio(o *asf.StreamSpec) {
	if st.Carrier == PCM {
		o.FormatTag, o.SampleRate, o.Channels, o.BlockAlign, o.SampleBits = 1, st.rate(), 1, 1, 8
		o.Bitrate, o.CodecName = uint32(8*st.rate()), "PCM"
		return
	}
	o.FormatTag, o.SampleRate, o.Channels, o.BlockAlign = st.FormatTag, 44100, 2, st.Size
	o.CodecData = []byte{0x00, 0x88, 0x00, 0x00, 0x0F, 0x00, 0x00, 0x00, 0x00, 0x00}
	o.CodecName = "Synthetic sound"
	if o.FormatTag == 0 {
		o.FormatTag = 0x161
	}
}

// rate is how many bytes of objects of one size make a second; the interval,
// in whole nanoseconds, is not exact.
func (st *Stream) rate() int { return int(math.Round(st.bitrate() / 8)) }

// bitrate is what the stream's objects add up to, in bits per second.
func (st *Stream) bitrate() float64 {
	perGOP, gop := float64(st.sizeOf(true)), 1
	if st.GOP > 1 {
		gop = st.GOP
		perGOP = float64(st.sizeOf(true) + (gop-1)*st.Size)
	}
	return perGOP * 8 / (float64(gop) * st.Interval.Seconds())
}

// sizeOf is the nominal size of a key frame or another object.
func (st *Stream) sizeOf(key bool) int {
	if key && st.KeySize != 0 {
		return st.KeySize
	}
	return st.Size
}
