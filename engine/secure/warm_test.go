package secure

import (
	"bytes"
	"crypto/tls"
	"testing"
)

// All of a cipher's memory is known, whatever the suite; reading it changes nothing and
// allocates nothing, and a connection of TLS 1.2 has none that is known.
func TestWarm(t *testing.T) {
	conns := []*Conn{{}}
	for id, s := range suites {
		c := &Conn{}
		if err := c.sealer.begin(s, bytes.Repeat([]byte{1}, s.secret)); err != nil {
			t.Fatal(err)
		}
		if n := len(c.sealer.memory); n < s.key {
			t.Errorf("%s: %d bytes are known, and the key has %d", tls.CipherSuiteName(id), n, s.key)
		}
		conns = append(conns, c)
	}
	sealed := func(c *Conn) string { return string(c.Seal(plain([]byte("text")))) }
	for _, c := range conns[1:] {
		before := sealed(c)
		c.Retract(1)
		if n := testing.AllocsPerRun(10, func() { Warm(conns) }); n > 0 {
			t.Errorf("%v allocations", n)
		}
		if sealed(c) != before {
			t.Error("the cipher has changed")
		}
	}
}
