package secure

import (
	"crypto/tls"
	"encoding/binary"
	"errors"
)

// RecordHead is the bytes of a record before its plaintext, and RecordTail those behind
// it, as [Conn.Seal] makes them: the type, and what authenticates it.
const (
	RecordHead = 5
	RecordTail = 1 + 16
)

// The types of records ([RFC 8446] 5.1), and the only message of a handshake that
// changes how they are protected (4.6.3).
const (
	typeAlert     = 21
	typeHandshake = 22
	typeData      = 23
	keyUpdate     = 24
)

// ErrForeignRecord is why a connection ended for which crypto/tls made a record that is
// not protected as its records have to be. No peer can bring that about.
var ErrForeignRecord = errors.New("crypto/tls made a record that does not have the keys and the number that it must have")

// sealer makes the records of a connection of TLS 1.3 in place of crypto/tls, from the
// end of the handshake on. Both have the same keys at all times, and each its own count
// of records; only what the sealer makes is sent.
type sealer struct {
	traffic
	theirs uint64 // the number of the next record that crypto/tls makes
}

// ready reports whether the sealer has its keys.
func (s *sealer) ready() bool { return s.aead != nil }

// Seals reports whether records are made by [Conn.Seal]: in connections of TLS 1.3, but
// not in FIPS 140 mode, and not by another configuration that was chosen for the
// handshake, or with a cipher suite that is not known here. Otherwise they are made by
// [Conn.Write].
func (c *Conn) Seals() bool { return c.sealer.ready() }

// Seal makes a record in place. b is [RecordHead] bytes, which may be anything, and then
// the plaintext, of at least one byte and at most [MaxRecord]; behind it there must be
// room for [RecordTail] bytes more. It returns b with these. Nothing goes to the sink.
func (c *Conn) Seal(b []byte) []byte { return c.sealer.seal(b, typeData) }

// Retract takes back the last n calls of Seal, which no other call but these may follow.
// No byte of their records may ever leave the process: the next ones have the same
// numbers, and two records of one number tell whoever sees both of their plaintext.
func (c *Conn) Retract(n int) { c.sealer.number -= uint64(n) }

// seal makes a record of a type in place; see [Conn.Seal] ([RFC 8446] 5.2).
func (s *sealer) seal(b []byte, kind byte) []byte {
	end := len(b) + 1
	b = b[:end+RecordTail-1]
	b[end-1] = kind
	head := b[:RecordHead]
	head[0], head[1], head[2] = typeData, 3, 3
	binary.BigEndian.PutUint16(head[3:], uint16(len(b)-RecordHead))
	s.aead.Seal(head, s.nonceOf(s.number), b[RecordHead:end], head)
	s.number++
	return b
}

// take begins with what crypto/tls has told in the handshake: its secret, and what it
// has sent since it had that. It has sent session tickets under these keys, perhaps; so
// many numbers have been used.
func (s *sealer) take(state *tls.ConnectionState, h *handover) error {
	known := suites[state.CipherSuite]
	if state.Version != tls.VersionTLS13 || known == nil || h.size != known.secret {
		return nil // crypto/tls makes the records
	}
	if err := s.begin(known, h.secret[:h.size]); err != nil {
		return err
	}
	scratch := make([]byte, 0, len(h.flight))
	for rest := h.flight; len(rest) > 0; {
		record, ok := firstRecord(rest)
		if !ok {
			return ErrForeignRecord
		}
		rest = rest[len(record):]
		if record[0] != typeData {
			continue
		}
		switch _, err := s.open(scratch, record, s.number); {
		case err == nil:
			s.number++
		case s.number > 0:
			return ErrForeignRecord
		default: // of the handshake's own keys
		}
	}
	s.theirs = s.number
	return nil
}

// again makes one of our records out of one that crypto/tls has made since: the answer
// to a peer that wants new keys, or an alert.
func (s *sealer) again(b []byte) (record []byte, err error) {
	theirs, ok := firstRecord(b)
	if !ok || len(theirs) != len(b) {
		return nil, ErrForeignRecord
	}
	content, err := s.open(make([]byte, RecordHead, len(b)+RecordTail), theirs, s.theirs)
	if err != nil || len(content) <= RecordHead+1 {
		return nil, ErrForeignRecord
	}
	s.theirs++
	last := len(content) - 1
	kind := content[last]
	if kind != typeAlert && kind != typeHandshake {
		return nil, ErrForeignRecord
	}
	rekey := kind == typeHandshake && content[RecordHead] == keyUpdate
	record = s.seal(content[:last], kind)
	if rekey {
		s.theirs = 0
		err = s.update()
	}
	return record, err
}

// firstRecord is the record with which b begins; false if that is not whole.
func firstRecord(b []byte) (record []byte, ok bool) {
	if len(b) < RecordHead {
		return nil, false
	}
	n := RecordHead + int(binary.BigEndian.Uint16(b[3:]))
	if len(b) < n {
		return nil, false
	}
	return b[:n], true
}
