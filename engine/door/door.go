// Package door takes connections in: it listens, accepts, asks the books whether
// there is room, and hands the connections to the loops.
package door

import (
	"context"
	"crypto/tls"
	"log/slog"
	"net"
	"net/netip"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"streampump/codec"
	"streampump/engine/admission"
	"streampump/engine/reason"
	"streampump/engine/secure"
)

// Config is what a door needs to know.
type Config struct {
	// NotSentLowat is TCP_NOTSENT_LOWAT of every connection; 0: the system's own.
	NotSentLowat int
	Books        *admission.Books
	Log          *slog.Logger // limited by whoever gives it
	// Spare reports whether there are enough descriptors for another connection beside
	// the open ones.
	Spare func(open int) bool
	// Loops is the number of loops. Hand gives a connection to one of them and returns
	// when the loop has it. Hand owns a.TCP, whatever it returns.
	Loops int
	Hand  func(loop int, a Arrival) error
	// Proxies are the networks of the proxies that are believed when they name the peers
	// they stand for; from there nothing else is taken. HeaderTime is how long they may
	// take to do so.
	Proxies    []netip.Prefix
	HeaderTime time.Duration
	// Handshakes is the most TLS handshakes at once, and HandshakeTime how long each may
	// take.
	Handshakes    int
	HandshakeTime time.Duration
	// Lost is told of connections that ended before they came to a loop. Any goroutine
	// may call it.
	Lost func(r reason.Reason, peer netip.AddrPort, err error)
	// Refusal is what a peer is told before it has said anything.
	Refusal func(c codec.Cause) []byte
}

// Listener is an address to listen on ("[::]:8086" takes IPv4 too), and how: with TLS
// if TLS is not nil. What it calls to choose a certificate must not wait for anything:
// handshakes wait for each other.
type Listener struct {
	Address string
	TLS     *tls.Config
	// Inherited is a listener that another process has opened, and that is used in place
	// of the address. It belongs to the door from then on, as those that it opens do.
	// What waits in it is not lost when the door closes while others have it open too.
	Inherited *net.TCPListener
}

// Arrival is an accepted connection on its way to a loop.
type Arrival struct {
	TCP     *net.TCPConn
	TLS     *secure.Conn // nil: it is not encrypted
	Peer    netip.AddrPort
	Ticket  admission.Ticket
	Refused reason.Reason // it is taken in only to be told why there is no room
}

// Door is the listeners of an engine.
type Door struct {
	cfg       Config
	acceptors []*acceptor
	lanes     []*lane // by loop
	turn      atomic.Uint32
	room      *secure.Room
	servers   map[*tls.Config]*secure.Server
	closing   context.Context // handshakes end with it
	close     context.CancelFunc
	accepting sync.WaitGroup // and shaking hands
	ushering  sync.WaitGroup
	errors    atomic.Uint64
	unnamed   atomic.Int64 // connections whose proxy has not yet said whose they are
}

// MaxRefusing bounds the connections that are open only to be told that there is no
// room; beyond it they are told and closed at once, and some never read it. They do
// not count as connections, so their descriptors come from those that are kept back
// for everything else.
const MaxRefusing = 32

// New makes a door without listeners.
func New(cfg Config) *Door {
	d := &Door{
		cfg: cfg, room: secure.NewRoom(cfg.Handshakes, runtime.GOMAXPROCS(0)/2, cfg.HandshakeTime),
		servers: map[*tls.Config]*secure.Server{},
	}
	d.closing, d.close = context.WithCancel(context.Background())
	for range cfg.Loops {
		d.lanes = append(d.lanes, &lane{arrivals: make(chan arrival)})
	}
	return d
}

// Listen opens an address. Connections wait in the kernel until Open.
func (d *Door) Listen(l Listener) error {
	a, err := d.listen(l)
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

// Listeners are the open listeners, in the order in which Listen got them. They are the
// door's: only their descriptors may be copied.
func (d *Door) Listeners() (out []*net.TCPListener) {
	for _, a := range d.acceptors {
		out = append(out, a.listener)
	}
	return out
}

// Open begins to accept.
func (d *Door) Open() {
	for i, l := range d.lanes {
		for range Ushers(len(d.lanes)) / len(d.lanes) {
			d.ushering.Go(func() { d.serve(l, i) })
		}
	}
	for _, a := range d.acceptors {
		d.accepting.Go(a.run)
	}
	d.ushering.Go(func() {
		d.accepting.Wait()
		for _, l := range d.lanes {
			close(l.arrivals)
		}
	})
}

// Close refuses further connections.
func (d *Door) Close() {
	d.close()
	for _, a := range d.acceptors {
		_ = a.listener.Close()
	}
	d.room.Close()
}

// Wait returns when everything accepted before Close has been handed on, or when the
// time is over: a loop may be stuck.
func (d *Door) Wait(limit time.Duration) {
	done := make(chan struct{})
	go func() { d.ushering.Wait(); close(done) }()
	select {
	case <-done:
	case <-time.After(limit):
	}
}

// Handshakes is the number of TLS handshakes that are under way.
func (d *Door) Handshakes() int { return d.room.Open() }

// Errors is how many connections could not be taken.
func (d *Door) Errors() uint64 { return d.errors.Load() }
