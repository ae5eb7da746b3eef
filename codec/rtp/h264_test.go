package rtp

import (
	"bytes"
	"strings"
	"testing"
)

// Slices, as far as they are read: first_mb_in_slice 0 and slice_type.
const (
	sliceP    = "41 98 00"
	sliceI    = "61 88 00" // all slices are I
	sliceI2   = "61 b0 00" // this one is
	sliceNext = "41 4c 00" // not the first of its picture
	sliceIDR  = "65 88 84"
	seiAtOnce = "06 06 01 c4 80"    // a recovery point, count 0
	seiLater  = "06 06 02 18 80 80" // count 11
	seiText   = "06 05 03 414243 80"
	sps       = "674d401eda0280bfe5c044000003000400000300c83c58ba80"
	pps       = "68ef3c80"
)

// look is what a payload is to be taken for.
type look struct {
	hex  string
	want Look
}

// looks are payloads in order, each group to a new format.
type looks struct {
	name, encoding, fmtp string
	payloads             []look
}

func (c *looks) run(t *testing.T) {
	t.Helper()
	f := format(t, c.encoding, c.fmtp)
	for i, p := range c.payloads {
		b := unhex(t, p.hex)
		was := bytes.Clone(b)
		if got := f.Look(b); got != p.want {
			t.Errorf("payload %d, %s: %v, want %v", i, p.hex, got, p.want)
		}
		if !bytes.Equal(b, was) {
			t.Errorf("payload %d, %s: changed to %x", i, p.hex, b)
		}
	}
}

