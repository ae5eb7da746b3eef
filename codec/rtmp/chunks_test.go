package rtmp

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
)

// Heads of chunks, for tables: time and length of 3 bytes, type, and stream 1.
const (
	audio1 = "08 01000000"
	video1 = "09 01000000"
)

// conversations are chunks of 128 bytes, unless they say otherwise, and the messages in
// them: type, stream, time and body.
var conversations = []struct{ name, hex, want string }{
	{"OneChunk", "04 00000a 000002" + audio1 + "af01", "8/1/10:af01"},
	{"NoBody", "04 00000a 000000" + audio1, "8/1/10:"},
	{"UnknownType", "04 00000a 000001 63 01000000 aa", "99/1/10:aa"},
	{"Stream", "04 00000a 000001 08 04030201 aa", "8/16909060/10:aa"},
	// 5.3.1.2.4: a message that begins without a header takes the delta of the last; that of
	// format 0 is its time.
	{"Format3BehindFormat0", "04 000014 000001" + audio1 + "aa c4 bb c4 cc", "8/1/20:aa 8/1/40:bb 8/1/60:cc"},
	{"Deltas", "04 000014 000001" + audio1 + "aa 84 000005 bb 44 000007 000002 09 ccdd c4 ee11", "8/1/20:aa 8/1/25:bb 9/1/32:ccdd 9/1/39:ee11"},
	{"BackToFormat0", "04 000014 000001" + audio1 + "aa 84 000005 bb 04 000001 000001" + audio1 + "cc c4 dd", "8/1/20:aa 8/1/25:bb 8/1/1:cc 8/1/2:dd"},
	{"TimeWraps", "04 ffffff 000001" + audio1 + "fffffff0 aa 84 000020 bb", "8/1/4294967280:aa 8/1/16:bb"},
	{"FirstIsFormat1", "42 000003 000006 04 000700003039", "4/0/3:000700003039"},
	// 5.3.1.1
	{"OneByte", "3f 00000a 000001" + audio1 + "aa ff bb", "8/1/10:aa 8/1/20:bb"},
	{"TwoBytes", "00 00 00000a 000001" + audio1 + "aa c0 00 bb", "8/1/10:aa 8/1/20:bb"},
	{"ThreeBytes", "01 0001 00000a 000001" + audio1 + "aa c1 0001 bb", "8/1/10:aa 8/1/20:bb"},
	{"EitherForm", "00 00 00000a 000001" + audio1 + "aa c1 0000 bb", "8/1/10:aa 8/1/20:bb"},
	{"Highest", "01 ffff 00000a 000001" + audio1 + "aa", "8/1/10:aa"},
	{"LowByteFirst", "01 0100 00000a 000001" + audio1 + "aa c0 01 bb", "8/1/10:aa 8/1/20:bb"},
	// 5.3.1.3
	{"NotExtended", "04 fffffe 000001" + audio1 + "aa", "8/1/16777214:aa"},
	{"Extended", "04 ffffff 000001" + audio1 + "00ffffff aa", "8/1/16777215:aa"},
	{"ExtendedDelta", "04 00000a 000001" + audio1 + "aa 84 ffffff 01000000 bb c4 01000001 cc", "8/1/10:aa 8/1/16777226:bb 8/1/33554443:cc"},
	{"ExtendedNoMore", "04 ffffff 000001" + audio1 + "01000000 aa 84 000005 bb c4 cc", "8/1/16777216:aa 8/1/16777221:bb 8/1/16777226:cc"},
	{"Repeated", size(4) + "06 ffffff 00000a" + video1 + "01312d00 aaaaaaaa c6 01312d00 bbbbbbbb c6 01312d00 cccc",
		"9/1/20000000:aaaaaaaabbbbbbbbcccc"},
	{"NotRepeated", size(4) + "06 ffffff 00000a" + video1 + "01312d00 aaaaaaaa c6 bbbbbbbb c6 cccc",
		"9/1/20000000:aaaaaaaabbbbbbbbcccc"},
	{"AlmostRepeated", size(4) + "06 ffffff 00000a" + video1 + "01312d00 aaaaaaaa c6 01312dff c6 0131 04 00000a 000001" + audio1 + "bb",
		"9/1/20000000:aaaaaaaa01312dff0131 8/1/10:bb"},
	// The last chunk is shorter than a time, and what follows tells it from one.
	{"AlmostRepeatedAtTheEnd", size(4) + "06 ffffff 000005" + video1 + "01312d00 aaaaaaaa c6 01 | 04 00000a 000001" + audio1 + "bb",
		"9/1/20000000:aaaaaaaa01 8/1/10:bb"},
	{"AlmostRepeatedWithAHeader", size(1) + "04 00000a 000001" + audio1 + "bb | 31 000000 000001" + audio1 + "cc |" +
		"06 ffffff 000002" + video1 + "01f1eeff aa c6 01 | f1 dd c4 ee",
		"8/1/10:bb 8/1/0:cc 9/1/32632575:aa01 8/1/0:dd 8/1/20:ee"},
	{"AlmostRepeatedWithAMessage", size(1) + "04 00000a 000001" + audio1 + "bb | 31 000000 000001" + audio1 + "cc |" +
		"06 ffffff 000002" + video1 + "01f1ddff aa c6 01 | f1 dd c4 ee",
		"8/1/10:bb 8/1/0:cc 9/1/32628223:aa01 8/1/0:dd 8/1/20:ee"},
	// 5.4.1
	{"SizeBeforeAll", size(0x7FFFFFFF) + "04 00000a 000084" + audio1 + strings.Repeat("aa", 132), "8/1/10:" + strings.Repeat("aa", 132)},
	{"SizeInMessage", "04 00000a 000084" + audio1 + strings.Repeat("aa", 128) + size(2) + "c4 bbbb c4 cccc", "8/1/10:" + strings.Repeat("aa", 128) + "bbbbcccc"},
	{"SizeInChunks", size(1) + "02 000000 000004 01 00000000 00 c2 00 c2 00 c2 08 | 04 00000a 000004" + audio1 + "aaaaaaaa", "8/1/10:aaaaaaaa"},
	{"SizeTwice", size(1) + size(1)[:24] + "00 c2 00 c2 00 c2 01 | 04 00000a 000002" + audio1 + "aa c4 bb", "8/1/10:aabb"},
	// 5.3
	{"Interleaved", size(2) + "06 00000a 000005" + video1 + "aaaa | 04 00000b 000003" + audio1 + "1111 | c6 bbbb | c4 22 | c6 cc | c4 3333 c4 44",
		"8/1/11:111122 9/1/10:aaaabbbbcc 8/1/22:333344"},
	// 5.4.2
	{"Abort", size(4) + "06 00000a 00000a" + video1 + "aaaaaaaa" + abort(6) + "c6 bbbbbbbb c6 cccccccc c6 dddd", "9/1/20:bbbbbbbbccccccccdddd"},
	{"AbortOfNone", size(4) + "06 00000a 000001" + video1 + "aa" + abort(6) + abort(7) + abort(2) + "c6 bb", "9/1/10:aa 9/1/20:bb"},
	{"AbortInPieces", size(2) + "06 00000a 000003" + video1 + "aaaa | 02 000000 000004 02 00000000 0000 | 04 000000 000001" + audio1 + "11 | c2 0006 | c6 bbbb c6 cc",
		"8/1/0:11 9/1/20:bbbbcc"},
	{"AbortThatSaysNothing", "02 000000 000002 02 00000000 0006 | 04 000000 000001" + audio1 + "11", "8/1/0:11"},
	{"Reported", "02 000000 000004 03 00000000 00000001 c2 00000002", "3/0/0:00000001 3/0/0:00000002"},
}

