package sdp

import "strconv"

// Identity is what a description that is written says of itself.
type Identity struct {
	// ID and Version are those of the o= line: another version under the same ID is the
	// same session, described anew.
	ID, Version uint64
	// Name is the session's name; "-" stands for an empty one.
	Name string
	// Base is the URL that control attributes begin with, absolute, without a query and
	// without a slash at its end.
	Base string
}

// Append appends the description that viewers get: see the package's documentation. The
// control attribute of media N, from 0, is Base with [TrackPath] and N behind it.
func (d *Session) Append(dst []byte, id Identity) []byte {
	dst = append(dst, "v=0\r\no=- "...)
	dst = strconv.AppendUint(dst, id.ID, 10)
	dst = append(dst, ' ')
	dst = strconv.AppendUint(dst, id.Version, 10)
	dst = append(dst, " IN IP4 0.0.0.0\r\ns="...)
	dst = appendName(dst, id.Name)
	dst = append(dst, "\r\nc=IN IP4 0.0.0.0\r\nt=0 0\r\na=control:*\r\na=range:npt=now-\r\n"...)
	dst = appendLines(dst, d.Lines)
	for i := range d.Media {
		dst = d.Media[i].append(dst)
		dst = append(append(append(dst, "a=control:"...), id.Base...), TrackPath...)
		dst = strconv.AppendInt(dst, int64(i), 10)
		dst = append(dst, "\r\n"...)
	}
	return dst
}

// TrackPath is what stands between the base and a media's number in the control
// attributes that are written.
const TrackPath = "/trackID="

// appendName appends a name as one line: what could end the line, or is no text, is
// left out.
func appendName(dst []byte, name string) []byte {
	start := len(dst)
	for _, c := range []byte(name) {
		if c >= ' ' && c != 0x7F {
			dst = append(dst, c)
		}
	}
	if len(dst) == start {
		dst = append(dst, '-')
	}
	return dst
}

func appendLines(dst []byte, lines []string) []byte {
	for _, line := range lines {
		dst = append(append(dst, line...), "\r\n"...)
	}
	return dst
}

// append appends the media without its control attribute. The profile is the plain one
// whatever the source's is: feedback of viewers (RTP/AVPF) has nowhere to go, and what
// is below RTP is agreed on later.
func (m *Media) append(dst []byte) []byte {
	dst = append(append(append(dst, "m="...), m.Kind...), " 0 RTP/AVP"...)
	for i := range m.Formats {
		dst = append(dst, ' ')
		dst = strconv.AppendUint(dst, uint64(m.Formats[i].Type), 10)
	}
	dst = append(dst, "\r\n"...)
	dst = appendLines(dst, m.Bandwidths)
	for i := range m.Formats {
		dst = m.Formats[i].append(dst)
	}
	return appendLines(dst, m.Lines)
}

// append appends a format's attributes.
func (f *Format) append(dst []byte) []byte {
	for _, a := range [...]struct{ name, value string }{{"rtpmap", f.Map}, {"fmtp", f.Params}} {
		if a.value == "" {
			continue
		}
		dst = append(append(append(dst, "a="...), a.name...), ':')
		dst = strconv.AppendUint(dst, uint64(f.Type), 10)
		dst = append(append(append(dst, ' '), a.value...), "\r\n"...)
	}
	return dst
}
