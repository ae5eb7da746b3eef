// Package settings is what an engine is told before it starts: values only, nothing
// that acts. Each room reads what concerns it.
package settings

import (
	"context"
	"crypto/tls"
	"net/netip"
	"time"

	"streampump/access"
	"streampump/codec"
)

// Config is what the engine needs to know before it starts. [Default]
// fills every field; a zero means what the field's comment says.
type Config struct {
	// Loops is the number of event loops; 0 means one.
	Loops int
	// Processors are the logical processors that the loops' threads stay on, in the
	// loops' order; a list that is too short is used again from its start. Empty means
	// that the system moves the threads as it likes.
	Processors []int
	// ReadBuffer is the size in bytes of a loop's buffer for incoming bytes: several
	// packets of an encoder; viewers send requests of less than a kilobyte. 0 means 64
	// KiB.
	ReadBuffer int

	Limits   Limits
	Timeouts Timeouts
	Backlog  Backlog
	Fanout   Fanout
	// Datagrams are what viewers may have, and encoders send, in place of a connection's
	// packets.
	Datagrams Datagrams
	// NotFoundLocation is where requests for unknown streams are sent (the
	// original's redirect_404_to); empty means they get 404.
	NotFoundLocation string
	// Proxies are the networks of proxies that say by the PROXY protocol for whom they
	// connect; nothing else is taken from there.
	Proxies []netip.Prefix
	// FullRetry is after how long those who find no room are told to try again.
	FullRetry time.Duration
	// Reserved is how many file descriptors others in the process need, besides what the
	// engine keeps back for itself and for the admin listener.
	Reserved int
	// Access decides who may publish and view; nil lets everybody.
	Access Access
}

// Access decides whether peers may have what they ask for. [access.Guard] is one, and
// says what the arguments mean.
type Access interface {
	Ask(now time.Time, r access.Request, unknown bool, done func(access.Decision)) (d access.Decision, decided bool)
}

// Limits bound what strangers can make us hold.
type Limits struct {
	// Connections is the most connections at once, viewers and encoders together. 0, or
	// too many, means as many as the descriptor limit allows beside what is kept back
	// for everything else.
	Connections int
	// LoosePerAddress is the most connections from one address, or IPv6 /64, that carry
	// no stream. Viewers are not counted: a site behind one NAT is the usual customer.
	// 0 means no limit.
	LoosePerAddress int
	// Sessions is the most viewers' sessions, and a bound on encoders' too.
	Sessions int
	// Viewers bounds the viewers of all streams together.
	Viewers Room
	// Memory is how many bytes all viewers together may take, EachMemory what one is
	// reckoned to take, and TLSMemory what one takes besides that is encrypted. A Memory
	// of 0 means no limit.
	Memory, EachMemory, TLSMemory int64
	// Connects and Joins are how often a second the hosts of one address may connect,
	// and join a stream, and those of one network: see package admission. 0 means no
	// limit.
	Connects, Joins Pace
	// JoinSpeed is how many times its stream's rate a viewer that joins is sent until it
	// has caught up, after a start at once. 0 means as fast as it takes it.
	JoinSpeed int
	// JoinShare is how many hundredths of Viewers.Bandwidth those who are catching up may
	// take together beyond what is reserved for them, even if nothing is left.
	JoinShare int
	// Packets is how many packets a second one encoder, or server that is pulled from, may
	// send, with as many at once; a large one counts for each 1,500 bytes. What comes faster
	// waits in its socket. 0 means no limit.
	Packets int
	// Handshakes is the most TLS handshakes at once. Further ones wait, and peers that are
	// silent make room for them.
	Handshakes int
}

// Room bounds viewers. Zero means no limit.
type Room struct {
	Viewers   int  // those that are no pumps
	Pumps     int  // pumps that pull from us, and have viewers of their own
	Bandwidth Bits // of the streams, for both together
}

// Bits are bits a second.
type Bits int64

// Pace is how often a second something may be done. Zero means no limit.
type Pace struct {
	Host    int // by one IPv4 address, or one IPv6 /64
	Network int // by one IPv4 /24, or one IPv6 /48
}

// Timeouts are how long things may take. None may be zero unless its comment says so.
type Timeouts struct {
	Head         time.Duration // from the connection's opening to its first complete request
	Handshake    time.Duration // of TLS; as long may it wait until there is a place for it
	KeepAlive    time.Duration // between an answer and the next complete request
	Drain        time.Duration // after our half-close, for the peer to close its side
	Session      time.Duration // a viewer's session without a request ([MS-WMSP] 3.2.2: 60 s, at least 10 s)
	PushIdle     time.Duration // an encoder without a packet ([MS-WMHTTP] 3.2.2: 60 s, at least 10 s)
	PushInactive time.Duration // an ingest session between requests ([MS-WMHTTP] 3.2.2: 120 s)
	PushHold     time.Duration // viewers are kept this long when a push is lost without an end
	PullHold     time.Duration // the same for a pull
	EndHold      time.Duration // the same after a proper end; 0 ends viewers at once
	PullSilence  time.Duration // a pulled source without a packet
	PullFirst    time.Duration // the first retry of a pull
	PullRetry    time.Duration // every further retry, plus up to PullJitter
	PullJitter   time.Duration
	PullDenied   time.Duration // the same after a source has refused our name and password
	PullConnect  time.Duration // from dialling to the source's header, however often it redirects us
	Stall        time.Duration // a viewer that takes no byte; with Backlog.MaxLag added, one that does not take the rest of an ended programme
	KeyWait      time.Duration // a joiner with no key frame to start at
	Shutdown     time.Duration // from Engine.Shutdown to the last forced close
}

