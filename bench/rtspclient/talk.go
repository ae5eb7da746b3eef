package rtspclient

import (
	"errors"
	"fmt"

	"streampump/bench/answer"
)

// Talk is what a player says until it plays all tracks of a stream, for those who have
// the bytes and no connection of this package.
type Talk struct {
	// Video is the channel of the first track of pictures, once it is set up, or of the
	// first track if there are none.
	Video byte

	client Client
	url    string
	base   string
	media  []Media
	asked  int // SETUPs, with the one that is under way
	seen   bool
	played bool
}

// NewTalk begins to talk about a stream at an address.
func NewTalk(url string) *Talk { return &Talk{url: url} }

// First is the first request.
func (t *Talk) First() string {
	return t.client.Request("DESCRIBE", t.url, "", "Accept: application/sdp")
}

// Playing reports whether all is said: what comes from now on is the stream.
func (t *Talk) Playing() bool { return t.played }

// Answer takes the answer to the newest request, and gives the next one, which is empty
// when the stream plays.
func (t *Talk) Answer(h *answer.Head, body []byte) (next string, err error) {
	switch {
	case h.Status != 200:
		return "", &StatusError{fmt.Sprintf("request %d about %s", t.client.seq, t.url), h, string(body)}
	case t.played:
		return "", fmt.Errorf("between packets comes %v", h)
	case t.media == nil:
		if t.media = mediaOf(string(body)); len(t.media) == 0 {
			return "", errors.New("the description has no track")
		}
		t.base = baseOf(h, t.url)
	case t.asked <= len(t.media):
		if err := t.setUp(h); err != nil {
			return "", err
		}
	default:
		t.played = true
		return "", nil
	}
	t.asked++
	if i := t.asked - 1; i < len(t.media) {
		return t.client.Request("SETUP", absolute(t.base, t.media[i].Control), "", transport(i)), nil
	}
	return t.client.Request("PLAY", t.base, "", "Range: npt=0.000-"), nil
}

// setUp takes the answer to the SETUP of a track.
func (t *Talk) setUp(h *answer.Head) error {
	t.client.take(h)
	first, ok := interleaved(h.Get("Transport"))
	if !ok {
		return fmt.Errorf("SETUP is answered with Transport %q", h.Get("Transport"))
	}
	pictures := t.media[t.asked-1].Kind == "video"
	if t.asked == 1 || pictures && !t.seen {
		t.Video = byte(first)
	}
	t.seen = t.seen || pictures
	return nil
}
