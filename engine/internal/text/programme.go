package text

import (
	"bytes"
	"errors"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"streampump/codec"
)

// media is a header.
type media struct {
	name    string
	keys    bool
	preroll time.Duration
	pad     int
	rate    uint32
	join    bool
	stamp   bool
	renews  bool
	framed  []byte // the head
	plain   []byte
}

// NewMedia reads the rest of an H line.
func NewMedia(line string) codec.Media {
	m := &media{keys: true}
	for i, w := range strings.Fields(line) {
		key, value, _ := strings.Cut(w, "=")
		switch {
		case i == 0:
			m.name = w
		case key == "audio":
			m.keys = false
		case key == "preroll":
			ms, _ := strconv.Atoi(value)
			m.preroll = time.Duration(ms) * time.Millisecond
		case key == "pad":
			m.pad, _ = strconv.Atoi(value)
		case key == "rate":
			n, _ := strconv.ParseUint(value, 10, 32)
			m.rate = uint32(n)
		case key == "join":
			m.join = true
		case key == "stamp":
			m.stamp = true
		case key == "renews":
			m.renews = true
		}
	}
	m.framed, m.plain = []byte("{"+m.name+"}"), []byte("["+m.name+"]")
	return m
}

func (m *media) String() string { return m.name }
func (m *media) NewProgramme() codec.Programme {
	p := &programme{media: m}
	p.stands.Store(m)
	return p
}
func (m *media) MIME() string           { return "text/plain" }
func (m *media) Bitrate() uint32        { return m.rate }
func (m *media) Preroll() time.Duration { return m.preroll }
func (m *media) KeyFrames() bool        { return m.keys }

// programme frames packets. A splice makes the time line go on and waits
// for a key frame.
type programme struct {
	media   *media
	number  uint64
	last    time.Duration // send time of the last packet
	shift   time.Duration
	rebase  bool
	needKey bool
	held    []byte
	stands  atomic.Pointer[media]
}

func (p *programme) Media() codec.Media { return p.stands.Load() }

func (p *programme) Head(f codec.Form) []byte {
	if f == codec.Plain {
		return p.media.plain
	}
	return p.media.framed
}

func (p *programme) Next() codec.Programme { return p.media.NewProgramme() }

func (p *programme) Splice(m codec.Media, pause time.Duration) bool {
	if m.(*media).name != p.media.name {
		return false
	}
	p.rebase, p.needKey = p.number > 0, p.number > 0 && p.media.keys
	p.last += pause
	return true
}

func (p *programme) Miss(*codec.Event) {}

var errTextTooLong = errors.New("the packet is longer than the header allows")

func (p *programme) Append(dst []byte, ev *codec.Event) ([]byte, codec.Mark, error) {
	verb, rest, _ := bytes.Cut(ev.Data, []byte{' '})
	switch {
	case verb[0] == 'B':
		return dst, codec.Mark{}, errTextTooLong
	case verb[0] == 'M':
		return dst, codec.Mark{}, codec.ErrMalformed
	case verb[0] == 'S':
		return dst, codec.Mark{}, codec.ErrSkip
	case verb[0] == 'O' && p.number > 0:
		return dst, codec.Mark{}, codec.ErrProgrammeOver
	}
	key := bytes.IndexByte(verb, 'k') >= 0 || verb[0] == 'O' || !p.media.keys
	if bytes.IndexByte(verb, 'h') >= 0 {
		p.held = append(p.held, rest...)
		return dst, codec.Mark{}, codec.ErrHeld
	}
	if p.needKey && !key {
		return dst, codec.Mark{}, codec.ErrNoKey
	}
	p.needKey = false
	at := p.time(&rest)
	start := len(dst)
	dst = append(dst, '<')
	dst = strconv.AppendUint(dst, p.number, 10)
	if key && p.media.keys {
		dst = append(dst, 'K')
	}
	dst = append(dst, ':')
	dst = append(dst, p.held...)
	dst = append(dst, rest...)
	p.held = p.held[:0]
	if p.media.stamp {
		dst = strconv.AppendInt(append(dst, '@'), ev.At.UnixMilli(), 10)
	}
	dst = append(dst, ';')
	p.number++
	if p.media.renews {
		p.stands.Store(&media{name: string(rest)})
	}
	most := max(len(dst)-start, p.media.pad)
	inside := bytes.IndexByte(verb, 'i') >= 0
	return dst, codec.Mark{Key: key, Start: key || !inside, Trim: bytes.IndexByte(rest, '|') >= 0, Most: most, SendTime: at}, nil
}

// time takes t=MS off the front of a packet and places it.
func (p *programme) time(rest *[]byte) time.Duration {
	at := time.Duration(0)
	if bytes.HasPrefix(*rest, []byte("t=")) {
		field, tail, _ := bytes.Cut(*rest, []byte{' '})
		ms := 0
		for _, c := range field[2:] {
			ms = 10*ms + int(c-'0')
		}
		at, *rest = time.Duration(ms)*time.Millisecond, tail
	}
	if p.rebase {
		p.rebase, p.shift = false, p.last-at
	}
	p.last = at + p.shift
	return p.last
}

func (p *programme) AppendJoin(dst []byte, f codec.Form, first []byte, left uint64) []byte {
	if !p.media.join {
		return dst
	}
	dst = strconv.AppendUint(append(dst, '('), uint64(f), 10)
	number, _, _ := bytes.Cut(first, []byte{':'})
	dst = append(append(dst, ' '), bytes.Trim(number, "<K")...)
	if left > 0 {
		dst = strconv.AppendUint(append(dst, " behind "...), left, 10)
	}
	return append(dst, ')')
}

// Datagram implements [codec.Programme]: each packet, and what is said before one, is a
// datagram. Channel 0 has packets, 2 those with an a in front of their payload, and 1
// everything else.
func (p *programme) Datagram(b []byte) (datagram []byte, channel uint8, size int) {
	end := byte(';')
	switch b[0] {
	case '(':
		channel, end = 1, ')'
	case 'E':
		channel, end = 1, '\n'
	}
	size = bytes.IndexByte(b, end) + 1
	if i := bytes.IndexByte(b[:size], ':'); channel == 0 && b[i+1] == 'a' {
		channel = 2
	}
	return b[:size], channel, size
}

// leftOut reports whether a form does not have a packet.
func leftOut(primary []byte, f codec.Form) bool {
	i := bytes.IndexByte(primary, ':') + 1
	return f == codec.Video && primary[i] == 'a' || f == codec.Audio && primary[i] == 'v'
}

// Derived counts the forms that have been made, by all programmes.
var Derived atomic.Int64

func (p *programme) Derive(dst, primary []byte, f codec.Form, trim bool) ([]byte, bool) {
	Derived.Add(1)
	switch {
	case leftOut(primary, f):
		return nil, false
	case f > codec.Plain && !trim:
		return primary, true
	case f > codec.Plain:
		f = codec.Framed
	}
	if !trim && f == codec.Plain && len(primary)-1 < p.media.pad {
		dst = append(dst, primary[1:len(primary)-1]...)
		for range p.media.pad - len(primary) + 1 {
			dst = append(dst, '.')
		}
		return append(dst, ';'), false
	}
	if !trim {
		return primary[1:], true
	}
	number, payload, _ := bytes.Cut(primary[1:], []byte{':'})
	if _, key, ok := bytes.Cut(payload, []byte{'|'}); ok {
		payload = key
	}
	if f == codec.Framed {
		dst = append(dst, '<')
	}
	dst = append(dst, bytes.TrimSuffix(number, []byte{'K'})...)
	dst = append(dst, 'T', ':')
	return append(dst, payload...), false
}
