package secure

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/tls"
	"encoding/binary"
	"hash"

	"golang.org/x/crypto/chacha20poly1305"
)

// suite is what a cipher suite of TLS 1.3 makes keys and records with ([RFC 8446] B.4).
type suite struct {
	hash   func() hash.Hash
	secret int // bytes of a secret: those of the hash
	key    int // bytes of a key
	aead   func(key []byte) (cipher.AEAD, error)
}

// suites are those that crypto/tls has.
var suites = map[uint16]*suite{
	tls.TLS_AES_128_GCM_SHA256:       {sha256.New, sha256.Size, 16, aesGCM},
	tls.TLS_AES_256_GCM_SHA384:       {sha512.New384, sha512.Size384, 32, aesGCM},
	tls.TLS_CHACHA20_POLY1305_SHA256: {sha256.New, sha256.Size, chacha20poly1305.KeySize, chacha20poly1305.New},
}

func aesGCM(key []byte) (cipher.AEAD, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCM(block)
}

const (
	// maxSecret is the most bytes of a secret, and nonceSize those of every suite's
	// nonce.
	maxSecret = sha512.Size384
	nonceSize = 12
)

// expand is HKDF-Expand-Label with an empty context ([RFC 8446] 7.1).
func (s *suite) expand(secret []byte, label string, size int) ([]byte, error) {
	info := binary.BigEndian.AppendUint16(nil, uint16(size))
	info = append(info, byte(len("tls13 ")+len(label)))
	info = append(append(info, "tls13 "...), label...)
	return hkdf.Expand(s.hash, secret, string(append(info, 0)), size)
}

// traffic is one generation of what protects the records of one direction, and the
// secret from which the next is made. What a record needs comes first: it is 64 bytes,
// which is what a processor fetches at a time.
type traffic struct {
	aead   cipher.AEAD
	iv     [nonceSize]byte
	nonce  [nonceSize]byte // scratch: in memory of its own each call would allocate it
	number uint64          // of the next record in this generation
	memory []byte          // of aead, for [Warm]
	suite  *suite
	secret [maxSecret]byte // as many bytes as the suite's secrets have
}

// begin makes the first generation.
func (t *traffic) begin(s *suite, secret []byte) error {
	t.suite = s
	copy(t.secret[:], secret)
	return t.derive()
}

// derive makes the key and the initial vector from the secret ([RFC 8446] 7.3).
func (t *traffic) derive() error {
	secret := t.secret[:t.suite.secret]
	key, err := t.suite.expand(secret, "key", t.suite.key)
	if err != nil {
		return err
	}
	defer clear(key)
	iv, err := t.suite.expand(secret, "iv", nonceSize)
	if err != nil {
		return err
	}
	copy(t.iv[:], iv)
	if t.aead, err = t.suite.aead(key); err == nil {
		t.memory = memoryOf(t.aead)
	}
	return err
}

// update makes the next generation, of which the first record has the number 0 ([RFC
// 8446] 7.2).
func (t *traffic) update() error {
	next, err := t.suite.expand(t.secret[:t.suite.secret], "traffic upd", t.suite.secret)
	if err != nil {
		return err
	}
	copy(t.secret[:], next)
	clear(next)
	t.number = 0
	return t.derive()
}

// nonceOf is a record's nonce ([RFC 8446] 5.3), valid until the next call.
func (t *traffic) nonceOf(number uint64) []byte {
	t.nonce = t.iv
	last := t.nonce[nonceSize-8:]
	binary.BigEndian.PutUint64(last, binary.BigEndian.Uint64(last)^number)
	return t.nonce[:]
}

// open decrypts a whole record into the memory behind dst. content is the inner
// plaintext: what the record says, its type, and perhaps zeros.
func (t *traffic) open(dst, record []byte, number uint64) (content []byte, err error) {
	return t.aead.Open(dst, t.nonceOf(number), record[RecordHead:], record[:RecordHead])
}
