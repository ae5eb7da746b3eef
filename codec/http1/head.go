package http1

import (
	"iter"
	"strconv"
	"strings"
)

// Field is one header field as it was spelled, its value without the blanks
// around it.
type Field struct{ Name, Value string }

// Fields are the header fields of one head, in order.
type Fields []Field

// Get is the value of the first field of that name; letter case does not
// matter. Empty if there is none.
func (f Fields) Get(name string) string {
	for v := range f.All(name) {
		return v
	}
	return ""
}

// Has reports whether there is a field of that name.
func (f Fields) Has(name string) bool {
	for range f.All(name) {
		return true
	}
	return false
}

// All yields the values of all fields of that name, in order. Fields that
// players repeat (Pragma) are only complete this way.
func (f Fields) All(name string) iter.Seq[string] {
	return func(yield func(string) bool) {
		for i := range f {
			if strings.EqualFold(f[i].Name, name) && !yield(f[i].Value) {
				return
			}
		}
	}
}

// Token reports whether a field of that name lists the token, as Connection
// lists close. Letter case does not matter.
func (f Fields) Token(name, token string) bool {
	for v := range f.All(name) {
		for t := range strings.SplitSeq(v, ",") {
			if strings.EqualFold(strings.TrimSpace(t), token) {
				return true
			}
		}
	}
	return false
}

// ContentLength is the length of the body in bytes; ok is false if the head does not
// say. A length that is not a number, does not fit an int64 or comes twice with
// different values is an [*Error].
func (f Fields) ContentLength() (n int64, ok bool, err error) {
	for v := range f.All("Content-Length") {
		x, perr := parseLength(v)
		if perr != nil {
			return 0, false, perr
		}
		if ok && x != n {
			return 0, false, &Error{400, "two different Content-Lengths", -1}
		}
		n, ok = x, true
	}
	return n, ok, nil
}

// parseLength reads digits only; ParseUint takes no sign, and 63 bits fit the result.
func parseLength(v string) (int64, error) {
	n, err := strconv.ParseUint(v, 10, 63)
	if err != nil {
		return 0, &Error{400, "Content-Length " + strconv.Quote(Clip(v)) + " is not a length", -1}
	}
	return int64(n), nil
}

// Said is the answer in a sentence: its status and, at a length that a log takes, its
// reason.
func (r *Response) Said() string {
	return strings.TrimSpace(strconv.Itoa(r.Status) + " " + Clip(r.Reason))
}

// Clip is a text of a peer as our log takes it: at most 64 bytes, and redacted.
func Clip(s string) string {
	const most = 64
	s = Redact(s)
	if len(s) > most {
		return s[:most] + "…"
	}
	return s
}