func TestH264(t *testing.T) {
	for _, c := range []looks{
		{"Single", "H264", "", []look{
			{"09 10", Lead}, {sps, Lead}, {pps, Lead}, {seiText, Lead}, {sliceIDR, Key}, {sliceP, Other}, {"0c ff 80", Other}}},
		// An SPS in front is no proof: what follows decides.
		{"SetsAndP", "H264", "", []look{{sps, Lead}, {pps, Lead}, {sliceP, Refresh}, {sliceP, Other}}},
		{"SetsAndI", "H264", "", []look{{sps, Lead}, {pps, Lead}, {sliceI, Key}, {sliceP, Other}}},
		{"SetsAndI2", "H264", "", []look{{sps, Lead}, {sliceI2, Key}}},
		{"SetsAndSI", "H264", "", []look{{sps, Lead}, {"61 8a 00", Key}}},
		{"SetsAndSP", "H264", "", []look{{sps, Lead}, {"61 89 00", Refresh}}},
		{"SetsAndB", "H264", "", []look{{sps, Lead}, {"01 9c 00", Refresh}}},
		{"SetsAndPartition", "H264", "", []look{{sps, Lead}, {"62 88 00", Key}, {"43 88 00", Other}}},
		// Some encoders give a PPS to each picture.
		{"OnlyPPS", "H264", "", []look{{pps, Lead}, {sliceP, Other}, {pps, Lead}, {sliceI, Other}}},
		{"OpenGOP", "H264", "", []look{{seiAtOnce, Lead}, {sliceI, Key}, {sliceI, Other}}},
		{"IntraRefresh", "H264", "", []look{{sps, Lead}, {pps, Lead}, {seiLater, Lead}, {sliceI, Refresh}, {sliceP, Other}}},
		{"IntraRefreshP", "H264", "", []look{{seiLater, Lead}, {sliceP, Refresh}, {sliceP, Other}}},
		// A slice that is not the first of its picture begins nothing, and what was said
		// of that picture is over with it.
		{"FirstSliceLost", "H264", "", []look{{seiAtOnce, Lead}, {sliceNext, Other}, {sliceI, Other}, {"65 44 00", Other}}},
		{"Slices", "H264", "", []look{{sliceIDR, Key}, {"65 44 00", Other}}},
		{"Fragments", "H264", "", []look{{"7c 85 88 84", Key}, {"7c 05 88 84", Other}, {"7c 45 88", Other}}},
		{"FragmentsOfP", "H264", "", []look{{"5c 81 98 00", Other}, {"5c 01 98 00", Other}, {"5c 41 00", Other}}},
		{"BothEnds", "H264", "", []look{{"7c c5 88 84", Key}}},
		{"NextFragments", "H264", "", []look{{"7c 85 44 84", Other}}},
		{"LongSEI", "H264", "", []look{{"1c 86 05 ff", Lead}, {"1c 06 00", Lead}, {"1c 46 80", Lead}, {sliceIDR, Key}}},
		{"LongSEIRecovers", "H264", "", []look{{"1c 86 06 01 c4 05 ff", Lead}, {"1c 46 80", Lead}, {sliceI, Key}}},
		{"EmptyFragment", "H264", "", []look{{"7c 85", Other}, {"7c", Other}}},
		{"STAP", "H264", "", []look{{"78 0019" + sps + "0004" + pps, Lead}, {"7c 85 88", Key}}},
		{"STAPKey", "H264", "", []look{{"78 0002 0910 0003 " + sliceIDR + "0003" + sliceIDR, Key}}},
		{"STAPOther", "H264", "", []look{{"78 0002 0910 0003 " + sliceP + "0003" + sliceIDR, Other}}},
		{"STAPEmptyUnit", "H264", "", []look{{"78 0000 0003" + sliceIDR, Key}}},
		{"STAPCutOff", "H264", "", []look{{"78 0002 0910 0004 " + sliceIDR, Lead}, {"78 0004" + sliceIDR, Other}, {"78 00", Other}, {"78", Other}}},
		{"Interleaved", "H264", "packetization-mode=2", []look{{"79 0000 0003" + sliceIDR, Other}, {"7a 00", Other}, {"7d 85 0000 88", Other}}},
		{"StartCodes", "H264", "", []look{
			{"00000001" + sps + "00000001" + pps + "000001" + sliceIDR, Key},
			{"000001" + sliceIDR, Key},
			{"00000001" + sliceP, Other},
			{sps + "00000001" + pps + "00000001" + sliceIDR, Key},
			{"09 10 00000001" + sps, Lead}}},
		// The first unit's header became the fragment's.
		{"StartCodesInFragment", "H264", "", []look{
			{"7c 87" + sps[2:] + "00000001" + pps + "00000001" + sliceIDR, Key}, {"7c 07 00", Lead}}},
		{"StartCodesAlone", "H264", "", []look{{"00000001", Other}, {"000001", Other}, {"09 10 000001", Lead}}},
		{"Nothing", "H264", "", []look{{"", Other}, {"00", Other}, {"65", Other}, {"1f 88", Other}, {"13 88", Other}, {"14 88", Other}}},
		// A prefix and a subset SPS stand before the base view.
		{"Views", "H264", "", []look{{"6f 00", Lead}, {"6e 00", Lead}, {"72 00", Lead}, {sliceIDR, Key}, {"74 88", Other}}},
		// A buffering period with bytes that only keep start codes out.
		{"EscapedSEI", "H264", "", []look{{"06 00 05 000003 000003 01 06 01 c4 80", Lead}, {sliceI, Key}}},
		{"SEICutOff", "H264", "", []look{{"06", Lead}, {"06 ff", Lead}, {"06 06", Lead}, {"06 06 01", Lead}, {"06 06 00 80", Lead}, {"06 05 ff", Lead}, {sliceI, Other}}},
		{"SEIBehindSEI", "H264", "", []look{{"06 05 03 414243 06 01 c4 80", Lead}, {sliceI, Key}}},
		{"SEILaterByOne", "H264", "", []look{{"06 06 01 50 80", Lead}, {sliceI, Refresh}}},
		{"SEIOfZeros", "H264", "", []look{{"06 0000", Lead}, {"06 00000300", Lead}, {sliceI, Other}}},
		{"LongTypes", "H264", "", []look{{"06 ff06 01 c4 80", Lead}, {sliceI, Other}}},
		{"SEIFar", "H264", "", []look{{"06 05 ff fffffffa" + strings.Repeat("aa", 0xFF*5+0xFA), Lead}, {sliceI, Other}}},
	} {
		t.Run(c.name, c.run)
	}
}

// setsOf is what a format has kept, in the order of a description.
func setsOf(s *ParameterSets) (all [][]byte) {
	for _, nal := range [][]byte{s.VPS(), s.SPS()} {
		if len(nal) > 0 {
			all = append(all, nal)
		}
	}
	for i := 0; s.PPS(i) != nil; i++ {
		all = append(all, s.PPS(i))
	}
	return all
}

