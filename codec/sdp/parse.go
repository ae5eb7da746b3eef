package sdp

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Bounds of a description. A camera's has some kilobytes, of some forty lines.
const (
	// MaxSize is the most bytes that are read.
	MaxSize = 64 << 10
	// MaxLines is the most lines: each that is kept costs more than its bytes.
	MaxLines = 1024
	// MaxMedia is the most media: each has channels of its own.
	MaxMedia = 16
	// MaxFormats is the most payload formats of one media. What is beyond is passed over.
	MaxFormats = 16
)

// Errors of Parse, each a sentence for the operator.
var (
	ErrNoMedia = errors.New("the description (SDP) names no media: it has no m= line")
	ErrTooLong = fmt.Errorf("the description (SDP) has more than %d bytes or %d lines", MaxSize, MaxLines)
	ErrTooMany = fmt.Errorf("the description (SDP) has more than %d media", MaxMedia)
)

// MediaError says which m= line cannot be read.
type MediaError struct {
	Index int // from 0
	What  string
}

// Error is one sentence for the operator.
func (e *MediaError) Error() string {
	return fmt.Sprintf("media %d of the description (SDP) %s", e.Index+1, e.What)
}

// Parse reads a description. It copies what it keeps. The error is [ErrTooLong],
// [ErrTooMany], [ErrNoMedia] or a [*MediaError].
func Parse(b []byte) (*Session, error) {
	if len(b) > MaxSize {
		return nil, ErrTooLong
	}
	p, rest := parser{d: &Session{}}, string(b)
	for lines := 0; rest != ""; lines++ {
		if lines == MaxLines {
			return nil, ErrTooLong
		}
		var line string
		line, rest = cutLine(rest)
		if err := p.line(strings.TrimSpace(line)); err != nil {
			return nil, err
		}
	}
	if len(p.d.Media) == 0 {
		return nil, ErrNoMedia
	}
	return p.d, nil
}

// cutLine cuts a line off: they end with CRLF, LF or CR.
func cutLine(s string) (line, rest string) {
	i := strings.IndexAny(s, "\r\n")
	if i < 0 {
		return s, ""
	}
	if strings.HasPrefix(s[i:], "\r\n") {
		return s[:i], s[i+2:]
	}
	return s[:i], s[i+1:]
}

// parser is a description that is being read.
type parser struct {
	d         *Session
	open      *Media // the media that lines belong to; nil before the first
	bare      bool   // its m= line names no payload type
	sendOnly  bool   // the session's direction, for media that have none
	encrypted bool   // the session has keys
}

// line reads one line. A line with control characters is nothing that could be passed
// on or shown.
func (p *parser) line(s string) error {
	if strings.IndexFunc(s, func(r rune) bool { return r < ' ' && r != '\t' || r == 0x7F }) >= 0 {
		return nil
	}
	kind, value, ok := strings.Cut(s, "=")
	if !ok {
		return nil
	}
	value = strings.TrimSpace(value)
	switch kind {
	case "m":
		return p.media(value)
	case "b":
		p.bandwidth(s, value)
	case "a":
		p.attribute(s, value)
	}
	return nil
}

// media begins a media: KIND PORT PROTOCOL FORMAT... The port means nothing in RTSP.
func (p *parser) media(value string) error {
	if len(p.d.Media) == MaxMedia {
		return ErrTooMany
	}
	fields := strings.Fields(value)
	if len(fields) < 3 || upperToken(fields[0]) == "" {
		return &MediaError{len(p.d.Media), "is not of the form m=KIND PORT PROTOCOL FORMAT"}
	}
	p.d.Media = append(p.d.Media, Media{
		Kind: strings.ToLower(fields[0]), Protocol: strings.ToUpper(fields[2]),
		SendOnly: p.sendOnly, Encrypted: p.encrypted || strings.Contains(strings.ToUpper(fields[2]), "SAVP"),
	})
	p.open = &p.d.Media[len(p.d.Media)-1]
	for _, f := range fields[3:] {
		if payloadType, ok := parseType(f); ok {
			p.open.add(payloadType)
		}
	}
	p.bare = len(p.open.Formats) == 0
	return nil
}

