package rtsp

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
)

// pieces of b, cut at random; small ones are likelier.
func cuts(b []byte, seed uint64) [][]byte {
	r := rand.New(rand.NewPCG(seed, 7))
	var out [][]byte
	for len(b) > 0 {
		n := 1 + r.IntN(min(len(b), 1<<r.IntN(13)))
		out = append(out, b[:n])
		b = b[n:]
	}
	return out
}

func cuts1(b []byte) (out [][]byte) {
	for i := range b {
		out = append(out, b[i:i+1])
	}
	return out
}

// crlf writes a message as in a book.
func crlf(s string) string { return strings.ReplaceAll(s, "\n", "\r\n") }

// frame is an interleaved packet.
func frame(channel byte, packet string) string {
	return string([]byte{frameMark, channel, byte(len(packet) >> 8), byte(len(packet))}) + packet
}

// parts is what an inlet finds in pieces of bytes. Every other packet is given back
// once, and found again.
func parts(in *inlet, pieces [][]byte) string {
	var out strings.Builder
	again := false
	for _, b := range pieces {
		b = bytes.Clone(b)
		for len(b) > 0 {
			n, found, err := in.next(b, 100)
			if found == aPacket {
				if again = !again; again {
					n -= in.back()
					found = nothing
				}
			} else if found == nothing && err == nil && n != len(b) {
				return fmt.Sprintf("%staken %d of %d with nothing", out.String(), n, len(b))
			}
			switch b = b[n:]; {
			case err != nil:
				return out.String() + errorText(err)
			case found == aRequest:
				fmt.Fprintf(&out, "%s %s %q;", in.msg.req.Method, in.msg.req.Target, in.msg.body)
			case found == anAnswer:
				fmt.Fprintf(&out, "%s %q;", in.msg.answer.Said(), in.msg.body)
			case found == aPacket:
				fmt.Fprintf(&out, "%d:%s;", in.channel(), in.packets.data)
			}
		}
	}
	if in.begun() {
		out.WriteString("begun")
	}
	return out.String()
}

func TestInlet(t *testing.T) {
	const options, answer = "OPTIONS * RTSP/1.0\r\nCSeq: 1\r\n\r\n", "RTSP/1.0 200 OK\r\nCSeq: 1\r\n\r\n"
	announce := func(body string) string {
		return fmt.Sprintf("ANNOUNCE rtsp://h/x RTSP/1.0\r\nContent-Length: %d\r\n\r\n%s", len(body), body)
	}
	for _, c := range []struct{ name, in, want string }{
		{"request", options, `OPTIONS * "";`},
		{"lone_LF", strings.ReplaceAll(options, "\r", ""), `OPTIONS * "";`},
		{"empty_lines_before", "\r\n\n" + options + "\r\n" + options, `OPTIONS * "";OPTIONS * "";`},
		{"body", announce("v=0"), `ANNOUNCE rtsp://h/x "v=0";`},
		{"body_that_looks_like_a_packet", announce("$\x00\x00\x01x") + frame(1, "y"), `ANNOUNCE rtsp://h/x "$\x00\x00\x01x";1:y;`},
		{"empty_line_behind_a_body", announce("v=0") + "\r\n" + frame(1, "y"), `ANNOUNCE rtsp://h/x "v=0";1:y;`},
		{"body_that_nobody_wants", "GET_PARAMETER * RTSP/1.0\r\nContent-Length: 3\r\n\r\nabc" + options, `GET_PARAMETER * "";OPTIONS * "";`},
		{"answer", answer + options, `200 OK "";OPTIONS * "";`},
		{"answer_with_body", "RTSP/1.0 200 OK\r\nContent-Length: 3\r\n\r\nv=0" + options, `200 OK "v=0";OPTIONS * "";`},
		{"packets", frame(0, "ab") + frame(255, "c") + options + frame(1, "d"), `0:ab;255:c;OPTIONS * "";1:d;`},
		{"packet_without_bytes", frame(0, "") + frame(1, "") + frame(1, "x"), "1:x;"},
		{"packet_as_long_as_can_be", frame(3, strings.Repeat("x", 65535)), "3:" + strings.Repeat("x", 65535) + ";"},
		{"packet_with_a_wrong_length", "$\x00\x00\x01x\x80yz", "0:x;400 byte 0x80, which begins no message, at byte 0 of the head"},
		{"begun", options[:20], "begun"},
		{"body_begun", announce("v=0")[:50], "begun"},
		{"head_too_long", "OPTIONS * RTSP/1.0\r\nA: " + strings.Repeat("x", 100), "431 the head is longer than 100 bytes"},
		{"body_too_long", "OPTIONS * RTSP/1.0\r\nContent-Length: 16385\r\n\r\n", "413 the body of a message has 16385 bytes"},
		{"body_of_an_answer_too_long", "RTSP/1.0 200 OK\r\nContent-Length: 65537\r\n\r\n", "413 the body of a message has 65537 bytes"},
		{"body_as_long_as_can_be", announce(strings.Repeat("v", 16384)), `ANNOUNCE rtsp://h/x "` + strings.Repeat("v", 16384) + `";`},
		{"no_length", "OPTIONS * RTSP/1.0\r\nContent-Length: x\r\n\r\n", `400 Content-Length "x" is not a length`},
		{"binary", "\x80\x60", "400 byte 0x80, which begins no message, at byte 0 of the head"},
	} {
		t.Run(c.name, func(t *testing.T) {
			for seed := range uint64(8) {
				pieces := [][]byte{[]byte(c.in)}
				if seed == 1 {
					pieces = cuts1([]byte(c.in))
				} else if seed > 1 {
					pieces = cuts([]byte(c.in), seed)
				}
				in := &inlet{}
				in.wanted()
				if got := parts(in, pieces); got != c.want {
					t.Fatalf("seed %d: got %.200s, want %.200s", seed, got, c.want)
				}
			}
		})
	}
}

