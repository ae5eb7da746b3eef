package access

import (
	"crypto/subtle"
	"fmt"
	"io"
)

// Secret is a text that must not be shown. Printing, logging and encoding it give a
// placeholder; [Secret.Reveal] is the only way to the text itself. Its zero value is
// no secret at all.
//
// The text is behind a pointer because package fmt asks no method of a field that is
// not exported, and prints what is in it; of a pointer it prints the address.
type Secret struct{ text *string }

// hidden stands for a secret wherever it would be shown.
const hidden = "(secret)"

// NewSecret makes a secret of a text.
func NewSecret(text string) Secret { return Secret{&text} }

// Reveal is the text itself, for those who compute with it.
func (s Secret) Reveal() string {
	if s.text == nil {
		return ""
	}
	return *s.text
}

// Given reports whether there is a secret.
func (s Secret) Given() bool { return s.Reveal() != "" }

// String implements [fmt.Stringer].
func (s Secret) String() string { return hidden }

// GoString implements [fmt.GoStringer].
func (s Secret) GoString() string { return hidden }

// Format implements [fmt.Formatter]: no verb shows a secret.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, hidden) }

// MarshalText implements [encoding.TextMarshaler], which logs and JSON use too.
func (s Secret) MarshalText() ([]byte, error) { return []byte(hidden), nil }

// same compares two texts in a time that depends on their lengths only.
func same(a, b string) bool { return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1 }
