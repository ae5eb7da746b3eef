package flv

import (
	"bytes"
	"errors"
	"testing"
)

// FuzzTag: a tag says the same with more bytes behind it, unless it lists its tracks to the
// end; it claims to be a key frame only where the encoder does; and of sound there are none.
func FuzzTag(f *testing.F) {
	for _, c := range video {
		f.Add(unhex(f, c.hex), []byte{0})
	}
	for _, c := range audio {
		f.Add(unhex(f, c.hex), []byte{0x17, 0xFF})
	}
	f.Fuzz(func(t *testing.T, body, more []byte) {
		was := bytes.Clone(body)
		longer := append(bytes.Clone(body), more...)
		for name, parse := range map[string]func([]byte) (Tag, error){"video": Video, "audio": Audio} {
			tag, err := parse(body)
			if err != nil {
				if !errors.Is(err, ErrShort) || tag != (Tag{}) {
					t.Fatalf("%s: %+v, %v", name, tag, err)
				}
				continue
			}
			if tag.Kind.String() == "unknown" || tag.Track != 0 && !tag.Multi || tag.Channels && tag.Kind != Header {
				t.Fatalf("%s: %+v", name, tag)
			}
			if tag.Kind == Key && (name == "audio" || body[0]>>4&7 != typeKey && body[0]>>4&7 != typeGenerated) {
				t.Fatalf("%s: %x is a key frame", name, body)
			}
			if tag.Codec.String() == "" {
				t.Fatalf("%#x has no name", uint32(tag.Codec))
			}
			if again, err := parse(longer); len(body) > 0 && !tag.Multi && (err != nil || again != tag) {
				t.Fatalf("%s: %+v, with more behind it %+v, %v", name, tag, again, err)
			}
		}
		if (AVC(body) == "") != (AVC(longer) == "") && len(body) >= 4 || AAC(body) != "" && AAC(longer) != AAC(body) {
			t.Fatal("a configuration means something else with more behind it")
		}
		if !bytes.Equal(body, was) {
			t.Fatal("the body is changed")
		}
	})
}
