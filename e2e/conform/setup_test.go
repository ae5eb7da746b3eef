package conform

import (
	"strings"
	"time"

	"streampump/bench/answer"
	"streampump/bench/player"
	"streampump/bench/push"
	"streampump/bench/synth"
)

// setupRows are about how a push begins, and its session.
func setupRows() []row {
	return []row{
		{47, "PushSetup", "a setup gets 204 with a push-id, and the connection stays", "[MS-WMHTTP] 3.2.5.1", steady, pushSetup},
		{48, "PushSetupEmpty", "its body may be empty", "[MS-WMHTTP] 2.2.2.1", steady, pushSetupEmpty},
		{49, "PushSetupOld", "HTTP/1.0 with Keep-Alive keeps the connection too", "[MS-WMHTTP] 3.2.5.1", steady, pushSetupOld},
		{50, "PushLetterCase", "the fields of the answer are spelled as encoders compare them", "Windows Media Encoder 9", steady, pushLetterCase},
		{51, "PushStart", "a start gets no answer; viewers have $H and $D as soon as they are pushed", "[MS-WMHTTP] 3.2.5.1", steady, pushStart},
		{52, "PushElsewhere", "the start may come on another connection", "[MS-WMHTTP] 3.1.4.2.1", steady, pushElsewhere},
		{58, "PushSilent", "an encoder that sends no packet is told 408 and its session is gone; $F is no packet", "[MS-WMHTTP] 3.2.6.1", idle, pushSilent},
		{59, "PushResumed", "an encoder that was cut off goes on with the same push-id", "[MS-WMHTTP] 3.2.7.1", steady, pushResumed},
		{60, "PushUnused", "a session without a start is deleted", "[MS-WMHTTP] 3.2.6.2", inactive, pushUnused},
		{61, "PushTwice", "a second start of a session that is sending is refused and changes nothing", "[MS-WMHTTP] 3.2.5.2", steady, pushTwice},
		{0, "PushWithoutSession", "a start with a push-id of nobody gets a session, as with Windows Media Services", "[MS-WMHTTP] note 13", steady, pushWithoutSession},
		{0, "PushNowhere", "404 for an encoder at a path that takes no push", "[MS-WMHTTP] 3.2.5.1", steady, pushNowhere},
	}
}

// setupHead is a PushSetup with a push-id and fields before it.
func (k *kit) setupHead(id, body string, fields ...string) string {
	fields = append(fields, setupType, "User-Agent: WMEncoder/11.0.5721.5145", "Cookie: push-id="+id)
	return withBody(request("POST "+k.pushURL(), fields...), body)
}

// pushID checks the answer to a setup and returns its push-id.
func (k *kit) pushID(h *answer.Head) string {
	k.Helper()
	k.want(h.Status == 204, "a setup is answered %v", h)
	n, ok := h.ContentLength()
	k.want(ok && n == 0, "Content-Length is %q", h.Get("Content-Length"))
	name, _, _ := strings.Cut(h.Get("Server"), "/")
	k.want(name == "Cougar" || name == "Rex", "the server is %q", h.Get("Server"))
	id, ok := strings.CutPrefix(h.Get("Set-Cookie"), "push-id=")
	k.want(ok && id != "" && id != "0" && len(id) <= 255, "the cookie is %q", h.Get("Set-Cookie"))
	return id
}

// asksTwice checks that a setup is answered, and a second one on the same connection.
func (k *kit) asksTwice(body string, fields ...string) {
	k.Helper()
	c, h := k.open(k.setupHead("0", body, fields...))
	id := k.pushID(h)
	k.want(strings.EqualFold(h.Get("Connection"), "keep-alive"), "the connection is %q", h.Get("Connection"))
	k.want(k.pushID(k.ask(c, k.setupHead(id, body, fields...))) == id, "a setup of the session %s opens another", id)
	k.want(k.pushID(k.ask(c, k.setupHead("0", body, fields...))) != id, "a new session has the id of another")
}

func pushSetup(k *kit)      { k.asksTwice(push.AutoDestroy, "HTTP/1.1") }
func pushSetupEmpty(k *kit) { k.asksTwice("", "HTTP/1.1") }
func pushSetupOld(k *kit)   { k.asksTwice(push.AutoDestroy, "HTTP/1.0", keeps) }

