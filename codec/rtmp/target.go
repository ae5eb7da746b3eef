package rtmp

import (
	"net/url"
	"strings"

	"streampump/codec"
	"streampump/codec/http1"
)

// target is the stream that a peer means, and what it brings to prove who it is.
//
// An address of RTMP is in two parts, the app of connect and the name in play or publish,
// and clients cut it where they like: ffmpeg takes two segments for the app if there are
// four, MediaMTX takes all, OBS has a field for each. So both are put together again:
//
//	app "streams/live"        name ""                    stream "live"
//	app "streams"             name "live/secret?x=y"     stream "live", and a token
//	app "live"                name "secret"              the same
//	app "streams?token=T"     name "live_push"           stream "live" for an encoder
type target struct {
	// name is the stream's, or the first segment of the path if no stream can have it. No
	// log may have more of the address than this.
	name        string
	credentials *codec.Credentials // nil if there are none
}

// Where streams are. The prefix is optional: it is that of the addresses that the same
// pump has for other players. What follows a name makes the address of an encoder there,
// and may do so here.
const (
	streamsPrefix = "streams"
	pushSuffix    = "_push"
)

const (
	// maxPath is the most bytes of an app and a name without their queries.
	maxPath = 1024
	// maxSecret is the longest token, user or password that is one, in bytes: a viewer's is
	// kept for as long as it plays.
	maxSecret = 4 << 10
)

// Names of credentials in a query, beside that of a token. A stream's key is a token.
const (
	queryKey      = "key"
	queryUser     = "user"
	queryPass     = "pass"
	queryPassword = "password"
)

// parseTarget puts an app and a name together. encoder says that the peer brings the
// stream.
func parseTarget(app, name string, encoder bool) target {
	app, appQuery, _ := strings.Cut(app, "?")
	name, query, _ := strings.Cut(name, "?")
	first, key := cutPath(app, cutKind(name))
	t := target{name: streamName(first, encoder)}
	c := codec.Credentials{}
	for _, q := range [...]string{query, appQuery} {
		addCredentials(&c, q, encoder)
	}
	if encoder {
		p := parseProof(appQuery)
		c.Digest = p.digest()
	}
	if c.Token == "" {
		c.Token = secret(key)
	}
	if c != (codec.Credentials{}) {
		t.credentials = &c
	}
	return t
}

// cutKind takes off what some players put in front of a name to say how a file is made,
// and what others put behind it.
func cutKind(name string) string {
	for _, kind := range [...]string{"mp4:", "flv:", "mp3:"} {
		if len(name) >= len(kind) && strings.EqualFold(name[:len(kind)], kind) {
			return name[len(kind):]
		}
	}
	return name
}

// cutPath is the segment with the stream's name, and what follows it. Slashes that are
// doubled, or stand at an end, mean nothing: cameras and players add them.
func cutPath(app, name string) (first, rest string) {
	var segments []string
	if len(app)+len(name) > maxPath {
		return "", ""
	}
	for s := range strings.SplitSeq(app+"/"+name, "/") {
		if s != "" {
			segments = append(segments, s)
		}
	}
	if len(segments) > 1 && strings.EqualFold(segments[0], streamsPrefix) {
		segments = segments[1:]
	}
	if len(segments) == 0 {
		return "", ""
	}
	return segments[0], http1.NormalPath(strings.Join(segments[1:], "/"))
}

// streamName is the name of the stream that a segment names, or the segment as it may be
// logged if no stream can have it, and the engine will not find it either.
func streamName(segment string, encoder bool) string {
	name := http1.NormalPath(segment)
	if rest := strings.TrimSuffix(name, ".flv"); isName(rest) {
		name = rest
	}
	if i := len(name) - len(pushSuffix); encoder && i > 0 && strings.EqualFold(name[i:], pushSuffix) {
		name = name[:i]
	}
	if !isName(name) {
		return "/" + http1.Clip(segment)
	}
	return name
}

func isName(s string) bool {
	for i := range len(s) {
		c := s[i]
		if c != '_' && c != '-' && (c < '0' || c > '9') && (c|0x20 < 'a' || c|0x20 > 'z') {
			return false
		}
	}
	return s != ""
}

// addCredentials adds what a query has of them and is not known yet.
func addCredentials(c *codec.Credentials, query string, encoder bool) {
	if c.Token == "" {
		c.Token = secret(http1.Token(query))
	}
	user, known := queryValue(query, queryUser)
	password, ok := queryValue(query, queryPass)
	if !ok {
		password, ok = queryValue(query, queryPassword)
	}
	if known && ok && !c.HasPassword {
		c.User, c.Password, c.HasPassword = user, password, true
	}
	if key, ok := queryValue(query, queryKey); ok && encoder && c.Token == "" {
		c.Token = key
	}
}

// secret is a copy of a text that is not too long to be kept.
func secret(s string) string {
	if len(s) > maxSecret {
		return ""
	}
	return strings.Clone(s)
}

// queryValue is the value of a name in a query, without what only encodes it.
func queryValue(query, name string) (value string, ok bool) {
	for pair := range strings.SplitSeq(strings.ReplaceAll(query, "?", "&"), "&") {
		key, v, _ := strings.Cut(pair, "=")
		if key != name {
			continue
		}
		plain, err := url.PathUnescape(v)
		if err != nil {
			plain = v
		}
		value = secret(plain)
		return value, value != ""
	}
	return "", false
}
