package secure

import (
	"bytes"
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"crypto/tls"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"testing"
)

// rekeying is a client that can ask for new keys, which crypto/tls never does: it makes
// its records itself ([RFC 8446] 5.2, 7.2, 7.3).
type rekeying struct {
	t      *testing.T
	near   net.Conn
	client *tls.Conn // it reads what comes by near, and knows nothing of what is sent here
	secret []byte
	number uint64
}

// rekeyed is a connection after its handshake, and a client that has sent nothing else.
func rekeyed(t *testing.T) (*Conn, *sink, *rekeying) {
	near, far := pair(t)
	var keys bytes.Buffer
	client := tls.Client(far, &tls.Config{InsecureSkipVerify: true, KeyLogWriter: &keys})
	failed := make(chan error, 1)
	go func() { failed <- client.Handshake() }()
	c, err := NewServer(server(t, tls.VersionTLS13)).Serve(context.Background(), near, nil)
	if err = errors.Join(err, <-failed); err != nil {
		t.Fatal(err)
	}
	if s := client.ConnectionState().CipherSuite; s != tls.TLS_AES_128_GCM_SHA256 {
		t.Skipf("this machine prefers %s", tls.CipherSuiteName(s))
	}
	r := &rekeying{t: t, near: near, client: client}
	for line := range bytes.Lines(keys.Bytes()) {
		if words := bytes.Fields(line); string(words[0]) == "CLIENT_TRAFFIC_SECRET_0" {
			r.secret, _ = hex.DecodeString(string(words[2]))
		}
	}
	out := &sink{}
	c.Attach(out)
	return c, out, r
}

// expand is HKDF-Expand-Label with an empty context.
func (r *rekeying) expand(label string, size int) []byte {
	label = "tls13 " + label
	info := append([]byte{0, byte(size), byte(len(label))}, label...)
	key, err := hkdf.Expand(sha256.New, r.secret, string(append(info, 0)), size)
	if err != nil {
		r.t.Fatal(err)
	}
	return key
}

// record encrypts content of a type.
func (r *rekeying) record(kind byte, content []byte) []byte {
	block, err := aes.NewCipher(r.expand("key", 16))
	if err != nil {
		r.t.Fatal(err)
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		r.t.Fatal(err)
	}
	nonce := r.expand("iv", 12)
	last := nonce[4:]
	binary.BigEndian.PutUint64(last, binary.BigEndian.Uint64(last)^r.number)
	r.number++
	head := []byte{23, 3, 3, 0, 0}
	binary.BigEndian.PutUint16(head[3:], uint16(len(content)+1+aead.Overhead()))
	return aead.Seal(head, nonce, append(bytes.Clone(content), kind), head)
}

// data is a record of so many bytes.
func (r *rekeying) data(n int) []byte { return r.record(23, make([]byte, n)) }

// rekey says that it has new keys from then on, and asks for new ones of the server if
// wanted is 1.
func (r *rekeying) rekey(wanted byte) []byte {
	b := r.record(22, []byte{24, 0, 0, 1, wanted})
	r.secret, r.number = r.expand("traffic upd", sha256.Size), 0
	return b
}

// A peer may have new keys now and then. One that asks for them again and again, with a
// byte of data in between, makes each byte dearer than a hundred others: its
// connection ends before it has had more than some.
func TestNewKeysAgainAndAgain(t *testing.T) {
	for _, k := range []struct {
		between int // records of data
		want    bool
	}{{1, false}, {100, false}, {2000, true}} {
		t.Run(fmt.Sprint(k.between), func(t *testing.T) {
			c, out, r := rekeyed(t)
			buf, updates, data := make([]byte, MaxRecord), 0, 0
			var err error
			for updates < 40 && err == nil {
				b := r.rekey(1)
				updates++
				for range k.between {
					b = append(b, r.data(1)...)
				}
				for len(b) > 0 && err == nil { // as it may come, in pieces
					piece := b[:min(len(b), 1000)]
					b = b[len(piece):]
					c.Feed(piece)
					for err == nil {
						var n int
						n, err = c.Read(buf)
						data += n
					}
					if errors.Is(err, ErrMore) {
						err = nil
					}
				}
			}
			if (err == nil) != k.want {
				t.Errorf("after %d updates: %v", updates, err)
			}
			if k.want && data != updates*k.between {
				t.Errorf("%d bytes came out of %d", data, updates*k.between)
			}
			if !k.want && len(out.records) > 2*maxBarren {
				t.Errorf("%d records were answered", len(out.records))
			}
		})
	}
}
