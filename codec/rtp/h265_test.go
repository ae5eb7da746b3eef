package rtp

import (
	"fmt"
	"testing"
)

const (
	vps265  = "40010c01ffff01600000030090000003000003005d959809"
	sps265  = "420101016000000300900000030000030078a003c08010e5"
	pps265  = "4401c172b46240"
	idr265  = "2601 af09"
	cra265  = "2a01 af09"
	pic265  = "0201 d0"
	next265 = "0201 50"
	sei265  = "4e01 06 01 d0 80"
	text265 = "4e01 05 03 414243 80"
)

// sized puts its 16-bit size before a unit.
func sized(hex string, bytes int) string { return fmt.Sprintf("%04x%s", bytes, hex) }

func TestH265(t *testing.T) {
	sets := sized(vps265, 24) + sized(sps265, 24) + sized(pps265, 7)
	for _, c := range []looks{
		{"Single", "H265", "", []look{
			{"4601 50", Lead}, {vps265, Lead}, {sps265, Lead}, {pps265, Lead}, {text265, Lead}, {idr265, Key}, {pic265, Other}, {"5001 84", Other}}},
		{"OtherName", "HEVC", "", []look{{idr265, Key}}},
		{"EveryKey", "H265", "", []look{
			{"1e01 80", Other}, {"2001 80", Key}, {"2201 80", Key}, {"2401 80", Key}, {"2601 80", Key}, {"2801 80", Key}, {cra265, Key}, {"2c01 80", Other}}},
		{"NoBeginning", "H265", "", []look{{"2601 2f", Other}, {"2601", Other}}},
		{"SetsAndPicture", "H265", "", []look{{sps265, Lead}, {pic265, Refresh}, {pic265, Other}}},
		{"EveryPicture", "H265", "", []look{{sps265, Lead}, {"1201 d0", Refresh}, {sps265, Lead}, {"1401 d0", Other}, {"0001 d0", Refresh}}},
		{"EveryLead", "H265", "", []look{{"5201 80", Lead}, {"5801 80", Lead}, {"5a01 80", Other}, {"3e01 80", Other}, {"4801 80", Other}}},
		{"IntraRefresh", "H265", "", []look{{sei265, Lead}, {pic265, Refresh}, {pic265, Other}, {sei265, Lead}, {next265, Other}, {pic265, Other}}},
		{"Fragments", "H265", "", []look{{"6201 93 af09", Key}, {"6201 13 af", Other}, {"6201 53 af", Other}}},
		{"FragmentsOfPicture", "H265", "", []look{{"6201 81 d0", Other}, {"6201 41 d0", Other}}},
		{"FragmentsNoBeginning", "H265", "", []look{{"6201 93 2f", Other}, {"6201 93", Other}, {"6201", Other}}},
		{"LongSEI", "H265", "", []look{{"6201 a7 05ff", Lead}, {"6201 27 05", Lead}, {"6201 67 80", Lead}, {idr265, Key}}},
		{"AP", "H265", "", []look{{"6001" + sets, Lead}, {"6201 93 af", Key}}},
		{"APKey", "H265", "", []look{{"6001" + sets + sized(idr265, 4), Key}, {"6001" + sized(pic265, 3) + sized(idr265, 4), Other}}},
		{"APCutOff", "H265", "", []look{{"6001 0005" + idr265, Other}, {"6001 00", Other}, {"6001", Other}, {"60", Other}, {"6001 0000" + sized(idr265, 4), Key}}},
		{"Layer", "H265", "", []look{{"2609 80", Other}, {"2701 80", Other}, {"6001" + sized("260980", 3), Other}, {"4209 01", Lead}, {idr265, Key}}},
		{"PACI", "H265", "", []look{
			{"6401 2600 af09", Key},               // an IDR
			{"6401 2620 aaaa af09", Key},          // behind an extension of two bytes
			{"6401 6200 93 af09", Key},            // a fragment
			{"6401 6000" + sized(idr265, 4), Key}, // an aggregation
			{"6401 0200 d0", Other},
			{"6401 4200 01", Lead},
			{"6401 6400 93 af09", Other}, // one in another
			{"6401 27f0 af09", Other},    // an extension that is cut off
			{"6401 26", Other},
			{"6401", Other}}},
		{"DON", "H265", "sprop-max-don-diff=1", []look{
			{"2601 0007 af09", Key}, {"2601 0007", Other}, {"2601 00", Other},
			{"6201 93 0007 af", Key}, {"6201 93 00", Other}, {"6201 13 af", Other},
			{"6001 0007" + sized(vps265, 24) + "00" + sized(idr265, 4), Key},
			{"6001 0007" + sized(pic265, 3) + "00" + sized(idr265, 4), Other},
			{"6001 0007", Other}, {"6001 00", Other},
			{"4201 0007 01", Lead}, {"6401 2600 0007 af09", Key}}},
		{"NoDON", "H265", "sprop-max-don-diff=0", []look{{idr265, Key}}},
		{"DONOfNonsense", "H265", "sprop-max-don-diff=x", []look{{idr265, Key}}},
		{"StartCodes", "H265", "", []look{
			{"00000001" + vps265 + "00000001" + sps265 + "000001" + pps265 + "000001" + idr265, Key},
			{"000001" + pic265, Other},
			{vps265 + "00000001" + sps265, Lead},
			{"6201 a0" + vps265[4:] + "000001" + sps265 + "000001" + idr265, Key}}},
		{"Nothing", "H265", "", []look{{"", Other}, {"26", Other}, {"6601 80", Other}, {"7e01 80", Other}, {"4a01", Other}}},
	} {
		t.Run(c.name, c.run)
	}
}

func TestH265Sets(t *testing.T) {
	f := format(t, "H265", "")
	s := SetsOf(f)
	const otherPPS, pps1, otherVPS = "4401c17200", "44014172b4", "40010c02"
	for i, c := range []struct {
		hex     string
		changed bool
		want    []string
	}{
		{"6001" + sized(sps265, 24) + sized(pps265, 7), false, []string{sps265, pps265}},
		// With another VPS everything begins anew.
		{vps265, false, []string{vps265}},
		{"6001" + sized(sps265, 24) + sized(pps265, 7), true, []string{vps265, sps265, pps265}},
		{"6001" + sized(vps265, 24) + sized(sps265, 24) + sized(pps265, 7), false, []string{vps265, sps265, pps265}},
		{pps1, true, []string{vps265, sps265, pps265, pps1}},
		{otherPPS, true, []string{vps265, sps265, otherPPS, pps1}},
		{"4201 01", false, []string{vps265, sps265, otherPPS, pps1}}, // broken
		{sps265[:28], false, []string{vps265, sps265, otherPPS, pps1}},
		{"4401", false, []string{vps265, sps265, otherPPS, pps1}},
		{"4409 c172", false, []string{vps265, sps265, otherPPS, pps1}}, // of another layer
		{otherVPS, false, []string{otherVPS}},
		{sps265[:30], false, []string{otherVPS, sps265[:30]}}, // the shortest
		{"00000001" + sps265 + "00000001" + pps265 + "00000001" + idr265, true, []string{otherVPS, sps265, pps265}},
	} {
		f.Look(unhex(t, c.hex))
		if got := s.Changed(); got != c.changed {
			t.Errorf("step %d: changed %t", i, got)
		}
		checkSets(t, s, c.want)
	}
}
