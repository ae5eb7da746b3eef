package mmsh

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"streampump/codec"
	"streampump/codec/asf"
)

// pushing is a session in the body of a PushStart of the given length; what
// came before is not in its log.
func pushing(length int64) *host {
	h := openServer()
	h.feed([]byte(crlf(fmt.Sprintf("POST /streams/x_push HTTP/1.1\nHost: h\nContent-Type: application/x-wms-pushstart\nContent-Length: %d\n\n", length))))
	h.log = nil
	return h
}

const bodyLength = 2147483647 // what encoders announce ([MS-WMHTTP] 3.1.4.2.1)

// What may follow what in a push, [MS-WMHTTP] 3.2.5.3 to 3.2.5.7.
func TestPushBody(t *testing.T) {
	h0, h1 := headerBytes(0), headerBytes(1)
	header := mustMedia(t, h0).String()
	var (
		H   = pushed(IDHeader, h0)
		C   = pushed(IDChange, append(make([]byte, ReasonSize), h1...))
		bC  = pushed(IDChange, make([]byte, ReasonSize))
		D   = pushed(IDData, []byte("one data packet"))
		F   = pushed(IDFiller, make([]byte, 65531))
		F0  = pushed(IDFiller, nil)
		F1  = pushed(IDFiller, []byte{0})
		E0  = AppendReason(nil, IDEnd, ReasonOver)
		E1  = AppendReason(nil, IDEnd, ReasonNext)
		E12 = AppendReason(nil, IDEnd, 12)
		S   = pushed('S', []byte("nobody knows this"))
		M   = pulled(IDMetadata, 0, FlagWhole, []byte("text"))
	)
	tooEarly := "Bad: a data packet came where a new header must come first"
	cases := []struct {
		name string
		in   []byte
		want string
	}{
		{"header_and_data", join(H, D, D), "Header " + header + "; Packet 15 bytes; Packet 15 bytes"},
		{"continued_with_data", join(D, F1, D), "Packet 15 bytes; Packet 15 bytes"},
		{"continued_with_change", join(C, D), "Header " + header + "; Packet 15 bytes"},
		{"fillers_are_invisible", join(F, H, F0, F1, D, F, F, D), "Header " + header + "; Packet 15 bytes; Packet 15 bytes"},
		{"change_with_the_header_inside", join(H, D, E1, F1, C, D), "Header " + header + "; Packet 15 bytes; Header " + header + "; Packet 15 bytes"},
		{"change_right_after_data", join(H, D, C, D), "Header " + header + "; Packet 15 bytes; Header " + header + "; Packet 15 bytes"},
		{"change_as_in_a_pull", join(H, D, bC, F1, H, D), "Header " + header + "; Packet 15 bytes; Header " + header + "; Packet 15 bytes"},
		{"header_repeated", join(H, D, H, D, H), "Header " + header + "; Packet 15 bytes; Packet 15 bytes"},
		{"header_repeated_in_pieces", join(H, D, pushed(IDHeader, h0[:10]), pushed(IDHeader, h0[10:]), D), "Header " + header + "; Packet 15 bytes; Packet 15 bytes"},
		{"header_repeated_after_an_entry", join(H, D, E1, H, D), "Header " + header + "; Packet 15 bytes; Header " + header + "; Packet 15 bytes"},
		{"header_at_any_time", join(H, D, pushed(IDHeader, h1), D), "Header " + header + "; Packet 15 bytes; Header " + header + "; Packet 15 bytes"},
		{"B_flag_is_masked", join(H, append([]byte{0xA4}, D[1:]...)), "Header " + header + "; Packet 15 bytes"},
		{"unknown_types_are_skipped", join(H, S, M, D), "Header " + header + "; Packet 15 bytes"},
		{"over", join(H, D, E0, D, []byte("noise")), "Header " + header + "; Packet 15 bytes; Finish"},
		{"over_for_another_reason", join(H, E12, D), "Header " + header + "; Finish"},
		{"over_with_noise_behind_the_reason", join(H, pushed(IDEnd, make([]byte, 8)), D), "Header " + header + "; Finish"},
		{"over_without_reason", join(H, pushed(IDEnd, nil)), "Header " + header + "; Finish"},
		{"over_after_an_entry", join(E1, E0), "Finish"},
		{"data_after_an_entry", join(H, E1, D), "Header " + header + "; " + tooEarly},
		{"data_after_a_bare_change", join(H, bC, D), "Header " + header + "; " + tooEarly},
		{"header_in_pieces", join(pushed(IDHeader, h0[:10]), pushed(IDHeader, h0[10:3000]), pushed(IDHeader, h0[3000:]), D), "Header " + header + "; Packet 15 bytes"},
		{"header_never_completed", join(pushed(IDHeader, h0[:3000]), D), "Bad: a $D came in the middle of the header: 3000 of 5487 bytes are there"},
		{"no_header_at_all", pushed(IDHeader, bytes.Repeat([]byte("x"), 100)), "Bad: the header is not an ASF header, or has an impossible size"},
		{"wrong_byte", join(H, D, []byte("x")), "Header " + header + "; Packet 15 bytes; Bad: byte 5510 of the stream is 0x78 where a packet must begin with 0x24 ($)"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			h := wantAnyCut(t, c.in, func() *host { return pushing(bodyLength) })
			if got := h.events(); got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		})
	}
}

