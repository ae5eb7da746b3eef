package rtmpclient

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"testing"
)

// The bytes were made by hand from the specification, and a second decoder agrees with them.
var (
	create     = "0300000000001d14000000000200075f726573756c7400401000000000000005003ff0000000000000"
	sizes      = "020000000000040500000000002625a0020000000000050600000000002625a00202000000000004010000000000001000"
	begin      = "020000000000060400000000000000000001" + "020000000000060400000000000100000001"
	extendedAt = "06ffffff00008c090100000001312d00" + "27010000000000008341" + strings.Repeat("00", 118) + "c601312d00" + strings.Repeat("00", 12)
	wide       = "0000" + "0000000000010801000000" + "af" + "010001" + "0000000000010801000000" + "af"
)

// text is what came of some messages.
func text(all []Message) (lines []string) {
	for _, m := range all {
		lines = append(lines, fmt.Sprintf("%d on %d, stream %d at %d: %x", m.Type, m.Chunk, m.Stream, m.Time, m.Body[:min(len(m.Body), 8)]))
	}
	return lines
}

// read reads all messages of bytes that come in pieces.
func read(b []byte, piece int) (all []Message, err error) {
	r := NewReader()
	var held []byte
	for len(b) > 0 {
		n := min(piece, len(b))
		held, b = append(held, b[:n]...), b[n:]
		for {
			m, n, err := r.Take(held)
			if err != nil {
				return all, err
			}
			held = held[n:]
			if m != nil {
				all = append(all, *m)
			}
			if n == 0 {
				break
			}
		}
	}
	if len(held) > 0 || r.inside() {
		return all, fmt.Errorf("%d bytes are left", len(held))
	}
	return all, nil
}

