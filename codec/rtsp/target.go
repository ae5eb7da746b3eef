package rtsp

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"streampump/codec/http1"
	"streampump/codec/sdp"
)

// target is the place that a request is about (RFC 2326, 3.2).
type target struct {
	// base is what the addresses of the stream and of its tracks begin with, as the peer
	// spelled its request: scheme, host and path, without a user, a query, a track, or a
	// slash at its end.
	base string
	// name is the stream's, or the whole path if no stream can have it. No log may have
	// more of the address than this.
	name string
	// token is the token in the query; empty if there is none.
	token string
	// track is which track of the stream it is, by its place in the description;
	// wholeStream if it is none.
	track int
}

// wholeStream stands for a target that is no track.
const wholeStream = -1

// maxBase is the most bytes of a URL's host and path: each track's address in a
// description begins with them.
const maxBase = 1024

// maxToken is the longest token that is one, in bytes: a viewer's is kept for as long as
// its connection is open.
const maxToken = 4 << 10

// Where streams are. The prefix is optional: it is that of the addresses that the same
// pump has for other players. What follows a name makes the address of an encoder there,
// and may do so here.
const (
	streamsPrefix = "streams/"
	pushSuffix    = "_push"
)

// parseTarget reads a request's URL. The error is an operator's sentence.
func parseTarget(s string) (target, error) {
	scheme, _, found := strings.Cut(s, "://")
	if scheme = strings.ToLower(scheme); !found || scheme != "rtsp" && scheme != "rtsps" {
		return target{}, errors.New("the request's URL is " + strconv.Quote(http1.Clip(s)) + " and begins neither with rtsp:// nor with rtsps://")
	}
	host, path, query, _ := http1.SplitTarget(s)
	if i := strings.LastIndexByte(host, '@'); i >= 0 {
		host = host[i+1:]
	}
	if host == "" || !http1.IsAuthority(host) {
		return target{}, errors.New("the request's URL names no host")
	}
	if len(host)+len(path) > maxBase {
		return target{}, fmt.Errorf("the request's URL has more than %d bytes before its query", maxBase)
	}
	t := target{token: tokenOf(query)}
	path, t.track = cutTrack(path, query)
	t.base = scheme + "://" + host + "/" + strings.Trim(path, "/")
	t.name = nameOf(path)
	return t, nil
}

// tokenOf is the token in a query. Players put what they append to an address behind its
// query too, and a token has no slash.
func tokenOf(query string) string {
	token, _, _ := strings.Cut(http1.Token(query), "/")
	if len(token) > maxToken {
		return ""
	}
	return token
}

// cutTrack takes the track off an address. The address of a track, as we write it, ends
// the path; players that join addresses themselves put it behind a query (ffmpeg, VLC),
// or before one (GStreamer).
func cutTrack(path, query string) (rest string, track int) {
	if _, track, ok := lastTrack(query); ok {
		return path, track
	}
	if rest, track, ok := lastTrack(path); ok {
		return rest, track
	}
	return path, wholeStream
}

// lastTrack reads the track that a text ends with.
func lastTrack(s string) (rest string, track int, ok bool) {
	i := strings.LastIndexByte(strings.TrimRight(s, "/"), '/')
	if i < 0 || len(s)-i < len(sdp.TrackPath) || !strings.EqualFold(s[i:i+len(sdp.TrackPath)], sdp.TrackPath) {
		return "", 0, false
	}
	n, err := strconv.ParseUint(strings.TrimRight(s[i+len(sdp.TrackPath):], "/"), 10, 16)
	if err != nil {
		return "", 0, false
	}
	return s[:i], int(n), true
}

// nameOf is the stream's name in a path. Slashes around it mean nothing: servers have
// had them doubled, and players append one. A path that cannot name a stream is given
// back whole, and the engine will not find it either; a token that its sender has
// encoded into it is left out.
func nameOf(path string) string {
	path = http1.NormalPath(path)
	name := strings.Trim(path, "/")
	if len(name) > len(streamsPrefix) && strings.EqualFold(name[:len(streamsPrefix)], streamsPrefix) {
		name = strings.TrimLeft(name[len(streamsPrefix):], "/")
	}
	if !isName(name) {
		return http1.Redact(path)
	}
	return name
}

// pushName is the name of the stream that an encoder brings to a target of this name.
func pushName(name string) string {
	if i := len(name) - len(pushSuffix); i > 0 && strings.EqualFold(name[i:], pushSuffix) {
		return name[:i]
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

// sameStream reports whether an address of any form is within the stream of a target:
// it may be that of the stream, with or without a slash, or of a track, with its host or
// without. That is how players spell what they sign with Digest; live555 takes the
// stream's address for those of its tracks.
func (t *target) sameStream(address string) bool {
	_, path, query, ok := http1.SplitTarget(address)
	if !ok {
		return false
	}
	path, _ = cutTrack(path, query)
	return nameOf(path) == t.name
}
