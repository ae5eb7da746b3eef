// Package codec is the contract between the engine, which owns sockets, time
// and memory, and the protocols, which own bytes.
//
// A protocol brings three things:
//
//   - a [Protocol], which recognises its connections by their first bytes and
//     makes a [Session] for each;
//   - a [Session], one peer's conversation: bytes in, one [Event] at a time
//     out; the engine's [Verdict] in, the answer's bytes out;
//   - a [Media], a parsed stream header, and the [Programme] it makes: the
//     shared bytes of a stream, packet by packet, in every form viewers ask for.
//
// A server connection and a connection that we dial are the same contract; a
// dialled session also implements [Dialled], because there the first bytes are
// ours.
//
//	socket ──bytes──► Session.Consume ──Event──► engine
//	socket ◄─bytes─── Session.Answer ◄─Verdict── engine
//	         engine ──packet──► Programme.Append ──shared bytes──► every viewer
//
// Nothing here or below opens a socket, starts a goroutine, reads a clock or
// writes a log: time comes in as an argument and everything else goes out as a
// value. The package holds contract types only.
package codec

import (
	"errors"
	"fmt"
	"net/netip"
	"time"
)

// Claim is what a protocol says about the first bytes of a connection.
type Claim uint8

// The three claims.
const (
	NotMine  Claim = iota // these bytes cannot begin this protocol
	NeedMore              // too few bytes to tell; never for MaxClassify bytes or more
	Mine
)

// MaxClassify is the most bytes a protocol may look at to claim a connection. Eight
// tell MMST (signature at 4..7) and RTMP (first byte); sixteen tell in which protocol an
// OPTIONS request is that names no address.
const MaxClassify = 16

// A Protocol recognises connections and opens sessions. Of several, the first that does
// not say [NotMine] has its say first: as long as it needs more bytes, the others wait. Its methods may be
// called from any goroutine.
type Protocol interface {
	// Name is the protocol's name in logs and counters, in lower case.
	Name() string
	// Classify looks at the first bytes of a connection.
	Classify(first []byte) Claim
	// Accept opens the conversation with a peer that connected to us.
	Accept(peer Peer) Session
	// AppendRefusal appends what a peer is told before it has said anything (no room
	// for another connection, no descriptor left, no complete request in time).
	AppendRefusal(dst []byte, c Cause) []byte
}

// Peer is what is known of a connection: the addresses at its two ends, and how it comes. IPv4 addresses are never in
// their IPv6-mapped form.
type Peer struct {
	Remote netip.AddrPort
	Local  netip.AddrPort
	// Secure says that the connection is encrypted: the peer reached us by TLS.
	Secure bool
	// Datagrams is the port of ours from which packets can be sent to the peer as
	// datagrams, and to which it can send its own, an even one; the one above it is for
	// reports. 0: there are none, in either direction.
	Datagrams uint16
}

// Ports are a peer's ports by channel, to which the packets of a [Play] go as datagrams, or
// from which those of a [Publish] come. Those of a channel whose port is 0 are not sent.
type Ports [2 * MaxTracks]uint16

// MaxTracks is how many tracks a stream whose packets go as datagrams may have, each with
// two channels: an even one for packets, and the next one for reports.
const MaxTracks = 16