func pushLetterCase(k *kit) {
	_, h := k.open(k.setupHead("0", push.AutoDestroy, "HTTP/1.1"))
	for _, name := range []string{"Server", "Content-Length", "Pragma", "Cache-Control", "Set-Cookie", "Supported", "Connection"} {
		_, ok := h.Spelled(name)
		k.want(ok, "the answer has no %s in this spelling: %v", name, h.Fields)
	}
}

func pushStart(k *kit) {
	e := k.encoder(synth.Plain(rate), push.Options{})
	e.setup()
	e.header(push.Endless)
	v := k.view(player.VLC(), player.Options{}) // has $H already
	for range 5 {
		e.send(1)
		v.reaches(e) // each $D comes without another behind it
	}
	k.want(!e.Answered(), "the encoder is answered in the middle of its body")
}

func pushElsewhere(k *kit) {
	_, h := k.open(k.setupHead("0", push.AutoDestroy, "HTTP/1.1"))
	e := k.encoder(synth.Plain(rate), push.Options{PushID: k.pushID(h)})
	e.begin(push.Endless)
	e.send(1)
	k.view(player.VLC(), player.Options{}).packets(1)
}

func pushSilent(k *kit) {
	_, h := k.open(k.setupHead("0", "", "HTTP/1.1"))
	id := k.pushID(h)
	const look = 20 * time.Millisecond // how often there is filler, within the timer
	e := k.encoder(synth.Plain(rate), push.Options{PushID: id})
	k.check(e.Start(k.ctx, push.Endless))
	k.check(e.Header(k.ctx, e.src.Header()))
	for !e.Answered() {
		select {
		case <-time.After(look):
		case <-k.ctx.Done():
		}
		_ = e.Filler(k.ctx, 100) // after the answer it may fail
	}
	e.refused(408, "no packet")
	k.logged("encoder's session is over", k.tag(), "sent no packet")
	k.refused(400, k.setupHead(id, ""), "session")
}

func pushResumed(k *kit) {
	e := k.push(synth.Plain(rate))
	v := k.view(player.VLC(), player.Options{})
	e.send(gop)
	cut := e.next()
	k.check(e.Raw(k.ctx, []byte{'$', 'D', byte(len(cut)), byte(len(cut) >> 8)}))
	k.check(e.Raw(k.ctx, cut[:len(cut)/2]))
	k.check(e.Close())
	k.source("held")
	again := k.encoder(synth.Plain(rate), push.Options{PushID: e.PushID()})
	k.check(again.Start(k.ctx, push.Endless))
	k.check(again.Data(k.ctx, cut))
	k.source("up")
	e.Client = again.Client
	e.send(gop)
	v.reaches(e)
	k.want(v.same(e, player.ByHash) == e.sent()-1, "packets differ")
}

func pushUnused(k *kit) {
	c, h := k.open(k.setupHead("0", push.AutoDestroy, "HTTP/1.1"))
	id := k.pushID(h)
	k.want(k.rest(c) == "", "an unused connection is told something")
	k.logged("session has expired", k.tag())
	k.refused(400, k.setupHead(id, ""), "session")
}

func pushTwice(k *kit) {
	e := k.push(synth.Plain(rate))
	v := k.view(player.VLC(), player.Options{})
	second := k.encoder(synth.Plain(rate), push.Options{PushID: e.PushID()})
	k.check(second.Start(k.ctx, push.Endless))
	second.refused(409, "sending on another connection")
	k.logged("encoder is refused", "path="+k.path, "sending on another connection")
	e.send(gop)
	v.reaches(e)
	v.same(e, player.ByHash)
}

func pushWithoutSession(k *kit) {
	e := k.encoder(synth.Plain(rate), push.Options{PushID: "12345"})
	e.begin(push.Endless)
	e.send(1)
	k.view(player.VLC(), player.Options{}).packets(1)
}

func pushNowhere(k *kit) {
	for _, path := range []string{"/streams/nothing-here_push", k.url(), "/", "/streams/_push"} {
		for _, kind := range []string{setupType, startType} {
			k.refused(404, request("POST "+path, "HTTP/1.1", kind, "Content-Length: 16", "Cookie: push-id=0")+push.AutoDestroy, "no such stream")
		}
	}
	k.logged("encoder is refused", "path="+k.url()+" ")
}
