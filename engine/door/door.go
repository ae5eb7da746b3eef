// Package door takes connections in: it listens, accepts, asks the books whether
// there is room, and hands what comes to the loops.
package door

import (
	"log/slog"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"

	"streampump/codec"
	"streampump/engine/admission"
	"streampump/engine/reason"
)

// Config is what a door needs to know.
type Config struct {
	// NotSentLowat is TCP_NOTSENT_LOWAT of every connection; 0: the system's own.
	NotSentLowat int
	Books        *admission.Books
	Log          *slog.Logger // limited by whoever gives it
	// Spare reports whether there are descriptors enough for another connection
	// beside open ones.
	Spare func(open int) bool
	// Hand gives a connection to a loop. It owns tcp from then on.
	Hand func(tcp *net.TCPConn, t admission.Ticket, refused reason.Reason) error
	// Refusal is what a peer is told before it has said anything.
	Refusal func(c codec.Cause) []byte
}

// Door is the listeners of an engine.
type Door struct {
	cfg       Config
	acceptors []*acceptor
	accepting sync.WaitGroup
	errors    atomic.Uint64
}

// New makes a door without listeners.
func New(cfg Config) *Door { return &Door{cfg: cfg} }

// Listen opens an address ("[::]:8086" takes IPv4 too). Connections wait in the
// kernel until Open.
func (d *Door) Listen(address string) error {
	a, err := d.listen(address)
	if err == nil {
		d.acceptors = append(d.acceptors, a)
	}
	return err
}

// Addresses are the addresses that are listened on, with the ports that the
// system chose where none was asked for.
func (d *Door) Addresses() (out []netip.AddrPort) {
	for _, a := range d.acceptors {
		out = append(out, admission.Address(a.listener.Addr()))
	}
	return out
}

// Open begins to accept.
func (d *Door) Open() {
	for _, a := range d.acceptors {
		d.accepting.Go(a.run)
	}
}

// Close refuses further connections.
func (d *Door) Close() {
	for _, a := range d.acceptors {
		_ = a.listener.Close()
	}
}

// Wait returns when what had been accepted before Close has been handed on.
func (d *Door) Wait() { d.accepting.Wait() }

// Errors is how many connections could not be taken.
func (d *Door) Errors() uint64 { return d.errors.Load() }
