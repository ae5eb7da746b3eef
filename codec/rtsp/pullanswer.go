package rtsp

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"streampump/codec"
	"streampump/codec/address"
	"streampump/codec/http1"
	"streampump/codec/sdp"
)

// maxInterim is how many answers may come that are none yet.
const maxInterim = 10

// answered is the event of an answer. One that nothing waits for is passed over: to a
// keep-alive that was sent before the last, or sent twice by the source.
func (p *pull) answered(m *message) codec.Event {
	r, a := m.answer, p.open
	switch {
	case a.method == "" || isOlder(r.Fields, a.cseq):
		return codec.Event{}
	case r.Status < 200:
		if p.interim++; p.interim > maxInterim {
			return bad(fmt.Errorf("the source has sent %d interim answers and no final one", p.interim))
		}
		return codec.Event{}
	case r.Status == 401:
		return p.challenged(r)
	}
	p.open.method = ""
	p.who.believed = p.who.believed || a.shown
	switch {
	case p.stage == stageOptions:
		p.alive.params = r.Fields.Token("Public", "GET_PARAMETER")
		return p.describe()
	case p.stage == stagePlaying:
		p.kept(a.method, r.Status)
		return codec.Event{}
	case isRedirect(r.Status):
		return p.redirected(r.Fields, "answered "+r.Said())
	case r.Status == statusTransport && p.stage == stageSetup && p.track == 0 && !p.apart.on:
		return p.askApart(r)
	case r.Status > 299:
		return bad(p.refused(a.method, m))
	}
	switch p.stage {
	case stageDescribe:
		return p.described(m)
	case stageSetup:
		return p.setUp(r)
	default:
		p.stage, p.alive.due = stagePlaying, p.now+p.alive.every
		return codec.Event{}
	}
}

// isOlder reports whether an answer is to a request before the one of this number. One
// that says nothing readable is taken for an answer to the last.
func isOlder(f http1.Fields, cseq uint32) bool {
	n, err := strconv.ParseUint(f.Get("CSeq"), 10, 32)
	return err == nil && uint32(n) < cseq
}

// isRedirect reports whether a status sends us on. A 305 would be a proxy, of which RTSP
// has none here.
func isRedirect(status int) bool {
	return status >= 300 && status <= 303 || status == 307 || status == 308
}

// refused is the operator's sentence for a request that the source refuses. Some say why
// in a text, another pump among them.
func (p *pull) refused(method string, m *message) error {
	what, r := method, m.answer
	if p.stage == stageSetup {
		if r.Status == statusTransport {
			return p.mixes(r.Said())
		}
		what = p.theSetup()
	}
	if line, _, _ := strings.Cut(strings.TrimSpace(string(m.body)), "\n"); line != "" && contentType(r.Fields) == "text/plain" {
		return fmt.Errorf("the source answered %s to %s: it says %q", r.Said(), what, http1.Clip(strings.TrimSpace(line)))
	}
	return fmt.Errorf("the source answered %s to %s", r.Said(), what)
}

// theSetup is the SETUP of the present track, in a sentence.
func (p *pull) theSetup() string {
	return fmt.Sprintf("SETUP of track %d (%s)", p.track+1, &p.from.media.tracks()[p.track])
}

// describe asks for the stream's description.
func (p *pull) describe() codec.Event {
	return p.send(stageDescribe, "DESCRIBE", p.url.String(), "Accept: application/sdp\r\n")
}