// size is a Set Chunk Size in hex.
func size(n uint32) string { return hexOf(appendFigure(nil, typeChunkSize, n)) }

// abort is an Abort in hex, for chunks of 4 bytes and more.
func abort(csid uint32) string { return hexOf(appendFigure(nil, typeAbort, csid)) }

func tell(all []message) string {
	var s []string
	for _, m := range all {
		s = append(s, fmt.Sprintf("%d/%d/%d:%x", m.typ, m.stream, m.time, m.body))
	}
	return strings.Join(s, " ")
}

func TestChunks(t *testing.T) {
	for _, c := range conversations {
		t.Run(c.name, func(t *testing.T) {
			b := unhex(t, c.hex)
			for cut := 1; cut <= len(b); cut++ {
				r := chunks{limits: wide}
				all, err := readPieces(t, &r, b, func() int { return cut })
				if got := tell(all); err != nil || got != c.want {
					t.Fatalf("in pieces of %d: %s, %v; want %s", cut, got, err, c.want)
				}
			}
		})
	}
}

func TestChunkErrors(t *testing.T) {
	for _, c := range []struct {
		name, hex string
		want      error
	}{
		{"Format2First", "84 000005", errNoHeader},
		{"Format3First", "c4", errNoHeader},
		{"SizeNone", size(0), errChunkSize},
		{"SizeTopBit", size(0x80000000), errChunkSize},
		{"SizeCut", "02 000000 000003 01 00000000 000010", errChunkSize},
		{"SizeEmpty", "02 000000 000000 01 00000000", errChunkSize},
		{"Interrupted0", size(2) + "04 00000a 000003" + audio1 + "aaaa 04 00000a 000003" + audio1, errInterrupted},
		{"Interrupted1", size(2) + "04 00000a 000003" + audio1 + "aaaa 44 00000a 000003 08", errInterrupted},
		{"Interrupted2", size(2) + "04 00000a 000003" + audio1 + "aaaa 84 00000a", errInterrupted},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := unhex(t, c.hex)
			for cut := 1; cut <= len(b); cut++ {
				r := chunks{limits: wide}
				if all, err := readPieces(t, &r, b, func() int { return cut }); !errors.Is(err, c.want) || len(all) != 0 {
					t.Fatalf("in pieces of %d: %s, %v; want %v", cut, tell(all), err, c.want)
				}
			}
		})
	}
}

