package asf

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"testing"
)

// golden are packets of 3200 bytes whose heads are known bytes (video is stream
// 1, audio stream 2) and what is in them.
var golden = []struct {
	name    string
	hex     string
	at400   string // bytes at 400
	size    int    // 3200 unless padding was stripped
	starts  bool
	dump    []string
	repairs bool
}{
	{
		name: "audio_then_key", size: 3200, starts: true,
		hex:   "82 00 00 01 5D 00 00 00 00 2E 00 82 02 01 00 00 00 00 08 73 01 00 00 1C 0C 00 00 73 01",
		at400: "81 01 00 00 00 00 08 17 2F 00 00 4A 0C 00 00 DF 0A",
		dump: []string{
			"packet 3200 of 3200 bytes, flags 01 5d, length 3200, padding 0, send 0 ms, duration 46 ms, 2 payloads",
			"stream 2 object 1 offset 0 of 371, time 3100 ms, replicated 8, 371 bytes at 29",
			"stream 1 key object 1 offset 0 of 12055, time 3146 ms, replicated 8, 2783 bytes at 417",
		},
	},
	{
		name: "key_continued", size: 3200, starts: false,
		hex: "82 00 00 00 5D 2E 00 00 00 00 00 81 01 DF 0A 00 00 08 17 2F 00 00 4A 0C 00 00",
		dump: []string{
			"packet 3200 of 3200 bytes, flags 00 5d, length 3200, padding 0, send 46 ms, duration 0 ms, 1 payloads",
			"stream 1 key object 1 offset 2783 of 12055, time 3146 ms, replicated 8, 3174 bytes at 26",
		},
	},
	{
		name: "byte_padding", size: 3200, starts: false,
		hex: "82 00 00 09 5D F6 2E 00 00 00 00 00 81 81 01 AB 23 00 00 08 17 2F 00 00 4A 0C 00 00 6C 0B",
		dump: []string{
			"packet 3200 of 3200 bytes, flags 09 5d, length 3200, padding 246, send 46 ms, duration 0 ms, 1 payloads",
			"stream 1 key object 1 offset 9131 of 12055, time 3146 ms, replicated 8, 2924 bytes at 30",
		},
	},
	{
		name: "word_padding", size: 3200, starts: false,
		hex: "82 00 00 10 5D F1 0A 00 00 00 00 2E 00 02 01 00 00 00 00 08 73 01 00 00 1C 0C 00 00",
		dump: []string{
			"packet 3200 of 3200 bytes, flags 10 5d, length 3200, padding 2801, send 0 ms, duration 46 ms, 1 payloads",
			"stream 2 object 1 offset 0 of 371, time 3100 ms, replicated 8, 371 bytes at 28",
		},
	},
	{
		name: "stripped", size: 399, starts: false, repairs: true,
		hex: "82 00 00 10 5D 00 00 00 00 00 00 2E 00 02 01 00 00 00 00 08 73 01 00 00 1C 0C 00 00",
		dump: []string{
			"packet 399 of 3200 bytes, flags 10 5d, length 399, padding 0, send 0 ms, duration 46 ms, 1 payloads",
			"stream 2 object 1 offset 0 of 371, time 3100 ms, replicated 8, 371 bytes at 28",
		},
	},
	{
		name: "stripped_padding_length_kept", size: 399, starts: false,
		hex: "82 00 00 10 5D F1 0A 00 00 00 00 2E 00 02 01 00 00 00 00 08 73 01 00 00 1C 0C 00 00",
		dump: []string{
			"packet 399 of 3200 bytes, flags 10 5d, length 3200, padding 2801, send 0 ms, duration 46 ms, 1 payloads",
			"stream 2 object 1 offset 0 of 371, time 3100 ms, replicated 8, 371 bytes at 28",
		},
	},
	{
		name: "explicit_length", size: 401, starts: false,
		hex: "82 00 00 50 5D 91 01 00 00 00 00 00 00 2E 00 02 01 00 00 00 00 08 73 01 00 00 1C 0C 00 00",
		dump: []string{
			"packet 401 of 3200 bytes, flags 50 5d, length 401, padding 0, send 0 ms, duration 46 ms, 1 payloads",
			"stream 2 object 1 offset 0 of 371, time 3100 ms, replicated 8, 371 bytes at 30",
		},
	},
	{
		name: "no_error_correction", size: 3200, starts: true,
		hex: "00 5D 2E 00 00 00 00 00 81 01 00 00 00 00 08 17 2F 00 00 4A 0C 00 00",
		dump: []string{
			"packet 3200 of 3200 bytes, flags 00 5d, length 3200, padding 0, send 46 ms, duration 0 ms, 1 payloads",
			"stream 1 key object 1 offset 0 of 12055, time 3146 ms, replicated 8, 3177 bytes at 23",
		},
	},
	{
		name: "compressed_audio", size: 41, starts: false,
		hex: "82 00 00 01 5D 00 00 00 00 2E 00 81 82 05 1C 0C 00 00 01 17 0B 00 03 41 41 41 05 42 42 42 42 42 00",
		dump: []string{
			"packet 41 of 3200 bytes, flags 01 5d, length 41, padding 0, send 0 ms, duration 46 ms, 1 payloads",
			"stream 2 key object 5 compressed, time 3100 ms, step 23 ms, 11 bytes at 22",
		},
	},
	{
		name: "compressed_key", size: 3200, starts: true,
		hex: "82 00 00 09 5D FF 00 00 00 00 2E 00 81 81 05 1C 0C 00 00 01 17 02 00 01 41",
		dump: []string{
			"packet 3200 of 3200 bytes, flags 09 5d, length 3200, padding 255, send 0 ms, duration 46 ms, 1 payloads",
			"stream 1 key object 5 compressed, time 3100 ms, step 23 ms, 2 bytes at 23",
		},
	},
}

