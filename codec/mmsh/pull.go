package mmsh

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"streampump/codec"
	"streampump/codec/http1"
)

// DefaultAgent is the User-Agent of a pull. A player of version 9 or later is
// told of a new header in the stream instead of being cut off; the second product, as
// players have one too, tells another pump that this is no player.
const DefaultAgent = "NSPlayer/12.0.7600.16385 " + pumpProduct + "/1"

// pumpProduct is what pumps call themselves.
const pumpProduct = "StreamPump"

const (
	// maxRedirects is how often one pull may be redirected; browsers allow some 20, and
	// honest sources need one.
	maxRedirects = 5
	// maxInterim is how many interim answers may come before the one that
	// counts. We ask for none; a proxy on the way may send one.
	maxInterim = 10
)

// PullOptions say what is pulled, and as whom.
type PullOptions struct {
	URL   URL
	Agent string // the User-Agent to send; empty means [DefaultAgent]
}

// pull is our side of a connection to a source ([MS-WMSP] from the player's side).
//
//	connection 1  Describe ──► $H, which names the streams ── Redial
//	connection 2  Play with every stream selected ──► $H, $D …
//
// Describe cannot be left out: a Windows Media server sends a player nothing that it
// has not selected ([MS-WMSP] 3.2.5.6).
type pull struct {
	url       URL
	via       URL  // the proxy that the source is asked through, if it wants one
	secure    bool // the configured address asks for TLS
	agent     string
	redirects int
	step      step
	playing   bool // the present connection asks for Play

	streams []uint8 // what Describe found
	client  uint32  // the client-id that Describe was given

	// Of the present connection.
	cut     http1.Cutter
	interim int    // answers that do not count
	odd     []byte // what came in place of the first packet
	in      unframer
	seq     sequence
	ready   bool   // a header has come
	media   string // Content-Type of the answer, for the operator
}

// step is how far the present connection is.
type step uint8

const (
	stepHello  step = iota // nothing was sent. AppendHello ends it.
	stepHead               // the answer's head is awaited. Its blank line ends it.
	stepBody               // packets are awaited. $E, Redial or a breach ends it.
	stepClosed             // what still comes is not looked at
)

// NewPull makes the conversation with a source that we fetch: one attempt,
// from the first connection to the end of the stream.
func NewPull(o PullOptions) codec.Dialled {
	if o.Agent == "" {
		o.Agent = DefaultAgent
	}
	return &pull{url: o.URL, secure: o.URL.TLS, agent: o.Agent}
}

// Target implements [codec.Dialled].
func (p *pull) Target() codec.Target {
	to := p.url
	if p.via.Host != "" {
		to = p.via
	}
	return codec.Target{Address: to.HostPort(), TLS: to.TLS}
}

// AppendHello implements [codec.Dialled]. HTTP/1.0 keeps sources from chunking;
// of the features of version 9 we claim only that we can be moved to another header.
func (p *pull) AppendHello(dst []byte, proxied bool) []byte {
	p.cut, p.in, p.seq, p.ready = http1.Cutter{}, unframer{}, sequence{}, false
	p.interim, p.odd = 0, nil
	p.step = stepHead
	dst = append(dst, "GET "...)
	if proxied || p.via.Host != "" {
		dst = append(dst, "http://"...)
		dst = append(dst, p.url.Authority()...)
	}
	dst = append(dst, p.url.Target()...)
	dst = append(dst, " HTTP/1.0\r\n"...)
	dst = http1.AppendField(dst, "Accept", "*/*")
	dst = http1.AppendField(dst, "User-Agent", p.agent)
	dst = http1.AppendField(dst, "Host", p.url.Authority())
	dst = http1.AppendField(dst, "Supported", "com.microsoft.wm.predstrm, com.microsoft.wm.sswitch")
	if p.playing {
		dst = p.appendPlay(dst)
	} else {
		dst = http1.AppendField(dst, "Pragma", "no-cache,rate=1.000000,stream-time=0,stream-offset=0:0,request-context=1,max-duration=0")
	}
	dst = http1.AppendField(dst, "Connection", "Close")
	return http1.AppendBlank(dst)
}

