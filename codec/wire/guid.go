package wire

import "encoding/hex"

// GUIDSize is the size of a GUID in bytes.
const GUIDSize = 16

// GUID is a globally unique identifier as it stands on the wire: the first
// three groups of its text form are little-endian, the last two are bytes in
// order. GUIDs compare with ==.
type GUID [GUIDSize]byte

// textOrder is the order in which a GUID's bytes are written as text.
var textOrder = [GUIDSize]uint8{3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15}

// String is the usual text form in upper case, without braces:
// "75B22630-668E-11CF-A6D9-00AA0062CE6C".
func (g GUID) String() string {
	const digits = "0123456789ABCDEF"
	var out [36]byte
	n := 0
	for i, from := range textOrder {
		if i == 4 || i == 6 || i == 8 || i == 10 {
			out[n] = '-'
			n++
		}
		out[n], out[n+1] = digits[g[from]>>4], digits[g[from]&15]
		n += 2
	}
	return string(out[:])
}

// ParseGUID reads the text form, with or without braces and in either case.
func ParseGUID(s string) (g GUID, ok bool) {
	if len(s) == 38 && s[0] == '{' && s[37] == '}' {
		s = s[1:37]
	}
	if len(s) != 36 || s[8] != '-' || s[13] != '-' || s[18] != '-' || s[23] != '-' {
		return GUID{}, false
	}
	raw, err := hex.DecodeString(s[:8] + s[9:13] + s[14:18] + s[19:23] + s[24:])
	if err != nil {
		return GUID{}, false
	}
	for i, to := range textOrder {
		g[to] = raw[i]
	}
	return g, true
}

// ConsumeGUID consumes a GUID.
func ConsumeGUID(b []byte) (g GUID, n int) {
	if len(b) < GUIDSize {
		return GUID{}, Short
	}
	return GUID(b[:GUIDSize]), GUIDSize
}

// AppendGUID appends a GUID.
func AppendGUID(b []byte, g GUID) []byte { return append(b, g[:]...) }
