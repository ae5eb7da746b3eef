package conform

import (
	"errors"
	"io"
	"net"
	"strings"

	"streampump/bench/player"
	"streampump/bench/synth"
)

// playRows are about the request that asks for a stream, and its answer.
func playRows() []row {
	return []row{
		{16, "Play", "200, framed, without an end told, $H first and $D next", "[MS-WMSP] 2.2.2.6; VLC, libmms", steady, playAnswer},
		{17, "PlayAlone", "no Describe and no client-id are needed before", "radio programs", steady, playClient(player.PlayOnly)},
		{18, "PlayFFmpeg", "ffmpeg's last Pragma line, which runs into the next field, does no harm", "ffmpeg", steady, playClient(player.FFmpeg)},
		{19, "PlayRange", "Range: bytes=0- is answered 200 and not 206", "ffmpeg", steady, playRange},
		{20, "PlayPragmas", "tokens may be spread over several Pragma lines, in any order", "[MS-WMSP] 2.2.1.4; MPlayer, mpv", steady, playPragmas},
		{21, "LetterCase", "names of fields and tokens, agents and media types are known in any letter case", "RFC 9110, 5.1", steady, letterCase},
		// The specification lets a server chunk for who sends version11-enabled; we never do.
		{22, "PlayNotChunked", "HTTP/1.1 does not make the body chunked, nor does version11-enabled", "[MS-WMSP] 3.2.5.6", steady, playNotChunked},
		{32, "SessionTakenOver", "a Play of a session that is streaming takes it over, from the same address; from another it gets a session of its own", "[MS-WMSP] 3.2.5.6", steady, sessionTakenOver},
		{33, "SessionStays", "a closed Play frees its viewer, and its client-id is good for another", "[MS-WMSP] 3.2.7.1", steady, sessionStays},
		{0, "SessionExpires", "a session without a request is forgotten", "[MS-WMSP] 3.2.2", forgetful, sessionExpires},
		{0, "EveryPlayer", "every known player's Describe and Play, to the letter, are served", "ffmpeg, VLC, MPlayer, libmms, Windows Media Player", steady, everyPlayer},
		{0, "PlayKeepsListening", "what a player sends while it is streamed to disturbs nothing", "[MS-WMSP] 3.2.5.8", steady, playKeepsListening},
	}
}

func playAnswer(k *kit) {
	e := k.push(synth.Plain(rate))
	c, h := k.open(k.get(vlc, plays))
	k.want(h.Status == 200 && h.Get("Content-Type") == playing, "the answer is %v, %q", h, h.Get("Content-Type"))
	k.want(!h.Has("Content-Length") && !h.Has("Transfer-Encoding"), "the body's length or coding is told")
	e.send(1)
	for _, kind := range []byte{player.KindHeader, player.KindData} {
		p, err := c.Packet(k.ctx)
		k.check(err)
		k.want(p.Kind == kind, "$%c came where $%c should", p.Kind, kind)
	}
}

// playClient plays as a client does.
func playClient(client func() player.Client) func(k *kit) {
	return func(k *kit) {
		e := k.push(synth.Plain(rate))
		v := k.view(client(), player.Options{})
		e.send(gop)
		v.reaches(e)
		v.same(e, player.ByHash)
	}
}

// streams checks that a request gets the stream.
func (k *kit) streams(e *encoder, bytes string) {
	k.Helper()
	c, h := k.open(bytes)
	k.check(player.CheckPlay(h))
	v := k.watch(c, player.VLC(), player.Options{})
	e.send(1)
	v.reaches(e)
}

func playRange(k *kit) {
	k.streams(k.push(synth.Plain(rate)), k.get(vlc, "Range: bytes=0-", plays))
}

func playPragmas(k *kit) {
	e := k.push(synth.Plain(rate))
	k.streams(e, k.get(vlc,
		"Pragma: stream-switch-entry=ffff:2:0 ffff:1:0 ", "Pragma: unheard-of=\"a,xPlayStrm=0\",max-duration=0,xPlayStrm=1",
		"Pragma: stream-switch-count=2", "Pragma: no-cache,rate=1.000000,request-context=2"))
}

