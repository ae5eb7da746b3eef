// Package text is a protocol of lines, for the tests of the engine: what its
// rooms do is told by what the peers of a scenario say and get.
package text

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"

	"streampump/codec"
)

// Protocol is the tests' protocol: a line is a request, and an encoder's body is lines too.
//
//	LOOKUP|DESCRIBE|PLAY path [plain|video|audio] [switch] [pump] [close] [s=KEY] [a=AGENT] [u=NAME:PASSWORD] [token=TOKEN]
//	                          [port=N]    to play by datagrams, channel 0 at port N and the
//	                                      others at the next ones
//	STOP|CONTROL s=KEY [close]    HALT [close]    REPLY [step]    BAD
//	                          step: towards a request, and none yet
//	SETUP|PUBLISH path [s=KEY] [u=NAME:PASSWORD] [token=TOKEN]
//	                          [port=N]    to send by datagrams, as with PLAY
//	H name [audio] [preroll=MS] [pad=N] [rate=N] [join] [stamp] [renews]
//	                                a header: equal names splice; plain packets
//	                                are filled up to N bytes; rate is in bits
//	                                a second; join: what comes before packets
//	                                where a viewer starts is (FORM FIRST), FIRST
//	                                being the packet's number; stamp: payloads
//	                                end with the time of arrival, in
//	                                milliseconds; renews: the header's name
//	                                becomes the newest payload
//	P[k|i|h] [t=MS] [tail|]payload  a packet; k: a key frame; i: it begins nothing
//	                                whole; h: it is held, and the next begins
//	                                with it; tail: what a trimmed copy lacks. A
//	                                payload with v in front is not in the form
//	                                audio, and one with a not in video
//	OVER ...                        a packet that its programme cannot take
//	MESS ...                        one that cannot be read
//	STRAY ...                       one that is of no track
//	ASK [path [u=NAME:PASSWORD]]    an encoder's Reply, or a Describe
//	PAUSE [close]    FINISH [leaves]    REDIAL
//
// What an encoder sends by datagrams is lines of its body, too, with one more:
//
//	WAIT MS                         what is behind it comes so much later
//
// A framed packet is <NUMBER, K or T or nothing, : payload ; and a plain one
// lacks the bracket.
type Protocol struct{}

// Name implements [codec.Protocol].
func (Protocol) Name() string { return "text" }

// Classify implements [codec.Protocol].
func (Protocol) Classify(first []byte) codec.Claim {
	switch {
	case first[0] == '!':
		return codec.NotMine
	case len(first) < 2:
		return codec.NeedMore
	}
	return codec.Mine
}

// Accept implements [codec.Protocol].
func (Protocol) Accept(codec.Peer) codec.Session { return &session{} }

// AppendRefusal implements [codec.Protocol].
func (Protocol) AppendRefusal(dst []byte, c codec.Cause) []byte {
	return fmt.Appendf(dst, "REFUSED %s\n", causeNames[c])
}

var causeNames = [...]string{"ended", "switch", "idle", "taken", "shutdown", "full", "late", "refused", "clear", "failed"}

var codeNames = [...]string{
	"OK", "NOSTREAM", "NOTUP", "FULL", "BUSY", "NOSESSION", "REFUSED", "UNPROVEN", "FORBIDDEN", "SLOWED", "UNDECIDED",
}

// session speaks for all roles; body says that lines are an encoder's.
type session struct {
	line  []byte
	body  bool
	words []string
	heard heard
}

func (s *session) Consume(b []byte) (int, codec.Event) {
	i := bytes.IndexByte(b, '\n')
	if i < 0 {
		s.line = append(s.line, b...)
		return len(b), codec.Event{}
	}
	line := b[:i]
	if len(s.line) > 0 {
		s.line = append(s.line, line...)
		line, s.line = s.line, nil
	}
	if s.body {
		return i + 1, bodyEvent(line)
	}
	return i + 1, s.request(string(line))
}

var requestKinds = map[string]codec.Kind{
	"LOOKUP": codec.Lookup, "DESCRIBE": codec.Describe, "PLAY": codec.Play, "STOP": codec.Stop, "HALT": codec.Halt,
	"CONTROL": codec.Control, "REPLY": codec.Reply, "SETUP": codec.Setup, "PUBLISH": codec.Publish,
}

func (s *session) request(line string) codec.Event {
	s.words = strings.Fields(line)
	ev := codec.Event{Kind: codec.Bad, Err: errors.New("no such request")}
	if len(s.words) == 0 {
		return ev
	}
	if k, ok := requestKinds[s.words[0]]; ok {
		ev.Kind, ev.Err = k, nil
	}
	say(&ev, s.words[1:])
	return ev
}

// say puts what the words of a request say into its event.
func say(ev *codec.Event, words []string) {
	for _, w := range words {
		key, value, _ := strings.Cut(w, "=")
		switch key {
		case "plain":
			ev.Form = codec.Plain
		case "video":
			ev.Form = codec.Video
		case "audio":
			ev.Form = codec.Audio
		case "switch":
			ev.Switch = true
		case "pump":
			ev.Pump = true
		case "step":
			ev.Partial = true
		case "ahead":
			ev.Ahead = true
		case "port":
			n, _ := strconv.ParseUint(value, 10, 16)
			ev.Ports = &codec.Ports{uint16(n), uint16(n + 1), uint16(n + 2)}
		case "s":
			ev.Session, _ = strconv.ParseUint(value, 16, 64)
		case "a":
			ev.Agent = value
		case "u":
			user, password, _ := strings.Cut(value, ":")
			ev.Credentials = &codec.Credentials{User: user, Password: password, HasPassword: true}
		case "token":
			ev.Credentials = &codec.Credentials{Token: value}
		case "close":
		default:
			ev.Path = w
		}
	}
}

