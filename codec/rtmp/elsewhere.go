package rtmp

import (
	"strings"

	"streampump/codec"
	"streampump/codec/amf"
	"streampump/codec/http1"
)

// A viewer is sent elsewhere by a status about its connection with an address in it, and told
// why it does not get its stream by the usual one behind that. Flash, servers that pull and
// other pumps follow the first. Players do not: libavformat shows its text, which has the
// address for people, and all end as they do without it.

// refusePlay appends that a viewer does not get its stream.
func refusePlay(dst []byte, q *request, v *codec.Verdict) ([]byte, codec.Next) {
	text := v.Text()
	if to, ok := elsewhere(v); ok {
		text += ": it is at " + to.String()
		if v.Code == codec.Full && !strings.Contains(to.Path, "?") {
			to.Path += handOn(q.event.Credentials) // it is let in there by what it was let in by here
		}
		dst = appendMoved(dst, text, to)
	}
	return appendStatus(dst, ourStream, levelError, playCode(v.Code), text), codec.Close
}

// elsewhere is where a viewer is sent instead, if it can get there: the engine's address may be
// one of another protocol, or of a web page.
func elsewhere(v *codec.Verdict) (to URL, ok bool) {
	if v.Code != codec.NoStream && v.Code != codec.Full {
		return URL{}, false
	}
	to, err := ParseURL(v.Location)
	return to, err == nil
}

// handOn is the token of a viewer as it stands in the address of another pump, if the viewer
// brings nothing else.
func handOn(c *codec.Credentials) string {
	if c == nil || c.Token == "" || c.HasPassword || strings.IndexFunc(c.Token, notInToken) >= 0 {
		return ""
	}
	return "?" + http1.TokenName + "=" + c.Token
}

// notInToken reports characters that mean something in a URL.
func notInToken(r rune) bool {
	return (r < '0' || r > '9') && (r|0x20 < 'a' || r|0x20 > 'z') && !strings.ContainsRune("-._~:", r)
}

// moved is the code of a redirect, as in HTTP.
const moved = 302

// appendMoved appends where a viewer is sent: to an application, in which it asks for the same
// name, and as SRS has it in redirect2, to the address of the stream.
func appendMoved(dst []byte, text string, to URL) []byte {
	app, _ := divide(to)
	body := amf.AppendNumber(amf.AppendString(nil, "onStatus"), 0)
	body = appendInfo(amf.AppendObject(amf.AppendNull(body)), levelError, connectRejected, text)
	body = amf.AppendObject(amf.AppendKey(body, "ex"))
	body = appendNumber(body, "code", moved)
	body = appendText(body, "redirect", tcURL(to, app))
	body = amf.AppendEnd(appendText(body, "redirect2", to.String()))
	return appendMessage(dst, commandChunks, typeCommand, 0, 0, amf.AppendEnd(body))
}
