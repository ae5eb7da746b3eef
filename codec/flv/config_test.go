package flv

import "testing"

func TestAVC(t *testing.T) {
	for _, c := range []struct{ name, hex, want string }{
		{"High", "0164000c ffe1000a6764000c", "High 1.2"},
		{"Short", "0164001e", "High 3.0"},
		{"Main", "014d4028 ff", "Main 4.0"},
		{"Baseline", "0142001e", "Baseline 3.0"},
		{"Constrained", "0142c01f ff", "Constrained Baseline 3.1"},
		{"Level1b", "0142d00b ff", "Constrained Baseline 1b"},
		{"Level1bHigh", "01640009 ff", "High 1b"},
		{"Level11High", "0164100b ff", "High 1.1"},
		{"High10", "016e0033", "High 10 5.1"},
		{"Unknown", "01760033", "profile 118 5.1"},
		{"Version", "0064001e", ""},
		{"Cut", "016400", ""},
		{"Empty", "", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := AVC(unhex(t, c.hex)); got != c.want {
				t.Errorf("%q, want %q", got, c.want)
			}
		})
	}
}

func TestAAC(t *testing.T) {
	for _, c := range []struct{ name, hex, want string }{
		{"LC", "1210", "LC 44.1 kHz stereo"},
		{"LCMono", "1188", "LC 48 kHz mono"},
		{"LCLong", "121056e500", "LC 44.1 kHz stereo"}, // an extension says no
		{"Surround", "11b0", "LC 48 kHz 5.1"},
		{"InStream", "1200", "LC 44.1 kHz"},
		{"LowRate", "1390", "LC 22.05 kHz stereo"},
		{"OwnRate", "178002f8 10", "LC 1.52 kHz stereo"},
		{"HE", "2b920800", "HE 44.1 kHz stereo"},
		{"HEv2", "eb8a08", "HEv2 44.1 kHz mono"},
		{"ELD", "f8e840", "ELD 44.1 kHz stereo"},
		{"Other", "3a10", "type 7 44.1 kHz stereo"},
		{"NoRate", "1690", ""},
		{"NoType", "0210", ""},
		{"Cut", "12", ""},
		{"CutRate", "1780", ""},
		{"Empty", "", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := AAC(unhex(t, c.hex)); got != c.want {
				t.Errorf("%q, want %q", got, c.want)
			}
		})
	}
}