// A Session is one peer's side of a conversation. It is used by one goroutine
// at a time and holds no reference to the bytes it is given after a call
// returns, except where [Event.Data] says so.
type Session interface {
	// Consume takes bytes from the front of b and yields the next event; n is how many
	// bytes it took. [None] means that all of b was taken and nothing is complete yet.
	// After an event the engine calls Answer if the event wants one, and then Consume
	// again with the rest of b, as long as there is any: it is never called without
	// bytes. A session that has another event after the last byte of a message keeps
	// that byte back; n may be 0 with an event.
	Consume(b []byte) (n int, ev Event)

	// Answer appends the answer to ev and says how the connection goes on. It is called
	// once for each event for which [Kind.WantsAnswer] is true. After the appended
	// bytes the engine sends v.Media's head in ev.Form for an accepted Describe or
	// Play, and after that, for Play, the packets.
	Answer(dst []byte, ev *Event, v *Verdict) ([]byte, Next)

	// AppendEnd appends what the peer is told when the engine ends what the peer was
	// doing: a viewer's stream, an encoder's push, a request that never became
	// complete. For [CauseSwitch] the stream goes on with another head and packets; for
	// all other causes the engine ends the connection. reason is the operator's
	// sentence, for answers that carry one; it may be empty.
	AppendEnd(dst []byte, c Cause, reason string) []byte
}

// Hearing is a session whose encoder may send its packets as datagrams: what it publishes
// with [Event.Ports]. The connection stays, and its end is the end of them.
type Hearing interface {
	Session
	// Hear takes a datagram that came on a channel of those in the ports, and yields the
	// next event, which is a [Header], [Packet], [Finish] or [Bad], or [None]. While there
	// are more it is called again, with a nil b; with that it is also called at the time of
	// Due. Packets are yielded in their order and once; what is lost leaves a hole. b stays
	// as it is, and nothing else is called, until there are no more
	// events; an event of Consume may be waiting for its answer. now does not go back.
	Hear(channel uint8, b []byte, now time.Time) (ev Event, more bool)
	// Due is the time from which on Hear has something to yield even if nothing comes; ok
	// is false if there is none.
	Due() (at time.Time, ok bool)
}

// Dialled is a session on a connection that we opened: a pull.
type Dialled interface {
	Session
	// Target is where to dial: the configured place, or after a [Redial] where the
	// source sent us.
	Target() Target
	// AppendHello appends the bytes that we send first. It is called once for each
	// connection, after Target; proxied says that they go to an HTTP proxy instead of
	// the target itself, which is never so for a target with TLS or Tunnelled: there a
	// [Tunnel] comes first. What is said later is the answer to a [Reply], or comes of a
	// Tick; what is said last is AppendEnd's. The answer to a Reply never ends the
	// connection, and a [Bad] has none but AppendEnd's.
	AppendHello(dst []byte, proxied bool) []byte
}

// A Ticking session is a dialled one that has something to say when time passes, such
// as that it is still there.
type Ticking interface {
	Dialled
	// Tick appends what is to be said at the given time, which counts from anywhere, and
	// returns the time from which on Tick is to be called again. It is called once
	// behind AppendHello, and after that no earlier than it asked for, and soon after.
	Tick(dst []byte, now time.Duration) (out []byte, next time.Duration)
}

// A Knocking session is a dialled one whose source may send its packets as datagrams, if it
// will not over the connection. It asks for ports of ours by a [Setup], and says by a
// [Publish] from which ports of the source the packets come; from then on they are heard.
// The engine answers each only if it can be done, with the code OK, and otherwise ends the
// attempt: then AppendEnd follows.
type Knocking interface {
	Ticking
	Hearing
	// AppendKnock appends the datagram that goes from our port of a channel to the source's,
	// so that whatever stands between them lets those of the source in. It is called for each
	// channel behind an accepted Publish and behind every later Tick.
	AppendKnock(dst []byte, channel uint8) []byte
}

// Offer is what a [Knocking] session gets when it asks for ports.
type Offer struct {
	Ports Ports // ours, by channel
	// Peer is the address at the source's end of the connection: what comes from elsewhere
	// is not heard. An IPv4 address is never in its IPv6-mapped form, and none has a zone.
	Peer netip.Addr
}

// Target is a place that a dialled session wants to reach.
type Target struct {
	Address string // host:port
	// TLS says that everything goes through TLS, with a peer that proves to be the host
	// in Address.
	TLS bool
	// Tunnelled says that an HTTP proxy can pass on what is said there only if it joins
	// the connection to the target ([Tunnel]): it is not HTTP. With TLS it is always so.
	Tunnelled bool
}

