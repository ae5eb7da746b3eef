package sdp

import (
	"errors"
	"strconv"
	"strings"
)

// Session is a description: what it says of the media, and what it says of all of them.
// Its strings may share memory with one another and are never changed.
type Session struct {
	// Control is the session's control attribute as it was spelled; empty if there is
	// none.
	Control string
	// Lines are the session's attributes that are passed on, as they came.
	Lines []string
	// Kilobits is what b=AS says for all media together, in kbit/s; 0 if it says nothing.
	Kilobits uint32
	// Media are in the description's order; there is one at least.
	Media []Media
}

// Media is one m= line and what belongs to it.
type Media struct {
	// Kind is what it is, in lower case: "video", "audio", "application", "text" or
	// another token.
	Kind string
	// Protocol is how it is carried, in upper case: "RTP/AVP", "RTP/AVP/TCP".
	Protocol string
	// Formats are the payload formats in the order of preference, at most [MaxFormats].
	// A media that names none cannot be used: see [Media.Check].
	Formats []Format
	// Control is the control attribute as it was spelled; empty if there is none.
	Control string
	// Bandwidths are the b= lines, as they came.
	Bandwidths []string
	// Lines are the other attributes that are passed on (a=framerate and its like), as
	// they came.
	Lines []string
	// Kilobits is what b=AS says, in kbit/s; 0 if it says nothing.
	Kilobits uint32
	// SendOnly says that the media is for what the other side sends: in a description
	// that we asked for, sound that a camera would play.
	SendOnly bool
	// Encrypted says that the packets are (SRTP), with keys that are not ours.
	Encrypted bool
}

// Format is a payload format of a media.
type Format struct {
	// Type is the payload type, 0 to 127.
	Type uint8
	// Encoding is the name from a=rtpmap, in upper case ("H264"); empty if there is none,
	// as for static types, which RTP knows.
	Encoding string
	// Clock is the rate of timestamps in Hz, from a=rtpmap; 0 if that does not say it.
	Clock uint32
	// Channels is how many channels sound has, from a=rtpmap; 0 if that does not say it.
	Channels uint8
	// Map is the value of a=rtpmap behind the payload type, as it was spelled; empty if
	// there is none.
	Map string
	// Params is the value of a=fmtp behind the payload type, as it was spelled; empty if
	// there is none.
	Params string
}

// Errors of [Media.Check], each the end of a sentence for the operator.
var (
	ErrEncrypted = errors.New("is encrypted (SRTP), and there is no key to read it with")
	ErrNotRTP    = errors.New("does not come in RTP packets")
	ErrNoFormat  = errors.New("names no payload type")
)

// Check says why the media cannot be received and passed on; nil if it can. The error is
// [ErrEncrypted], [ErrNotRTP] or [ErrNoFormat].
func (m *Media) Check() error {
	switch {
	case m.Encrypted:
		return ErrEncrypted
	case !strings.Contains(m.Protocol, "RTP/AVP"):
		return ErrNotRTP
	case len(m.Formats) == 0:
		return ErrNoFormat
	}
	return nil
}

// describe fills in what a mapping says. What it leaves out or spells badly stays unknown.
func (f *Format) describe(mapping string) {
	name, rest, _ := strings.Cut(mapping, "/")
	f.Encoding = upperToken(strings.TrimSpace(name))
	rate, channels, _ := strings.Cut(rest, "/")
	f.Clock, f.Channels = uint32(number(rate, 32)), uint8(number(channels, 8))
}

// Param is the value of a parameter of a=fmtp, and whether it is there; names are
// compared without regard to case. A value keeps the equals signs in it, as base64 has
// them.
func (f *Format) Param(name string) (value string, ok bool) {
	for rest := f.Params; rest != ""; {
		var one string
		one, rest, _ = strings.Cut(rest, ";")
		key, value, _ := strings.Cut(one, "=")
		if strings.EqualFold(strings.TrimSpace(key), name) {
			return strings.TrimSpace(value), true
		}
	}
	return "", false
}

// WithParam is Params with another value of a parameter: in its place if it is there,
// behind the others if not.
func (f *Format) WithParam(name, value string) string {
	var out []string
	found := false
	for rest := f.Params; rest != ""; {
		var one string
		one, rest, _ = strings.Cut(rest, ";")
		key, _, _ := strings.Cut(one, "=")
		switch {
		case strings.TrimSpace(one) == "":
			continue
		case !strings.EqualFold(strings.TrimSpace(key), name):
			out = append(out, strings.TrimSpace(one))
		case !found:
			found = true
			out = append(out, name+"="+value)
		}
	}
	if !found {
		out = append(out, name+"="+value)
	}
	return strings.Join(out, "; ")
}

// number is a decimal number of so many bits; 0 if s is none.
func number(s string, bits int) uint64 {
	v, err := strconv.ParseUint(strings.TrimSpace(s), 10, bits)
	if err != nil {
		return 0
	}
	return v
}

// upperToken is a token (RFC 4566 section 9) in upper case; empty if s is none.
func upperToken(s string) string {
	for _, c := range []byte(s) {
		if c <= ' ' || c >= 0x7F || strings.IndexByte(`"(),/:;<=>?@[\]`, c) >= 0 {
			return ""
		}
	}
	return strings.ToUpper(s)
}