// appendPlay appends what makes it a Play ([MS-WMSP] 2.2.2.6). Stream numbers
// are hexadecimal, as the specification has them; those below ten, which are
// all that most sources have, read the same to servers that expect decimal.
func (p *pull) appendPlay(dst []byte) []byte {
	dst = http1.AppendField(dst, "Pragma", "no-cache,rate=1.000000,stream-time=0,stream-offset=0:0,request-context=2,max-duration=0")
	dst = http1.AppendField(dst, "Pragma", "xPlayStrm=1")
	if p.client != 0 {
		dst = http1.AppendField(dst, "Pragma", "client-id="+strconv.FormatUint(uint64(p.client), 10))
	}
	dst = http1.AppendField(dst, "Pragma", "stream-switch-count="+strconv.Itoa(len(p.streams)))
	dst = append(dst, "Pragma: stream-switch-entry="...)
	for i, n := range p.streams {
		if i > 0 {
			dst = append(dst, ' ')
		}
		dst = append(dst, "ffff:"...)
		dst = strconv.AppendUint(dst, uint64(n), 16)
		dst = append(dst, ":0"...)
	}
	return append(dst, "\r\n"...)
}

// Consume implements [codec.Session].
func (p *pull) Consume(b []byte) (n int, ev codec.Event) {
	for n < len(b) && ev.Kind == codec.None {
		var k int
		switch p.step {
		case stepHead:
			k, ev = p.answered(b[n:])
		case stepBody:
			k, ev = p.packets(b[n:])
		default:
			return len(b), ev
		}
		n += k
	}
	switch ev.Kind {
	case codec.Bad, codec.Finish, codec.Redial:
		p.step = stepClosed
		p.in.release()
	}
	return n, ev
}

// tlsAlert is the byte that a server of TLS begins its answer with when it gets
// something else (RFC 8446, 5.1).
const tlsAlert = 0x15

// answered reads the head of the source's answer.
func (p *pull) answered(b []byte) (int, codec.Event) {
	if b[0] == tlsAlert && !p.cut.Started() {
		return 0, bad(errors.New("the source speaks TLS on this port: its address must begin with mmshs:// or https://"))
	}
	n, raw, err := p.cut.Consume(b)
	if err != nil {
		return n, bad(fmt.Errorf("the source's answer is not HTTP: %w", err))
	}
	if raw == nil {
		return n, codec.Event{}
	}
	r, err := http1.ParseResponse(raw)
	if err != nil {
		return n, bad(err)
	}
	return n, p.accept(r)
}

// accept judges the head of the source's answer. By [MS-WMSP] 3.1.5.5 everything from
// 300 to 305 is a redirect; 307 and 308 came later.
func (p *pull) accept(r *http1.Response) codec.Event {
	switch {
	case r.Status == 200:
	case r.Status < 200 && r.Status != 101: // which would be another protocol
		return p.waiting()
	case r.Status >= 300 && r.Status <= 308 && r.Status != 306:
		return p.redirected(r)
	case r.Status == 401, r.Status == 407:
		return bad(errors.New(answerText(r) + ": passwords are not supported yet"))
	default:
		return bad(errors.New(answerText(r)))
	}
	if r.Fields.Token("Transfer-Encoding", "chunked") {
		return bad(errors.New("the source answers in chunks, which was not asked for"))
	}
	for name, value := range tokens(r.Fields) {
		if strings.EqualFold(name, "client-id") {
			p.client = clientID(value)
		}
	}
	p.media = strings.Clone(http1.Clip(r.Fields.Get("Content-Type")))
	p.step = stepBody
	return codec.Event{}
}

// answerText is an answer in the operator's words.
func answerText(r *http1.Response) string {
	return "the source answered " + r.Said()
}

// waiting passes over an interim answer (RFC 9110, 15.2).
func (p *pull) waiting() codec.Event {
	if p.interim++; p.interim > maxInterim {
		return bad(fmt.Errorf("the source has sent %d interim answers and no final one", p.interim))
	}
	return codec.Event{}
}

