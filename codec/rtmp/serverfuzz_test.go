package rtmp

import (
	"bytes"
	"testing"

	"streampump/codec"
)

// FuzzServer: whatever a peer sends, and whatever the engine decides, the session keeps
// the contract, does not depend on the pieces, answers in whole messages, and holds no
// more than a bound.
func FuzzServer(f *testing.F) {
	f.Add(player("streams", "live?token=x").say(2, typeUserControl, 0, 0, []byte{0, 6, 1, 2, 3, 4}).call("deleteStream", 0, nil, 1).b[helloSize+echoSize:], uint64(0))
	f.Add(pushed(3).call("FCUnpublish", 6, nil, "live").b[helloSize+echoSize:], uint64(0))
	f.Add(pushed(2).say(6, typeAggregate, 1, 0, []byte("\x09\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00\x17\x00\x00\x00\x0c")).b[helloSize+echoSize:], uint64(0x1B))
	f.Add(player("live", "").call("pause", 5, nil, true).call("pause", 6, nil, false).b[helloSize+echoSize:], uint64(0x50))
	f.Add(publisher("streams?authmod=adobe&user=u&challenge=c&response=r&opaque=o").call("publish", 2, nil, "live", "live").b[helloSize+echoSize:], uint64(0x87))
	f.Fuzz(func(t *testing.T, b []byte, verdicts uint64) {
		whole, cut := openFuzzed(verdicts), openFuzzed(verdicts)
		whole.feed(bytes.Clone(b))
		for _, p := range cuts(b, verdicts) {
			cut.feed(bytes.Clone(p))
		}
		if whole.transcript() != cut.transcript() || whole.fail != "" {
			t.Fatalf("whole %s\ncut %s", whole.transcript(), cut.transcript())
		}
		s := cut.sess.(*server)
		if p := s.push; p != nil && (cap(p.hold.buf) > 2*(maxHold+wide.message) || len(p.hold.list) > maxHolds || p.set.size() > 2*maxHead) {
			t.Error("too much is held")
		}
		if s.state == publishing && s.push == nil || s.state == playing && s.view == nil {
			t.Errorf("%+v", s)
		}
		if out := s.AppendEnd(cut.out, codec.CauseEnded, ""); len(out) > helloSize+echoSize {
			readAll(t, &chunks{limits: wide}, out[helloSize+echoSize:], 1000)
		}
	})
}

// openFuzzed is a host behind the handshake, whose engine decides by the bits of a number,
// four for each decision, over and over.
func openFuzzed(verdicts uint64) *host {
	h := openServer()
	h.feed(dial().b)
	h.decide = func(ev *codec.Event) codec.Verdict {
		verdicts = verdicts>>4 | verdicts<<60
		c := codec.Code(verdicts & 15)
		switch {
		case ev.Ahead && c == codec.Unproven:
			return codec.Verdict{Code: c, Challenge: &codec.Challenge{Realm: "r", Nonce: "n", MD5: true, Basic: verdicts&16 != 0, Stale: verdicts&32 != 0}}
		case ev.Ahead:
			return codec.Verdict{}
		case ev.Kind != codec.Play && ev.Kind != codec.Publish:
			return codec.Verdict{}
		case c == codec.OK || c > codec.Undecided:
			return codec.Verdict{Session: uint64(c) + 1, Media: bothMedia}
		}
		return codec.Verdict{Code: c, Challenge: &codec.Challenge{}, Location: "https://other/x", RetryAfter: 1e9}
	}
	return h
}

// FuzzHandshake: whatever the beginning is, it does not depend on the pieces.
func FuzzHandshake(f *testing.F) {
	f.Add(connect("live").b, uint64(3))
	f.Add([]byte{6}, uint64(0))
	f.Add(bytes.Repeat([]byte{3}, 4000), uint64(2))
	f.Fuzz(func(t *testing.T, b []byte, seed uint64) {
		whole, cut := openServer(), openServer()
		whole.feed(bytes.Clone(b))
		for _, p := range cuts(b, seed) {
			cut.feed(bytes.Clone(p))
		}
		if whole.transcript() != cut.transcript() || whole.fail != "" {
			t.Fatalf("whole %s\ncut %s", whole.transcript(), cut.transcript())
		}
	})
}