// ErrDenied is in the Err of a [Bad] from a source that does not accept the name and the
// password that it was shown. To show it the same again soon could lock the account.
var ErrDenied = errors.New("the source does not accept the user name and the password")

// A Tunnel asks a proxy to join a connection to a target, for a session whose bytes
// the proxy must not read, or cannot. It is used by one goroutine at a time, for one connection.
type Tunnel interface {
	// AppendHello appends what the proxy is asked.
	AppendHello(dst []byte) []byte
	// Consume takes bytes of the proxy's answer from the front of b, which is not
	// empty; n is how many it took. Once it is open, what follows in b and on the
	// connection comes from the target. Unless it is open, or there is an error, all of
	// b was taken and more is needed. An error is the operator's sentence on why there
	// is no way to the target.
	Consume(b []byte) (n int, open bool, err error)
}

// Kind is what an event asks of the engine. The set is closed: a new protocol
// expresses itself in these.
type Kind uint8

// The kinds of event. "Path" is always the stream's name as the peer spelled
// it, without the protocol's prefix and suffix and without what only encodes it.
const (
	None Kind = iota // more bytes are needed

	// Requests of viewers.
	Reply    // can be answered without a stream; one request may give two
	Lookup   // is there a stream at Path, and is it up? Accepted if there is
	Describe // the head of the stream at Path, in Form; may continue Session
	Play     // the head and the packets of the stream at Path, in Form; may continue Session
	Control  // a request about Session that changes nothing in its stream
	Halt     // no packets for this connection until its next Play, which repeats none
	Stop     // end the Play of Session

	// Requests of encoders, and what arrives in their bodies, in files and
	// in answers to our own requests.
	Setup   // open an ingest session for Path; Session 0 asks for a new one. See also [Knocking]
	Publish // the packets of Session follow; Path is set. See also [Knocking]
	Header  // Media is the header of what follows
	Packet  // Data is one data packet
	Pause   // the body is complete; another Publish of the session may follow
	Finish  // the source says that the stream is over

	Redial // dial [Dialled.Target] again and say hello
	Bad    // the peer broke the protocol: Err says how
)

// WantsAnswer reports whether the engine must call [Session.Answer] with an
// event of this kind.
func (k Kind) WantsAnswer() bool {
	switch k {
	case None, Header, Packet, Finish, Redial:
		return false
	default:
		return true
	}
}

// String is the kind's name, for logs and tests.
func (k Kind) String() string {
	if int(k) < len(kindNames) {
		return kindNames[k]
	}
	return "unknown"
}

var kindNames = [...]string{
	"None", "Reply", "Lookup", "Describe", "Play", "Control", "Halt", "Stop", "Setup",
	"Publish", "Header", "Packet", "Pause", "Finish", "Redial", "Bad",
}

// Form is one of the shapes in which a protocol family sends the same stream.
// The engine only counts them.
type Form uint8

// The forms. Their meaning is the protocol's. All but the first are derived on demand
// from the primary form.
const (
	Framed Form = iota // the primary form, made once on ingest
	Plain              // without the protocol's frame: a file stream over ordinary HTTP
	Video              // only the first track with pictures
	Audio              // only the first track with sound
	Forms              // the number of forms
)