// A $C has room for the header or it has not: half of one is an error.
func TestPushChangeWithHalfAHeader(t *testing.T) {
	h := pushing(bodyLength)
	h.feed(pushed(IDChange, append(make([]byte, ReasonSize), headerBytes(1)[:1000]...)))
	if h.log[0] != "Bad: the header is cut short: 1000 of 5461 bytes" {
		t.Error(h.log)
	}
}

// The payload of a $D is handed on byte for byte, in any cut.
func TestPushPacketsArriveWhole(t *testing.T) {
	var in []byte
	var want [][]byte
	for i := range 40 {
		p := bytes.Repeat([]byte{byte(i)}, 1+i*i*41%(MaxLength))
		want = append(want, p)
		in = append(in, pushed(IDData, p)...)
		in = append(in, pushed(IDFiller, p[:i])...)
	}
	h := wantAnyCut(t, in, func() *host { return pushing(bodyLength) })
	for i := range want {
		if !bytes.Equal(h.data[i], want[i]) {
			t.Errorf("packet %d differs", i)
		}
	}
}

// [MS-WMHTTP] 3.2.5.1: the 204 comes when the body is complete, whatever it
// ends with, and not a byte before; the connection goes on.
func TestPushBodyEnd(t *testing.T) {
	D, F := pushed(IDData, []byte("data")), pushed(IDFiller, make([]byte, 20))
	header := pushed(IDHeader, headerBytes(0))
	cases := []struct {
		name string
		body []byte
		want string // the last event
	}{
		{"filler", join(D, F), "Pause"},
		{"empty_filler", join(D, pushed(IDFiller, nil)), "Pause"},
		{"data", join(F, D), "Pause"},
		{"header", header, "Pause"},
		{"entry", join(D, AppendReason(nil, IDEnd, ReasonNext)), "Pause"},
		{"over", join(D, AppendReason(nil, IDEnd, ReasonOver)), "Finish"},
		{"cut_data", D[:6], "Bad: the body of the push ends in the middle of a packet or header"},
		{"cut_framing", join(D, D[:2]), "Bad: the body of the push ends in the middle of a packet or header"},
		{"cut_filler", F[:10], "Bad: the body of the push ends in the middle of a packet or header"},
		{"cut_header", pushed(IDHeader, headerBytes(0)[:100]), "Bad: the body of the push ends in the middle of a packet or header"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			early := pushing(int64(len(c.body)))
			early.feed(c.body[:len(c.body)-1])
			if len(early.out) > 0 {
				t.Errorf("answered early: %q", early.out)
			}
			next := crlf("OPTIONS * HTTP/1.1\nHost: h\n\n")
			h := wantAnyCut(t, append(bytes.Clone(c.body), next...), func() *host { return pushing(int64(len(c.body))) })
			last := h.log[len(h.log)-1]
			if c.want == "Pause" {
				if last = h.log[len(h.log)-4]; !strings.HasPrefix(string(h.out), "HTTP/1.1 204 ") || h.log[len(h.log)-2] != "Reply" {
					t.Errorf("%q %q", h.log, h.out)
				}
			} else if strings.HasPrefix(c.want, "Bad") {
				last = h.log[len(h.log)-2]
			}
			if last != c.want {
				t.Errorf("got %s, want %s", h.log, c.want)
			}
		})
	}
}