func TestH264Sets(t *testing.T) {
	const (
		otherSPS = "6742c01eda0280bf"
		pps1     = "684f3c80" // identifier 1
		otherPPS = "68ce3c80" // identifier 0
	)
	long := strings.Repeat("11", MaxSet)
	type step struct {
		hex     string
		changed bool
		want    []string
	}
	for _, c := range []struct {
		name  string
		steps []step
	}{
		{"Single", []step{{sps, false, []string{sps}}, {pps, true, []string{sps, pps}}, {sps, false, []string{sps, pps}}}},
		{"STAP", []step{{"78 0019" + sps + "0004" + pps, true, []string{sps, pps}}}},
		{"BehindPicture", []step{{"78 0003" + sliceP + "0019" + sps + "0004" + pps, true, []string{sps, pps}}}},
		{"StartCodes", []step{{"00000001" + sps + "0000000001" + pps + "000001" + sliceIDR, true, []string{sps, pps}}}},
		{"OnlyPPS", []step{{pps, false, []string{pps}}, {sps, false, []string{sps}}, {pps, true, []string{sps, pps}}}},
		{"TwoPPS", []step{{sps, false, []string{sps}}, {pps, true, []string{sps, pps}}, {pps1, true, []string{sps, pps, pps1}},
			{pps, false, []string{sps, pps, pps1}}, {otherPPS, true, []string{sps, otherPPS, pps1}}}},
		{"Reconfigured", []step{{"78 0019" + sps + "0004" + pps + "0004" + pps1, true, []string{sps, pps, pps1}},
			{otherSPS, false, []string{otherSPS}}, {otherPPS, true, []string{otherSPS, otherPPS}}}},
		{"Broken", []step{{"67", false, nil}, {"674d401e", false, nil}, {"68", false, nil}, {"6800", false, nil},
			{"67" + long, false, nil}, {"6880" + long, false, nil},
			{"67" + long[2:], false, []string{"67" + long[2:]}}}},
		// 256 is no identifier, 255 is the last.
		{"Identifier", []step{{"68 00 80 80", false, nil}, {"68 00 80 00 80", false, []string{"6800800080"}}}},
		// 2^32, which is none either.
		{"LongIdentifier", []step{{"68 000003000003 80000000 80", false, nil}}},
		{"Shortest", []step{{"674d401e80", false, []string{"674d401e80"}}, {"6880", true, []string{"674d401e80", "6880"}}}},
		{"Fragments", []step{{"7c 87" + sps[2:], false, nil}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := format(t, "H264", "")
			s := SetsOf(f)
			for i, step := range c.steps {
				f.Look(unhex(t, step.hex))
				if got := s.Changed(); got != step.changed {
					t.Errorf("step %d: changed %t", i, got)
				}
				if s.Changed() {
					t.Errorf("step %d: changed twice", i)
				}
				checkSets(t, s, step.want)
			}
		})
	}
}

func checkSets(t *testing.T, s *ParameterSets, want []string) {
	t.Helper()
	got := setsOf(s)
	if len(got) != len(want) {
		t.Fatalf("%d sets, want %d: %x", len(got), len(want), got)
	}
	for i := range want {
		if !bytes.Equal(got[i], unhex(t, want[i])) {
			t.Errorf("set %d is %x, want %s", i, got[i], want[i])
		}
	}
}

// TestSetsOfDescription: what a description gave is not new when it comes in band.
func TestSetsOfDescription(t *testing.T) {
	f := format(t, "H264", "")
	s := SetsOf(f)
	s.Add(unhex(t, sps))
	s.Add(unhex(t, pps))
	s.Add(nil)
	if !s.Complete() || !s.Changed() {
		t.Error("the description's are not kept")
	}
	f.Look(unhex(t, sps))
	f.Look(unhex(t, pps))
	if s.Changed() {
		t.Error("the same ones are new")
	}
	if SetsOf(format(t, "VP8", "")) != nil {
		t.Error("VP8 has parameter sets")
	}
}

// TestSetsAreBounded: sets by the hundred take no more room than a few.
func TestSetsAreBounded(t *testing.T) {
	s := SetsOf(format(t, "H264", ""))
	s.Add(unhex(t, sps))
	// Identifiers 0 to 62 are codes of up to 11 bits.
	for id := range 63 {
		code := uint16(id+1) << (16 - codeLength(id))
		s.Add([]byte{0x68, byte(code >> 8), byte(code), 0x80})
	}
	if n := len(setsOf(s)); n != 1+MaxPPS {
		t.Errorf("%d sets", n)
	}
	if s.PPS(-1) != nil || s.PPS(MaxPPS) != nil {
		t.Error("there are sets outside")
	}
}

// codeLength is how many bits the Exp-Golomb code of v has.
func codeLength(v int) int {
	n := 1
	for v = (v + 1) >> 1; v > 0; v >>= 1 {
		n += 2
	}
	return n
}