var errMalformed = errors.New("a line that is no packet")

// bodyEvent does not allocate for packets: the counting tests feed it.
func bodyEvent(line []byte) codec.Event {
	switch {
	case bytes.HasPrefix(line, []byte("P")) && !bytes.HasPrefix(line, []byte("PAUSE")),
		bytes.HasPrefix(line, []byte("OVER")), bytes.HasPrefix(line, []byte("MESS")), bytes.HasPrefix(line, []byte("STRAY")), bytes.HasPrefix(line, []byte("BREACH")):
		return codec.Event{Kind: codec.Packet, Data: line}
	case bytes.HasPrefix(line, []byte("H ")):
		return codec.Event{Kind: codec.Header, Media: NewMedia(string(line[2:]))}
	case bytes.HasPrefix(line, []byte("PAUSE")):
		return codec.Event{Kind: codec.Pause}
	case bytes.Equal(line, []byte("ASK")):
		return codec.Event{Kind: codec.Reply}
	case bytes.HasPrefix(line, []byte("ASK ")):
		ev := codec.Event{Kind: codec.Describe}
		say(&ev, strings.Fields(string(line[4:])))
		return ev
	case bytes.Equal(line, []byte("FINISH")), bytes.Equal(line, []byte("FINISH leaves")):
		return codec.Event{Kind: codec.Finish, Leaves: len(line) > len("FINISH")}
	case bytes.Equal(line, []byte("REDIAL")):
		return codec.Event{Kind: codec.Redial}
	}
	return codec.Event{Kind: codec.Bad, Err: errMalformed}
}

func (s *session) Answer(dst []byte, ev *codec.Event, v *codec.Verdict) ([]byte, codec.Next) {
	dst = fmt.Appendf(dst, "%s %s", codeNames[v.Code], ev.Kind)
	if v.Session != 0 {
		dst = fmt.Appendf(dst, " s=%08x", v.Session)
	}
	if v.Replaced {
		dst = append(dst, " replaced"...)
	}
	if v.Crowded {
		dst = append(dst, " crowded"...)
	}
	if v.Location != "" {
		dst = append(dst, " at="+v.Location...)
	}
	if v.RetryAfter != 0 {
		dst = fmt.Appendf(dst, " retry=%v", v.RetryAfter)
	}
	if v.Reason != "" {
		dst = append(dst, " ("+v.Reason+")"...)
	}
	dst = append(dst, '\n')
	return dst, s.next(ev, v)
}

func (s *session) next(ev *codec.Event, v *codec.Verdict) codec.Next {
	closing := len(s.words) > 0 && s.words[len(s.words)-1] == "close"
	switch {
	case ev.Kind == codec.Pause:
		s.body = false
	case v.Code == codec.Unproven && !closing:
		return codec.Keep
	case ev.Kind == codec.Bad || v.Code != codec.OK || closing:
		return codec.Close
	case ev.Kind == codec.Play:
		return codec.Stream
	case ev.Kind == codec.Publish:
		s.body = true
		return codec.Ingest
	}
	return codec.Keep
}

func (s *session) AppendEnd(dst []byte, c codec.Cause, reason string) []byte {
	dst = append(dst, "END "...)
	dst = append(dst, causeNames[c]...)
	if reason != "" {
		dst = append(dst, " ("+reason+")"...)
	}
	return append(dst, '\n')
}

// pull is the dialled side: its lines are a body from the start.
type pull struct {
	session
	hops   int
	secure int // from which hop on targets want TLS
}

// NewPull is the dialled side: its lines are a body from the start.
func NewPull() codec.Dialled { return NewSecurePull(math.MaxInt) }

// NewSecurePull is a dialled side that wants TLS, once it has been redirected so often.
func NewSecurePull(redirects int) codec.Dialled {
	return &pull{session: session{body: true}, secure: redirects}
}

// Target is another host after each redirect.
func (p *pull) Target() codec.Target {
	return codec.Target{Address: fmt.Sprintf("source%d:80", p.hops), TLS: p.hops >= p.secure}
}

func (p *pull) AppendHello(dst []byte, proxied bool) []byte {
	p.hops++
	return fmt.Appendf(dst, "HELLO %d %v\n", p.hops, proxied)
}

// AppendEnd has nothing to say: only a [NewTalk] has.
func (p *pull) AppendEnd(dst []byte, _ codec.Cause, _ string) []byte { return dst }

// tunnel asks "TUNNEL target", and a proxy answers "OPEN" or with its refusal.
type tunnel struct {
	target string
	line   []byte
}

// NewTunnel is the conversation with a proxy about a target: it is asked "TUNNEL
// target", and answers "OPEN" or why not.
func NewTunnel(target string) codec.Tunnel { return &tunnel{target: target} }

func (t *tunnel) AppendHello(dst []byte) []byte {
	return append(dst, "TUNNEL "+t.target+"\n"...)
}

func (t *tunnel) Consume(b []byte) (n int, open bool, err error) {
	for n < len(b) && !bytes.HasSuffix(t.line, []byte("\n")) {
		t.line = append(t.line, b[n])
		n++
	}
	switch line, whole := strings.CutSuffix(string(t.line), "\n"); {
	case !whole:
		return n, false, nil
	case line == "OPEN":
		return n, true, nil
	default:
		return n, false, errors.New("the proxy said " + line)
	}
}

// NewFile reads a file of lines.
func NewFile() codec.Session { return &session{body: true} }

// SteadyRequests are the kinds of viewers that are never moved.
var SteadyRequests = []string{"PLAY live", "PLAY live plain", "PLAY live switch"}
