package conform

import (
	"fmt"
	"strings"

	"streampump/bench/answer"
	"streampump/bench/player"
	"streampump/bench/synth"
)

// requestRows are about what players ask besides, and about other clients.
func requestRows() []row {
	return []row{
		{35, "LogXML", "a log of XML is taken: 204, and no body", "[MS-WMSP] 2.2.2.4", steady, logXML},
		{36, "LogLine", "a log in a Pragma line is taken", "[MS-WMSP] 2.2.2.4", steady, logLine},
		{37, "LogGarbage", "a log that is none is taken too", "[MS-WMSP] note 74", steady, logGarbage},
		{38, "SelectStream", "a selection of streams is answered 200 and leaves the Play alone", "[MS-WMSP] 2.2.2.8", steady, selectStream},
		{39, "KeepAlive", "a keep-alive in a pause is answered 200", "[MS-WMSP] 2.2.2.3.1", steady, keepAlive},
		{40, "Options", "OPTIONS * tells what may be asked", "[MS-WMSP] 2.2.2.3.2", steady, options},
		{41, "SendEvent", "an event is taken without a client-id", "[MS-WMSP] 3.2.5.12", steady, sendEvent},
		{42, "GetContentInfo", "a cache that asks for content information is told that there is none", "[MS-WMSP] 2.2.2.2", steady, getContentInfo},
		{43, "RequestWithoutSession", "what belongs to a session is refused without one", "[MS-WMSP] 3.2.5.1", steady, requestWithoutSession},
		{44, "Browser", "a client that is no player gets an ASF file, not framed", "[MS-WMSP] note 69; ffmpeg, curl", steady, browser},
		{45, "RawPackets", "every packet of the file has the header's packet size", "[ASF] 5.2", steady, rawPackets},
		{46, "DownloadReader", "Windows' download reader, which says NSPlayer too, gets the file", "Media Foundation", steady, downloadReader},
		{0, "Stop", "a player's Stop ends its Play with $E and the connection's end", "[MS-WMSP] 3.2.5.10", steady, stop},
		{0, "ChoiceIsPlay", "a player's GET that only chooses streams, without xPlayStrm, is a Play", "PeerCastStation 1.8 to 2.9", steady, choiceIsPlay},
		{0, "Expect", "a peer that waits before it sends a body is told 100, whatever it POSTs, or refused at once", "RFC 9110, 10.1.1", steady, expect},
		{0, "PipelineRefused", "what follows only from an experiment is refused", "[MS-WMSP] 3.2.5.5", steady, pipelineRefused},
	}
}

// session is a Play that is streaming: its connection and client-id.
func (k *kit) session() (v *viewer, id string) {
	k.Helper()
	c, h := k.open(k.get(wmp, plays))
	return k.watch(c, player.VLC(), player.Options{}), "Pragma: client-id=" + k.clientID(h)
}

const logType = "Content-Type: application/x-wms-LogStats;charset=UTF-8"

func withBody(head, body string) string {
	return strings.TrimSuffix(head, "\r\n") + fmt.Sprintf("Content-Length: %d\r\n\r\n%s", len(body), body)
}

func logXML(k *kit) {
	const xml = "<XML><Summary>0.0.0.0 2026-11-23 10:00:00 - mms://pump/x 0 12 1 200</Summary></XML>"
	h := k.empty(204, withBody(k.post("HTTP/1.1", wmp, logType, unknownID), xml))
	k.want(strings.HasPrefix(h.Get("Server"), "Rex/"), "the server is %q", h.Get("Server"))
	// Players read as much as Content-Length says even of a 204; nothing may follow.
	_, body := k.final(withBody(k.post("HTTP/1.1", wmp, logType, closes), xml))
	k.want(body == "", "a 204 has the body %q", body)
}

func logLine(k *kit) {
	k.empty(204, k.post("HTTP/1.1", wmp, emptyBody, "Pragma: log-line=no-cache 0.0.0.0, 2026-11-23 10:00:00 - \"mms://pump/x\" 0 1"))
}

func logGarbage(k *kit) {
	h := k.status(204, withBody(k.post("HTTP/1.1", wmp, logType), "<XML>\x00\xFF<<<"+strings.Repeat("&", 3000)))
	k.want(h.Reason != "", "no reason phrase")
}

func selectStream(k *kit) {
	e := k.push(synth.Plain(rate))
	v, id := k.session()
	e.send(gop / 2)
	k.empty(200, k.post("HTTP/1.1", wmp, id, emptyBody, "Pragma: stream-switch-count=2", "Pragma: stream-switch-entry=1:1:2 2:2:0"))
	e.send(gop / 2)
	v.reaches(e)
	v.same(e, player.ByHash)
}

func keepAlive(k *kit) {
	k.push(synth.Plain(rate))
	_, id := k.session()
	k.empty(200, k.post("HTTP/1.1", wmp, id, emptyBody, "Pragma: xKeepAliveInPause=1"))
	// The target may be absolute.
	k.empty(200, request("POST http://pump.example:8086"+k.url(), wmp, id, emptyBody, "Pragma: xKeepAliveInPause=1"))
}

func options(k *kit) {
	h := k.empty(200, request("OPTIONS *", "HTTP/1.1", wmp))
	k.want(h.Get("Public") == "GET, POST, OPTIONS" && h.Get("Allow") == "OPTIONS", "the answer has %v", h.Fields)
}

func sendEvent(k *kit) {
	k.empty(200, withBody(k.post("HTTP/1.1", wmp, "Content-Type: application/x-wms-sendevent"), "<event/>"))
}

