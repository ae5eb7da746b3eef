package amf

import (
	"encoding/hex"
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

// one reads a value that is all of b.
func one(t testing.TB, b []byte) Value {
	t.Helper()
	r := NewReader(b)
	v, err := r.Next()
	if err != nil || r.More() {
		t.Fatalf("%x: %v, %d bytes left", b, err, len(r.Rest()))
	}
	return v
}
