package rtp

// Encoding is what a payload type means.
type Encoding struct {
	Name     string // in upper case, as for [FormatOf]
	Clock    uint32 // units of the timestamp in a second
	Channels uint8  // of sound; 0 for pictures, and where the payload tells
}

// Static is the encoding of a payload type that needs no description (RFC 3551 6); ok
// is false for types that are dynamic, reserved or unassigned.
func Static(typ uint8) (e Encoding, ok bool) {
	if int(typ) < len(static) {
		e = static[typ]
	}
	return e, e.Name != ""
}

// static are the tables 4 and 5 of RFC 3551. The clock of G.722 is 8000 by an old
// mistake that stays, and that of MPEG audio is the one of pictures.
var static = [...]Encoding{
	0:  {"PCMU", 8000, 1},
	3:  {"GSM", 8000, 1},
	4:  {"G723", 8000, 1},
	5:  {"DVI4", 8000, 1},
	6:  {"DVI4", 16000, 1},
	7:  {"LPC", 8000, 1},
	8:  {"PCMA", 8000, 1},
	9:  {"G722", 8000, 1},
	10: {"L16", 44100, 2},
	11: {"L16", 44100, 1},
	12: {"QCELP", 8000, 1},
	13: {"CN", 8000, 1},
	14: {"MPA", 90000, 0},
	15: {"G728", 8000, 1},
	16: {"DVI4", 11025, 1},
	17: {"DVI4", 22050, 1},
	18: {"G729", 8000, 1},
	25: {"CELB", 90000, 0},
	26: {"JPEG", 90000, 0},
	28: {"NV", 90000, 0},
	31: {"H261", 90000, 0},
	32: {"MPV", 90000, 0},
	33: {"MP2T", 90000, 0},
	34: {"H263", 90000, 0},
}
