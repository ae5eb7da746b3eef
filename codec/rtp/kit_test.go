package rtp

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

// params are a description's format parameters for [FormatOf].
func params(s string) func(name string) string {
	return func(name string) string {
		for pair := range strings.SplitSeq(s, ";") {
			if key, value, _ := strings.Cut(pair, "="); key == name {
				return value
			}
		}
		return ""
	}
}

// format is a new format for the encoding, which must be known.
func format(t testing.TB, encoding, fmtp string) Format {
	t.Helper()
	f, _, known := FormatOf(encoding, params(fmtp))
	if !known {
		t.Fatalf("%s is unknown", encoding)
	}
	return f
}
