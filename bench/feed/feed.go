// Package feed is what synthetic streams have in common that come and go over a protocol in
// which a player says more than one request: for those who load servers and compare them,
// and need not know which it is.
//
//	Stream ──Publish──► a server ──► Joiner  follows one of many players up to a key frame
//	                             └─► Viewer  judges each packet
//
//	RTSP   bench/rtpsynth over bench/rtspclient
//	RTMP   bench/flvsynth over bench/rtmpclient
//
// A packet here is what the protocol sends as one and a stream may lose as a whole: an RTP
// packet, or a message of RTMP.
package feed

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"time"

	"streampump/bench/flvsynth"
	"streampump/bench/player"
	"streampump/bench/rtpsynth"
	"streampump/bench/synth"
)

// The protocols that streams come and go over, as the command line has them. MMSH includes
// HTTP, and has no Stream: its streams are those of bench/synth.
const (
	MMSH = "mmsh"
	RTSP = "rtsp"
	RTMP = "rtmp"
)

// patience is how long what is waited for may take.
const patience = player.DefaultTimeout

// Place is where a stream is.
type Place struct {
	Addr string // host:port
	Path string
}

// Stream is a synthetic stream with pictures and sound. It has a name for each run: when that
// began.
type Stream interface {
	// Protocol is what it comes and goes over, such as RTSP.
	Protocol() string
	// Mean is how many bytes, with what the protocol adds to each packet, and packets a second
	// it has.
	Mean() (bytes, packets float64)
	// ASF is what MMSH carries with the same packets: as many, at the same times, and as large
	// as viewers get these on average, though all pictures have the same size.
	ASF() (synth.Spec, error)
	// Publish is an encoder on a connection, which it does not close. It sends the stream as
	// time goes on by now, a clock in nanoseconds, until ctx ends, which is no error and ends
	// the stream as encoders do.
	Publish(ctx context.Context, c net.Conn, to Place, now func() uint64) (Sent, error)
	// There reports whether a player that asks on a connection, which it closes, is given the
	// stream.
	There(ctx context.Context, c net.Conn, at Place) bool
	// Join begins to follow a player.
	Join(at Place) Joiner
	// Watch makes a viewer of a connection, which it owns from then on.
	Watch(c net.Conn, at Place, o Watching) Viewer
}

// Live is a stream of so many bits per second, with gop pictures from one key frame to the
// next. Over RTSP its packets have that many bits, and at most so many bytes; over RTMP, where
// a packet is a picture, what it adds to them is counted too.
func Live(protocol string, bitrate, gop, most int) (Stream, error) {
	switch protocol {
	case RTSP:
		spec, err := rtpsynth.Live(bitrate, gop, most)
		return OverRTSP(spec), err
	case RTMP:
		spec, err := flvsynth.Live(bitrate, gop)
		return OverRTMP(spec), err
	}
	return nil, fmt.Errorf("no stream comes and goes over %q", protocol)
}

// Sent is how many packets an encoder has sent.
type Sent struct{ Pictures, Sound int }

// Joiner follows what a server says to one player, from the first answer up to a key frame.
type Joiner interface {
	// Next is what is to be sent now; empty if there is nothing.
	Next() []byte
	// Playing reports whether all is said: what comes from now on is the stream.
	Playing() bool
	// Feed takes the next bytes, however they are cut. done says that pictures can be decoded
	// from what has come.
	Feed(b []byte) (done bool, err error)
}

// Watching is what a viewer does with what it gets.
type Watching struct {
	// Loose is for servers other than the pump, which keep other rules: only wrong bytes are
	// an error, and what else viewers see is counted.
	Loose bool
	// Now is the clock that the stream's runs are named by.
	Now func() uint64
	// Delay gets of each good packet when it came and when it was due; nil is not called.
	Delay func(came, due uint64)
}

// Viewer plays a stream and checks what it gets. It is used by one goroutine; only Close may
// be called from others.
type Viewer interface {
	// Open asks for the stream and begins to play it.
	Open(ctx context.Context) error
	// Until reads until enough says so, asked after each packet. The error is ErrOver at the
	// stream's end, a *Fault if the stream broke a rule, or the connection's.
	Until(ctx context.Context, enough func() bool) error
	// Counts are what it has seen.
	Counts() Counts
	Close() error
}

// Counts are what a viewer has seen.
type Counts struct {
	// Packets are those of pictures and sound, Gaps the holes in their numbers, and Missing
	// the packets in those.
	Packets, Gaps, Missing int
	// Damaged are pictures that a gap has left without their end, and gaps behind which comes
	// what cannot be decoded.
	Damaged int
	// Decodes says that pictures can be decoded.
	Decodes bool
}

// ErrOver is returned for a stream that its source or server has ended.
var ErrOver = errors.New("the stream is over")

// Fault is a stream that broke a rule.
type Fault struct {
	// Of names whose rule it was.
	Of  string
	Err error
}

// Error is the rule.
func (f *Fault) Error() string { return fmt.Sprintf("%s: %v", f.Of, f.Err) }

// Unwrap is what was found.
func (f *Fault) Unwrap() error { return f.Err }

// fault tells a broken rule from a connection that failed, and from what a server has said.
func fault(of string, err error, said any) error {
	var network net.Error
	switch {
	case err == nil, errors.As(err, &network), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, context.Canceled), errors.As(err, said):
		return err
	}
	return &Fault{of, err}
}

// pieces are what a server says to a player, cut anywhere.
type pieces struct{ held []byte }

// feed has take take whole pieces from the front of what there is, until it is done or there
// is none.
func (p *pieces) feed(b []byte, take func([]byte) (n int, done bool, err error)) (bool, error) {
	p.held = append(p.held, b...)
	rest := p.held
	for {
		n, done, err := take(rest)
		if done || err != nil {
			return done, err
		}
		rest = rest[n:]
		if n == 0 {
			p.held = append(p.held[:0], rest...)
			return false, nil
		}
	}
}

// asking is a context for one question.
func asking(ctx context.Context, c net.Conn) (context.Context, func()) {
	ctx, cancel := context.WithTimeout(ctx, askFor)
	return ctx, func() { cancel(); _ = c.Close() }
}

// askFor is how long a server may take to show that it has a stream.
const askFor = 2 * time.Second
