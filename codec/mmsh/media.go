package mmsh

import (
	"time"

	"streampump/codec"
	"streampump/codec/asf"
)

// media is a stream header in both forms. It is immutable and shared.
type media struct {
	h      *asf.Header
	framed []byte // as $H packets
}

var _ codec.Media = (*media)(nil)

// A data packet of any accepted header fits a $D.
const _ = uint(MaxPayload - asf.PacketSizeMax)

// newMedia parses a header: the payload of a whole $H. It copies what it keeps.
func newMedia(b []byte) (*media, error) {
	h, err := asf.ParseHeader(b)
	if err != nil {
		return nil, err
	}
	return &media{h: h, framed: AppendHead(nil, h.Live())}, nil
}

// head is the head in one form.
func (m *media) head(f codec.Form) []byte {
	if f == codec.Plain {
		return m.h.Live()
	}
	return m.framed
}

// String implements [codec.Media].
func (m *media) String() string { return m.h.String() }

// NewProgramme implements [codec.Media].
func (m *media) NewProgramme() codec.Programme { return &programme{m: m} }

// MIME implements [codec.Media].
func (m *media) MIME() string { return plainType }

// Bitrate implements [codec.Media].
func (m *media) Bitrate() uint32 { return m.h.Bitrate() }

// Preroll implements [codec.Media].
func (m *media) Preroll() time.Duration { return m.h.Preroll() }

// KeyFrames implements [codec.Media].
func (m *media) KeyFrames() bool { return m.h.HasVideo() }
