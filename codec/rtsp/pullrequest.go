package rtsp

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"streampump/codec"
	"streampump/codec/http1"
)

// asking is a request of ours whose answer is awaited. One without a method is none.
type asking struct {
	method, url string
	fields      string // further ones, whole lines
	cseq        uint32
	shown       bool // it brings what we prove ourselves with
	again       bool // it brought that before
}

// appendRequest appends a request of ours.
func (p *pull) appendRequest(dst []byte, method, url, fields string) []byte {
	p.open = asking{method: method, url: url, fields: fields}
	return p.appendOpen(dst)
}

// appendOpen appends the open request, for the first time or once more.
func (p *pull) appendOpen(dst []byte) []byte {
	a := &p.open
	p.cseq++
	a.cseq, a.shown = p.cseq, p.who.asked
	dst = append(append(append(append(dst, a.method...), ' '), a.url...), " RTSP/1.0\r\n"...)
	dst = http1.AppendInt(dst, "CSeq", int64(a.cseq))
	if a.shown {
		dst = p.who.append(dst, &p.o, a)
	}
	dst = http1.AppendField(dst, "User-Agent", p.o.Agent)
	if p.session != "" {
		dst = http1.AppendField(dst, "Session", p.session)
	}
	return http1.AppendBlank(append(dst, a.fields...))
}

// send makes a request what the next Answer says.
func (p *pull) send(next stage, method, url, fields string) codec.Event {
	p.stage = next
	p.say = p.appendRequest(nil, method, url, fields)
	return codec.Event{Kind: codec.Reply}
}

// identity is how we prove ourselves on a connection.
type identity struct {
	asked     bool // the source wants it: challenge
	challenge http1.Challenge
	nonce     string // ours
	count     uint32 // requests that the challenge was met in
	believed  bool   // the source has accepted one
}

// append appends the Authorization of a request.
func (i *identity) append(dst []byte, o *PullOptions, a *asking) []byte {
	i.count++
	return i.challenge.AppendAuthorization(dst, http1.Answer{
		User: o.User, Password: o.Password, Method: a.method, URI: a.url, ClientNonce: i.nonce, Count: i.count,
	})
}

// challenged repeats a request with what the source wants to be shown. It does so once,
// and once more if the source says that what was shown is right and too old, or took it
// before: some cameras lock an account after a few wrong passwords.
func (p *pull) challenged(r *http1.Response) codec.Event {
	c, known := http1.Best(r.Fields.Challenges())
	said := "the source answered " + r.Said()
	switch a := &p.open; {
	case !known && !a.shown && p.stage == stageOptions:
		return p.describe() // which will be asked for it in full
	case p.o.User == "":
		return bad(fmt.Errorf("%s: it wants a user name and a password, and the stream has none", said))
	case !p.url.SamePlace(p.o.URL):
		return bad(fmt.Errorf("%s: it wants a user name and a password, and ours are only for %s, which has redirected us", said, p.o.URL.HostPort()))
	case a.shown && (a.again || !known || !p.mayRepeat(&c)): // MediaMTX then asks for nothing
		return bad(fmt.Errorf("%s: %w", said, codec.ErrDenied))
	case !known:
		return bad(fmt.Errorf("%s, and wants neither Basic nor Digest with MD5 or SHA-256, which is all that is known here", said))
	}
	p.open.again = p.open.shown
	p.who = identity{asked: true, challenge: c, believed: p.who.believed}
	if !c.Basic && p.o.ClientNonce != nil {
		p.who.nonce = p.o.ClientNonce()
	}
	p.say = p.appendOpen(nil)
	return codec.Event{Kind: codec.Reply}
}

// mayRepeat reports whether a source that has been shown something only wants it anew.
func (p *pull) mayRepeat(c *http1.Challenge) bool {
	return !c.Basic && (c.Stale || p.who.believed && c.Nonce != p.who.challenge.Nonce)
}

// keepAlive is what the source is told for as long as its packets are wanted.
type keepAlive struct {
	every  time.Duration
	due    time.Duration // when the next one is, by the time of ticks
	params bool          // the source knows GET_PARAMETER
}

const (
	// waiting is how often a session ticks that has nothing to say yet.
	waiting = time.Second
	// earlier is how long before a session's end its keep-alive comes, if that is less
	// than half of its time.
	earlier = 5 * time.Second
	// maxTimeout is the longest that a session is believed to live.
	maxTimeout = 24 * time.Hour
)

// everyOf is how often a session with this timeout is kept alive.
func everyOf(timeout time.Duration) time.Duration {
	return max(timeout-earlier, timeout/2)
}

// Tick implements [codec.Ticking].
func (p *pull) Tick(dst []byte, now time.Duration) (out []byte, next time.Duration) {
	p.now = now
	if p.stage != stagePlaying {
		return dst, now + waiting
	}
	if now >= p.alive.due {
		dst = p.appendKeepAlive(dst)
		p.alive.due = now + p.alive.every
	}
	if p.hears() && !p.from.headed { // what opens the way may be lost, too
		return dst, min(p.alive.due, now+waiting)
	}
	return dst, p.alive.due
}

// appendKeepAlive appends what shows that we are still there. It goes to the stream's
// own address, because some cameras take it for no other. GET_PARAMETER is what servers
// expect, if they know it, and answer; else it is OPTIONS.
func (p *pull) appendKeepAlive(dst []byte) []byte {
	p.past.deaf = p.past.deaf || p.past.asked
	p.past.asked = p.alive.params && !p.past.deaf
	if p.past.asked {
		return p.appendRequest(dst, "GET_PARAMETER", p.base, "")
	}
	return p.appendRequest(dst, "OPTIONS", p.base, "")
}

// kept notes the answer to a keep-alive: that there is one is all that counts, but for
// a method that the source does not know after all.
func (p *pull) kept(method string, status int) {
	if method == "GET_PARAMETER" {
		p.past.asked = false
		p.past.deaf = p.past.deaf || status == 405 || status == 501 || status == 400 || status == statusOption
	}
}

// takeSession notes the session that an answer to SETUP opens, and how long it lives
// without a request (RFC 2326, 12.37). Without a timeout it is a minute.
func (p *pull) takeSession(f http1.Fields) error {
	id, rest, _ := strings.Cut(f.Get("Session"), ";")
	if id = strings.TrimSpace(id); len(id) > maxSession {
		return fmt.Errorf("the id of the source's session has %d bytes", len(id))
	}
	if id != "" {
		p.session = strings.Clone(id)
	}
	timeout := DefaultTimeout
	for rest != "" {
		var one string
		one, rest, _ = strings.Cut(rest, ";")
		name, value, _ := strings.Cut(one, "=")
		n, err := strconv.ParseUint(strings.TrimSpace(value), 10, 32)
		if strings.EqualFold(strings.TrimSpace(name), "timeout") && err == nil && n > 0 {
			timeout = min(time.Duration(n)*time.Second, maxTimeout)
		}
	}
	p.alive.every = everyOf(timeout)
	return nil
}

// maxSession is the longest id of a session that is said back.
const maxSession = 256
