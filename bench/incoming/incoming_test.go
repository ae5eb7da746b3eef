package incoming

import (
	"bytes"
	"errors"
	"io"
	"testing"
	"testing/iotest"
)

func TestFill(t *testing.T) {
	all := make([]byte, 3*size)
	for i := range all {
		all[i] = byte(i * 7 >> 3)
	}
	for name, from := range map[string]io.Reader{"whole": bytes.NewReader(all), "in_halves": iotest.HalfReader(bytes.NewReader(all)), "with_its_end": iotest.DataErrReader(bytes.NewReader(all))} {
		var in Bytes
		var taken []byte
		take := func(n int) { taken, in.Rest = append(taken, in.Rest[:n]...), in.Rest[n:] }
		var err error
		for err == nil {
			if err = in.Fill(from); len(in.Rest) > 2*size {
				take(len(in.Rest) - 5) // an item that is longer than what is read at once
			}
		}
		take(len(in.Rest))
		if !errors.Is(err, io.EOF) || !bytes.Equal(taken, all) {
			t.Errorf("%s: %d bytes of %d, %v", name, len(taken), len(all), err)
		}
	}
}
