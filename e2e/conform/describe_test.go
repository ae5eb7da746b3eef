package conform

import (
	"encoding/binary"
	"strings"

	"streampump/bench/answer"
	"streampump/bench/player"
	"streampump/bench/synth"
)

// describeRows are about the request that asks for a stream's header only.
func describeRows() []row {
	return []row{
		{1, "Describe", "a player's GET without xPlayStrm gets one $H, and exactly Content-Length bytes", "[MS-WMSP] 2.2.2.1", steady, describeEnds},
		{2, "PlayStreamZero", "xPlayStrm=0 is a Describe too", "[MS-WMSP] 2.2.2.1", steady, describeZero},
		{3, "DescribeNotChunked", "no Transfer-Encoding, whatever version asks", "[MS-WMSP] 2.2.2.1", steady, describeNotChunked},
		{4, "ServerName", "the server calls itself Rex or Cougar; below 9 if it is a Cougar", "[MS-WMSP] 3.1.5.3, 3.2.5.2", steady, serverName},
		{5, "DescribeType", "the media type is that of a header, without parameters", "[MS-WMSP] 3.2.5.4; Media Foundation, MPlayer", steady, describeType},
		{6, "PragmaTokens", "no-cache, client-id and features are there", "[MS-WMSP] 2.2.2.1", steady, pragmaTokens},
		{7, "Features", "broadcast is the first feature, seekable is none", "[MS-WMSP] 2.2.1.4.8; MPlayer, libmms", steady, features},
		{8, "ClientIDsDiffer", "each Describe opens a session of its own", "[MS-WMSP] 3.2.3", steady, clientIDsDiffer},
		{9, "HeaderBytes", "the $H is to the byte what the framing says, and holds a whole header", "[MS-WMSP] 2.2.3.5", steady, headerBytes},
		{10, "ReasonPhrase", "the status line ends in words", "libmms", steady, reasonPhrase},
		{11, "NoExperiments", "an experiment that is asked for is not answered, and no $P is sent", "[MS-WMSP] 3.2.5.4", steady, noExperiments},
		{12, "KeptConnection", "a Play may follow on a Describe's connection that was not to be closed", "[MS-WMSP] 3.1.4.3.1, 4.11", steady, keptConnection},
		{13, "DescribeCloses", "with Connection: Close the body is followed by the connection's end, not by a timer", "VLC, libmms", steady, describeCloses},
		{14, "NothingThere", "404 for a path without a stream, 503 for a stream without a source, never framed", "[MS-WMSP] 3.2.5.4", steady, nothingThere},
		{15, "UnknownClientID", "a Describe with a client-id of nobody gets a new one, and xResetStrm", "[MS-WMSP] 3.2.5.4", steady, unknownClientID},
	}
}

// described brings the row's stream up and describes it as VLC does.
func (k *kit) described(fields ...string) description {
	k.Helper()
	k.push(synth.Plain(rate))
	return k.describe(append(fields, vlc, closes)...)
}

// description is an answer and its body.
type description struct {
	*answer.Head
	conn *player.Conn
	body string
}

func (k *kit) describe(fields ...string) description {
	k.Helper()
	c, h := k.open(k.get(fields...))
	k.want(h.Status == 200, "a Describe is answered %v", h)
	return description{h, c, k.body(c, h)}
}

func describeEnds(k *kit) {
	d := k.described()
	k.header(d.body)
	k.want(k.rest(d.conn) == "", "bytes follow the body")
}

func describeZero(k *kit) {
	d := k.described("Pragma: xPlayStrm=0")
	k.header(d.body)
	k.want(k.rest(d.conn) == "", "bytes follow the body")
}

func describeNotChunked(k *kit) {
	k.push(synth.Plain(rate))
	for _, version := range []string{"HTTP/1.0", "HTTP/1.1"} {
		d := k.describe(version, vlc, closes, "Pragma: version11-enabled=1")
		k.want(!d.Has("Transfer-Encoding"), "%s: the body is in a transfer encoding", version)
		k.header(d.body)
	}
}

func serverName(k *kit) {
	name, version, _ := strings.Cut(k.described().Get("Server"), "/")
	k.want(name == "Rex" || name == "Cougar" && version < "9", "the server is %s/%s", name, version)
}

