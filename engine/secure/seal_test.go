package secure

import (
	"bytes"
	"crypto/cipher"
	"crypto/tls"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// unhex is bytes in base 16, with spaces.
func unhex(t *testing.T, text string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(text, " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// Keys and records are those of the example in RFC 8448, section 3.
func TestExampleOfTheStandard(t *testing.T) {
	var s sealer
	secret := unhex(t, "a11af9f05531f856ad47116b45a950328204b4f44bfb6b3a4b4f1f3fcb631643")
	if err := s.begin(suites[tls.TLS_AES_128_GCM_SHA256], secret); err != nil {
		t.Fatal(err)
	}
	key, err := s.suite.expand(secret, "key", s.suite.key)
	if err != nil || !bytes.Equal(key, unhex(t, "9f02283b6c9c07efc26bb9f2ac92e356")) {
		t.Errorf("the key is %x, %v", key, err)
	}
	if !bytes.Equal(s.iv[:], unhex(t, "cf782b88dd83549aadf1e984")) {
		t.Errorf("the initial vector is %x", s.iv)
	}
	s.number = 1 // a session ticket was number 0
	data := make([]byte, 50)
	for i := range data {
		data[i] = byte(i)
	}
	for _, k := range []struct {
		kind byte
		text []byte
		want string
	}{
		{typeData, data, "17030300432e937e11ef4ac740e538ad36005fc4a46932fc3225d05f82aa1b36e30efaf97d90e6dffc602dcb501a59a8fcc49c4bf2e5f0a21c0047c2abf332540dd032e167c2955d"},
		{typeAlert, []byte{1, 0}, "1703030013b58fd67166ebf599d24720cfbe7efa7a8864a9"},
	} {
		if got := s.seal(plain(k.text), k.kind); !bytes.Equal(got, unhex(t, k.want)) {
			t.Errorf("type %d: %x", k.kind, got)
		}
	}
}

// witness is the cipher of a sealer, which sees what nonces records get.
type witness struct {
	cipher.AEAD
	key  string
	seen map[string]string // by a record's ciphertext, its key and nonce
}

func (w witness) Seal(dst, nonce, text, more []byte) []byte {
	n := len(dst)
	b := w.AEAD.Seal(dst, nonce, text, more)
	w.seen[string(b[n:])] = fmt.Sprintf("%x %x", w.key, nonce)
	return b
}

// watch has all nonces of a connection seen from now on.
func watch(c *Conn) (seen map[string]string) {
	seen = map[string]string{}
	known := c.sealer.suite
	watched := *known
	watched.aead = func(key []byte) (cipher.AEAD, error) {
		a, err := known.aead(key)
		return witness{a, string(key), seen}, err
	}
	c.sealer.suite = &watched
	if err := c.sealer.derive(); err != nil {
		panic(err)
	}
	return seen
}

// Whatever comes between, records of ours, some of them taken back, new keys that the
// client wants or only has, and at last the end or an alert: a client reads exactly the
// bytes that were sent, and no nonce has two records that left.
func TestClientReadsWhatWasSealed(t *testing.T) {
	for seed := range uint64(12) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			rnd := rand.New(rand.NewPCG(seed, 1))
			c, out, r := rekeyed(t)
			seen := watch(c)
			var want []byte
			updates := 0
			for range 200 {
				switch rnd.IntN(8) {
				case 0:
					wanted := byte(rnd.IntN(2))
					updates += int(wanted)
					arrive(t, c, append(r.rekey(wanted), r.data(1)...))
				case 1:
					n := 1 + rnd.IntN(3)
					for range n {
						c.Seal(plain(some(rnd)))
					}
					c.Retract(n)
				default:
					b := some(rnd)
					want = append(want, b...)
					out.Record(c.Seal(plain(b)))
				}
				c.wire.barren = 0 // how many updates are too many is another test's
			}
			alert := seed%2 == 1
			if alert {
				c.Feed(append([]byte{typeData, 3, 3, 0, 40}, make([]byte, 40)...))
				if _, err := c.Read(make([]byte, 100)); err == nil || errors.Is(err, ErrMore) {
					t.Errorf("what is no record was read: %v", err)
				}
			} else if err := c.End(); err != nil {
				t.Fatal(err)
			}
			unique(t, out.records, seen)
			go deliver(r, out.records, rnd)
			got, err := io.ReadAll(r.client)
			if why, turned := Turned(err); turned != alert || alert && !strings.Contains(why, "bad record MAC") || !alert && err != nil {
				t.Errorf("the client's last word was %v", err)
			}
			if !bytes.Equal(got, want) || updates == 0 {
				t.Errorf("the client got %d bytes of %d, or others, with %d updates", len(got), len(want), updates)
			}
		})
	}
}