// Event is one thing that the peer said. It is passed by value and holds no
// memory of its own; Data and the strings are valid until the next Consume.
type Event struct {
	Kind Kind
	Form Form
	// Switch says that this viewer can be moved to another head and programme without
	// reconnecting (Play only).
	Switch bool
	// Partial says that the request is a step towards what the peer came for, as a
	// handshake is (Reply, and a Lookup that is Ahead). It is answered, and the peer has
	// sent no complete request yet: the time allowed for that goes on.
	Partial bool
	// Ahead says that the peer is going to publish and may have to prove who it is before it
	// says more (Lookup). What it brings is looked at and stays good for its Publish. Path is
	// that of the Publish, or empty if it is not known yet. The verdict says no more than
	// whether the peer may go on.
	Ahead bool
	// Pump says that the peer is another pump, which has viewers of its own (Describe,
	// Play).
	Pump    bool
	Session uint64 // opaque key of the session that the request names; 0 names none
	Path    string
	Agent   string // what the peer calls itself, for the log; may be empty
	// Ports has the packets go as datagrams, to the peer's own address (Play), or come as
	// such from there (Publish, of a session that is [Hearing]); nil: they go over the
	// connection. It stays as it is while they do. Only a peer with [Peer.Datagrams] may ask
	// for it, and it is not moved ([Event.Switch]). In the Setup of a [Knocking] session the
	// channels that are to have a port of ours are not 0: an even one and the next, from 0 on.
	Ports *Ports
	// Credentials are what the peer brings to prove who it is (Lookup, Describe, Play,
	// Setup, Publish); nil if it brings nothing. They stay as they are.
	Credentials *Credentials
	// Data is one packet (Packet). It points into the bytes given to Consume
	// or into the session's own buffer, and is valid until the next Consume.
	Data []byte
	// Channel is on which of the source's channels Data came (Packet). What they are is
	// the protocol's.
	Channel uint8
	// At is when Data arrived (Packet); set by the engine. It goes on evenly, whatever
	// becomes of the system's clock.
	At time.Time
	// Number is the source's own number of the packet; valid if Numbered.
	Number   uint32
	Numbered bool
	// Leaves says that the source closes the connection itself now, and would take it for a
	// fault if we did so first (Finish).
	Leaves bool
	// Anywhere is set by the engine (Packet): the wait for a key frame has been long
	// enough, and [Programme.Append] leaves nothing out for want of one.
	Anywhere bool
	Media    Media // Header only
	// Err is how the peer broke the protocol (Bad), or what was wrong before this packet
	// and could be passed over (Packet), once for each connection; nil if nothing was. In the
	// Setup of a [Knocking] session it is why it asks. Its text tells the operator what
	// happened.
	Err error
}

// Code is the engine's decision on a request.
type Code uint8

// The decisions.
const (
	OK        Code = iota
	NoStream       // no stream has this path, or it does not take such requests
	NotUp          // the stream exists and has no source now
	Full           // a limit on viewers or sessions is reached
	Busy           // the session, or the stream, is in use by another connection
	NoSession      // the request needs a session and names none we know
	Refused        // an ingest is refused: Verdict.Reason says why
	Unproven       // the peer must prove who it is: Verdict.Challenge says how
	Forbidden      // the peer may not have this, and no proof would change that
	Slowed         // the peer has been wrong too often; it may try again after RetryAfter
	Undecided      // whoever decides has not answered in time
)

var codeNames = [...]string{
	"ok", "no_stream", "not_up", "full", "busy", "no_session", "refused",
	"unproven", "forbidden", "slowed", "undecided",
}

var codeTexts = [...]string{
	NoStream:  "there is no such stream here",
	NotUp:     "the stream has no source now",
	Full:      "no room for another viewer or encoder",
	Busy:      "the session or the stream is in use by another connection",
	NoSession: "the request belongs to a session that is not known here",
	Refused:   "the stream cannot take this",
	Unproven:  "this takes a name and a password",
	Forbidden: "this is not for everybody",
	Slowed:    "try again later",
	Undecided: "whether you may have this could not be found out in time; try again",
}

// String is the decision's name in logs.
func (c Code) String() string {
	if int(c) < len(codeNames) {
		return codeNames[c]
	}
	return "unknown"
}

