package http1

import (
	"fmt"
	"strings"
	"testing"
)

// unchunk is what a body's pieces hold, with "|" where it ended, and the error
// that ended it.
func unchunk(parts [][]byte) string {
	var c Chunks
	var out strings.Builder
	for _, b := range parts {
		for len(b) > 0 && !c.Done() {
			n, data, err := c.Next(b)
			if err != nil {
				return fmt.Sprintf("%s %v", out.String(), err)
			}
			if b = b[n:]; data > len(b) || data == 0 && len(b) > 0 && !c.Done() {
				return fmt.Sprintf("%d of %d bytes are data", data, len(b))
			}
			k := (data + 1) / 2 // never all of it but the last byte
			out.Write(b[:k])
			c.Take(k)
			b = b[k:]
		}
	}
	if c.Done() {
		out.WriteString("|")
	}
	return out.String()
}

// RFC 9112, 7.1.
func TestChunks(t *testing.T) {
	broken := func(x byte) string {
		return fmt.Sprintf("the body's chunks are broken: 0x%02X where none belongs", x)
	}
	long := "the body's chunks are broken: more than 256 bytes of framing in one place"
	cases := []struct{ name, in, want string }{
		{"some", "3\r\nabc\r\n00A\r\n0123456789\r\n0\r\n\r\n", "abc0123456789|"},
		{"data_like_framing", "8\r\n\r\n0\r\n\r\n.\r\n0\r\n\r\n", "\r\n0\r\n\r\n.|"},
		{"none", "0\r\n\r\n", "|"},
		{"more_behind_it", "1\r\na\r\n0\r\n\r\nGET /", "a|"},
		{"extensions", "1;a=b;c=\"d\"\r\nx\r\n1 ; e\r\ny\r\n0;f\r\n\r\n", "xy|"},
		{"trailer", "1\r\nx\r\n000\r\nA: b\r\nC: d\r\n\r\n", "x|"},
		{"half_a_chunk", "5\r\nab", "ab"},
		{"no_end", "1\r\na\r\n0\r\n", "a"},
		{"lone_LF", "1\na", " " + broken('\n')},
		{"lone_LF_in_an_extension", "1;a\nb", " " + broken('\n')},
		{"lone_LF_behind_data", "1\r\na\n", "a " + broken('\n')},
		{"lone_LF_in_the_trailer", "0\r\nA: b\n\r\n", " " + broken('\n')},
		{"CR_in_a_line", "1\r\ra", " " + broken('\r')},
		{"CR_in_the_trailer", "0\r\nA\rB", " " + broken('B')},
		{"too_little_data", "3\r\nab\r\n0", "ab\r " + broken(0x0A)},
		{"too_much_data", "1\r\nab\r\n", "a " + broken('b')},
		{"no_size", "\r\n", " " + broken('\r')},
		{"no_size_but_an_extension", ";a\r\n", " " + broken(';')},
		{"sign", "+1\r\n", " " + broken('+')},
		{"hex_prefix", "0x1\r\n", " " + broken('x')},
		{"largest", "fffffffffffffff\r\nab", " " + broken('f')},
		{"large", "ffffffffffffff\r\nab", "ab"},
		{"too_long_a_size", strings.Repeat("0", 257) + "1\r\na", " " + long},
		{"too_long_an_extension", "1;" + strings.Repeat("a", 300), " " + long},
		{"too_long_a_trailer", "0\r\n" + strings.Repeat("A: b\r\n", 60) + "\r\n", " " + long},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			for seed := range uint64(8) {
				parts := [][]byte{[]byte(c.in)}
				if seed > 0 {
					parts = cuts([]byte(c.in), seed)
				}
				if got := unchunk(parts); got != c.want {
					t.Errorf("seed %d: got %q, want %q", seed, got, c.want)
				}
			}
		})
	}
}

func FuzzChunks(f *testing.F) {
	f.Add([]byte("3\r\nabc\r\n0\r\nA: b\r\n\r\nrest"), uint64(1))
	f.Add([]byte("1;a\r\nx\r\n0;b\r\n\r\n"), uint64(2))
	f.Add([]byte("fffffffffffffffff\r\n"), uint64(3))
	f.Fuzz(func(t *testing.T, b []byte, seed uint64) {
		want := unchunk([][]byte{b})
		if got := unchunk(cuts(b, seed)); got != want {
			t.Errorf("cut %q\nwhole %q", got, want)
		}
		if len(want) > len(b)+120 {
			t.Errorf("%d bytes of %d", len(want), len(b))
		}
	})
}