// Packets that nobody wants are passed over and kept nowhere; those that are wanted cost
// nothing once there is room for the longest that came in pieces, and the room is no
// more than a packet can be.
func TestInletKeepsNothing(t *testing.T) {
	b := []byte(strings.Repeat(frame(1, strings.Repeat("r", 52)), 20))
	for _, wanted := range []bool{false, true} {
		in := &inlet{}
		if wanted {
			in.wanted()
		}
		n := 0
		got := testing.AllocsPerRun(50, func() {
			for _, piece := range [2][]byte{b[:500], b[500:]} {
				for len(piece) > 0 {
					k, found, err := in.next(piece, 0)
					if piece = piece[k:]; err != nil || found == aPacket && !wanted {
						t.Fatal(found, err)
					} else if found == aPacket {
						n++
					}
				}
			}
		})
		if got != 0 || in.msg != nil || wanted && n != 51*20 {
			t.Errorf("wanted %v: %v allocations, %d packets", wanted, got, n)
		}
		if wanted && cap(in.packets.buf) > 2*(1<<16) {
			t.Errorf("%d bytes held", cap(in.packets.buf))
		}
	}
}

func FuzzInlet(f *testing.F) {
	f.Add([]byte("\r\nOPTIONS * RTSP/1.0\nCSeq : 1\n\n"+frame(1, "abc")+"RTSP/1.0 200 OK\r\nContent-Length: 1\r\n\r\nx"), uint64(1))
	f.Add([]byte("ANNOUNCE rtsp://h/x RTSP/1.0\r\nContent-Length: 4\r\n\r\nv=0\n"+frame(0, "")+frame(3, "xyz")), uint64(2))
	f.Fuzz(func(t *testing.T, b []byte, seed uint64) {
		whole, cut := &inlet{}, &inlet{}
		whole.wanted()
		cut.wanted()
		want := parts(whole, [][]byte{b})
		if got := parts(cut, cuts(b, seed)); got != want {
			t.Errorf("cut %s\nwhole %s", got, want)
		}
		if cap(cut.packets.buf) > 2*(1<<16) || cut.msg != nil && cap(cut.msg.body) > 2*maxBody {
			t.Error("too much is held")
		}
	})
}