func letterCase(k *kit) {
	e := k.push(synth.Plain(rate))
	k.streams(e, k.get("uSER-aGENT: nsplayer/7.10.0.3059", "PRAGMA: NO-CACHE,XPLAYSTRM=1"))
	k.empty(204, k.post("user-agent: nsplayer/12.0", "CONTENT-TYPE: Application/X-WMS-LogStats;CharSet=utf-8", "content-length: 0"))
}

func playNotChunked(k *kit) {
	e := k.push(synth.Plain(rate))
	k.streams(e, k.get("HTTP/1.1", wmp, plays))
	k.streams(e, k.get("HTTP/1.1", wmp, plays, "Pragma: version11-enabled=1"))
}

func sessionTakenOver(k *kit) {
	e := k.push(synth.Plain(rate))
	c, h := k.open(k.get(wmp, plays))
	id := "Pragma: client-id=" + k.clientID(h)
	hanging := k.watch(c, player.VLC(), player.Options{})
	e.send(1)
	hanging.reaches(e)

	elsewhere := *k
	elsewhere.from = &net.TCPAddr{IP: net.IPv4(127, 0, 0, 2)}
	_, strange := elsewhere.open(k.get(wmp, plays, id))
	k.want(strange.Status == 200 && k.clientID(strange) != k.clientID(h), "a stranger is answered %v %v", strange, strange.Fields)
	e.send(1)
	hanging.reaches(e)

	c, back := k.open(k.get(wmp, plays, id))
	k.want(back.Status == 200 && k.clientID(back) == k.clientID(h), "the session is answered %v %v", back, back.Fields)
	hanging.over()
	v := k.watch(c, player.VLC(), player.Options{})
	e.send(1)
	v.reaches(e)
}

func sessionStays(k *kit) {
	k.push(synth.Plain(rate))
	c, h := k.open(k.get(wmp, plays))
	id := k.clientID(h)
	k.await("a viewer is counted", func() bool { return k.stream().Viewers == 1 })
	k.check(c.Close())
	k.await("no viewer is counted", func() bool { return k.stream().Viewers == 0 })
	_, h = k.open(k.get(wmp, plays, "Pragma: client-id="+id))
	_, reset := h.Pragma("xResetStrm")
	k.want(h.Status == 200 && k.clientID(h) == id && !reset, "the session %s is answered %v %v", id, h, h.Fields)
}

// sessionExpires has the pump for itself.
func sessionExpires(k *kit) {
	e := k.push(synth.Plain(rate))
	_, h := k.open(k.get(wmp, closes))
	id := k.clientID(h)
	k.check(e.End(k.ctx, 0))
	k.await("no session is left", func() bool { return k.snapshot().Sessions == 0 })
	k.refused(400, k.post(wmp, emptyBody, "Pragma: xKeepAliveInPause=1", "Pragma: client-id="+id), "session")
}

func everyPlayer(k *kit) {
	e := k.push(synth.Plain(rate))
	var viewers []*viewer
	for _, c := range player.Clients() {
		viewers = append(viewers, k.view(c, player.Options{}))
	}
	e.send(gop)
	k.check(e.End(k.ctx, 0))
	for _, v := range viewers {
		v.reaches(e)
		err := v.Verify(k.ctx, v.v, func(player.Counts) bool { return false })
		k.want(err == nil || errors.Is(err, io.EOF), "%v", err)
	}
}

func playKeepsListening(k *kit) {
	e := k.push(synth.Plain(rate))
	v := k.view(player.VLC(), player.Options{})
	_, err := v.Write([]byte(strings.Repeat(k.get(vlc)+"\x00\xFF", 50)))
	k.check(err)
	e.send(gop)
	v.reaches(e)
	v.same(e, player.ByHash)
}