func TestGolden(t *testing.T) {
	h := parseSpec(t, avSpec())
	for _, c := range golden {
		t.Run(c.name, func(t *testing.T) {
			b := full(t, c.hex, c.size)
			copy(b[min(400, len(b)):], unhex(t, c.at400))
			var text bytes.Buffer
			if err := DumpPacket(&text, b, 3200); err != nil {
				t.Fatal(err)
			}
			if want := strings.Join(c.dump, "\n  ") + "\n"; text.String() != want {
				t.Errorf("got  %swant %s", &text, want)
			}
			p := parsePacket(t, b, 3200)
			if got := h.StartsKey(p, b); got != c.starts {
				t.Errorf("StartsKey = %t", got)
			}
			_, repaired, err := AppendRepaired(nil, b, 3200)
			if err != nil || repaired != c.repairs {
				t.Errorf("repaired = %t, %v", repaired, err)
			}
			inflated, err := AppendInflated(nil, b, 3200)
			if err != nil || len(inflated) != 3200 {
				t.Fatalf("inflated to %d: %v", len(inflated), err)
			}
			if got := payloads(t, inflated, 3200); !slices.Equal(got, payloads(t, b, 3200)) {
				t.Errorf("inflated packet holds %v", got)
			}
		})
	}
}

// TestGoldenRepair: the known stripped packet becomes the known explicit one.
func TestGoldenRepair(t *testing.T) {
	b := full(t, "82 00 00 10 5D 00 00 00 00 00 00 2E 00 02 01 00 00 00 00 08 73 01 00 00 1C 0C 00 00", 399)
	want := append(unhex(t, "82 00 00 50 5D 91 01"), b[5:]...)
	got, repaired, err := AppendRepaired([]byte("prefix"), b, 3200)
	if err != nil || !repaired || !bytes.Equal(got, append([]byte("prefix"), want...)) {
		t.Errorf("repaired %t, %v: %x", repaired, err, got[:min(len(got), 40)])
	}
}

// TestWideFields reads every field at its widest, and all the optional ones.
func TestWideFields(t *testing.T) {
	b := unhex(t, "82 00 00 7F 7F"+ // multiple; length, sequence, padding and the payload's fields 32 bits
		"5C 00 00 00 0D 00 00 00 07 00 00 00 11 22 33 44 55 00 C1"+
		"81 01 02 03 04 00 00 00 00 08 00 00 00 64 00 00 00 4A 0C 00 00 20 00 00 00")
	b = append(b, make([]byte, 92-len(b))...)
	p := parsePacket(t, b, 100)
	if p.SendTime() != 0x44332211 || p.Duration() != 0x55 || p.Payloads() != 1 || p.size != 92 || p.padding != 7 {
		t.Errorf("packet %+v", p)
	}
	it := p.Iter(b)
	if !it.Next() || it.Object != 0x04030201 || it.ObjectSize != 100 || it.Time != 3146 || len(it.Data) != 32 || it.Next() {
		t.Errorf("payload %+v", it.Payload)
	}
}

