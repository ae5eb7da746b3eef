package rtp

import "bytes"

// MaxSet is the longest parameter set that is kept, in bytes. Real ones have tens.
const MaxSet = 1024

// MaxPPS is how many picture parameter sets are kept at a time. Encoders that use
// several have two to four.
const MaxPPS = 8

// maxPPSID is the highest identifier in H.264; H.265 has fewer.
const maxPPSID = 255

// ParameterSets are the newest parameter sets of a track in H.264 or H.265: the one
// sequence parameter set (and video parameter set) in use, and its picture parameter
// sets by their identifiers. Their memory is bounded by [MaxSet] and [MaxPPS].
type ParameterSets struct {
	h265     bool
	changed  bool
	vps, sps []byte
	pps      [MaxPPS]pictureSet
	count    int // of pps
}

type pictureSet struct {
	id  uint32
	nal []byte
}

// SetsOf are the parameter sets that f has seen, which grow with each of its Looks; nil
// if the format has none.
func SetsOf(f Format) *ParameterSets {
	switch f := f.(type) {
	case *h264:
		return &f.sets
	case *h265:
		return &f.sets
	default:
		return nil
	}
}

// Add keeps a copy of nal, a NAL unit with its header, if it is a parameter set and not
// broken: one that is too short, or longer than [MaxSet], is not kept. It is for those
// that a description gives; those in payloads are kept by themselves.
func (s *ParameterSets) Add(nal []byte) {
	if s.h265 {
		s.addH265(nal)
	} else {
		s.addH264(nal)
	}
}

// Changed reports whether there are sets that a decoder could start with, and whether
// one of them is new since it was last asked.
func (s *ParameterSets) Changed() bool {
	if !s.changed || !s.Complete() {
		return false
	}
	s.changed = false
	return true
}

// Complete reports whether there is one set of each kind at least.
func (s *ParameterSets) Complete() bool {
	return len(s.sps) > 0 && s.count > 0 && (!s.h265 || len(s.vps) > 0)
}

// VPS is the video parameter set (H.265 only), nil if there is none. Like the others it
// is a NAL unit with its header and without start code, and may be overwritten by the
// next Look or Add.
func (s *ParameterSets) VPS() []byte { return s.vps }

// SPS is the sequence parameter set, nil if there is none.
func (s *ParameterSets) SPS() []byte { return s.sps }

// PPS is the i-th picture parameter set, nil if there are no more; 0 is the first.
func (s *ParameterSets) PPS(i int) []byte {
	if i < 0 || i >= s.count {
		return nil
	}
	return s.pps[i].nal
}

// keep puts a copy of nal into slot and reports whether that changed it.
func (s *ParameterSets) keep(slot *[]byte, nal []byte) bool {
	if bytes.Equal(*slot, nal) {
		return false
	}
	*slot = append((*slot)[:0], nal...)
	s.changed = true
	return true
}

// keepSPS also forgets the picture parameter sets that belong to another one: theirs
// come behind it.
func (s *ParameterSets) keepSPS(nal []byte) {
	if s.keep(&s.sps, nal) {
		s.count = 0
	}
}

// keepPPS keeps nal, whose identifier comes first behind a header of the given size. A
// set for which there is no room is left out: decoders meet it in the stream.
func (s *ParameterSets) keepPPS(nal []byte, head int) {
	r := bitReader{b: nal[head:]}
	id, ok := r.ue()
	if !ok || id > maxPPSID {
		return
	}
	i := 0
	for i < s.count && s.pps[i].id != id {
		i++
	}
	if i == MaxPPS {
		return
	}
	if i == s.count {
		s.count++
		s.pps[i].id, s.pps[i].nal = id, s.pps[i].nal[:0]
	}
	s.keep(&s.pps[i].nal, nal)
}
