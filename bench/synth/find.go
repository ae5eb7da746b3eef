package synth

import "bytes"

// magic is how the pattern's head begins.
var magic = []byte("SPMO")

// FindMark finds a mark in bytes that are not cut into media objects: that of a
// bare object or of a picture, for whoever cannot tell what lies around them.
// rest is where to go on, whether or not one was found: what lies before need not
// be looked at again.
func FindMark(b []byte) (m Mark, rest int, ok bool) {
	lead := forms[JPEG].lead
	for from := 0; ; {
		i := bytes.Index(b[from:], magic)
		if i < 0 {
			// A lead and the beginning of the magic may stand at the end.
			return m, max(from, len(b)-len(lead)-len(magic)+1, 0), false
		}
		at := from + i
		if len(b)-at < patternHead {
			return m, max(at-len(lead), from), false
		}
		begin := at
		if bytes.HasSuffix(b[:at], []byte(lead)) {
			begin -= len(lead)
		}
		if m, ok = ReadMark(b[begin:]); ok {
			return m, at + patternHead, true
		}
		from = at + 1
	}
}