// Verdict is the engine's answer to an event.
type Verdict struct {
	Code Code
	// Session is the key that goes back to the peer; 0 if there is none.
	Session uint64
	// Replaced says that the request named a session it could not have and got a new
	// one.
	Replaced bool
	// Media is the stream's present media (accepted Lookup, Describe and Play);
	// an accepted Lookup has none if the stream is not up.
	Media Media
	// Title is the stream's name for people (accepted Lookup); may be empty.
	Title string
	// HeadSize is the number of head bytes that the engine will send after
	// the answer (accepted Describe and Play).
	HeadSize int
	// Crowded says that the stream has no room for another viewer (accepted Lookup with
	// Media).
	Crowded bool
	// Location is where a request is sent instead (NoStream, Full, and a Lookup that is
	// Crowded); may be empty.
	Location string
	// RetryAfter is the time after which to try again (NotUp, Full, Slowed, Undecided, and
	// a Lookup that is Crowded or without Media); 0 if unknown.
	RetryAfter time.Duration
	// Challenge is what the peer is asked for (Unproven).
	Challenge *Challenge
	// Offer are the ports that a [Knocking] session has asked for (accepted Setup of one).
	Offer *Offer
	// Reason is the sentence for the peer (Refused, Busy, Full, Unproven, Forbidden,
	// Slowed, and a Lookup that is Crowded).
	Reason string
}

// Text is the sentence that a peer is told who is refused.
func (v *Verdict) Text() string {
	if v.Reason == "" && int(v.Code) < len(codeTexts) {
		return codeTexts[v.Code]
	}
	return v.Reason
}

// Next says how a connection goes on after an answer.
type Next uint8

// The ways on.
const (
	Keep   Next = iota // wait for the next request
	Close              // send what is queued, half-close, drain, close
	Stream             // send the head and packets until the stream or the viewer ends
	Ingest             // packets follow from the peer
)

// Cause is why the engine ends what a peer was doing.
type Cause uint8

// The causes.
const (
	CauseEnded    Cause = iota // the stream is over
	CauseSwitch                // the stream goes on with another head
	CauseIdle                  // nothing came for too long
	CauseTaken                 // another encoder took the stream over
	CauseShutdown              // the server is going down
	CauseFull                  // no room for another connection
	CauseHeadLate              // no complete request within the time allowed
	CauseRefused               // the ingest broke a rule of the stream
	CauseClear                 // the connection is not encrypted, and has to be
	CauseFailed                // the server cannot go on (out of memory, descriptors)
)

// Media is a parsed stream header. It is immutable and may be shared.
type Media interface {
	// String is one line for the operator: streams, codecs, bitrate.
	String() string
	// NewProgramme starts the shared bytes of a stream with this header.
	NewProgramme() Programme
	// MIME is the media type of the Plain form.
	MIME() string
	// Bitrate is the header's own figure in bits per second; 0 if it has none.
	Bitrate() uint32
	// Preroll is how much stream a player buffers before it shows anything.
	Preroll() time.Duration
	// KeyFrames is false when a viewer may start at any packet (audio only).
	KeyFrames() bool
}

// Mark is what the engine must know of one packet.
type Mark struct {
	// Key says that a viewer may start at this packet.
	Key bool
	// Trim says that a viewer that starts here needs the trimmed variant.
	Trim bool
	// Start says that the packet begins something whole: a viewer that has to leave
	// packets out goes on up to such a one before it does. It is so for each Key.
	Start bool
	// Most is how many bytes the packet has in the form in which it is longest.
	Most int
	// Kept is how many bytes the programme keeps from now on beside its packets and its
	// heads, all in all.
	Kept int
	// Note is a repair that was made, once for each kind and programme, for the log;
	// nil if none.
	Note error
	// SendTime is when the packet is due in the stream's own time line.
	SendTime time.Duration
}

// ErrProgrammeOver is returned by [Programme.Append] when the packet cannot
// follow in this programme's time line. The engine ends the programme, starts
// the one that Next makes, and appends the packet there.
var ErrProgrammeOver = errors.New("the programme's time line is used up")

