package rtsp

import "streampump/codec"

// view is what a viewer wants of a stream.
type view struct {
	key    uint64 // of the engine's session
	name   string // of the stream, as the viewer spelled it
	token  string // that the viewer came with; empty if there was none
	media  *media // as it was described last, or as it is played
	tracks uint16 // those that are set up, by their bit
	apart  uint16 // those of them whose packets go by UDP
	// ports are the viewer's for those. The engine reads them while the viewer plays, and
	// nothing is set up then.
	ports *codec.Ports
}

// maxTracks is how many tracks a stream may have: a bit for each in view.tracks, and a
// description has no more media.
const maxTracks = codec.MaxTracks

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

// setUp notes that a track's packets go as a viewer has asked.
func (v *view) setUp(track int, on transport) {
	bit := uint16(1) << track
	v.tracks |= bit
	v.apart &^= bit
	if on.datagrams {
		v.apart |= bit
	}
	if v.ports == nil && on.datagrams {
		v.ports = new(codec.Ports)
	}
	if v.ports != nil { // none if it goes over the connection
		v.ports[packetChannel(track)], v.ports[reportChannel(track)] = on.ports[0], on.ports[1]
	}
}

// mixed reports whether the packets of some tracks go by UDP and those of others over the
// connection.
func (v *view) mixed() bool { return v.apart != 0 && v.apart != v.tracks }

// destination is where the packets go; nil: over the connection.
func (v *view) destination() *codec.Ports {
	if v.apart == 0 {
		return nil
	}
	return v.ports
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
