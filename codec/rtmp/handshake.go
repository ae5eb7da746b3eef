package rtmp

import (
	"errors"
	"fmt"
)

// The handshake (RTMP 1.0, 5.2), the simple one, which is the same in both directions:
//
//	C0, S0   version(1), 3
//	C1, S1   time(4) zero(4) anything(1528)
//	C2, S2   what the other's 1 was
//
// A peer may wait for S2 before it sends C2, so S0, S1 and S2 go out together. What comes
// as the peer's own echo of ours is passed over: several send something else, and play.

const (
	// version is that of the protocol, and the first byte of a connection.
	version = 3
	// echoSize is the size of each of C1, S1, C2 and S2.
	echoSize = 1536
	// helloSize is the size of the version and C1, or S1.
	helloSize = 1 + echoSize
	// plainHead is the time and the zeros that C1 and S1 begin with. Players of the
	// libavformat family that see a version in the zeros of S1 want a signature as well.
	plainHead = 8
)

// Errors of the handshake.
var (
	errEncrypted = errors.New("the peer speaks encrypted RTMP (RTMPE), which is not supported")
	errNoVersion = errors.New("the peer's first byte is not that of RTMP version 3")
)

// noise fills C1 and S1. It need not be random, as nobody's echo is looked at.
var noise = makeNoise()

func makeNoise() (b [echoSize - plainHead]byte) {
	x := uint32(1)
	for i := range b {
		x = x*1664525 + 1013904223
		b[i] = byte(x >> 24)
	}
	return b
}

// clientHello appends what a client says first: C0 and C1.
func clientHello(dst []byte) []byte {
	dst = append(dst, version)
	dst = append(dst, make([]byte, plainHead)...)
	return append(dst, noise[:]...)
}

// serverHello appends the whole of what a server says: S0, S1, and c1 as S2.
func serverHello(dst, c1 []byte) []byte { return append(clientHello(dst), c1...) }

// A shaking is the peer's side of a handshake, which comes in any pieces: a version, 1,536
// bytes that have to be sent back, and then 1,536 that are passed over. The zero value is
// ready.
type shaking struct {
	buf     []byte // the hello if it comes in pieces
	skipped int    // bytes of the echo that were passed over
}

// hello takes bytes from the front of b. one is C1 or S1 once it is whole, and valid until
// the next call and as long as b is; nil means that all of b was taken and more is needed.
// An error is the operator's sentence.
func (h *shaking) hello(b []byte) (n int, one []byte, err error) {
	if len(h.buf) == 0 {
		if err := checkVersion(b); err != nil {
			return 0, nil, err
		}
		if len(b) >= helloSize {
			return helloSize, b[1:helloSize:helloSize], nil
		}
	}
	n = min(helloSize-len(h.buf), len(b))
	h.buf = append(h.buf, b[:n]...)
	if len(h.buf) < helloSize {
		return n, nil, nil
	}
	one, h.buf = h.buf[1:], nil
	return n, one, nil
}

// checkVersion looks at the first byte of b, if there is one.
func checkVersion(b []byte) error {
	switch {
	case len(b) == 0 || b[0] == version:
		return nil
	case b[0] == 6 || b[0] == 8:
		return errEncrypted
	default:
		return fmt.Errorf("%w: it is %d", errNoVersion, b[0])
	}
}

// echo passes over C2 or S2, and is done once it has passed.
func (h *shaking) echo(b []byte) (n int, done bool) {
	n = min(echoSize-h.skipped, len(b))
	h.skipped += n
	return n, h.skipped == echoSize
}
