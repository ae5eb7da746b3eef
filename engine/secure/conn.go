package secure

import (
	"crypto/tls"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"
)

// MaxRecord is the most plaintext bytes in one record ([RFC 8446] 5.1), and RecordCost
// the most that a record has besides: its head, and what authenticates it.
const (
	MaxRecord  = 16 << 10
	RecordCost = 5 + 1 + 16 + 8
)

// maxHello bounds what a peer may send in its handshake. A ClientHello has less than
// two kilobytes, with a post-quantum key and a session ticket in it; no client
// certificate is asked for.
const maxHello = 16 << 10

// ErrMore is returned by [Conn.Read] when everything fed has been read: more must
// arrive first.
var ErrMore error = more{}

// more is a temporary error: after such a one crypto/tls goes on where it was.
type more struct{}

func (more) Error() string   { return "no complete record has arrived" }
func (more) Timeout() bool   { return false }
func (more) Temporary() bool { return true }

// ErrTooMuch is why a handshake ended in which the peer sent more than any does.
var ErrTooMuch = errors.New("the handshake is longer than any honest one")

// A record that carries no data asks something of TLS itself, such as new keys, which
// cost more than a hundred bytes of data and an answer besides. There is cause for one
// in millions of others. So a peer may send maxBarren of them, and another one for every
// barrenCost records of data.
const (
	maxBarren  = 16
	barrenCost = 1000
)

// ErrBarren is why a connection ended whose peer sent too many records without data.
var ErrBarren = errors.New("too many records carry no data")

// A Sink takes records. b is valid during the call.
type Sink interface{ Record(b []byte) }

// Conn is the TLS of one connection after its handshake. It belongs to one goroutine
// at a time.
type Conn struct {
	sealer sealer // first: it is all that a record needs of the connection
	tls    *tls.Conn
	wire   wire
}

// Protocol is what ALPN has chosen ([RFC 7301]); empty if nothing.
func (c *Conn) Protocol() string { return c.tls.ConnectionState().NegotiatedProtocol }

// Attach says where records go from now on.
func (c *Conn) Attach(s Sink) { c.wire.sink = s }

// Feed gives bytes that have arrived. They are read by the calls of Read that follow,
// and must stay until one of these returns [ErrMore].
func (c *Conn) Feed(b []byte) { c.wire.in = b }

// Read takes plaintext. It may send records of its own, such as alerts, to the sink.
// io.EOF says that the peer has said its last word; any other error but [ErrMore] ends
// the connection.
func (c *Conn) Read(p []byte) (int, error) {
	n, err := c.tls.Read(p)
	if n > 0 {
		c.wire.barren = max(0, c.wire.barren-barrenCost-1)
	}
	if c.wire.failed != nil {
		return 0, c.wire.failed // crypto/tls would say so at its next write, which never comes
	}
	return n, err
}

// Write makes records of b, at most [MaxRecord] bytes in each, and sends them to the
// sink. It is for connections whose records are not made by [Conn.Seal].
func (c *Conn) Write(b []byte) error {
	_, err := c.tls.Write(b)
	return err
}

// End sends the record that says that nothing follows, once. If that fails, the peer
// cannot tell that it has everything.
func (c *Conn) End() error {
	_ = c.tls.CloseWrite() // it has no error of its own: the sink never fails
	return c.wire.failed
}

// wire is what crypto/tls takes for the network: the connection during the handshake,
// and memory afterwards.
type wire struct {
	shaking *shaking // nil after the handshake

	in     []byte
	sink   Sink
	sealer *sealer // nil: crypto/tls's own records are those that are sent
	failed error   // why one of these could not be sent

	record record // that is arriving
	barren int    // barrenCost for each record that has arrived and carried no data, so far
}

// shaking is what a handshake needs.
type shaking struct {
	conn     net.Conn
	place    *Place
	left     int       // that the peer may still send
	handover *handover // what crypto/tls tells of its keys; nil: nothing
}

