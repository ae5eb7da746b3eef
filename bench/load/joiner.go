package load

import (
	"errors"

	"streampump/bench/answer"
	"streampump/bench/feed"
	"streampump/bench/player"
)

// errEndedEarly is a stream that is over before a player has any of it.
var errEndedEarly = errors.New("the stream ended before its first packet")

// joiner follows the answer to one player up to the first data packet. It
// takes bytes and gives none; its zero value waits for an answer's head.
type joiner struct {
	plain bool // the first byte of the body will do
	// describes: it asks for the header, which is the whole body.
	describes bool
	length    int64       // of that body
	feeds     feed.Joiner // nil for HTTP
	head      []byte
	answered  bool  // with 200
	done      bool  // all below is only counted
	bytes     int64 // of the body so far
	framing   player.Framing
}

// feed takes the next bytes. done says that the first data packet is whole, or,
// for a plain player, that the body has begun, or that the header is here. What it is
// given afterwards is counted.
func (j *joiner) feed(b []byte) (done bool, err error) {
	if j.done {
		j.bytes += int64(len(b))
		return true, nil
	}
	j.done, err = j.understand(b)
	return j.done, err
}

// understand is feed before it is done.
func (j *joiner) understand(b []byte) (done bool, err error) {
	if j.feeds != nil {
		done, err = j.feeds.Feed(b)
		if j.answered = j.feeds.Playing(); j.answered {
			j.bytes += int64(len(b))
		}
		return done, err
	}
	if !j.answered {
		j.head = append(j.head, b...)
		h, n, err := answer.Parse(j.head)
		if h == nil || err != nil {
			return false, err
		}
		if h.Status != 200 {
			return false, &player.StatusError{Head: h}
		}
		if err := j.judge(h); err != nil {
			return false, err
		}
		j.answered = true
		b, j.head = j.head[n:], nil
	}
	j.bytes += int64(len(b))
	switch {
	case j.describes:
		return j.bytes >= j.length, nil
	case j.plain:
		return len(b) > 0, nil
	}
	return j.packets(b)
}

// judge checks an answer's head.
func (j *joiner) judge(h *answer.Head) error {
	switch {
	case j.describes:
		j.length, _ = h.ContentLength()
		return player.CheckDescribe(h)
	case !j.plain:
		return player.CheckPlay(h)
	}
	return nil
}

// packets looks for the first data packet.
func (j *joiner) packets(b []byte) (joined bool, err error) {
	for len(b) > 0 {
		n, p, ok, err := j.framing.Next(b)
		if err != nil {
			return false, err
		}
		b = b[n:]
		if ok && p.Kind == player.KindData {
			return true, nil
		}
		if ok && p.Kind == player.KindEnd {
			return false, errEndedEarly
		}
	}
	return false, nil
}
