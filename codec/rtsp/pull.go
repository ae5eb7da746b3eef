package rtsp

import (
	"errors"
	"fmt"
	"time"

	"streampump/codec"
	"streampump/codec/http1"
)

// DefaultAgent is the User-Agent of a pull. It tells another pump that this is no player.
const DefaultAgent = pumpProduct + "/1"

// maxRedirects is how often one pull may be redirected; browsers allow some 20, and
// honest sources need one.
const maxRedirects = 5

// PullOptions say what is pulled, and as whom.
type PullOptions struct {
	URL   URL
	Agent string // the User-Agent to send; empty means [DefaultAgent]
	// User and Password are for the server of URL and no other: a server that it
	// redirects us to gets neither. An empty User has none.
	User, Password string
	// ClientNonce makes a text that nobody can guess, of letters and digits, as Digest
	// wants one. It is needed where there is a User.
	ClientNonce func() string
	// Past is what is known of the source from attempts before, and is told to those that
	// follow; nil forgets it.
	Past *Past
}

// Past is what one attempt to pull a source learns for the next. The zero value knows
// nothing. It belongs to one stream's attempts, of which there is one at a time.
type Past struct {
	// deaf says that the source does not answer GET_PARAMETER, or that the connection
	// ended before it did: some cameras (Hipcam) close it instead.
	deaf bool
	// asked says that a GET_PARAMETER is unanswered.
	asked bool
}

// stage is how far the present connection is. An answer ends each but the last two.
type stage uint8

const (
	stageOptions  stage = iota // OPTIONS was sent; whatever the answer, DESCRIBE follows
	stageDescribe              // DESCRIBE was sent
	stageSetup                 // SETUP was sent for track pull.track
	stagePlay                  // PLAY was sent; packets may already come
	stagePlaying               // packets come. Goodbyes, AppendEnd or a breach ends it.
	stageOver                  // what still comes is not looked at
)

// pull is our side of a connection to a source (RFC 2326).
//
//	OPTIONS ─► DESCRIBE ─► SETUP, for each track ─► PLAY ─► packets … ─► TEARDOWN
//
// Each answer is an event that lets the next request out. A 401 repeats its request, with
// what the source wants to be shown. A redirect begins anew on another connection. While
// packets come, a keep-alive goes out every now and then, whose answer is not waited for.
// Packets come over the connection, or by UDP from a source that refuses that (pullapart.go).
type pull struct {
	o         PullOptions
	url       URL
	past      *Past
	redirects int
	now       time.Duration // of the last tick

	// Of the present connection.
	in      inlet
	sync    resync
	stage   stage
	spoken  bool   // the source has said something
	say     []byte // what the next Answer is
	open    asking
	cseq    uint32 // of the request that was sent last
	interim int    // answers that do not count
	who     identity
	from    intake   // what comes
	apart   byUDP    // of packets that come by UDP
	base    string   // the address that requests about the whole stream are for
	tracks  []string // the addresses of the tracks
	track   int      // the one that is being set up
	session string   // the session's id; empty before the source has told it
	alive   keepAlive
}

// NewPull makes the conversation with a source that we fetch: one attempt, from the
// first connection to the end of the stream. It is a [codec.Knocking].
func NewPull(o PullOptions) codec.Dialled {
	if o.Agent == "" {
		o.Agent = DefaultAgent
	}
	p := &pull{o: o, url: o.URL, past: o.Past}
	if p.past == nil {
		p.past = &Past{}
	}
	p.past.deaf = p.past.deaf || p.past.asked
	p.past.asked = false
	return p
}

// Target implements [codec.Dialled].
func (p *pull) Target() codec.Target {
	return codec.Target{Address: p.url.HostPort(), TLS: p.url.TLS, Tunnelled: true}
}

// AppendHello implements [codec.Dialled]. Nothing of it ever goes to a proxy.
func (p *pull) AppendHello(dst []byte, _ bool) []byte {
	*p = pull{o: p.o, url: p.url, past: p.past, redirects: p.redirects, now: p.now}
	p.base = p.url.String()
	return p.appendRequest(dst, "OPTIONS", p.base, "")
}

