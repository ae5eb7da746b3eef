// Package answer reads the heads of HTTP answers as a pump sends them to encoders and
// viewers. It keeps every field as it was spelled, because some encoders insist on
// the letter case of Set-Cookie and Content-Length, and it stops at the end of the
// head: bodies here are MMSH packets or files without an end.
//
// It is written apart from codec/http1 on purpose; see package bench.
package answer

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// MaxHead is the most bytes an answer's head may have. The longest that a pump sends
// has some 600; ten times that is a fault, not a head.
const MaxHead = 8 << 10

// ErrTooLong is returned for a head that does not end within MaxHead bytes.
var ErrTooLong = errors.New("the answer's head does not end within 8 KiB")

// Field is one header field. Name is spelled as it came; Value has no blanks
// around it.
type Field struct {
	Name, Value string
}

// Head is the head of an answer: status line and fields, in the order and the
// spelling in which they came. It holds no reference to the bytes parsed.
type Head struct {
	Proto  string // such as HTTP/1.0
	Status int    // such as 200
	Reason string // the text after the status; empty if there was none
	Fields []Field
}

// Parse parses a head from the front of b; n is the number of bytes it has,
// its closing empty line included. n is 0 if b ends before the head does.
func Parse(b []byte) (h *Head, n int, err error) {
	end := bytes.Index(b, []byte("\r\n\r\n"))
	if end < 0 {
		if len(b) > MaxHead {
			return nil, 0, ErrTooLong
		}
		return nil, 0, nil
	}
	if end > MaxHead {
		return nil, 0, ErrTooLong
	}
	h, err = parse(string(b[:end]))
	return h, end + len("\r\n\r\n"), err
}

func parse(text string) (*Head, error) {
	lines := strings.Split(text, "\r\n")
	h := new(Head)
	if err := h.statusLine(lines[0]); err != nil {
		return nil, err
	}
	for _, line := range lines[1:] {
		name, value, ok := strings.Cut(line, ":")
		if !ok || name == "" || strings.ContainsAny(name, " \t") {
			return nil, fmt.Errorf("the answer's line %q is not a header field", line)
		}
		h.Fields = append(h.Fields, Field{name, strings.TrimSpace(value)})
	}
	return h, nil
}

// statusLine parses as the strictest of the known players do: VLC takes the
// status from column 9.
func (h *Head) statusLine(line string) error {
	proto, rest, ok := strings.Cut(line, " ")
	if !ok || !strings.HasPrefix(proto, "HTTP/1.") && !strings.HasPrefix(proto, "RTSP/1.") {
		return fmt.Errorf("the answer begins with %q, not with a status line", line)
	}
	code, reason, _ := strings.Cut(rest, " ")
	status, err := strconv.Atoi(code)
	if err != nil || len(code) != 3 || status < 100 {
		return fmt.Errorf("the answer's status line %q has no status of three digits", line)
	}
	h.Proto, h.Status, h.Reason = proto, status, reason
	return nil
}

// Get is the value of the first field of that name in any letter case, or "".
func (h *Head) Get(name string) string {
	for _, f := range h.Fields {
		if strings.EqualFold(f.Name, name) {
			return f.Value
		}
	}
	return ""
}

// Spelled is the value of the first field of exactly that name, letter case
// included, and whether there is one.
func (h *Head) Spelled(name string) (value string, ok bool) {
	for _, f := range h.Fields {
		if f.Name == name {
			return f.Value, true
		}
	}
	return "", false
}

// Has reports whether there is a field of that name in any letter case.
func (h *Head) Has(name string) bool {
	for _, f := range h.Fields {
		if strings.EqualFold(f.Name, name) {
			return true
		}
	}
	return false
}

// Pragma is the value of a token in any of the Pragma lines [MS-WMSP] 2.2.1,
// without its quotes, and whether the token is there. Commas inside quotes do
// not part tokens: features="broadcast,playlist" is one.
func (h *Head) Pragma(token string) (value string, ok bool) {
	for _, f := range h.Fields {
		if !strings.EqualFold(f.Name, "Pragma") {
			continue
		}
		for rest := f.Value; rest != ""; {
			var item string
			item, rest = cutToken(rest)
			name, value, _ := strings.Cut(item, "=")
			if strings.EqualFold(strings.TrimSpace(name), token) {
				return strings.Trim(strings.TrimSpace(value), `"`), true
			}
		}
	}
	return "", false
}

// cutToken cuts the first token, up to a comma outside quotes, from s.
func cutToken(s string) (token, rest string) {
	quoted := false
	for i := range len(s) {
		switch {
		case s[i] == '"':
			quoted = !quoted
		case s[i] == ',' && !quoted:
			return s[:i], s[i+1:]
		}
	}
	return s, ""
}

// ContentLength is the announced length of the body; ok is false where there
// is none or it is no number.
func (h *Head) ContentLength() (n int64, ok bool) {
	n, err := strconv.ParseInt(h.Get("Content-Length"), 10, 64)
	return n, err == nil && n >= 0
}

// String is the status line, for messages.
func (h *Head) String() string {
	return fmt.Sprintf("%s %d %s", h.Proto, h.Status, h.Reason)
}

// Read reads one head from r. rest is what was read behind it, a slice of a buffer
// that Read made and does not keep. An r that ends inside the head is
// io.ErrUnexpectedEOF, one that ends before it io.EOF.
func Read(r io.Reader) (h *Head, rest []byte, err error) {
	var b []byte
	piece := make([]byte, 4<<10)
	for {
		n, err := r.Read(piece)
		b = append(b, piece[:n]...)
		h, used, perr := Parse(b)
		if perr != nil {
			return nil, b, perr
		}
		if h != nil {
			return h, b[used:], nil
		}
		if err == io.EOF && len(b) > 0 {
			err = io.ErrUnexpectedEOF
		}
		if err != nil {
			return nil, b, err
		}
	}
}
