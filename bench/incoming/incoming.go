// Package incoming holds what has come on a connection and has not been taken, for clients in
// tests that parse whole items from its front.
package incoming

import "io"

// size is how much is read at once.
const size = 64 << 10

// Bytes are those. The zero value has none.
type Bytes struct {
	// Rest is what was read and not taken. Who takes some of it moves its beginning on.
	Rest []byte
	b    []byte
}

// Fill reads more behind the rest, which may move. It grows for items of any size.
func (i *Bytes) Fill(from io.Reader) error {
	if i.b == nil {
		i.b = make([]byte, 0, size)
	}
	n := copy(i.b[:cap(i.b)], i.Rest)
	if n == cap(i.b) {
		grown := make([]byte, n, 2*n)
		copy(grown, i.Rest)
		i.b = grown
	}
	more, err := from.Read(i.b[n:cap(i.b)])
	i.Rest = i.b[:n+more]
	if more > 0 {
		return nil
	}
	return err
}