// Consume implements [codec.Session].
func (p *pull) Consume(b []byte) (n int, ev codec.Event) {
	if p.stage == stagePlaying || p.stage == stagePlay {
		if ev, ok := p.from.waiting(); ok {
			return 0, ev
		}
	}
	for n < len(b) && ev.Kind == codec.None && p.stage != stageOver {
		k, found, err := p.next(b[n:])
		n += k
		switch {
		case err != nil:
			ev = bad(err)
		case found == aPacket:
			back := 0
			ev, back = p.packet()
			n -= back
		case found == anAnswer:
			ev = p.answered(p.in.msg)
		case found == aRequest:
			ev = p.asked(&p.in.msg.req)
		}
	}
	switch ev.Kind {
	case codec.None:
		return len(b), ev
	case codec.Bad, codec.Finish, codec.Redial:
		p.stage = stageOver
	}
	return n, ev
}

// next finds the next part of what comes. While packets come, what is none is skipped.
func (p *pull) next(b []byte) (n int, found part, err error) {
	if p.stage >= stagePlay {
		return p.sync.next(&p.in, &p.from, b)
	}
	first := !p.spoken
	if p.spoken = true; first && b[0] == tlsAlert {
		return 0, nothing, errors.New("the source speaks TLS on this port: its address must begin with rtsps://")
	}
	if n, found, err = p.in.next(b, 0); err != nil {
		return n, nothing, fmt.Errorf("the source's answer is not RTSP: %w", err)
	}
	return n, found, nil
}

// tlsAlert is the byte that a server of TLS begins its answer with when it gets
// something else (RFC 8446, 5.1).
const tlsAlert = 0x15

// packet is the event of a packet; back is how many bytes of it are to be given again.
func (p *pull) packet() (ev codec.Event, back int) {
	ev, again := p.from.packet(p.in.channel(), p.in.packets.data)
	if again {
		back = p.in.back()
	}
	if ev.Kind == codec.Packet {
		ev.Err = p.sync.note()
	}
	return ev, back
}

// Answer implements [codec.Session].
func (p *pull) Answer(dst []byte, ev *codec.Event, v *codec.Verdict) ([]byte, codec.Next) {
	switch {
	case ev.Kind == codec.Bad || v.Code != codec.OK || ev.Kind == codec.Setup && v.Offer == nil:
		return dst, codec.Close
	case ev.Kind == codec.Setup:
		p.offered(v.Offer)
	}
	dst = append(dst, p.say...)
	p.say = nil
	return dst, codec.Keep
}

// AppendEnd implements [codec.Session]. Cameras have few sessions, and keep one that
// nobody ends for a minute.
func (p *pull) AppendEnd(dst []byte, _ codec.Cause, _ string) []byte {
	if p.session != "" || p.from.setUp != 0 {
		dst = p.appendRequest(dst, "TEARDOWN", p.base, "")
	}
	p.session, p.from.setUp, p.stage = "", 0, stageOver
	return dst
}

// bad is the event of a source that cannot be pulled.
func bad(err error) codec.Event { return codec.Event{Kind: codec.Bad, Err: err} }

// asked is the event of a request that the source makes. Most servers make none.
func (p *pull) asked(r *http1.Request) codec.Event {
	switch r.Method {
	case "REDIRECT":
		return p.redirected(r.Fields, "wants us to go")
	case "TEARDOWN":
		return codec.Event{Kind: codec.Finish}
	}
	status := 501
	switch r.Method {
	case "OPTIONS", "GET_PARAMETER", "SET_PARAMETER":
		status = 200
	}
	cseq, _ := cseqOf(r.Fields)
	p.say = http1.AppendBlank((&Protocol{}).appendStatus(nil, cseq, status))
	return codec.Event{Kind: codec.Reply}
}

// redirected goes where the source sends us and begins anew there. A pull that was
// configured with TLS stays with TLS, whoever redirects it: the operator asked for a
// source that nobody on the way can read, change or pretend to be.
func (p *pull) redirected(f http1.Fields, said string) codec.Event {
	location := f.Get("Location")
	if p.redirects++; p.redirects > maxRedirects {
		return bad(fmt.Errorf("the source redirects us too often, last to %q", scheme.Shown(location)))
	}
	if location == "" {
		return bad(fmt.Errorf("the source %s without a place to go", said))
	}
	to, err := p.url.Follow(location)
	switch {
	case err != nil:
		return bad(fmt.Errorf("the source redirects us: %w", err))
	case p.o.URL.TLS && !to.TLS:
		return bad(fmt.Errorf("the source redirects us from TLS to %q, which is without, so we do not follow", scheme.Shown(location)))
	}
	p.url = to
	return codec.Event{Kind: codec.Redial}
}
