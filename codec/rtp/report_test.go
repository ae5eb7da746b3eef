package rtp

import (
	"bytes"
	"errors"
	"slices"
	"testing"
	"time"
)

// Reports of real senders and receivers.
const (
	ffmpegReport    = "80c80006 b6dfbbb6 eeb6480de9374bc6 2f930634 00000000 00000000"
	gstreamerReport = "80c80006 fd4ad0d3 eeb64b0b91e353f7 0054505e 00000056 0000569c" +
		"81ca000c fd4ad0d3 011c757365723132333435363738394068 6f73742d3132333435363738393000 000000000000000000000000"
	live555Receiver = "81c90007 35d12f79 4c823ebc ffffffff 000125f8 000000c9 485432f1 0000e142 81ca0003 35d12f79 0102766d 00000000"
	ffmpegPunch     = "80c90001 00000000"
	goodbye         = "80c90001 c0ffee01 81cb0001 c0ffee01"
)

func TestParseReport(t *testing.T) {
	for _, c := range []struct {
		name, hex string
		sender    SenderReport
		has, bye  bool
	}{
		{"ffmpeg", ffmpegReport, SenderReport{0xB6DFBBB6, 0xEEB6480DE9374BC6, 0x2F930634, 0, 0}, true, false},
		{"GStreamer", gstreamerReport, SenderReport{0xFD4AD0D3, 0xEEB64B0B91E353F7, 0x0054505E, 0x56, 0x569C}, true, false},
		{"live555Receiver", live555Receiver, SenderReport{}, false, false},
		{"ffmpegPunch", ffmpegPunch, SenderReport{}, false, false},
		{"Bye", goodbye, SenderReport{}, false, true},
		{"Alone", "81cb0001 c0ffee01", SenderReport{}, false, true},
		{"App", "80cc0003 c0ffee01 74657374 00000000", SenderReport{}, false, false},
		{"ReportAndBye", ffmpegReport + "81cb0001 b6dfbbb6", SenderReport{0xB6DFBBB6, 0xEEB6480DE9374BC6, 0x2F930634, 0, 0}, true, true},
		{"FirstOfTwo", ffmpegReport + gstreamerReport, SenderReport{0xB6DFBBB6, 0xEEB6480DE9374BC6, 0x2F930634, 0, 0}, true, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := unhex(t, c.hex)
			if !IsReport(b) {
				t.Error("it is not taken for RTCP")
			}
			r, err := ParseReport(b)
			if err != nil || r.Sender != c.sender || r.HasSender != c.has || r.Bye != c.bye {
				t.Errorf("%+v, %v", r, err)
			}
		})
	}
}

// TestParseReportRefuses: what was before the fault counts.
func TestParseReportRefuses(t *testing.T) {
	for _, c := range []struct {
		name, hex string
		want      error
	}{
		{"Head", "80c900", ErrReportShort},
		{"Length", "80c90001 c0ffee", ErrReportShort},
		{"LengthOfAll", "80c9ffff c0ffee01", ErrReportShort},
		{"Version", "40c90001 c0ffee01", ErrVersion},
		{"Sender", "80c80005 b6dfbbb6 eeb6480de9374bc6 2f930634 00000000", ErrReportFields},
		{"Bye", "82cb0001 c0ffee01", ErrReportFields},
	} {
		t.Run(c.name, func(t *testing.T) {
			if r, err := ParseReport(unhex(t, c.hex)); !errors.Is(err, c.want) || r.HasSender || r.Bye {
				t.Errorf("%+v, %v; want %v", r, err, c.want)
			}
			r, err := ParseReport(unhex(t, ffmpegReport+goodbye+c.hex))
			if !errors.Is(err, c.want) || r.Sender.SSRC != 0xB6DFBBB6 || !r.Ends(0xC0FFEE01) {
				t.Errorf("behind good ones: %+v, %v", r, err)
			}
		})
	}
}

