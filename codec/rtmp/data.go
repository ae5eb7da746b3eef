package rtmp

import (
	"streampump/codec/amf"
)

// Names of data messages (type 18). What is in one follows its name.
const (
	nameMetadata = "onMetaData"
	// nameSet and nameClear stand in front of another name: what follows is to be kept for
	// those who come later, or forgotten (RTMP's data of a publisher).
	nameSet   = "@setDataFrame"
	nameClear = "@clearDataFrame"
)

// Keys of metadata that announce a track, by its type. A player of the libavformat family
// waits for what is announced, and shows nothing until it comes.
const (
	keyVideo = "videocodecid"
	keyAudio = "audiocodecid"
	// those of Enhanced RTMP's further tracks, by the numbers of these
	keyVideoTracks = "videoTrackIdInfoMap"
	keyAudioTracks = "audioTrackIdInfoMap"
)

// cleanData is the body of a data message as viewers get it: without the format byte of
// type 15, and without what is for the server. A body without a name is nil.
func cleanData(typ uint8, body []byte) []byte {
	if typ == typeData3 && len(body) > 0 {
		body = body[1:]
	}
	r := amf.NewReader(body)
	name, err := r.Next()
	switch {
	case err != nil || !name.IsText():
		return nil
	case string(name.Text) != nameSet:
		return body
	}
	rest := r.Rest()
	if next, err := r.Next(); err != nil || !next.IsText() {
		return nil
	}
	return rest
}

// dataName is the name of a data message; nil if it has none.
func dataName(body []byte) []byte {
	r := amf.NewReader(body)
	if v, err := r.Next(); err == nil && v.IsText() {
		return v.Text
	}
	return nil
}

// metadataOf is the object of onMetaData; ok is false if the body has none that can be
// read.
func metadataOf(body []byte) (v amf.Value, ok bool) {
	r := amf.NewReader(body)
	if name, err := r.Next(); err != nil || string(name.Text) != nameMetadata {
		return amf.Value{}, false
	}
	v, err := r.Next()
	return v, err == nil && v.Marker != amf.AMF3
}

// announced is the tracks that metadata names. A track's codec is not known by it.
func announced(metadata []byte) (tracks []track) {
	v, _ := metadataOf(metadata)
	v.Each(func(key []byte, in amf.Value) bool {
		switch string(key) {
		case keyVideo:
			tracks = addTrack(tracks, typeVideo, 0)
		case keyAudio:
			tracks = addTrack(tracks, typeAudio, 0)
		case keyVideoTracks:
			tracks = addTracks(tracks, typeVideo, in)
		case keyAudioTracks:
			tracks = addTracks(tracks, typeAudio, in)
		}
		return len(tracks) < maxTracks
	})
	return tracks
}

// addTracks adds those whose ids are the keys of a map.
func addTracks(tracks []track, typ uint8, ids amf.Value) []track {
	ids.Each(func(key []byte, _ amf.Value) bool {
		if id, ok := trackID(key); ok {
			tracks = addTrack(tracks, typ, id)
		}
		return len(tracks) < maxTracks
	})
	return tracks
}

func addTrack(tracks []track, typ, id uint8) []track {
	for _, t := range tracks {
		if t.typ == typ && t.id == id {
			return tracks
		}
	}
	return append(tracks, track{typ: typ, id: id})
}

// trackID reads a track id in decimal.
func trackID(key []byte) (id uint8, ok bool) {
	n := 0
	for _, c := range key {
		if c < '0' || c > '9' || n > 255 {
			return 0, false
		}
		n = 10*n + int(c-'0')
	}
	return uint8(n), len(key) > 0 && n <= 255
}

// fits reports whether metadata names nothing that a media has not.
func (m *media) fits(metadata []byte) bool {
	for _, t := range announced(metadata) {
		if _, ok := m.find(t.typ, t.id); !ok && (t.id > 0 || !m.has(t.typ)) {
			return false
		}
	}
	return true
}
