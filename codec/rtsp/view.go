package rtsp

import "streampump/codec"

// view is what a viewer wants of a stream.
type view struct {
	key    uint64 // of the engine's session
	name   string // of the stream, as the viewer spelled it
	token  string // that the viewer came with; empty if there was none
	media  *media // as it was described last, or as it is played
	tracks uint16 // those that are set up, by their bit
}

// maxTracks is how many tracks a stream may have: a bit for each in view.tracks, and a
// description has no more media.
const maxTracks = 16

// isSetUp reports whether a track of any stream is set up.
func (v *view) isSetUp() bool { return v != nil && v.tracks != 0 }

// of reports whether the view is of a stream of that name.
func (v *view) of(name string) bool { return v != nil && v.name == name }

// form is the form of the stream that has what was set up and the least else.
func (v *view) form() codec.Form {
	switch m := v.media; {
	case v.tracks == allTracks(m):
		return codec.Framed
	case m.video != none && v.tracks == 1<<m.video:
		return codec.Video
	case m.audio != none && v.tracks == 1<<m.audio:
		return codec.Audio
	default:
		return codec.Framed
	}
}

// allTracks are the bits of all tracks.
func allTracks(m *media) uint16 { return 1<<len(m.tracks()) - 1 }

// changed reports whether a media describes something else than the viewer knows: its
// tracks' packets are others. One that has become more exact is the same.
func (v *view) changed(m *media) bool { return v.media != nil && v.media.id != m.id }

// appendBye appends the goodbyes of the tracks that are set up.
func (v *view) appendBye(dst []byte) []byte {
	for i := range v.media.tracks() {
		if v.tracks&(1<<i) != 0 {
			dst = v.media.appendBye(dst, i)
		}
	}
	return dst
}
