package journal

import (
	"bytes"
	"encoding/binary"
	"log/slog"
	"strconv"
	"time"
	"unicode"
	"unicode/utf8"
)

// The bounds of an entry, in bytes. Together they are less than a datagram can have by
// default, and so much more than a line of ours that only a fault meets them.
const (
	maxValue   = 4 << 10  // one value
	maxMessage = 8 << 10  // MESSAGE
	maxFields  = 24 << 10 // all attributes; a field that does not fit is left out
	maxName    = 64       // the journal's own bound
)

// prefix begins the names of our fields.
const prefix = "PUMP_"

// entry is what a record is made into.
type entry struct {
	text   []byte // attributes as they follow the message: " stream=news peer=…"
	fields []byte // the same in the form of the protocol
	key    []byte // scratch
	value  []byte // scratch
}

// add takes an attribute, within groups: their names are before it in key, each with a
// dot.
func (e *entry) add(key string, a slog.Attr) {
	v := a.Value.Resolve()
	switch {
	case a.Equal(slog.Attr{}):
	case v.Kind() == slog.KindGroup:
		if a.Key != "" {
			key += a.Key + "."
		}
		for _, a := range v.Group() {
			e.add(key, a)
		}
	default:
		e.value = appendText(e.value[:0], v)
		e.say(key, a.Key, e.value)
		if v.Kind() == slog.KindDuration { // in seconds, as in JSON; with its unit it is for people
			e.value = strconv.AppendFloat(e.value[:0], v.Duration().Seconds(), 'g', -1, 64)
		}
		e.field(key, a.Key, e.value)
	}
}

// say adds an attribute to what people read.
func (e *entry) say(groups, key string, value []byte) {
	if len(e.text) > maxMessage {
		return
	}
	e.text = append(e.text, ' ')
	e.key = append(append(e.key[:0], groups...), key...)
	e.text = appendQuoted(e.text, e.key)
	e.text = append(e.text, '=')
	e.text = appendQuoted(e.text, cut(value, maxValue))
}

// field adds an attribute to what programs read.
func (e *entry) field(groups, key string, value []byte) {
	before := len(e.fields)
	var name [maxName]byte
	e.fields = appendField(e.fields, appendName(name[:0], groups, key), cut(value, maxValue))
	if len(e.fields) > maxFields {
		e.fields = e.fields[:before]
	}
}

// appendText appends a value as slog's text handler writes it, without quotes.
func appendText(b []byte, v slog.Value) []byte {
	switch v.Kind() {
	case slog.KindString:
		return append(b, v.String()...)
	case slog.KindInt64:
		return strconv.AppendInt(b, v.Int64(), 10)
	case slog.KindUint64:
		return strconv.AppendUint(b, v.Uint64(), 10)
	case slog.KindTime:
		return v.Time().AppendFormat(b, time.RFC3339Nano)
	case slog.KindAny:
		if raw, ok := v.Any().([]byte); ok {
			return append(b, raw...)
		}
	}
	return append(b, v.String()...)
}

// appendName appends a field's name: capitals, digits and underscores.
func appendName(b []byte, groups, key string) []byte {
	b = append(b, prefix...)
	for _, part := range [...]string{groups, key} {
		for i := 0; i < len(part) && len(b) < maxName; i++ {
			c := part[i]
			switch {
			case 'a' <= c && c <= 'z':
				c -= 'a' - 'A'
			case 'A' <= c && c <= 'Z', '0' <= c && c <= '9':
			default:
				c = '_'
			}
			b = append(b, c)
		}
	}
	return b
}

// appendField appends a field. The journal reads NAME=VALUE to the end of the line;
// what may not be said so is sent with its length.
func appendField[T string | []byte](b []byte, name []byte, value T) []byte {
	b = append(b, name...)
	if plain(value) {
		b = append(b, '=')
	} else {
		b = append(b, '\n')
		b = binary.LittleEndian.AppendUint64(b, uint64(len(value)))
	}
	b = append(b, value...)
	return append(b, '\n')
}

// plain reports whether a value has no control characters.
func plain[T string | []byte](value T) bool {
	for i := range len(value) {
		if value[i] < ' ' || value[i] == 0x7f {
			return false
		}
	}
	return true
}

// appendQuoted appends a key or a value for people, in quotes where it could be
// misread, as slog's text handler does.
func appendQuoted(b, s []byte) []byte {
	if len(s) > 0 && !bytes.ContainsFunc(s, misread) && utf8.Valid(s) {
		return append(b, s...)
	}
	return strconv.AppendQuote(b, string(s))
}

func misread(r rune) bool {
	return r == ' ' || r == '"' || r == '=' || r == '\\' || !unicode.IsPrint(r)
}

// appendMessage appends a message. It may have several lines; what would command a
// terminal is escaped.
func appendMessage(b []byte, s string) []byte {
	for _, r := range s {
		switch {
		case r == '\n' || r == '\t' || unicode.IsPrint(r):
			b = utf8.AppendRune(b, r)
		default:
			quoted := strconv.AppendQuoteRune(nil, r)
			b = append(b, quoted[1:len(quoted)-1]...)
		}
	}
	return bytes.TrimRight(b, "\n")
}

// ellipsis ends what was cut.
const ellipsis = "…"

// cut is s, or as much of its beginning as leaves room for an ellipsis within most
// bytes.
func cut[T string | []byte](s T, most int) T {
	if len(s) <= most {
		return s
	}
	end := most - len(ellipsis)
	for i := end; i > end-utf8.UTFMax; i-- { // not within a character
		if utf8.RuneStart(s[i]) {
			end = i
			break
		}
	}
	return T(string(s[:end]) + ellipsis)
}
