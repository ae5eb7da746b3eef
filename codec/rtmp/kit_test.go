package rtmp

import (
	"bytes"
	"encoding/hex"
	"slices"
	"strings"
	"testing"
)

// unhex reads bytes as tables write them: hex with blanks and bars for the eye.
func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.NewReplacer(" ", "", "|", "", "\n", "", "\t", "").Replace(s))
	if err != nil {
		t.Fatalf("%q: %v", s, err)
	}
	return b
}

func hexOf(b []byte) string { return hex.EncodeToString(b) }

// resized is a Set Chunk Size.
func resized(size int) []byte { return appendFigure(nil, typeChunkSize, uint32(size)) }

// readPieces gives r the bytes in pieces of what size says, and returns copies of the
// messages.
func readPieces(t testing.TB, r *chunks, b []byte, size func() int) (all []message, err error) {
	t.Helper()
	was := r.received
	for at := 0; at < len(b); {
		piece := bytes.Clone(b[at : at+min(size(), len(b)-at)])
		at += len(piece)
		for len(piece) > 0 {
			n, found, err := r.next(piece)
			if err != nil {
				return all, err
			}
			if n < 0 || n > len(piece) || !found && n != len(piece) {
				t.Fatalf("%d bytes of %d were taken, found %t", n, len(piece), found)
			}
			if found {
				m := r.msg
				m.body = bytes.Clone(m.body)
				all = append(all, m)
			}
			piece = piece[n:]
		}
	}
	if got := r.received - was; got != uint64(len(b)) {
		t.Fatalf("%d bytes of %d are counted", got, len(b))
	}
	return all, nil
}

// readAll is readPieces with pieces of one size, of bytes that are as they should be.
func readAll(t testing.TB, r *chunks, b []byte, size int) []message {
	t.Helper()
	all, err := readPieces(t, r, b, func() int { return size })
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func sameMessages(a, b []message) bool {
	return slices.EqualFunc(a, b, func(a, b message) bool {
		return a.typ == b.typ && a.stream == b.stream && a.time == b.time && bytes.Equal(a.body, b.body)
	})
}
