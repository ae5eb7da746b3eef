package rtp

import "testing"

// A payload that says nothing stands before any picture: with one in front, an access unit
// looks as it does without. Those of other formats have none.
func TestBlank(t *testing.T) {
	for _, c := range []struct {
		encoding, fmtp string
		want           string // its beginning; empty: there is none
		look           Look
		key            string
		same, other    string // payloads that say nothing too, and that do
	}{
		{"H264", "", "09f0", Lead, "65 8884", "09 10", "0910f0"},
		{"H265", "", "460150", Lead, "26 01 af", "46 01 10", "4001 0c"},
		{"H265", "sprop-max-don-diff=2", "", 0, "", "", ""},
		{"HEVC", "sprop-max-don-diff=0", "460150", Lead, "26 01 af", "46 01 10", "42 01 50"},
		{"AV1", "", "1810", Key, "18 0a0b 000000", "1810", "1810 0a"},
		{"MP2T", "", "471fff10" + "ffff", Other, "", "", "47 0000 10"},
		{"VP8", "", "", 0, "", "", ""}, {"VP9", "", "", 0, "", "", ""}, {"MP4V-ES", "", "", 0, "", "", ""},
		{"MPV", "", "", 0, "", "", ""}, {"JPEG", "", "", 0, "", "", ""},
		{"MPEG4-GENERIC", "", "", 0, "", "", ""},
	} {
		f := format(t, c.encoding, c.fmtp)
		blank, want := Blank(f), unhex(t, c.want)
		if len(want) == 0 {
			if len(blank) != 0 || SaysNothing(nil, blank) {
				t.Errorf("%s %s: % x", c.encoding, c.fmtp, blank)
			}
			continue
		}
		if len(blank) < len(want) || string(blank[:len(want)]) != string(want) {
			t.Errorf("%s: % x", c.encoding, blank)
		}
		if got := f.Look(blank); got != c.look {
			t.Errorf("%s: it is %v", c.encoding, got)
		}
		if c.key != "" && f.Look(unhex(t, c.key)) != Key {
			t.Errorf("%s: a key frame behind it is none", c.encoding)
		}
		if !SaysNothing(blank, blank) || c.same != "" && !SaysNothing(unhex(t, c.same), blank) || SaysNothing(unhex(t, c.other), blank) || SaysNothing(nil, blank) {
			t.Errorf("%s: what says nothing and what does are mixed up", c.encoding)
		}
	}
	if n := len(Blank(newMP2T())); n != tsSize {
		t.Errorf("a packet of a transport stream has %d bytes", n)
	}
}
