package loop

import (
	"errors"
	"io"
	"unsafe"

	"golang.org/x/sys/unix"

	"streampump/engine/reason"
	"streampump/engine/secure"
)

// tlsState is what a connection has besides if it is encrypted.
type tlsState struct {
	conn *secure.Conn
	// kept is the rest of a record, and of what little TLS itself had to say behind it,
	// that the socket did not take. Nothing is encrypted while there is any, so it is
	// the only ciphertext that waits for anybody.
	kept  []byte
	sent  int    // bytes of kept already sent
	taken uint64 // bytes of kept that the socket took, in all
	idle  int    // bytes that have arrived since the last plaintext
	ended bool   // we have said our last word
}

const (
	// recordRoom is the size of a buffer for what a socket did not take.
	recordRoom = secure.MaxRecord + secure.RecordCost
	// spareRecords is how many of them a loop keeps for the next.
	spareRecords = 16
	// maxKept is how much may wait: a record, and some answers of TLS itself to a peer
	// that asks for new keys and takes none.
	maxKept = 2 * recordRoom
	// maxIdle is how much may arrive that is no data: the longest record, in part, what
	// TLS itself has to say, and what follows a peer's last word.
	maxIdle = 4 * recordRoom
)

// Encrypt says that the connection's handshake has been done, before it is opened.
func (c *Conn) Encrypt(s *secure.Conn) {
	c.tls, c.transport = &tlsState{conn: s}, tlsTCP
	s.Attach(c)
}

func (t encrypted) finish(c *Conn) (done bool) {
	if !c.tls.ended {
		c.tls.ended = true
		if err := c.tls.conn.End(); err != nil {
			c.spoiled(reason.TLSFailed, err)
		}
	}
	if len(c.tls.kept) > 0 {
		return false
	}
	t.loop.kernel.HalfClose(int(c.fd))
	return true
}

// Record implements [secure.Sink]: a record goes to the socket, and what that does not
// take is kept.
func (c *Conn) Record(b []byte) {
	l, s := c.loop, c.tls
	if len(s.kept) == 0 {
		n, errno := l.putRecord(c, b)
		if errno != 0 && errno != unix.EAGAIN {
			l.records.errno = errno
			return
		}
		b = b[n:]
	}
	if len(b) == 0 {
		return
	}
	if len(s.kept)+len(b) > maxKept {
		l.records.errno = unix.ENOBUFS
		c.doom(reason.TLSBroken) // it asks for answers and takes none
		return
	}
	c.keepRecord(b)
}

// keepRecord has ciphertext wait until the socket takes it.
func (c *Conn) keepRecord(b []byte) {
	if len(b) == 0 {
		return
	}
	s, l := c.tls, c.loop
	if s.kept == nil {
		s.kept = l.records.buffer()
	}
	s.kept = append(s.kept, b...)
	l.stats.kept.Add(int64(len(b)))
}

// putRecord writes ciphertext and returns how much of it the socket took.
func (l *Loop) putRecord(c *Conn, b []byte) (n int, errno unix.Errno) {
	one := append(l.records.one[:0], unix.Iovec{Base: unsafe.SliceData(b)})
	one[0].SetLen(len(b))
	l.pass.writes++
	return l.kernel.Writev(int(c.fd), one)
}

// sendRecords sends what was kept of the connection's records; false if the socket did
// not take all of it, and nothing further may be sent.
func (l *Loop) sendRecords(c *Conn) (all bool) {
	s := c.tls
	if s == nil || len(s.kept) == 0 {
		return true
	}
	n, errno := l.putRecord(c, s.kept[s.sent:])
	if errno != 0 {
		l.unwritten(c, errno)
		return false
	}
	s.sent += n
	s.taken += uint64(n)
	l.stats.kept.Add(-int64(n))
	if s.sent < len(s.kept) {
		l.park(c)
		return false
	}
	c.dropRecords()
	return true
}

// dropRecords gives back the buffer of what was kept.
func (c *Conn) dropRecords() {
	if s := c.tls; s != nil && s.kept != nil {
		c.loop.stats.kept.Add(-int64(len(s.kept) - s.sent))
		c.loop.records.release(s.kept)
		s.kept, s.sent = nil, 0
	}
}

// buffer is an empty buffer for what a socket did not take.
func (k *records) buffer() []byte {
	if n := len(k.spare); n > 0 {
		b := k.spare[n-1]
		k.spare[n-1] = nil
		k.spare = k.spare[:n-1]
		return b
	}
	return make([]byte, 0, recordRoom)
}

func (k *records) release(b []byte) {
	if cap(b) <= recordRoom && len(k.spare) < spareRecords {
		k.spare = append(k.spare, b[:0])
	}
}

// decrypt takes bytes that arrived on an encrypted connection; it does nothing on
// another.
func (c *Conn) decrypt(b []byte) {
	s, l := c.tls, c.loop
	if s == nil || c.doomed {
		return
	}
	if l.records.clear == nil {
		l.records.clear = make([]byte, secure.MaxRecord)
	}
	s.conn.Feed(b)
	s.idle += len(b)
	for !c.doomed && c.phase != phaseClosed {
		n, err := s.conn.Read(l.records.clear)
		if n > 0 {
			s.idle = 0
			c.input(l.records.clear[:n])
		}
		if err != nil {
			c.unread(err)
			break
		}
	}
	s.conn.Feed(nil) // b is not ours any longer
	if len(s.kept) > 0 {
		l.park(c)
	}
}

// unread deals with the reason why there is no more plaintext.
func (c *Conn) unread(err error) {
	more, ended := errors.Is(err, secure.ErrMore), errors.Is(err, io.EOF)
	switch why, turned := secure.Turned(err); {
	case (more || ended) && c.tls.idle > maxIdle:
		c.spoiled(reason.TLSBroken, errIdle)
	case more:
	case ended:
		if c.phase != phaseDrain && !c.Owed() {
			c.doom(c.leftReason())
		}
	case turned:
		c.spoiled(reason.TLSRefused, errors.New(why))
	case errors.Is(err, secure.ErrForeignRecord):
		c.spoiled(reason.TLSFailed, err)
	default:
		c.spoiled(reason.TLSBroken, err)
	}
}

// errIdle says what a peer does that sends and says nothing.
var errIdle = errors.New("it sends much that carries no data")

// spoiled closes a connection whose TLS cannot go on.
func (c *Conn) spoiled(r reason.Reason, err error) {
	if !c.doomed {
		c.loop.group.complain(r, c.peer, c.agent, err)
		c.doom(r)
	}
}
