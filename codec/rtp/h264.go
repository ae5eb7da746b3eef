package rtp

// Types of NAL units that matter: of H.264 (table 7-1) and of its payload format (RFC
// 6184 5.2).
const (
	h264Slice      = 1
	h264PartitionA = 2
	h264IDR        = 5
	h264SEI        = 6
	h264SPS        = 7
	h264PPS        = 8
	h264AUD        = 9
	h264Prefix     = 14
	h264StapA      = 24
	h264FUA        = 28

	h264TypeMask = 31
)

// Bits of the second byte of a fragment, in both formats (RFC 6184 5.8, 7798 4.4.3).
const fragmentStart = 0x80

// Parameter sets shorter than these, in bytes with the NAL unit's header, hold nothing.
const (
	h264MinSPS = 5 // profile, constraints, level and an identifier
	h264MinPPS = 2
)

// h264 is H.264 (RFC 6184).
type h264 struct {
	sets  ParameterSets
	hints hints
}

// Look implements [Format]. A picture is Key if it is an IDR, or if it is intra-coded
// behind a recovery point of count 0 or a sequence parameter set: such open GOPs are
// what broadcast encoders and some cameras send instead. Other pictures behind one of the
// two are Refresh.
func (f *h264) Look(payload []byte) Look {
	if len(payload) == 0 {
		return Other
	}
	switch payload[0] & h264TypeMask {
	case h264StapA:
		return f.aggregate(payload[1:])
	case h264FUA:
		return f.fragment(payload)
	default:
		return f.units(payload)
	}
}

// aggregate looks at the NAL units of a STAP-A (RFC 6184 5.7.1). The first that is no
// Lead decides; parameter sets behind it are kept all the same.
func (f *h264) aggregate(b []byte) Look {
	decided := Other
	for open := true; ; {
		unit, rest, ok := cutSized(b)
		if !ok {
			return decided
		}
		if b = rest; len(unit) == 0 {
			continue
		}
		look := f.units(unit)
		if open {
			decided, open = look, look == Lead
		}
	}
}

// fragment looks at a part of a NAL unit (RFC 6184 5.8).
func (f *h264) fragment(b []byte) Look {
	if len(b) < 2 {
		return Other
	}
	typ := b[1] & h264TypeMask
	if b[1]&fragmentStart == 0 {
		return f.middle(typ)
	}
	return f.part(typ, b[2:])
}

// middle is a fragment that is not the first. A long SEI must not decide.
func (f *h264) middle(typ uint8) Look {
	if h264Leads(typ) {
		return Lead
	}
	return Other
}

// units looks at a NAL unit, and at what a sender put behind it with start codes. The
// first that is no Lead decides.
func (f *h264) units(b []byte) Look {
	look := Other
	for b = afterStartCode(b); len(b) > 0; {
		typ := b[0] & h264TypeMask
		if !h264Leads(typ) {
			return f.picture(typ, b[1:])
		}
		unit, rest := cutStartCode(b)
		f.sets.addH264(unit)
		f.lead(typ, unit[min(1, len(unit)):])
		look, b = Lead, rest
	}
	return look
}

// part looks at the first fragment of a NAL unit, whose header is not in front of it.
func (f *h264) part(typ uint8, body []byte) Look {
	if !h264Leads(typ) {
		return f.picture(typ, body)
	}
	body, rest := cutStartCode(body)
	f.lead(typ, body)
	if len(rest) == 0 {
		return Lead
	}
	return f.units(rest)
}

// lead notes what a NAL unit in front of a picture says of it.
func (f *h264) lead(typ uint8, body []byte) {
	switch typ {
	case h264SPS:
		f.hints |= hintSets
	case h264SEI:
		f.hints |= recoveryHints(body)
	}
}

// h264Leads reports whether NAL units of this type stand before a picture's slices
// (7.4.1.2.3).
func h264Leads(typ uint8) bool {
	return typ >= h264SEI && typ <= h264AUD || typ >= h264Prefix && typ <= 18
}

func recoveryHints(body []byte) hints {
	found, atOnce := findRecovery(body)
	switch {
	case !found:
		return 0
	case atOnce:
		return hintRecovery | hintAtOnce
	default:
		return hintRecovery
	}
}

// picture looks at a slice, or at something that belongs behind one.
func (f *h264) picture(typ uint8, body []byte) Look {
	if typ != h264Slice && typ != h264PartitionA && typ != h264IDR {
		return Other
	}
	seen := f.hints
	f.hints = 0
	switch {
	case len(body) == 0 || body[0]&firstInPicture == 0:
		return Other
	case typ == h264IDR:
		return Key
	case seen == 0:
		return Other
	case intraSlice(body) && (seen&hintAtOnce != 0 || seen&hintRecovery == 0):
		return Key
	default:
		return Refresh
	}
}

// intraSlice reads from a slice's header (7.3.3) whether it is of type I or SI.
func intraSlice(body []byte) bool {
	r := bitReader{b: body}
	_, _ = r.ue() // first_mb_in_slice
	typ, ok := r.ue()
	return ok && typ < 10 && (typ%5 == 2 || typ%5 == 4)
}

func (s *ParameterSets) addH264(nal []byte) {
	if len(nal) == 0 || len(nal) > MaxSet {
		return
	}
	switch typ := nal[0] & h264TypeMask; {
	case typ == h264SPS && len(nal) >= h264MinSPS:
		s.keepSPS(nal)
	case typ == h264PPS && len(nal) >= h264MinPPS:
		s.keepPPS(nal, 1)
	}
}
