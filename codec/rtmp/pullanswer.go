package rtmp

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"streampump/codec"
	"streampump/codec/address"
	"streampump/codec/amf"
	"streampump/codec/http1"
)

// told is the event of a command of the source: an answer, a word on how the stream goes,
// or a call, of which there are few that want an answer.
func (p *pull) told(m *message) codec.Event {
	body := m.body
	if m.typ == typeCommand3 && len(body) > 0 {
		body = body[1:]
	}
	c, err := parseCommand(body)
	switch {
	case err != nil && p.stage < stagePlay:
		return broken(fmt.Errorf("the source sends what cannot be read: %w", err))
	case err != nil:
		return codec.Event{}
	}
	switch c.name {
	case "_result":
		return p.resulted(&c)
	case "_error":
		return p.failed(&c)
	case "onStatus":
		return p.status(&c)
	case "close":
		return broken(errors.New("the source has closed the connection to us (close)"))
	case "onBWDone":
		return p.measured()
	case "_onbwcheck":
		return p.reply(appendAnswered(p.say, c.id))
	}
	return codec.Event{}
}

// info is what a command brings that tells something: behind the command object, or in its
// place.
func (c *command) info() amf.Value {
	if v := c.args[0]; v.Raw != nil && v.Marker != amf.Null && v.Marker != amf.Undefined {
		return v
	}
	return c.object
}

// resulted is the event of an answer to a call.
func (p *pull) resulted(c *command) codec.Event {
	switch {
	case p.stage == stageConnect && c.id == callConnect:
		if field(c.info(), "level") == levelError {
			return p.failed(c)
		}
		p.stage = stageCreate
		return p.reply(p.appendCreate(nil))
	case p.stage == stageCreate && c.id == callCreate:
		id := c.info()
		if id.Marker != amf.Number || !(id.Number >= 0 && id.Number <= math.MaxUint32) {
			return broken(errors.New("the source answered createStream without the number of a stream"))
		}
		p.stage, p.stream = stagePlay, uint32(id.Number)
		return p.reply(p.appendPlay(nil))
	}
	return codec.Event{}
}

// failed is the event of an error that a call is answered with. Those that we can do
// without may fail.
func (p *pull) failed(c *command) codec.Event {
	if c.id == callBandwidth || p.stage == stagePlay && c.id != callPlay {
		return codec.Event{}
	}
	return p.refused(c)
}

// refused is the event of a source that does not let us have the stream, or sends us on
// for it.
func (p *pull) refused(c *command) codec.Event {
	if ex, ok := c.info().Field("ex"); ok {
		if app, whole := field(ex, "redirect"), field(ex, "redirect2"); app != "" || whole != "" {
			return p.redirected(app, whole)
		}
	}
	says := field(c.info(), "description")
	what := p.refusal(p.code(c), says)
	denied := isDenied(field(c.info(), "code"), says)
	if says = p.clean(says); says != "" {
		what = fmt.Sprintf("%s: it says %q", what, says)
	}
	_, asked, _ := strings.Cut(p.url.Target(), "?")
	switch {
	case denied && asked != "":
		return broken(fmt.Errorf("%s: %w", what, codec.ErrDenied))
	case denied:
		return broken(fmt.Errorf("%s; who we are goes into the query of its address, and that has none", what))
	}
	return broken(errors.New(what))
}

// deniedTexts are what servers say, in lower case, to a player that may not have a stream, with
// a code that says no more than that it gets none: those with the scheme named after Adobe,
// MediaMTX and others with gortmplib, and this one.
var deniedTexts = [...]string{
	"reason=authfailed", "reason=nosuchuser", "authentication failed", "unauthorized", "access denied",
	"password is wrong", "token is not good",
}

// isDenied reports whether a source refuses us for who we are.
func isDenied(code, says string) bool {
	says = strings.ToLower(says)
	return strings.HasSuffix(code, ".Denied") || strings.HasSuffix(code, ".Unauthorized") ||
		slices.ContainsFunc(deniedTexts[:], func(s string) bool { return strings.Contains(says, s) })
}

// code is that of a command, as a sentence can have it.
func (p *pull) code(c *command) string {
	code := p.clean(field(c.info(), "code"))
	switch {
	case code == "":
		return "an error"
	case strings.IndexFunc(code, address.Encoded) >= 0:
		return strconv.Quote(code)
	}
	return code
}

// refusal is the operator's sentence for the code of a refusal, and what the source says
// with it.
func (p *pull) refusal(code, says string) string {
	switch {
	case strings.Contains(says, "authmod=") && !isDenied(code, says):
		return "the source wants a user name and a password by a way that is not known here (authmod)"
	case code == "NetStream.Play.StreamNotFound":
		return "the source has no such stream now (" + code + ")"
	case code == "NetConnection.Connect.InvalidApp":
		app, _ := divide(p.url)
		return fmt.Sprintf("the source has no application %q (%s)", scheme.Shown(app), code)
	case p.from.media != nil:
		return "the source ends the stream with " + code
	case p.stage == stageConnect:
		return "the source answered connect with " + code
	case p.stage == stageCreate:
		return "the source answered createStream with " + code
	}
	return "the source answered play with " + code
}

// status is the event of a word on how the stream goes.
func (p *pull) status(c *command) codec.Event {
	switch code := field(c.info(), "code"); code {
	case "NetStream.Play.UnpublishNotify", "NetStream.Play.Stop", "NetStream.Play.Complete":
		return codec.Event{Kind: codec.Finish}
	case "NetStream.Failed", "NetStream.Play.Failed", "NetStream.Play.StreamNotFound",
		"NetConnection.Connect.Rejected", "NetConnection.Connect.InvalidApp", "NetConnection.Connect.Closed":
		return p.refused(c)
	}
	if field(c.info(), "level") == levelError {
		return p.refused(c)
	}
	return codec.Event{}
}

// data is the event of a data message. Some are about the play, and not of the stream.
func (p *pull) data(m *message) codec.Event {
	body := cleanData(m.typ, m.body)
	switch string(dataName(body)) {
	case "onStatus", "|RtmpSampleAccess":
		return codec.Event{}
	case "onPlayStatus":
		r := amf.NewReader(body)
		_, _ = r.Next()
		if info, err := r.Next(); err == nil && field(info, "code") == "NetStream.Play.Complete" {
			return codec.Event{Kind: codec.Finish}
		}
		return codec.Event{}
	}
	ev, _ := p.from.take(m)
	return ev
}

// measured answers, once, a server that has measured our bandwidth: with the call that it
// expects of players.
func (p *pull) measured() codec.Event {
	if p.checked {
		return codec.Event{}
	}
	p.checked = true
	return p.reply(appendMessage(p.say, commandChunks, typeCommand, 0, 0, amf.AppendNull(appendCall(nil, "_checkbw", callBandwidth))))
}

// controlled is the event of a user control message: a ping is answered. That a stream
// ends (StreamEOF) is said by nginx-rtmp between two encoders as well, and behind the
// second StreamBegin the stream goes on.
func (p *pull) controlled(b []byte) codec.Event {
	if event, echo, ok := userControl(b); ok && event == eventPing {
		return p.reply(appendUserControl(p.say, eventPong, echo))
	}
	return codec.Event{}
}

// clean is what a source says as it may be logged: some repeat what they were asked for,
// with the query, where servers want their passwords.
func (p *pull) clean(s string) string {
	if _, query, _ := strings.Cut(p.url.Target(), "?"); query != "" {
		s = strings.ReplaceAll(s, query, "…")
	}
	return http1.Clip(strings.TrimSpace(s))
}
