package rtmp

import (
	"bytes"
	"errors"
	"testing"
)

// TestHandshake: both sides, in any pieces, with what follows in the same ones.
func TestHandshake(t *testing.T) {
	hello := clientHello(nil)
	if len(hello) != helloSize || hello[0] != 3 || !bytes.Equal(hello[1:9], make([]byte, 8)) {
		t.Fatalf("%d bytes: %x", len(hello), hello[:9])
	}
	c1 := bytes.Repeat([]byte{9, 0, 124, 2}, 384)
	answer := serverHello([]byte{0xAA}, c1)
	if len(answer) != 1+1+2*echoSize || answer[0] != 0xAA {
		t.Fatalf("%d bytes", len(answer))
	}
	answer = answer[1:]
	if answer[0] != 3 || !bytes.Equal(answer[5:9], make([]byte, 4)) || !bytes.Equal(answer[helloSize:], c1) {
		t.Errorf("%x", answer[:9])
	}
	if bytes.Equal(answer[1:helloSize], c1) {
		t.Error("S1 is C1, which players of the libavformat family refuse")
	}
	client := append(append([]byte{3}, c1...), bytes.Repeat([]byte{0xEE}, echoSize)...) // no echo of ours
	for _, side := range []struct {
		name     string
		b, given []byte
	}{{"Server", client, c1}, {"Client", answer, answer[1:helloSize]}} {
		for cut := 1; cut <= len(side.b)+1; cut += 1 + cut/16 {
			checkShaking(t, side.name, append(bytes.Clone(side.b), 0x02), side.given, cut)
		}
	}
}

// checkShaking reads a peer's side, with one byte behind it, in pieces.
func checkShaking(t *testing.T, name string, b, want []byte, cut int) {
	t.Helper()
	var h shaking
	var one []byte
	done := false
	at := 0
	for !done && at < len(b) {
		for piece := b[at:min(at+cut, len(b))]; len(piece) > 0 && !done; {
			var n int
			if one == nil {
				k, got, err := h.hello(piece)
				if err != nil {
					t.Fatal(err)
				}
				n, one = k, bytes.Clone(got)
			} else {
				n, done = h.echo(piece)
			}
			piece, at = piece[n:], at+n
		}
	}
	if !done || at != len(b)-1 || !bytes.Equal(one, want) {
		t.Fatalf("%s in pieces of %d: done %t behind %d bytes, %d given", name, cut, done, at, len(one))
	}
	if h.buf != nil {
		t.Errorf("%s: %d bytes are kept", name, cap(h.buf))
	}
}

func TestHandshakeVersion(t *testing.T) {
	for x := range 256 {
		var h shaking
		n, one, err := h.hello([]byte{byte(x)})
		switch {
		case x == 3:
			if n != 1 || one != nil || err != nil {
				t.Errorf("3: %d, %x, %v", n, one, err)
			}
		case x == 6 || x == 8:
			if !errors.Is(err, errEncrypted) {
				t.Errorf("%d: %v", x, err)
			}
		case !errors.Is(err, errNoVersion):
			t.Errorf("%d: %v", x, err)
		}
	}
	var h shaking
	if n, one, err := h.hello(nil); n != 0 || one != nil || err != nil {
		t.Errorf("nothing: %d, %x, %v", n, one, err)
	}
}