func TestEnds(t *testing.T) {
	for _, c := range []struct {
		name, hex string
		ends      []uint32
	}{
		{"Nobody", ffmpegReport, nil},
		{"One", goodbye, []uint32{0xC0FFEE01}},
		// The report is of the one that sends, the goodbye of the one that receives.
		{"Another", ffmpegReport + goodbye, []uint32{0xC0FFEE01}},
		{"Several", "83cb0003 00000001 00000002 00000003", []uint32{1, 2, 3}},
		{"Reason", "81cb0002 00000001 03627965", []uint32{1}},
		{"Unnamed", ffmpegReport + "80cb0000", []uint32{0xB6DFBBB6}},
		{"UnnamedReceiver", ffmpegReport + ffmpegPunch + "80cb0000", []uint32{0}},
		{"UnnamedOfNobody", "80cb0000", nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			r, err := ParseReport(unhex(t, c.hex))
			if err != nil {
				t.Fatal(err)
			}
			var ends []uint32
			for _, ssrc := range []uint32{0, 1, 2, 3, 4, 0xB6DFBBB6, 0xC0FFEE01} {
				if r.Ends(ssrc) {
					ends = append(ends, ssrc)
				}
			}
			if !slices.Equal(ends, c.ends) {
				t.Errorf("%x end, want %x", ends, c.ends)
			}
		})
	}
}

func TestIsReport(t *testing.T) {
	for _, c := range []struct {
		hex  string
		want bool
	}{
		{"8060 0001 00000e10 c0ffee01 674d401e", false},
		{"80e0 0001 00000e10 c0ffee01 674d401e", false},
		{"80bf", false}, {"80c0", true}, {"80c8", true}, {"80df", true},
		{"80", false}, {"", false},
	} {
		if got := IsReport(unhex(t, c.hex)); got != c.want {
			t.Errorf("%s: %t", c.hex, got)
		}
	}
}

func TestAppendReports(t *testing.T) {
	r, err := ParseReport(unhex(t, ffmpegReport))
	if err != nil {
		t.Fatal(err)
	}
	r.Sender.Packets, r.Sender.Octets = 0x01020304, 0xFFFFFFFE
	b := AppendSenderReport([]byte("x"), r.Sender)
	if want := unhex(t, "78"+ffmpegReport[:len(ffmpegReport)-17]+"01020304 fffffffe"); !bytes.Equal(b, want) {
		t.Errorf("%x, want %x", b, want)
	}
	if again, err := ParseReport(b[1:]); err != nil || again.Sender != r.Sender {
		t.Errorf("%+v, %v", again, err)
	}
	if b := AppendEmptyReport([]byte("x"), 0xC0FFEE01); !bytes.Equal(b, unhex(t, "78 80c90001 c0ffee01")) {
		t.Errorf("%x", b)
	}
	if b := AppendBye([]byte("x"), 0xC0FFEE01); !bytes.Equal(b, unhex(t, "78"+goodbye)) {
		t.Errorf("%x", b)
	}
}

func TestNTP(t *testing.T) {
	for _, c := range []struct {
		when string
		ntp  uint64
	}{
		{"1970-01-01T00:00:00Z", 0x83AA7E8000000000},
		{"2000-01-01T00:00:00.5Z", 0xBC17C20080000000},
		{"2026-11-29T06:43:25.911Z", 0xEEB6480DE9374BC6},
		{"2036-02-07T06:28:16Z", 0},
		{"2036-02-07T06:28:17.25Z", 0x0000000140000000},
		{"1968-01-20T03:14:08Z", 0x8000000000000000},
	} {
		when, err := time.Parse(time.RFC3339Nano, c.when)
		if err != nil {
			t.Fatal(err)
		}
		if got := NTP(when); got != c.ntp {
			t.Errorf("%s is %016x, want %016x", c.when, got, c.ntp)
		}
		if got := Time(c.ntp); !got.Equal(when) {
			t.Errorf("%016x is %s, want %s", c.ntp, got, c.when)
		}
	}
	// Every nanosecond comes back.
	for _, ns := range []int64{0, 1, 2, 499_999_999, 500_000_000, 999_999_998, 999_999_999} {
		when := time.Unix(1_800_000_000, ns)
		if got := Time(NTP(when)); !got.Equal(when) {
			t.Errorf("%d ns come back as %d", ns, got.Nanosecond())
		}
	}
}
