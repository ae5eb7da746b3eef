package asf

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"strings"
	"testing"

	"streampump/codec/wire"
)

// file is an ASF file with n packets and an index behind them.
func file(t testing.TB, n int, live bool) (header []byte, packets [][]byte, all []byte) {
	t.Helper()
	s := avSpec()
	packets = pack(t, Layout{PacketSize: s.PacketSize, Multiple: true}, script(1, 200, 25))[:n]
	s.Packets, s.Live = uint64(n), live
	header = s.Append(nil)
	all = bytes.Clone(header)
	for _, p := range packets {
		all = append(all, p...)
	}
	if !live {
		all = append(all, "an index that is no packet and must not be read"...)
		all = append(all, make([]byte, s.PacketSize)...)
	}
	return header, packets, all
}

// readAll feeds the pieces and returns what came out, copied.
func readAll(r *Reader, pieces [][]byte) (headers, packets [][]byte, err error) {
	for _, b := range pieces {
		for len(b) > 0 {
			n, h, p, err := r.Consume(b)
			if err != nil {
				return headers, packets, err
			}
			if h != nil {
				headers = append(headers, bytes.Clone(h))
			}
			if p != nil {
				packets = append(packets, bytes.Clone(p))
			}
			b = b[n:]
		}
	}
	return headers, packets, nil
}

// cut cuts b at random; small pieces are likely.
func cut(r *rand.Rand, b []byte) (pieces [][]byte) {
	for len(b) > 0 {
		n := 1 + r.IntN(1<<r.IntN(14))
		n = min(n, len(b))
		pieces = append(pieces, b[:n])
		b = b[n:]
	}
	return pieces
}

func TestReaderAnyCut(t *testing.T) {
	for _, live := range []bool{false, true} {
		header, want, all := file(t, 12, live)
		for seed := range uint64(60) {
			pieces := cut(rand.New(rand.NewPCG(seed, 0)), all)
			if seed == 0 {
				pieces = [][]byte{all}
			}
			var r Reader
			headers, packets, err := readAll(&r, pieces)
			if live && err != nil || !live && !errors.Is(err, io.EOF) {
				t.Fatalf("seed %d: %v", seed, err)
			}
			if len(headers) != 1 || !bytes.Equal(headers[0], header) {
				t.Fatalf("seed %d: %d headers", seed, len(headers))
			}
			if len(packets) != len(want) || !bytes.Equal(bytes.Join(packets, nil), bytes.Join(want, nil)) {
				t.Fatalf("seed %d: %d packets of %d", seed, len(packets), len(want))
			}
			if r.Header().PacketSize() != 3200 || r.End() != nil {
				t.Fatalf("header %v, end %v", r.Header(), r.End())
			}
		}
	}
}

// TestReaderSizes: a size that cannot be meant means as long as there are
// bytes.
func TestReaderSizes(t *testing.T) {
	header, _, all := file(t, 5, true)
	for size, want := range map[uint64]int{
		0: 5, 50: 5, 1<<64 - 1: 5, 49: 5, 50 + 3200: 1, 50 + 2*3200 + 3199: 2, 51: 0,
	} {
		wire.PutU64(all[len(header)-34:], size)
		var r Reader
		_, packets, _ := readAll(&r, [][]byte{all})
		if len(packets) != want {
			t.Errorf("size %d: %d packets, want %d", size, len(packets), want)
		}
	}
}

func TestReaderEndsEarly(t *testing.T) {
	header, _, all := file(t, 5, false)
	for _, c := range []struct {
		n    int
		what string
	}{{0, "within its header"}, {10, "within its header"}, {len(header) - 1, "within its header"}, {len(header), ""}, {len(header) + 4000, ""}} {
		var r Reader
		if _, _, err := readAll(&r, [][]byte{all[:c.n]}); err != nil {
			t.Fatal(err)
		}
		if err := r.End(); (err == nil) != (c.what == "") || err != nil && !strings.Contains(err.Error(), c.what) {
			t.Errorf("after %d bytes: %v", c.n, err)
		}
	}
}

// TestReaderRefuses: what is not ASF is refused at the first bytes that show
// it, and stays refused.
func TestReaderRefuses(t *testing.T) {
	_, _, all := file(t, 1, false)
	all[30+16] = 1 // the first object's size
	for what, b := range map[string][]byte{
		"not ASF": []byte("RI"), "claims": all, "not between": append(bytes.Clone(all[:16]), 0xFF, 0xFF, 0xFF, 0xFF, 0, 0, 0, 0),
	} {
		var r Reader
		_, _, err := readAll(&r, [][]byte{b[:1], b[1:]})
		var syntax *SyntaxError
		if !errors.As(err, &syntax) || !strings.Contains(err.Error(), what) {
			t.Errorf("error %v, want …%s…", err, what)
		}
		if n, h, p, again := r.Consume(all); n != len(all) || h != nil || p != nil || !errors.Is(again, err) || !errors.Is(r.End(), err) {
			t.Errorf("after the error: %v", again)
		}
	}
}