// some is data for a record: mostly a few bytes, and now and then as much as there can
// be.
func some(rnd *rand.Rand) []byte {
	b := make([]byte, 1+rnd.IntN([]int{3, 2000, MaxRecord}[rnd.IntN(3)]))
	if rnd.IntN(10) == 0 {
		b = make([]byte, MaxRecord)
	}
	for i := range b {
		b[i] = byte(rnd.Uint32())
	}
	return b
}

// arrive has the connection read what a client sent, of which each record is followed
// by data.
func arrive(t *testing.T, c *Conn, b []byte) {
	t.Helper()
	c.Feed(b)
	for {
		if _, err := c.Read(make([]byte, 100)); errors.Is(err, ErrMore) {
			return
		} else if err != nil {
			t.Fatal(err)
		}
	}
}

// unique looks that all records were made by the watched sealer, each with a nonce of
// its own.
func unique(t *testing.T, records [][]byte, seen map[string]string) {
	t.Helper()
	used := map[string]bool{}
	for i, b := range records {
		nonce := seen[string(b[RecordHead:])]
		if nonce == "" || used[nonce] {
			t.Fatalf("record %d has the nonce %q, which was used: %v", i, nonce, used[nonce])
		}
		used[nonce] = true
	}
}

// deliver sends records to the client in pieces.
func deliver(r *rekeying, records [][]byte, rnd *rand.Rand) {
	for b := slices.Concat(records...); len(b) > 0; {
		n := min(len(b), 1+rnd.IntN(5000))
		if _, err := r.near.Write(b[:n]); err != nil {
			return // the client has seen enough
		}
		b = b[n:]
	}
}

// If crypto/tls makes a record that does not have the keys and the number that it must
// have, nothing of it is sent, and the connection says why it has come to its end.
func TestForeignRecords(t *testing.T) {
	for _, k := range []struct {
		name string
		do   func(c *Conn, r *rekeying) error
	}{
		{"an answer", func(c *Conn, r *rekeying) error {
			c.sealer.theirs++
			c.Feed(append(r.rekey(1), r.data(1)...))
			_, err := c.Read(make([]byte, 100))
			return err
		}},
		{"the end", func(c *Conn, _ *rekeying) error { c.sealer.theirs++; return c.End() }},
		{"data", func(c *Conn, _ *rekeying) error { return c.Write([]byte("data")) }},
		{"a part", func(c *Conn, _ *rekeying) error {
			_, err := c.wire.Write([]byte{typeData, 3, 3, 0, 40, 1})
			return err
		}},
		{"nothing", func(c *Conn, _ *rekeying) error {
			empty := sealer{traffic: c.sealer.traffic}
			_, err := c.wire.Write(empty.seal(plain(nil), typeAlert))
			return err
		}},
	} {
		t.Run(k.name, func(t *testing.T) {
			c, out, r := rekeyed(t)
			if err := k.do(c, r); !errors.Is(err, ErrForeignRecord) {
				t.Errorf("it says %v", err)
			}
			if _, err := c.Read(make([]byte, 100)); !errors.Is(err, ErrForeignRecord) {
				t.Errorf("afterwards it says %v", err)
			}
			if len(out.records) > 0 {
				t.Errorf("%d records were sent", len(out.records))
			}
		})
	}
}
