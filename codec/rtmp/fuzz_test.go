package rtmp

import (
	"bytes"
	"math/rand/v2"
	"testing"
)

// FuzzChunks: the same bytes say the same in any pieces, up to the same error; no message
// and no memory is more than is allowed; and a message that is written again is the same.
func FuzzChunks(f *testing.F) {
	for _, c := range conversations {
		f.Add(unhex(f, c.hex), uint64(1))
	}
	for _, c := range golden {
		f.Add(append(resized(c.size), unhex(f, c.hex)...), uint64(2))
	}
	for seed := range uint64(4) {
		f.Add(talk(seed, 20).out, seed)
	}
	f.Fuzz(func(t *testing.T, b []byte, seed uint64) {
		rnd := rand.New(rand.NewPCG(seed, 9))
		l := limits{message: 4096, total: 8 * 4096, streams: 8} // what lies whole in a piece is not gathered
		was := bytes.Clone(b)
		whole, again := chunks{limits: l}, chunks{limits: l}
		got, err := readPieces(t, &whole, b, func() int { return len(b) })
		cut, cutErr := readPieces(t, &again, b, func() int { return 1 + rnd.IntN(9) })
		if !sameMessages(got, cut) || (err == nil) != (cutErr == nil) || err != nil && err.Error() != cutErr.Error() {
			t.Fatalf("%s, %v\nin pieces %s, %v", tell(got), err, tell(cut), cutErr)
		}
		if !bytes.Equal(b, was) {
			t.Fatal("the bytes are changed")
		}
		for _, r := range []*chunks{&whole, &again} {
			if r.reading != nil {
				checkMemory(t, r)
				checkBounds(t, r)
			}
		}
		checkMessages(t, got, l)
	})
}

func checkBounds(t *testing.T, c *chunks) {
	r := c.reading
	if len(r.streams) > c.limits.streams || r.held > 2*c.limits.total+c.limits.total/2+c.limits.message {
		t.Fatalf("%d chunk streams, %d bytes held", len(r.streams), r.held)
	}
	if r.current != none && (r.left == 0 || r.left > maxLength) {
		t.Fatalf("%d bytes of a chunk are left", r.left)
	}
}

func checkMessages(t *testing.T, all []message, l limits) {
	reader := chunks{limits: l}
	reader.next(appendChunkSize(nil))
	for _, m := range all {
		if len(m.body) > l.most(m.typ) {
			t.Fatalf("a message of %d bytes", len(m.body))
		}
		if m.typ == typeChunkSize || m.typ == typeAbort {
			t.Fatal("what is about chunks is handed out")
		}
		b := appendMessage(nil, 6, m.typ, m.stream, m.time, m.body)
		if again := readAll(t, &reader, b, 100); !sameMessages(again, []message{m}) {
			t.Fatalf("%s is written as %s", tell([]message{m}), tell(again))
		}
		for a := newAggregate(m); ; {
			in, ok, err := a.next()
			if !ok || err != nil {
				break
			}
			if !bytes.Contains(m.body, in.body) {
				t.Fatal("a tag's body is none of the aggregate's")
			}
		}
	}
}