// TestLimitOfMessage: a message that is too long is refused before its body, by its type.
func TestLimitOfMessage(t *testing.T) {
	for _, c := range []struct {
		limits limits
		typ    uint8
		most   int
	}{
		{tight, typeCommand, 16 << 10},
		{tight, typeVideo, 16 << 10},
		{wide, typeCommand, 64 << 10},
		{wide, typeData, 64 << 10},
		{wide, 99, 64 << 10},
		{wide, typeAudio, 4 << 20},
		{wide, typeVideo, 4 << 20},
		{wide, typeAggregate, 4 << 20},
	} {
		r := chunks{limits: c.limits}
		if n, found, err := r.next(appendHead(nil, 6, c.typ, 1, 0, c.most)); n != headSize || found || err != nil {
			t.Errorf("type %d of %d bytes: %d, %t, %v", c.typ, c.most, n, found, err)
		}
		r = chunks{limits: c.limits}
		_, _, err := r.next(appendHead(nil, 6, c.typ, 1, 0, c.most+1))
		var long *tooLongError
		if !errors.As(err, &long) || long.typ != c.typ || int(long.length) != c.most+1 || long.most != c.most {
			t.Errorf("type %d of %d bytes: %v", c.typ, c.most+1, err)
		}
		if !strings.Contains(err.Error(), fmt.Sprint(c.most)) {
			t.Errorf("the sentence does not say what is allowed: %v", err)
		}
	}
}

// TestLimitsChange: a connection may have less, or more, from its next message on, also
// one that repeats the last header.
func TestLimitsChange(t *testing.T) {
	r := chunks{limits: wide}
	r.next(resized(1 << 20))
	body := make([]byte, 20<<10)
	if all := readAll(t, &r, appendMessage(nil, 6, typeVideo, 1, 0, body), 1<<20); len(all) != 1 {
		t.Fatalf("%d messages", len(all))
	}
	r.limits = tight
	var long *tooLongError
	if _, _, err := r.next([]byte{0xC6}); !errors.As(err, &long) {
		t.Errorf("a message is longer than it may be now: %v", err)
	}
}

// TestLimitOfStreams: as many half messages on as many chunk streams as there may be, and
// one more.
func TestLimitOfStreams(t *testing.T) {
	for _, l := range []limits{tight, wide} {
		r := chunks{limits: l}
		half := func(i int) []byte {
			b := binary.LittleEndian.AppendUint16([]byte{1}, uint16(i*77))
			b = append(b, 0, 0, 0, 0, 0, 129, typeVideo, 1, 0, 0, 0)
			return append(b, make([]byte, firstChunk)...)
		}
		for i := range l.streams {
			if n, found, err := r.next(half(i)); n != 14+firstChunk || found || err != nil {
				t.Fatalf("chunk stream %d: %d, %t, %v", i, n, found, err)
			}
		}
		if _, _, err := r.next(half(l.streams)); !errors.Is(err, errTooManyStreams) {
			t.Errorf("%d chunk streams: %v", l.streams+1, err)
		}
		if got := r.reading.unfinished; got != l.streams*firstChunk {
			t.Errorf("%d bytes are unfinished", got)
		}
	}
}

// TestLimitOfUnfinished: what is gathered is bounded, and so is the memory for it; what is
// complete is none of it.
func TestLimitOfUnfinished(t *testing.T) {
	for _, l := range []limits{tight, wide} {
		r := chunks{limits: l}
		chunk := l.total / 64
		r.next(resized(chunk))
		data := make([]byte, chunk)
		err := error(nil)
		sent := 0
		for i := 0; err == nil && i < 1<<20; i++ {
			csid := uint8(3 + i%(l.streams-3))
			b := append([]byte{3<<6 | csid}, data...)
			if i < l.streams-3 {
				b = append(appendHead(nil, csid, typeVideo, 1, 0, l.message), data...)
			}
			var found bool
			if _, found, err = r.next(b); found {
				t.Fatal("a half message is whole")
			}
			if err == nil {
				sent += chunk
			}
		}
		if !errors.Is(err, errUnfinished) || sent > l.total || sent < l.total-chunk {
			t.Errorf("%d bytes of %d: %v", sent, l.total, err)
		}
		if r.reading.held > 2*l.total {
			t.Errorf("%d bytes are held for %d", r.reading.held, l.total)
		}
	}
	r := chunks{limits: tight}
	r.next(resized(1 << 10))
	body := make([]byte, 10<<10)
	whole := appendChunked(nil, 1<<10, 6, typeVideo, 1, 0, body)
	if all := readAll(t, &r, slices.Repeat(whole, 20), 333); len(all) != 20 {
		t.Errorf("%d messages of 20", len(all))
	}
}
