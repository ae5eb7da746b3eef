package rtmp

import (
	"bytes"
	"testing"
)

// BenchmarkChunks is one second of a stream of 2 Mbit/s as it comes in: 25 pictures and 50
// frames of sound, in reads of 64 KiB.
func BenchmarkChunks(b *testing.B) {
	for _, c := range []struct {
		name string
		size int
	}{{"ours", ourChunk}, {"4096", 4096}, {"128", firstChunk}} {
		b.Run(c.name, func(b *testing.B) {
			var second []byte
			body := bytes.Repeat([]byte{0xA5}, 10_000)
			for i := range uint32(25) {
				second = appendChunked(second, c.size, 6, typeVideo, 1, 40*i, body)
				second = appendChunked(second, c.size, 4, typeAudio, 1, 40*i, body[:300])
				second = appendChunked(second, c.size, 4, typeAudio, 1, 40*i+20, body[:300])
			}
			r := chunks{limits: wide}
			r.next(resized(c.size))
			b.SetBytes(int64(len(second)))
			b.ReportAllocs()
			for b.Loop() {
				found := 0
				for at := 0; at < len(second); {
					n, ok, err := r.next(second[at:min(at+64<<10, len(second))])
					if err != nil {
						b.Fatal(err)
					}
					if at += n; ok {
						found++
					}
				}
				if found != 75 {
					b.Fatalf("%d messages", found)
				}
			}
		})
	}
}

// BenchmarkAppendMessage is what is done once for each picture, for all viewers.
func BenchmarkAppendMessage(b *testing.B) {
	body := bytes.Repeat([]byte{0xA5}, 10_000)
	dst := make([]byte, 0, 1<<20)
	for b.Loop() {
		dst = appendMessage(dst[:0], 6, typeVideo, 1, 1000, body)
	}
}