// Programme is one header and the packets that belong to it. Splice, Append, Miss
// and Next are called under the stream's lease, one at a time; Media, Head, AppendJoin,
// Derive and Datagram may be called by any goroutine at any time.
type Programme interface {
	// Media is the header as it stands: the one that the programme started with, with
	// what its packets have said since.
	Media() Media
	// Head is the head in the given form. The bytes are shared and immutable.
	Head(f Form) []byte
	// Splice reports whether packets under m can follow in this programme, and if so
	// makes the time line go on: the first packet after it is placed behind the end of
	// the last one. pause is how long no packets came; whether the times step over it
	// is up to the protocol, by what its players do. Without a pause, as when a clip
	// starts again, nothing is missing between the two that does not show.
	Splice(m Media, pause time.Duration) bool
	// Append appends the primary form of a source's packet to dst. There is [Room] for it
	// behind dst; what needs more is copied once more.
	//
	// [ErrSkip] means that the packet has no place in the stream and is left out: it is of
	// no track, or came before. Where
	// a source begins again, after a Splice or in the middle of its packets, that is
	// [ErrNoKey] until a key frame comes, whose packet is the first that viewers can
	// use. How long that may take is up to the engine ([Event.Anywhere]). Where the packet
	// cannot be read at all it is [ErrMalformed].
	//
	// [ErrHeld] means that the packet is kept and comes with a later one, in one piece
	// with it, because only that one tells what it is.
	//
	// Any other error, [ErrProgrammeOver] excepted, is the source's fault.
	Append(dst []byte, ev *Event) ([]byte, Mark, error)
	// Miss looks at a source's packet that Append does not get, because there is no memory for
	// it: it may say what later ones need, as a header does that comes in mid-stream. A Splice
	// with the present Media follows the first of several such packets.
	Miss(ev *Event)
	// AppendJoin appends what a viewer is sent in form f before packets where it starts,
	// and where it goes on after packets were left out for it. first is the primary form
	// of the packet that it goes on with, nil if that has not come yet. left is how many
	// packets, in whatever form, were left out for it since it had the last one: 0 where
	// it starts. They may be more if first is not in its form.
	AppendJoin(dst []byte, f Form, first []byte, left uint64) []byte
	// Derive makes a variant of a packet from its primary form. Either out is
	// part of primary (alias), or it was appended to dst. It is empty for a packet that
	// the form leaves out.
	Derive(dst, primary []byte, f Form, trim bool) (out []byte, alias bool)
	// Datagram takes the first of the datagrams off what goes to a viewer with
	// [Event.Ports]: packets in any form, what AppendJoin made, and what
	// [Session.AppendEnd] made for one that plays. It is part of b, and channel is the one
	// that it goes to; size is how many bytes of b it takes with what is around it, and is
	// never 0. b is not empty.
	Datagram(b []byte) (datagram []byte, channel uint8, size int)
	// Next is the programme that follows when this one's time line is used up.
	Next() Programme
}

// Room is how many bytes [Programme.Append] has for a packet of n bytes: what protocols put
// in front of one fits, and what they put into a long one.
func Room(n int) int { return n + 64 + n>>13 }

// ErrSkip is returned by [Programme.Append] for a packet that is left out on
// purpose. A source that sends nothing else is as good as silent, [ErrNoKey] excepted.
var ErrSkip = errors.New("packet left out")

// ErrNoKey is returned by [Programme.Append] for a packet that is left out because
// the source began again and no key frame has come since. It is an [ErrSkip].
var ErrNoKey = fmt.Errorf("%w: no key frame has come since the source started over", ErrSkip)

// ErrMalformed is returned by [Programme.Append] for a packet that is left out because
// it cannot be read. It is an [ErrSkip].
var ErrMalformed = fmt.Errorf("%w: it is malformed", ErrSkip)

// ErrHeld is returned by [Programme.Append] for a packet that the programme keeps: the
// bytes of a later one begin with it. What is kept is bounded by the programme.
var ErrHeld = errors.New("packet kept for the next one")