func TestPacketErrors(t *testing.T) {
	const head = "82 00 00 01 5D 00 00 00 00 2E 00 " // multiple payloads; flags follow
	const one = "82 00 00 00 5D 00 00 00 00 2E 00 "  // a single payload follows
	cases := []struct{ name, hex, what string }{
		{"empty", "", "is empty"},
		{"opaque_data", "92 00 00 00 5D", "error correction"},
		{"correction_length_type", "A2 00 00 00 5D", "error correction"},
		{"only_correction", "82 00 00", "before its length type flags"},
		{"correction_past_end", "8F 00 00", "before its length type flags"},
		{"stream_number_width", "82 00 00 00 9D 00 00 00 00 2E 00 81", "stream numbers"},
		{"no_times", "82 00 00 00 5D 00 00 00 00 2E", "before its payloads"},
		{"no_flags", head, "before its payload flags"},
		{"no_payload", head + "80", "no payload"},
		{"no_lengths", head + "01 81 01 00 00 00 00 00", "without lengths"},
		{"length_zero", "82 00 00 20 5D 00 00 00 00 00 2E 00 81", "packet length"},
		{"length_beyond_packet_size", "82 00 00 40 5D 81 0C 00 00 00 00 2E 00 81", "packet length"},
		{"length_huge", "82 00 00 60 5D FF FF FF FF 00 00 00 00 2E 00 81", "packet length"},
		{"length_beyond_bytes", "82 00 00 20 5D 40 00 00 00 00 2E 00 81 01 00 00 00 00 00 11", "before its own packet length"},
		{"padding_huge", "82 00 00 18 5D FF FF FF FF 00 00 00 00 2E 00 81", "longer than the packet size"},
		{"padding_eats_head", "82 00 00 08 5D 10 00 00 00 00 2E 00 81 01", "no room"},
		{"length_beyond_bytes_and_payloads", "82 00 00 21 5D 40 00 00 00 00 2E 00 81 81 01 00 00 00 00 00 02 00 41", "a payload goes past"},
		{"payload_head_short", one + "81 01 00 00", "go past"},
		{"count_beyond_bytes", head + "82 81 01 00 00 00 00 00 01 00 41", "go past"},
		{"replicated_2", one + "81 01 00 00 00 00 02 11 22", "2 to 7"},
		{"replicated_7", one + "81 01 00 00 00 00 07 11 22 33 44 55 66 77", "2 to 7"},
		{"replicated_past_end", one + "81 01 00 00 00 00 09 11 22 33 44 55 66 77 88", "replicated data goes past"},
		{"payload_past_end", head + "81 81 01 00 00 00 00 00 02 00 41", "a payload goes past"},
		{"payload_past_end_byte_length", head + "41 81 01 00 00 00 00 00 02 41", "a payload goes past"},
		{"compressed_empty", one + "81 01 00 00 00 00 01 17", "without objects"},
		{"compressed_no_delta", one + "81 01 00 00 00 00 01", "go past"},
		{"compressed_object_past_end", one + "81 01 00 00 00 00 01 17 02 41", "of a compressed payload goes past"},
		{"compressed_narrow_time", "82 00 00 00 59 00 00 00 00 2E 00 81 01 00 00 01 17 01 41", "32 bits"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			b := unhex(t, c.hex)
			var p Packet
			err := p.Parse(b, 3200)
			var syntax *SyntaxError
			if !errors.As(err, &syntax) || !strings.Contains(err.Error(), c.what) {
				t.Fatalf("error %v, want …%s…", err, c.what)
			}
			if syntax.Offset < 0 || syntax.Offset > len(b) {
				t.Errorf("offset %d in %d bytes", syntax.Offset, len(b))
			}
			was := bytes.Clone(b)
			if ShiftTimes(b, 3200, 1) == nil || !bytes.Equal(b, was) {
				t.Error("ShiftTimes touched a bad packet")
			}
			for _, f := range []func() ([]byte, error){
				func() ([]byte, error) { out, _, err := AppendRepaired(nil, b, 3200); return out, err },
				func() ([]byte, error) { return AppendInflated(nil, b, 3200) },
			} {
				if out, err := f(); err == nil || len(out) != 0 {
					t.Errorf("%d bytes made of a bad packet, error %v", len(out), err)
				}
			}
		})
	}
}

func TestPacketTooLong(t *testing.T) {
	var p Packet
	if err := p.Parse(full(t, golden[1].hex, 3201), 3200); !errors.Is(err, ErrTooLong) {
		t.Errorf("error %v", err)
	}
}