func unhex(t *testing.T, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestBytesOfMessages: what stands in bytes is read in any pieces, and written so.
func TestBytesOfMessages(t *testing.T) {
	for name, c := range map[string]struct {
		bytes string
		want  []string
	}{
		"result":        {create, []string{"20 on 3, stream 0 at 0: 0200075f72657375"}},
		"sizes":         {sizes, []string{"5 on 2, stream 0 at 0: 002625a0", "6 on 2, stream 0 at 0: 002625a002", "1 on 2, stream 0 at 0: 00001000"}},
		"events":        {begin, []string{"4 on 2, stream 0 at 0: 000000000001", "4 on 2, stream 0 at 0: 000100000001"}},
		"extended":      {extendedAt, []string{"9 on 6, stream 1 at 20000000: 2701000000000000"}},
		"just extended": {"04ffffff000003080100000000ffffffaf0121", []string{"8 on 4, stream 1 at 16777215: af0121"}},
		"not extended":  {"04fffffe0000030801000000af0121", []string{"8 on 4, stream 1 at 16777214: af0121"}},
		"wide":          {wide, []string{"8 on 64, stream 1 at 0: af", "8 on 320, stream 1 at 0: af"}},
	} {
		b := unhex(t, c.bytes)
		for piece := 1; piece <= len(b); piece++ {
			all, err := read(b, piece)
			if err != nil || !slices.Equal(text(all), c.want) {
				t.Fatalf("%s in pieces of %d: %q, %v, want %q", name, piece, text(all), err, c.want)
			}
			if piece == 1 {
				var again []byte
				for _, m := range all {
					again = AppendMessage(again, m, firstChunk)
				}
				if !bytes.Equal(again, b) {
					t.Errorf("%s is written as %x", name, again)
				}
			}
		}
	}
}

// TestRoundTrip: messages are the same behind chunks of any size.
func TestRoundTrip(t *testing.T) {
	body := bytes.Repeat([]byte{1, 2, 3, 4, 5, 6, 7}, 40)
	for _, size := range []int{1, 2, 100, 128, 279, 280, 281, 65536} {
		var b []byte
		var want []Message
		for i, at := range []uint32{0, 1, extended - 1, extended, extended + 1, 1<<32 - 1} {
			for _, n := range []int{0, 1, len(body)} {
				m := Message{Chunk: uint32(2 + 61*i), Type: TypeVideo, Stream: 1, Time: at, Body: body[:n]}
				want, b = append(want, m), AppendMessage(b, m, size)
			}
		}
		r, rest := NewReader(), b
		r.Size = size
		for _, w := range want {
			var m *Message
			for m == nil {
				var n int
				var err error
				if m, n, err = r.Take(rest); err != nil || n == 0 {
					t.Fatalf("in chunks of %d: %d, %v", size, n, err)
				}
				rest = rest[n:]
			}
			if m.Chunk != w.Chunk || m.Time != w.Time || !bytes.Equal(m.Body, w.Body) || m.Chunks != max((len(w.Body)+size-1)/size, 1) || m.Extended != (w.Time >= extended) {
				t.Fatalf("in chunks of %d: %v in %d, want %v", size, m, m.Chunks, &w)
			}
		}
	}
}

// TestForms: headers leave out what is as before.
func TestForms(t *testing.T) {
	m := Message{Chunk: 4, Type: TypeAudio, Stream: 1}
	first := AppendHead(nil, 0, m, 20, 1)
	for name, c := range map[string]struct {
		bytes []byte
		want  []string
	}{
		"a message of form 3 behind one of form 0": {
			append(append(first, 1), AppendHead(nil, 3, m, 0, 1)[0], 2),
			[]string{"8 on 4, stream 1 at 20: 01", "8 on 4, stream 1 at 40: 02"},
		},
		"differences": {
			slices.Concat(first, []byte{1}, AppendHead(nil, 2, m, 5, 1), []byte{2}, AppendHead(nil, 1, m, 7, 2), []byte{3, 3}, AppendHead(nil, 3, m, 0, 2), []byte{4, 4}),
			[]string{"8 on 4, stream 1 at 20: 01", "8 on 4, stream 1 at 25: 02", "8 on 4, stream 1 at 32: 0303", "8 on 4, stream 1 at 39: 0404"},
		},
		"a long difference": {
			slices.Concat(first, []byte{1}, AppendHead(nil, 1, m, 1<<24, 1), []byte{2}, AppendHead(nil, 3, m, 1<<24, 1), []byte{3}),
			[]string{"8 on 4, stream 1 at 20: 01", "8 on 4, stream 1 at 16777236: 02", "8 on 4, stream 1 at 33554452: 03"},
		},
		"the first of form 1": {append(AppendHead(nil, 1, m, 9, 1), 1), []string{"8 on 4, stream 0 at 9: 01"}},
		"one inside another": {
			slices.Concat(AppendHead(nil, 0, Message{Chunk: 6, Type: TypeVideo, Stream: 1}, 0, 130), make([]byte, 128), first, []byte{1}, []byte{0xC6, 0, 0}),
			[]string{"8 on 4, stream 1 at 20: 01", "9 on 6, stream 1 at 0: 0000000000000000"},
		},
		"an abort": {
			slices.Concat(AppendHead(nil, 0, Message{Chunk: 6, Type: TypeVideo, Stream: 1}, 0, 130), make([]byte, 128),
				AppendMessage(nil, NumberMessage(TypeAbort, 6), firstChunk), AppendHead(nil, 0, Message{Chunk: 6, Type: TypeVideo, Stream: 1}, 0, 1), []byte{7}),
			[]string{"2 on 2, stream 0 at 0: 00000006", "9 on 6, stream 1 at 0: 07"},
		},
		"another size": {
			slices.Concat(AppendMessage(nil, NumberMessage(TypeChunkSize, 1), firstChunk), AppendMessage(nil, Message{Chunk: 4, Type: TypeAudio, Body: []byte{1, 2}}, 1)),
			[]string{"1 on 2, stream 0 at 0: 00000001", "8 on 4, stream 0 at 0: 0102"},
		},
	} {
		for _, piece := range []int{1, 2, 3, 1 << 20} {
			if all, err := read(c.bytes, piece); err != nil || !slices.Equal(text(all), c.want) {
				t.Errorf("%s: %q, %v, want %q", name, text(all), err, c.want)
			}
		}
	}
}

func TestBrokenChunks(t *testing.T) {
	video := Message{Chunk: 6, Type: TypeVideo, Stream: 1}
	for want, b := range map[string][]byte{
		"chunk stream 6 begins with a header of form 2": AppendHead(nil, 2, video, 0, 1),
		"chunk stream 6 begins with a header of form 3": AppendHead(nil, 3, video, 0, 1),
		"2 bytes of another missing":                    slices.Concat(AppendHead(nil, 0, video, 0, 130), make([]byte, 128), AppendHead(nil, 0, video, 0, 1), []byte{1}),
		"a chunk size is set to 0":                      AppendMessage(nil, NumberMessage(TypeChunkSize, 0), firstChunk),
		"a chunk size is set to 2147483648":             AppendMessage(nil, NumberMessage(TypeChunkSize, 1<<31), firstChunk),
		"never used":                                    AppendMessage(nil, NumberMessage(TypeAbort, 9), firstChunk),
	} {
		if _, err := read(b, 1<<20); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
}

// FuzzReader: whatever comes, and however it is cut, the messages are the same.
func FuzzReader(f *testing.F) {
	for _, s := range []string{create, sizes, begin, extendedAt, wide} {
		b, err := hex.DecodeString(s)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		whole, err1 := read(b, len(b))
		bit, err2 := read(b, 1)
		if !slices.Equal(text(whole), text(bit)) || (err1 == nil) != (err2 == nil) {
			t.Errorf("whole: %q, %v; in bytes: %q, %v", text(whole), err1, text(bit), err2)
		}
		for _, m := range whole {
			if m.Type == TypeCommand || m.Type == TypeData {
				_, _ = m.Values()
			}
		}
	})
}