func describeType(k *kit) {
	d := k.described()
	k.want(d.Get("Content-Type") == describing, "the media type is %q", d.Get("Content-Type"))
}

func pragmaTokens(k *kit) {
	d := k.described()
	for _, token := range []string{"no-cache", "client-id", "features"} {
		_, ok := d.Pragma(token)
		k.want(ok, "Pragma lacks %s", token)
	}
	k.clientID(d.Head)
}

func features(k *kit) {
	f, _ := k.described().Pragma("features")
	first, _, _ := strings.Cut(f, ",")
	k.want(first == "broadcast" && !strings.Contains(f, "seekable"), "the features are %q", f)
}

func clientIDsDiffer(k *kit) {
	one := k.clientID(k.described().Head)
	k.want(one != k.clientID(k.describe(vlc, closes).Head), "two sessions have the client-id %s", one)
}

func headerBytes(k *kit) {
	d := k.described()
	b := []byte(d.body)
	n, _ := d.ContentLength()
	const guid, data = "\x30\x26\xB2\x75", "\x36\x26\xB2\x75"
	k.want(string(b[:2]) == "$H" && int64(binary.LittleEndian.Uint16(b[2:])) == n-4, "the framing is % x of %d bytes", b[:4], n)
	k.want(string(b[4:10]) == "\x00\x00\x00\x00\x00\x0C" && string(b[10:12]) == string(b[2:4]), "the MMS header is % x", b[4:12])
	payload := b[12:]
	size := binary.LittleEndian.Uint64(payload[16:])
	k.want(string(payload[:4]) == guid && int(size)+50 == len(payload), "the header claims %d of %d bytes", size, len(payload))
	tail := payload[size:]
	k.want(string(tail[:4]) == data && string(tail[48:]) == "\x01\x01", "the Data Object is % x", tail)
}

func reasonPhrase(k *kit) {
	k.want(k.described().Reason != "", "the status line has no reason phrase")
}

func noExperiments(k *kit) {
	d := k.described("Pragma: packet-pair-experiment=1", "Pragma: pipeline-experiment=1")
	for _, token := range []string{"packet-pair-experiment", "pipeline-experiment"} {
		_, ok := d.Pragma(token)
		k.want(!ok, "Pragma has %s", token)
	}
	k.header(d.body) // and nothing else
}

func keptConnection(k *kit) {
	e := k.push(synth.Plain(rate))
	c, h := k.open(k.get("HTTP/1.1", wmp))
	k.want(strings.EqualFold(h.Get("Connection"), "keep-alive"), "the connection is %q", h.Get("Connection"))
	k.header(k.body(c, h))
	h = k.ask(c, k.get("HTTP/1.1", wmp, plays, "Pragma: client-id="+k.clientID(h)))
	k.check(player.CheckPlay(h))
	v := k.watch(c, player.VLC(), player.Options{})
	e.send(3)
	v.packets(3)
}

func describeCloses(k *kit) {
	d := k.described()
	k.want(strings.EqualFold(d.Get("Connection"), "close"), "the connection is %q", d.Get("Connection"))
	k.want(k.rest(d.conn) == "", "bytes follow the body")
}

func nothingThere(k *kit) {
	for _, field := range []string{vlc, wmp, firefox} {
		k.refused(404, request("GET /streams/nothing-here", field, plays), "no such stream")
		k.refused(404, request("GET /elsewhere", field, plays), "no such stream")
		k.refused(503, k.get(field, plays), "no source")
		k.refused(503, k.get(field), "no source")
	}
}

func unknownClientID(k *kit) {
	k.push(synth.Plain(rate))
	d := k.describe(wmp, unknownID, closes)
	reset, _ := d.Pragma("xResetStrm")
	id, _ := d.Pragma("client-id")
	k.want(reset == "1" && id != "7", "xResetStrm is %q and the client-id %s", reset, id)
	// Players below 7.0 would owe us another order of packets after it.
	d = k.describe("User-Agent: NSPlayer/4.1.0.3856", unknownID, closes)
	_, ok := d.Pragma("xResetStrm")
	k.want(!ok && k.clientID(d.Head) != "7", "an old player is sent xResetStrm")
}