// redirected goes where the source sends us and asks the same question there. A 305
// names a proxy, and the source is asked again through it ([MS-WMSP] 3.1.5.5). Any
// other redirect says where the stream is, which is asked without a proxy of the
// source's.
//
// A pull that was configured with TLS stays with TLS, whoever redirects it: the
// operator asked for a source that nobody on the way can read, change or pretend to
// be. One that was configured without may be sent to TLS and back.
func (p *pull) redirected(r *http1.Response) codec.Event {
	location := r.Fields.Get("Location")
	if p.redirects++; p.redirects > maxRedirects {
		return bad(fmt.Errorf("the source redirects us too often, last to %q", scheme.Shown(location)))
	}
	if location == "" {
		return bad(errors.New(answerText(r) + " without a place to go"))
	}
	to, err := p.url.Follow(location)
	if err != nil {
		return bad(fmt.Errorf("the source redirects us: %w", err))
	}
	switch {
	case p.secure && !to.TLS:
		return bad(fmt.Errorf("the source redirects us from TLS to %q, which is without, so we do not follow", scheme.Shown(location)))
	case r.Status == 305 && p.url.TLS:
		return bad(fmt.Errorf("the source wants to be asked through the proxy %q, which could read what is meant to go through TLS", scheme.Shown(location)))
	}
	to = to.Clone()
	if r.Status == 305 {
		p.via = to
	} else {
		p.url, p.via = to, URL{}
	}
	return codec.Event{Kind: codec.Redial}
}

// packets reads the answer's body.
func (p *pull) packets(b []byte) (n int, ev codec.Event) {
	if len(p.odd) > 0 || p.in.pos == 0 && b[0]&^bFlag != frameByte {
		return p.stranger(b)
	}
	n, id, packet, err := p.in.next(b)
	switch {
	case err != nil:
		return n, bad(err)
	case id == 0:
		return n, codec.Event{}
	}
	ev = p.packet(id, packet)
	if ev.Kind == codec.Header && !p.playing {
		return n, p.described(ev.Media.(*media))
	}
	return n, ev
}

// stranger looks at the beginning of a body that is not MMSH, to tell what it is.
func (p *pull) stranger(b []byte) (n int, ev codec.Event) {
	n = min(len(b), beginning-len(p.odd))
	if p.odd = append(p.odd, b[:n]...); len(p.odd) < beginning {
		return n, codec.Event{}
	}
	return n, bad(notPulled(p.odd, p.media))
}

// described ends the first half: the streams are known.
func (p *pull) described(m *media) codec.Event {
	for _, s := range m.h.Streams() {
		p.streams = append(p.streams, s.Number)
	}
	p.playing = true
	return codec.Event{Kind: codec.Redial}
}

// packet is the event of one packet. Unlike in a push, $H and $D have MMS
// headers and a $C has no header inside ([MS-WMSP] 2.2.3).
func (p *pull) packet(id byte, b []byte) codec.Event {
	if p.seq.head.begun() && id != IDHeader {
		return bad(p.seq.head.short(id))
	}
	switch id {
	case IDChange:
		p.seq.pending = true
		return codec.Event{}
	case IDEnd:
		return p.seq.end(b)
	}
	h, payload, err := cutPrefix(id, b)
	if err != nil {
		return bad(err)
	}
	if id == IDHeader {
		return p.header(h, payload)
	}
	if !p.ready {
		return bad(errors.New("the source sent a data packet before its header"))
	}
	ev := p.seq.data(payload)
	ev.Number, ev.Numbered = h.LocationID, ev.Kind == codec.Packet
	return ev
}

// header takes one piece of a header.
func (p *pull) header(h DataHeader, payload []byte) codec.Event {
	if h.Flags&FlagFirst != 0 {
		p.seq.head = pieces{}
	}
	ev := p.seq.piece(payload, h.Flags&FlagLast != 0)
	p.ready = p.ready || ev.Kind == codec.Header
	return ev
}

// Answer implements [codec.Session]: a source gets no answers.
func (p *pull) Answer(dst []byte, _ *codec.Event, _ *codec.Verdict) ([]byte, codec.Next) {
	return dst, codec.Close
}

// AppendEnd implements [codec.Session].
func (p *pull) AppendEnd(dst []byte, _ codec.Cause, _ string) []byte { return dst }