// record is where in a record the bytes have come to ([RFC 8446] 5.1).
type record struct {
	head [5]byte
	have int // bytes of head
	left int // bytes behind it that are still to come
}

// take goes on with b, and returns how many bytes of it belong to the present record,
// and whether that ends there.
func (r *record) take(b []byte) (n int, whole bool) {
	n = copy(r.head[r.have:], b)
	if r.have += n; r.have < len(r.head) {
		return n, false
	}
	if n > 0 {
		r.left = int(binary.BigEndian.Uint16(r.head[3:]))
	}
	k := min(r.left, len(b)-n)
	if r.left -= k; r.left > 0 {
		return n + k, false
	}
	r.have = 0
	return n + k, true
}

func (w *wire) Read(p []byte) (int, error) {
	h := w.shaking
	if h == nil {
		if len(w.in) == 0 {
			w.in = nil
			return 0, ErrMore
		}
		if w.barren > maxBarren*barrenCost {
			return 0, ErrBarren
		}
		// One record at a time: what the next one is worth is seen by itself.
		n, whole := w.record.take(w.in[:min(len(w.in), len(p))])
		if whole {
			w.barren += barrenCost
		}
		copy(p, w.in[:n])
		w.in = w.in[n:]
		return n, nil
	}
	if h.left <= 0 {
		return 0, ErrTooMuch
	}
	h.place.yield() // others calculate while this peer thinks
	n, err := h.conn.Read(p)
	h.left -= n
	for b := p[:n]; len(b) > 0; {
		k, _ := w.record.take(b)
		b = b[k:]
	}
	if err == nil {
		err = h.place.calculate()
	}
	return n, err
}

func (w *wire) Write(p []byte) (int, error) {
	if h := w.shaking; h != nil {
		h.handover.sent(p)
		return h.conn.Write(p)
	}
	b := p
	if w.sealer != nil && w.failed == nil {
		b, w.failed = w.sealer.again(p)
	}
	if w.failed != nil {
		return 0, w.failed
	}
	w.sink.Record(b)
	return len(p), nil
}

// Close implements net.Conn: crypto/tls closes what it was interrupted on.
func (w *wire) Close() error {
	if h := w.shaking; h != nil {
		return h.conn.Close()
	}
	return nil
}

func (w *wire) LocalAddr() net.Addr  { return w.addr(net.Conn.LocalAddr) }
func (w *wire) RemoteAddr() net.Addr { return w.addr(net.Conn.RemoteAddr) }

func (w *wire) addr(of func(net.Conn) net.Addr) net.Addr {
	if w.shaking == nil {
		return nil
	}
	return of(w.shaking.conn)
}

// The deadlines of a handshake are those of its context; in memory nothing waits.
func (w *wire) SetDeadline(time.Time) error      { return nil }
func (w *wire) SetReadDeadline(time.Time) error  { return nil }
func (w *wire) SetWriteDeadline(time.Time) error { return nil }

// Foreign reports whether a handshake failed because the peer does not speak TLS:
// somebody has the port right and the protocol wrong.
func Foreign(err error) bool {
	var bad tls.RecordHeaderError
	return errors.As(err, &bad) && bad.Conn != nil
}

// Undeciphered reports whether a record of the peer's could not be decrypted. In a
// handshake with TLS 1.3 that is mostly OpenSSL, which gives up with an alert in clear
// where it has to be encrypted ([RFC 8446] 6).
func Undeciphered(err error) bool {
	var op *net.OpError
	return errors.As(err, &op) && op.Op == "local error" && strings.HasSuffix(op.Err.Error(), "bad record MAC")
}

// Turned reports whether it is the peer that gave up, with an alert, and says in its
// words why: most do not accept the certificate.
func Turned(err error) (why string, ok bool) {
	var op *net.OpError
	if errors.As(err, &op) && op.Op == "remote error" {
		return fmt.Sprint(op.Err), true
	}
	return "", false
}