// parseType reads a payload type.
func parseType(s string) (uint8, bool) {
	v := number(s, 7)
	return uint8(v), v != 0 || strings.Trim(s, "0") == "" && s != ""
}

// add adds a format, if it is a new one, and returns the one of this type; nil if there
// is no room.
func (m *Media) add(payloadType uint8) *Format {
	if f := m.format(payloadType); f != nil || len(m.Formats) == MaxFormats {
		return f
	}
	m.Formats = append(m.Formats, Format{Type: payloadType})
	return &m.Formats[len(m.Formats)-1]
}

// format is the format of a payload type; nil if there is none.
func (m *Media) format(payloadType uint8) *Format {
	i := slices.IndexFunc(m.Formats, func(f Format) bool { return f.Type == payloadType })
	if i < 0 {
		return nil
	}
	return &m.Formats[i]
}

// bandwidth reads a b= line: TYPE:FIGURE.
func (p *parser) bandwidth(line, value string) {
	name, figure, _ := strings.Cut(value, ":")
	name, figure = strings.TrimSpace(name), strings.TrimSpace(figure)
	if upperToken(name) == "" || strings.Trim(figure, "0123456789") != "" || figure == "" {
		return
	}
	kilobits := &p.d.Kilobits
	if p.open != nil {
		kilobits = &p.open.Kilobits
		p.open.Bandwidths = append(p.open.Bandwidths, line)
	}
	if strings.EqualFold(name, "AS") {
		*kilobits = uint32(number(figure, 32))
	}
}

// passed are the attributes that are as true for a viewer as for us, and name no address.
var passed = []string{
	"cliprect", "content", "extmap", "framerate", "framesize", "lang", "maxptime", "ptime",
	"ts-refclk", "x-dimensions", "x-framerate",
}

// attribute reads an a= line: NAME or NAME:VALUE.
func (p *parser) attribute(line, value string) {
	name, value, _ := strings.Cut(value, ":")
	name, value = strings.ToLower(strings.TrimSpace(name)), strings.TrimSpace(value)
	switch name {
	case "control":
		p.control(value)
	case "sendonly", "recvonly", "sendrecv", "inactive":
		p.direction(name == "sendonly")
	case "crypto", "key-mgmt":
		p.keys()
	case "rtpmap", "fmtp":
		p.describe(name, value)
	default:
		if slices.Contains(passed, name) {
			p.pass(line)
		}
	}
}

func (p *parser) control(value string) {
	if p.open == nil {
		p.d.Control = value
		return
	}
	p.open.Control = value
}

func (p *parser) direction(sendOnly bool) {
	if p.open == nil {
		p.sendOnly = sendOnly
		return
	}
	p.open.SendOnly = sendOnly
}

func (p *parser) keys() {
	if p.open == nil {
		p.encrypted = true
		return
	}
	p.open.Encrypted = true
}

func (p *parser) pass(line string) {
	if p.open == nil {
		p.d.Lines = append(p.d.Lines, line)
		return
	}
	p.open.Lines = append(p.open.Lines, line)
}

// describe reads what is said of a format: TYPE TEXT. A media whose m= line names no
// payload type has those that are described here.
func (p *parser) describe(name, value string) {
	i := strings.IndexAny(value, " \t")
	if p.open == nil || i < 0 {
		return
	}
	payloadType, ok := parseType(value[:i])
	if !ok {
		return
	}
	f := p.open.format(payloadType)
	if f == nil && name == "rtpmap" && p.bare {
		f = p.open.add(payloadType)
	}
	text := strings.TrimSpace(value[i:])
	switch {
	case f == nil || text == "":
	case name == "fmtp":
		f.Params = text
	case f.Map == "":
		f.Map = text
		f.describe(text)
	}
}
