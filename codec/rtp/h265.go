package rtp

import "strconv"

// Types of NAL units that matter: of H.265 (table 7-1) and of its payload format (RFC
// 7798 4.4).
const (
	h265LastSlice = 9 // of those that are no key
	h265FirstKey  = 16
	h265LastKey   = 21 // BLA, IDR and CRA
	h265VPS       = 32
	h265SPS       = 33
	h265PPS       = 34
	h265AUD       = 35
	h265PrefixSEI = 39
	h265AP        = 48
	h265FU        = 49
	h265PACI      = 50
)

// Sizes in bytes.
const (
	h265Head = 2 // of a NAL unit's header
	paciHead = 2 // of what stands behind that in a PACI packet, without its extension
	donSize  = 2 // of a decoding order number
)

// h265MinSPS is the size below which a sequence parameter set cannot hold profile, tier
// and level.
const h265MinSPS = h265Head + 1 + 12

// h265 is H.265 (RFC 7798).
type h265 struct {
	sets  ParameterSets
	hints hints
	don   bool // decoding order numbers stand in the payloads
}

// newH265 makes the format for a description's sprop-max-don-diff, which is 0 if it is
// missing.
func newH265(maxDonDiff string) *h265 {
	n, err := strconv.ParseUint(maxDonDiff, 10, 16)
	return &h265{sets: ParameterSets{h265: true}, don: err == nil && n > 0}
}

// Look implements [Format]. A picture is Key if it is an intra random access point; other
// pictures behind a recovery point or a sequence parameter set are Refresh.
func (f *h265) Look(payload []byte) Look {
	if len(payload) < h265Head {
		return Other
	}
	if h265Type(payload) != h265PACI {
		return f.packet(h265Type(payload), payload[h265Head:], payload)
	}
	// A PACI packet carries another's type in its own header, and then its bytes
	// behind those of its extension (RFC 7798 4.4.4).
	if len(payload) < h265Head+paciHead {
		return Other
	}
	inner := payload[2] >> 1 & 63
	at := h265Head + paciHead + int(payload[2]&1<<4|payload[3]>>4)
	if at > len(payload) || inner == h265PACI {
		return Other
	}
	return f.packet(inner, payload[at:], nil)
}

func h265Type(unit []byte) uint8 { return unit[0] >> 1 & 63 }

// h265Layer is 0 for what every decoder decodes.
func h265Layer(unit []byte) uint8 { return unit[0]&1<<5 | unit[1]>>3 }

// packet looks at a payload of the given type. whole is the payload with its header, nil
// if that is not in front of body.
func (f *h265) packet(typ uint8, body, whole []byte) Look {
	switch {
	case typ == h265AP:
		return f.aggregate(body)
	case typ == h265FU:
		return f.fragment(body)
	case typ > h265PACI:
		return Other
	case f.don:
		return f.part(typ, body[min(donSize, len(body)):])
	case whole != nil:
		return f.units(whole)
	default:
		return f.part(typ, body)
	}
}

// aggregate looks at the NAL units of an aggregation packet (RFC 7798 4.4.2): see
// [h264.aggregate].
func (f *h265) aggregate(b []byte) Look {
	decided := Other
	don := donSize
	for open := true; ; {
		if f.don {
			b = b[min(don, len(b)):]
			don = 1 // a difference
		}
		unit, rest, ok := cutSized(b)
		if !ok {
			return decided
		}
		if b = rest; len(unit) < h265Head {
			continue
		}
		look := f.units(unit)
		if open {
			decided, open = look, look == Lead
		}
	}
}

// fragment looks at a part of a NAL unit behind the payload's header (RFC 7798 4.4.3).
func (f *h265) fragment(b []byte) Look {
	if len(b) == 0 {
		return Other
	}
	typ, start := b[0]&63, b[0]&fragmentStart != 0
	b = b[1:]
	switch {
	case start && f.don:
		return f.part(typ, b[min(donSize, len(b)):])
	case start:
		return f.part(typ, b)
	case h265Leads(typ):
		return Lead
	default:
		return Other
	}
}

// units looks at a NAL unit, and at what a sender put behind it with start codes. The
// first that is no Lead decides.
func (f *h265) units(b []byte) Look {
	look := Other
	for b = afterStartCode(b); len(b) >= h265Head; {
		typ := h265Type(b)
		if !h265Leads(typ) {
			if h265Layer(b) != 0 {
				return Other
			}
			return f.picture(typ, b[h265Head:])
		}
		unit, rest := cutStartCode(b)
		f.sets.addH265(unit)
		f.lead(typ, unit[min(h265Head, len(unit)):])
		look, b = Lead, rest
	}
	return look
}

// part looks at a NAL unit, or the first fragment of one, whose header is not in front
// of it.
func (f *h265) part(typ uint8, body []byte) Look {
	if !h265Leads(typ) {
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
func (f *h265) lead(typ uint8, body []byte) {
	switch typ {
	case h265SPS:
		f.hints |= hintSets
	case h265PrefixSEI:
		f.hints |= recoveryHints(body)
	}
}

// h265Leads reports whether NAL units of this type stand before a picture's slices
// (7.4.2.4.4).
func h265Leads(typ uint8) bool {
	return typ >= h265VPS && typ <= h265AUD || typ == h265PrefixSEI || typ >= 41 && typ <= 44
}

// picture looks at a slice, or at something that belongs behind one.
func (f *h265) picture(typ uint8, body []byte) Look {
	key := typ >= h265FirstKey && typ <= h265LastKey
	if !key && typ > h265LastSlice {
		return Other
	}
	seen := f.hints
	f.hints = 0
	switch {
	case len(body) == 0 || body[0]&firstInPicture == 0:
		return Other
	case key:
		return Key
	case seen != 0:
		return Refresh
	default:
		return Other
	}
}

func (s *ParameterSets) addH265(nal []byte) {
	if len(nal) <= h265Head || len(nal) > MaxSet || h265Layer(nal) != 0 {
		return
	}
	switch typ := h265Type(nal); {
	case typ == h265VPS:
		if s.keep(&s.vps, nal) {
			s.sps, s.count = s.sps[:0], 0
		}
	case typ == h265SPS && len(nal) >= h265MinSPS:
		s.keepSPS(nal)
	case typ == h265PPS:
		s.keepPPS(nal, h265Head)
	}
}