// Backlog bounds what a stream keeps of the past.
type Backlog struct {
	// Bytes is the most memory that one stream holds, everything included: a quarter of
	// it is set aside for what has been evicted and is still in use, and for other
	// forms of packets (see package ring).
	Bytes int64
	// Total is the same for all streams together. Half of it is shared out evenly, and
	// always there for each; the rest is for those that need more. 0 means no bound.
	Total    int64
	Duration time.Duration // how much is kept before the newest key frame
	// MaxLag is how far a viewer may be behind before it is moved to the
	// newest key frame.
	MaxLag time.Duration
	// JoinBurst: a joiner starts at the newest key frame that is at least
	// this old. 0 means the newest one. No more than half of MaxLag is used.
	JoinBurst time.Duration
}

// Fanout is how packets are put on sockets.
type Fanout struct {
	// Budget is the longest that packets may be held to be sent together; 0
	// sends each as it comes.
	Budget time.Duration
	// NotSentLowat is TCP_NOTSENT_LOWAT of every connection, in bytes: how much of a
	// viewer's stream the kernel takes beyond what it has sent. 0 leaves the system's
	// own.
	NotSentLowat int
}

// Datagrams is whether packets are sent and taken as datagrams, and at which ports.
type Datagrams struct {
	// First is the first port that they are sent from and come to, an even one. Each loop
	// has two, in the loops' order. 0 means that there are none.
	First uint16
	// Anyone says that everybody may have them. Otherwise it is those in private networks,
	// on the same link and on this machine.
	Anyone bool
}

// Reach reports whether a peer at an address may have them, if anybody may. IPv4 addresses are
// not in their IPv6-mapped form.
func (d Datagrams) Reach(a netip.Addr) bool {
	return d.Anyone || a.IsLoopback() || a.IsPrivate() || a.IsLinkLocalUnicast()
}

// ReservedDescriptors are kept back from connections for listeners, pulls, files,
// the admin listener and epoll, or more if loops and streams need more.
const ReservedDescriptors = 128

// Default is a configuration that needs no change on an ordinary box.
func Default() Config {
	return Config{
		Loops:      1,
		ReadBuffer: 64 << 10,
		Limits: Limits{
			LoosePerAddress: 256,
			Sessions:        1 << 17,
			JoinSpeed:       5,
			JoinShare:       10,
			Packets:         20_000,
			Handshakes:      512,
		},
		Timeouts: Timeouts{
			Head:         10 * time.Second,
			Handshake:    10 * time.Second,
			KeepAlive:    60 * time.Second,
			Drain:        5 * time.Second,
			Session:      60 * time.Second,
			PushIdle:     60 * time.Second,
			PushInactive: 120 * time.Second,
			PushHold:     60 * time.Second,
			PullHold:     45 * time.Second,
			PullSilence:  15 * time.Second,
			PullFirst:    time.Second,
			PullRetry:    10 * time.Second,
			PullJitter:   10 * time.Second,
			PullDenied:   5 * time.Minute,
			PullConnect:  15 * time.Second,
			Stall:        30 * time.Second,
			KeyWait:      15 * time.Second,
			Shutdown:     5 * time.Second,
		},
		Backlog: Backlog{
			Bytes:    32 << 20,
			Duration: 20 * time.Second,
			MaxLag:   10 * time.Second,
		},
		Fanout: Fanout{
			Budget:       90 * time.Millisecond,
			NotSentLowat: 128 << 10,
		},
		FullRetry: 10 * time.Second,
	}
}

// Stream is one stream. Exactly one of Push, Pull and File is set.
type Stream struct {
	Name string // for people
	Path string // for URLs; compared without case
	// Protocol is the name of the one protocol by which it may be viewed and pushed
	// ([codec.Protocol]); empty: any. To peers of another one it does not exist.
	Protocol string
	Push     bool
	Pull     *Pull
	File     *File
	// Limits bound the stream's viewers, besides those of the pump.
	Limits Room
	// FullLocation is where viewers are sent for whom there is no room; empty means that
	// they are told so.
	FullLocation string
}

// Pull is a stream that we fetch.
type Pull struct {
	// Open begins a new conversation with the source, for each attempt.
	Open func() codec.Dialled
	// Route returns the address to dial to reach a target (host:port), and whether that
	// is an HTTP proxy. nil dials the target.
	Route func(ctx context.Context, target string) (dial string, proxied bool, err error)
	// TLS returns what holds for the next connection to a host that wants TLS; each call
	// gives a config of its own. Without one the error says why there can be no
	// connection; with one, what the operator must know all the same. It is called on the
	// pull's goroutine only, and may read files. nil: no target wants TLS.
	TLS func(host string) (*tls.Config, error)
	// Tunnel begins the conversation with the proxy of a target (host:port) that wants
	// TLS, or is Tunnelled. nil: Route names no proxy for such.
	Tunnel func(target string) codec.Tunnel
}

// File is a stream that is played from a file, again and again.
type File struct {
	File string
	// Data, when not nil, is played in place of File (the built-in demo clip).
	Data []byte
	// Open makes a new reader of the file's bytes, for each round.
	Open func() codec.Session
}
