package loop

import (
	"unsafe"

	"golang.org/x/sys/unix"

	"streampump/engine/secure"
)

// records is what a loop has for all of its encrypted connections.
type records struct {
	clear []byte           // where arriving bytes are decrypted
	place []byte           // where packets become records
	ends  [recordsTurn]int // where the records in place end
	one   [1]unix.Iovec    // scratch: Loop.iov is in use meanwhile
	errno unix.Errno       // of the last record of crypto/tls
	spare [][]byte         // for what sockets do not take
}

const (
	// recordsTurn is how many records one write makes, which go to the socket together:
	// as much as holding brings together of a stream of 4 Mbit/s. The viewer's turns
	// follow each other; it is here that a pass remains short.
	recordsTurn = 4
	// sealCost is the bytes of a record besides its plaintext, as it is made here.
	sealCost = secure.RecordHead + secure.RecordTail
	// warmTurn is for how many viewers at a time the memory is fetched that their records
	// need: what was fetched for the last must still be in the cache when those before it
	// have been sent.
	warmTurn = 8
)

// encrypted is TLS on TCP. Packets are copied once, to where they become records, and
// are encrypted there, while the socket takes them. Only what it does not take of the
// record that it is in is copied and kept: the records behind that are taken back, and
// the packets in them are still to be sent.
type encrypted struct{ loop *Loop }

func (t encrypted) write(c *Conn, _ int32, iov []unix.Iovec, _ int) (n int, full bool, errno unix.Errno) {
	if !c.tls.conn.Seals() {
		return t.writeThrough(c, iov)
	}
	l, k := t.loop, &t.loop.records
	made := k.seal(c.tls.conn, vector{iov: iov})
	sent, errno := l.putRecord(c, k.place)
	if sent == len(k.place) {
		return sent - made*sealCost, false, 0
	}
	if errno != 0 {
		sent = 0
	}
	begun := 0 // how many records the socket has taken, the last one in part
	for from := 0; from < sent; from = k.ends[begun-1] {
		begun++
	}
	c.tls.conn.Retract(made - begun)
	if begun == 0 {
		return 0, true, errno
	}
	end := k.ends[begun-1]
	c.keepRecord(k.place[sent:end])
	return end - begun*sealCost, true, 0
}

// seal makes the next records of v in place, as many as one write has, and returns how
// many there are.
func (k *records) seal(conn *secure.Conn, v vector) (made int) {
	k.place = k.room()
	for made < recordsTurn && len(v.iov) > 0 {
		begin := len(k.place)
		plain := v.fill(k.place[begin : begin+secure.RecordHead])
		if len(plain) == secure.RecordHead {
			break
		}
		k.place = k.place[:begin+len(conn.Seal(plain))]
		k.ends[made] = len(k.place)
		made++
	}
	return made
}

// warm has the processor fetch what the records of the next viewers need, a tenth of
// whose cost is waiting for memory otherwise. Each step is one for all of them, because
// what does not depend on each other is waited for once.
func (l *Loop) warm(next []viewer) {
	var states [warmTurn]*tlsState
	var conns [warmTurn]*secure.Conn
	n := 0
	for i := range next {
		if v := &next[i]; v.transport == tlsTCP && !v.parked && !v.mode.has(paced) {
			states[n] = v.conn.tls
			n++
		}
	}
	for i, s := range states[:n] {
		conns[i] = s.conn
	}
	secure.Warm(conns[:n])
}

// room is the place for records, empty.
func (k *records) room() []byte {
	if k.place == nil {
		k.place = make([]byte, 0, recordsTurn*(secure.MaxRecord+sealCost))
	}
	return k.place[:0]
}

// writeThrough is write for connections whose records crypto/tls makes, one after the
// other: those of TLS 1.2. They go to the socket from its own buffer, of which there is
// one for each processor.
func (t encrypted) writeThrough(c *Conn, iov []unix.Iovec) (n int, full bool, errno unix.Errno) {
	l := t.loop
	l.records.errno = 0
	rest := vector{iov: iov}
	for range recordsTurn {
		b := rest.take(&l.records)
		if len(b) == 0 {
			break
		}
		if err := c.tls.conn.Write(b); err != nil {
			return 0, false, unix.EPIPE // its TLS has come to an end
		}
		if l.records.errno != 0 {
			return 0, false, l.records.errno
		}
		n += len(b)
		if len(c.tls.kept) > 0 {
			return n, true, 0
		}
	}
	return n, false, 0
}

// vector is what is left of a vector of buffers.
type vector struct {
	iov []unix.Iovec
	off int // in the first
}

// take is the plaintext of the next record: from where it lies if it lies in one
// piece, otherwise the pieces joined in the loop's memory. A record for each small
// packet would cost more than that copy.
func (v *vector) take(k *records) []byte {
	if len(v.iov) == 0 {
		return nil
	}
	if b := v.first(); len(b) >= secure.MaxRecord || len(v.iov) == 1 {
		return v.cut(b, secure.MaxRecord)
	}
	return v.fill(k.room())
}

// fill appends the plaintext of the next record to b, which has room for it.
func (v *vector) fill(b []byte) []byte {
	for most := len(b) + secure.MaxRecord; len(v.iov) > 0 && len(b) < most; {
		b = append(b, v.cut(v.first(), most-len(b))...)
	}
	return b
}

// first is what is left of the first buffer.
func (v *vector) first() []byte { return unsafe.Slice(v.iov[0].Base, v.iov[0].Len)[v.off:] }

// cut takes up to n bytes off b, which is the first buffer.
func (v *vector) cut(b []byte, n int) []byte {
	if n < len(b) {
		v.off += n
		return b[:n]
	}
	v.iov, v.off = v.iov[1:], 0
	return b
}