// described takes the description and begins to set its tracks up.
func (p *pull) described(m *message) codec.Event {
	d, err := sdp.Parse(m.body)
	switch {
	case err != nil && len(m.body) == 0:
		return bad(errors.New("the source answered DESCRIBE without a description"))
	case err != nil:
		return bad(err)
	}
	d.Media = wanted(d.Media)
	if len(d.Media) == 0 {
		return bad(errors.New("the source's description (SDP) has no track to pull: only data, and neither pictures nor sound"))
	}
	p.base = p.baseOf(d.Control, m.answer.Fields)
	p.tracks = nil
	for i := range d.Media {
		p.tracks = append(p.tracks, p.trackAddress(d.Media[i].Control))
	}
	for _, at := range append([]string{p.base}, p.tracks...) {
		if len(at) > address.MaxLen {
			return bad(fmt.Errorf("the source gives its stream or a track an address of %d bytes", len(at)))
		}
	}
	if p.from.media, err = newMedia(d); err != nil {
		return bad(err)
	}
	return p.setUpNext(0)
}

// wanted are the media that are pulled: not what is neither picture nor sound (ONVIF's
// metadata), and not what the source would play (ONVIF's way back). One that says of all
// that they are sent only says it of itself.
func wanted(all []sdp.Media) (out []sdp.Media) {
	var sent []sdp.Media
	for _, m := range all {
		switch {
		case m.Kind == "application":
		case m.SendOnly:
			sent = append(sent, m)
		default:
			out = append(out, m)
		}
	}
	if out == nil {
		return sent
	}
	return out
}

// baseOf is the address of the whole stream: what its description says for all media, or
// what addresses in it begin with (RFC 2326, C.1.1).
func (p *pull) baseOf(control string, f http1.Fields) string {
	if _, _, ok := cutScheme(control); ok || strings.HasPrefix(control, "/") {
		return atServer(p.url, control)
	}
	for _, name := range [...]string{"Content-Base", "Content-Location"} {
		if v := f.Get(name); v != "" {
			return atServer(p.url, v)
		}
	}
	return p.url.String()
}

// trackAddress is that of a track with this control attribute. One that is not absolute
// is put behind the base, as servers expect, whose bases often lack the slash that the
// rules for relative addresses want.
func (p *pull) trackAddress(control string) string {
	if control == "" || control == "*" {
		return p.base
	}
	if _, _, ok := cutScheme(control); ok {
		return atServer(p.url, control)
	}
	control = escape(control)
	switch slash := strings.HasSuffix(p.base, "/"); {
	case slash:
		return p.base + strings.TrimPrefix(control, "/")
	case strings.HasPrefix(control, "/") || strings.HasPrefix(control, "?"):
		return p.base + control
	}
	return p.base + "/" + control
}

// setUpNext asks for a track, or for the packets of all if there is none left.
func (p *pull) setUpNext(track int) codec.Event {
	if p.track = track; track < len(p.tracks) {
		return p.send(stageSetup, "SETUP", p.tracks[track], string(p.appendWay(nil, track))+"\r\n")
	}
	p.in.wanted() // over the connection there may be packets of nobody
	if p.apart.on {
		return p.playApart()
	}
	return p.play()
}

// play asks for the packets of all tracks.
func (p *pull) play() codec.Event {
	return p.send(stagePlay, "PLAY", p.base, "Range: npt=0.000-\r\n")
}

// setUp takes the answer to SETUP.
func (p *pull) setUp(r *http1.Response) codec.Event {
	err := p.takeSession(r.Fields)
	switch {
	case err != nil:
	case p.apart.on:
		err = p.setUpApart(r.Fields)
	default:
		err = p.setUpHere(r.Fields)
	}
	if err != nil {
		return bad(err)
	}
	return p.setUpNext(p.track + 1)
}

// setUpHere takes the answer to a SETUP over TCP. Its channels are where the packets will
// come, whatever was asked for; an answer that names none means those that were.
func (p *pull) setUpHere(f http1.Fields) error {
	t, ok := transportOf(f, false, false)
	if !ok && f.Has("Transport") {
		return fmt.Errorf("the source wants to send over UDP, although TCP was asked for: its Transport is %q", http1.Clip(f.Get("Transport")))
	}
	if channels, ok := p.from.connect(p.track, t); !ok {
		return fmt.Errorf("the source gives track %d the channels %d and %d, and one of them is another track's", p.track+1, channels[0], channels[1])
	}
	return nil
}
