package flv

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