// Headers up to the limit of a push are taken ([MS-WMHTTP] 2.2.3.6), and go on
// in two pieces where they do not fit one $H towards viewers.
func TestPushLargestHeader(t *testing.T) {
	spec := asf.EE4Header(0)
	spec.Padding += 65531 - len(headerBytes(0))
	header := spec.Append(nil)
	if len(header) != 65531 {
		t.Fatalf("built %d bytes", len(header))
	}
	h := pushing(bodyLength)
	h.feed(pushed(IDHeader, header))
	head := h.headed[0].NewProgramme().Head(codec.Framed)
	if want := 65531 + 2*PrefixSize; len(head) != want || head[9] != FlagFirst {
		t.Errorf("%d bytes with flags %#x, want %d in two pieces", len(head), head[9], want)
	}
}

// Whole packets in a read cost no allocation and no copy; a packet cut in two
// costs a copy, and a buffer once.
func TestPushAllocatesNothing(t *testing.T) {
	D := pushed(IDData, make([]byte, 8000))
	whole, half := join(D, D, D), join(D, D[:4000])
	s := pushing(bodyLength).sess
	run := func(b []byte) {
		for len(b) > 0 {
			n, ev := s.Consume(b)
			if ev.Kind == codec.Bad {
				t.Fatal(ev.Err)
			}
			b = b[n:]
		}
	}
	if got := testing.AllocsPerRun(100, func() { run(whole) }); got != 0 {
		t.Errorf("whole packets: %v allocations", got)
	}
	run(half)
	run(D[4000:])
	if got := testing.AllocsPerRun(100, func() { run(half); run(D[4000:]) }); got != 0 {
		t.Errorf("cut packets: %v allocations", got)
	}
}

func FuzzPushBody(f *testing.F) {
	D := pushed(IDData, []byte("data"))
	f.Add(join(pushed(IDHeader, smallHeader(400).Append(nil)), D, pushed(IDFiller, make([]byte, 30)), D), uint64(1))
	f.Add(join(D, AppendReason(nil, IDEnd, ReasonNext), pushed(IDChange, append(make([]byte, 4), audioHeader(400).Append(nil)...))), uint64(2))
	f.Add(join(pushed(IDHeader, smallHeader(400).Append(nil)[:50]), D), uint64(3))
	f.Fuzz(func(t *testing.T, b []byte, seed uint64) {
		// One seed in two ends the body where the bytes end.
		length := int64(bodyLength)
		if seed%2 == 0 && len(b) > 0 {
			length = int64(len(b))
		}
		whole, cut := pushing(length), pushing(length)
		whole.feed(bytes.Clone(b))
		for _, p := range cuts(b, seed) {
			cut.feed(bytes.Clone(p))
		}
		if whole.transcript() != cut.transcript() || whole.fail != "" {
			t.Errorf("whole %s\ncut %s", whole.transcript(), cut.transcript())
		}
		var data int
		for _, d := range whole.data {
			data += len(d)
		}
		if data > len(b) {
			t.Errorf("%d bytes of data out of %d", data, len(b))
		}
		if p := cut.sess.(*server).push; p != nil && cap(p.in.buf)+cap(p.seq.head.buf) > 2*(FramingSize+MaxLength)+2*asf.HeaderMax {
			t.Errorf("%d and %d bytes held", cap(p.in.buf), cap(p.seq.head.buf))
		}
	})
}