func getContentInfo(k *kit) {
	h := k.empty(200, withBody(k.post("HTTP/1.1", "User-Agent: WMCacheProxy/9.0", "Content-Type: application/x-wms-getcontentinfo"), "x"))
	k.want(h.Get("Cache-Control") == "no-cache", "Cache-Control is %q", h.Get("Cache-Control"))
}

func requestWithoutSession(k *kit) {
	for _, field := range []string{"Pragma: stream-switch-entry=1:1:0", "Pragma: xKeepAliveInPause=1", "Pragma: xStopStrm=1"} {
		k.refused(400, k.post("HTTP/1.1", wmp, field, unknownID, emptyBody), "session")
		k.refused(400, k.post("HTTP/1.1", wmp, field, emptyBody), "session")
	}
}

func browser(k *kit) {
	e := k.push(synth.Plain(rate))
	c, h := k.open(k.get("HTTP/1.1", firefox))
	k.plain(h)
	b, err := c.Body(k.ctx, int64(len(e.src.Header())))
	k.check(err)
	k.want(string(b[:4]) == "\x30\x26\xB2\x75", "the file begins with % x", b[:4])
}

func (k *kit) plain(h *answer.Head) {
	k.Helper()
	k.want(h.Get("Content-Type") == plainASF, "the media type is %q", h.Get("Content-Type"))
	k.check(player.CheckPlain(h))
}

func rawPackets(k *kit) {
	for i, s := range []synth.Spec{synth.Plain(rate), synth.EE4(30)} {
		k := k
		if i == 1 {
			k = k.second() // whose packets come without padding
		}
		e := k.push(s)
		v := k.view(player.Curl(), player.Options{})
		e.send(2 * gop)
		c := v.reaches(e)
		size := int64(len(e.src.Header()) + e.sent()*e.src.PacketSize())
		k.want(c.Bytes == size && c.Gaps == 0, "%d packets came in %d bytes, not %d", e.sent(), c.Bytes, size)
		v.same(e, player.ByContent)
	}
}

func downloadReader(k *kit) {
	e := k.push(synth.Plain(rate))
	v := k.view(player.Download(), player.Options{})
	e.send(gop)
	v.reaches(e)
}

func stop(k *kit) {
	e := k.push(synth.Plain(rate))
	v, id := k.session()
	e.send(3)
	v.reaches(e)
	k.empty(200, k.post("HTTP/1.1", wmp, id, emptyBody, "Pragma: xStopStrm=1"))
	v.over()
	k.check(v.Close())
	k.logged("viewer left", k.tag(), "reason=viewer_stopped")
}

func pipelineRefused(k *kit) {
	k.push(synth.Plain(rate))
	k.refused(400, k.get("HTTP/1.1", wmp, "Pragma: pipeline-request=1"))
	k.refused(400, k.get("HTTP/1.1", wmp, "Pragma: xPlayNextEntry=1"))
}

func choiceIsPlay(k *kit) {
	e := k.push(synth.Plain(rate))
	const station = "User-Agent: NSPlayer (PeerCastStation/1.8.1.0)"
	for _, choice := range []string{"stream-switch", "stream-switch-count=1", "stream-switch-count=2", "stream-switch-entry=ffff:1:0 ffff:2:0"} {
		k.streams(e, k.get("HTTP/1.1", station, closes, "Pragma: "+choice))
	}
	// With a session it is what it says, and without one that we know an error.
	_, id := k.session()
	k.empty(200, k.get("HTTP/1.1", wmp, id, "Pragma: stream-switch-entry=ffff:1:0"))
	k.refused(400, k.get("HTTP/1.1", wmp, unknownID, "Pragma: stream-switch-entry=ffff:1:0"), "session")
}

// waits is the field of a peer that holds its body back.
const waits = "Expect: 100-continue"

func expect(k *kit) {
	for _, c := range []struct {
		head string
		last int
	}{
		{k.post("HTTP/1.1", wmp, logType, waits, "Content-Length: 6"), 204},
		{k.post("HTTP/1.1", wmp, "Content-Type: application/x-wms-sendevent", waits, "Content-Length: 6"), 200},
		{k.post("HTTP/1.1", wmp, "Content-Type: application/x-wms-getcontentinfo", waits, "Content-Length: 6"), 200},
		{request("POST "+k.pushURL(), "HTTP/1.1", setupType, waits, "Content-Length: 6"), 204},
	} {
		conn, h := k.open(c.head)
		k.want(h.Status == 100, "the answer is %v and not 100", h)
		h = k.ask(conn, "<XML/>")
		k.want(h.Status == c.last, "the answer is %v and not %d", h, c.last)
	}
	k.status(204, withBody(k.post("HTTP/1.0", wmp, logType, waits), "<XML/>"))
	k.refused(400, k.post("HTTP/1.1", firefox, waits, "Content-Length: 6"), "without a Content-Type")
	k.refused(413, k.post("HTTP/1.1", wmp, logType, waits, "Content-Length: 100000000"), "100000000 bytes")
	k.refused(404, request("POST /streams/nothing-here_push", "HTTP/1.1", startType, waits, "Content-Length: 100"), "no such stream")
	// The body of a start may be longer than any patience.
	conn, h := k.open(request("POST "+k.pushURL(), "HTTP/1.1", startType, waits, "Content-Length: 2147483647"))
	k.want(h.Status == 100, "the answer is %v and not 100", h)
	_, err := conn.Write([]byte("$E\x04\x00\x00\x00\x00\x00"))
	k.check(err)
	k.logged("encoder's session is over", k.tag())
}
