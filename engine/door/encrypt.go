package door

import (
	"context"
	"errors"
	"io"
	"syscall"
	"time"

	"streampump/codec"
	"streampump/engine/admission"
	"streampump/engine/reason"
	"streampump/engine/secure"
)

// encrypt begins the handshake of a connection to a TLS listener. It is in the books
// from here on: what it sends costs more than a request.
func (a *acceptor) encrypt(c Arrival) {
	d, conn := a.door, c.TCP
	if d.crowded() {
		a.noDescriptor(syscall.EMFILE)
		_ = conn.Close()
		return
	}
	if !d.count(&c) {
		_ = conn.Close() // it cannot be told without a handshake
		return
	}
	if c.Refused.TooFast() {
		d.lose(c, c.Refused, nil) // a handshake is what it may not have so often
		return
	}
	d.room.Enter(admission.Host(c.Peer.Addr()), &handshake{d, a.tls, c})
}

// handshake is a connection that has its handshake before it comes to a loop.
type handshake struct {
	door *Door
	tls  *secure.Server
	conn Arrival
}

// Begin implements [secure.Handshake].
func (h *handshake) Begin(p *secure.Place) {
	h.door.accepting.Go(func() { h.shake(p) })
}

// Evict implements [secure.Handshake].
func (h *handshake) Evict() { _ = h.conn.TCP.Close() }

// Drop implements [secure.Handshake].
func (h *handshake) Drop(closed bool) {
	r := reason.TLSLate
	if closed {
		r = reason.ShuttingDown
	}
	h.door.lose(h.conn, r, nil)
}

// shake does the handshake and sends the connection on.
func (h *handshake) shake(place *secure.Place) {
	d, c := h.door, h.conn
	ctx, cancel := context.WithTimeout(d.closing, d.cfg.HandshakeTime)
	defer cancel()
	var err error
	c.TLS, err = h.tls.Serve(ctx, c.TCP, place)
	if !place.Leave() {
		err = secure.ErrCrowded // even if it had just come to its end
	}
	if err == nil {
		err = d.closing.Err() // it may have begun when nobody waited for it any more
	}
	if err != nil {
		if ctx.Err() != nil {
			err = ctx.Err()
		}
		d.unsecured(c, err)
		return
	}
	if p := c.TLS.Protocol(); p != "" && p != streams {
		// It asked for what the handshake itself has given: an authority that looks
		// whether the name is ours ([RFC 8737]).
		d.lose(c, reason.Answered, nil)
		return
	}
	d.usher(arrival{Arrival: c})
}

// streams is the protocol that is spoken on what comes to the loops ([RFC 7301] 6).
const streams = "http/1.1"

// clearWait is how long a peer that does not speak TLS is given to take in that it
// should.
const clearWait = time.Second

// errInClear is what programs with OpenSSL say who do not accept a certificate.
var errInClear = errors.New("it gave up in clear, as programs with OpenSSL do, such as curl")

// unsecured ends a connection whose handshake has failed.
func (d *Door) unsecured(c Arrival, err error) {
	r := reason.TLSBroken
	switch why, turned := secure.Turned(err); {
	case turned:
		r, err = reason.TLSRefused, errors.New(why)
	case secure.Undeciphered(err):
		r, err = reason.TLSRefused, errInClear
	case errors.Is(err, context.Canceled):
		r = reason.ShuttingDown
	case errors.Is(err, context.DeadlineExceeded):
		r, err = reason.TLSLate, nil
	case errors.Is(err, secure.ErrCrowded):
		r, err = reason.TLSCrowded, nil
	case errors.Is(err, secure.ErrForeignRecord):
		r = reason.TLSFailed
	case errors.Is(err, io.EOF), errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
		r, err = reason.PeerLeft, nil
	case secure.Foreign(err):
		d.refuse(c.TCP, codec.CauseClear, clearWait)
		r, err = reason.TLSMissing, nil
	}
	d.lose(c, r, err)
}

// lose ends a connection that came to no loop.
func (d *Door) lose(c Arrival, r reason.Reason, err error) {
	_ = c.TCP.Close()
	d.cfg.Books.Leave(&c.Ticket, c.Peer.Addr())
	d.cfg.Lost(r, c.Peer, err)
}
