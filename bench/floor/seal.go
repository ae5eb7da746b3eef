package floor

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"time"

	"streampump/bench/affinity"
	"streampump/bench/meter"
)

// What AES-GCM is measured with: the records and the cipher of TLS 1.3.
const (
	record = 16 << 10 // bytes, the most that a record has
	keys   = 16       // AES-128
	header = 5        // bytes in front of a record, which the tag covers
	batch  = 64       // records from one look at the clock to the next
)

// Seal measures what it costs to encrypt, and nothing else: whole records of the same
// 16 KB, as those of one stream are, with AES-128-GCM, for a time, on the cores of the
// writing thread. It returns the CPU seconds for 10^9 bytes.
func Seal(ctx context.Context, cores []int, length time.Duration) (secondsByGB float64, err error) {
	block, err := aes.NewCipher(make([]byte, keys))
	if err != nil {
		return 0, err
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		return 0, err
	}
	sealed := make(chan error, 1)
	go func() {
		sealed <- affinity.Locked(cores, func() error {
			secondsByGB = seal(ctx, aead, length)
			return nil
		})
	}()
	return secondsByGB, <-sealed
}

// seal is the thread that is measured. It makes one batch at least.
func seal(ctx context.Context, aead cipher.AEAD, length time.Duration) float64 {
	nonce, plain := make([]byte, aead.NonceSize()), make([]byte, record)
	sealed, prefix := make([]byte, 0, record+aead.Overhead()), make([]byte, header)
	bytes := 0
	began, cpu := time.Now(), meter.ThreadCPU()
	for bytes == 0 || time.Since(began) < length && ctx.Err() == nil {
		for range batch {
			nonce[0]++ // of no key that keeps a secret
			sealed = aead.Seal(sealed[:0], nonce, plain, prefix)
		}
		bytes += batch * record
	}
	return (meter.ThreadCPU() - cpu).Seconds() / (float64(bytes) / 1e9)
}
