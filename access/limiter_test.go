package access

import (
	"net/netip"
	"testing"
	"time"
)

// fresh is an address that shares no bucket with one that has guessed.
func (l *lab) fresh() netip.Addr {
	a := netip.MustParseAddr("198.51.101.1")
	for !l.limiter.address(a).empty(l.now.UnixNano()) || l.limiter.knows(a, "anna") {
		a = a.Next()
	}
	return a
}

// A stranger who guesses is slowed, at his address and at the account, and neither
// locks out the encoder where it has been before.
func TestGuessing(t *testing.T) {
	l := newLab(t)
	wrong := func(from netip.Addr, user string) Decision {
		return l.ask("digest", from, prove(l.ask("digest", from, nil).Challenge, user, "wrong", 1, nil))
	}
	right := func(from netip.Addr, user string) Decision {
		return l.ask("digest", from, prove(l.ask("digest", from, nil).Challenge, user, "right", 1, nil))
	}
	l.want(right(home, "anna"), Allowed, "")
	for range freeGuesses {
		l.want(wrong(away, "anna"), Denied, "is wrong")
	}
	slow := wrong(away, "anna")
	l.want(slow, Slowed, "too many wrong passwords")
	if slow.RetryAfter != forgiveGuess {
		t.Errorf("retry after %v", slow.RetryAfter)
	}
	// Another address of the same /64 is the same; not even the right password helps.
	l.want(right(away.Next(), "anna"), Slowed, "")
	// At another address guesses are free, until the account has had enough.
	for range freeAccount - freeGuesses {
		l.want(wrong(l.fresh(), "anna"), Denied, "is wrong")
	}
	// An address that has made none has one guess even then, and is locked out by none of
	// this: the encoder may come from there for the first time.
	l.want(right(l.fresh(), "anna"), Allowed, "")
	other := l.fresh()
	l.want(wrong(other, "anna"), Denied, "is wrong")
	l.want(wrong(other, "anna"), Slowed, "")
	l.want(right(other, "otto"), Slowed, "") // it has used up its own
	// The encoder is not troubled by any of this, and other accounts neither.
	l.want(right(home, "anna"), Allowed, "")
	l.want(right(l.fresh(), "otto"), Allowed, "")
	// A known address has guesses of its own, and no more of them than others.
	for range freeGuesses {
		l.want(wrong(home, "anna"), Denied, "is wrong")
	}
	l.want(wrong(home, "anna"), Slowed, "")
	// Time forgives.
	l.now = l.now.Add(forgiveGuess)
	l.want(wrong(home, "anna"), Denied, "is wrong")
	l.want(wrong(home, "anna"), Slowed, "")
	l.now = l.now.Add(freeGuesses * forgiveGuess)
	for range freeGuesses {
		l.want(wrong(away, "anna"), Denied, "is wrong")
	}
}

// However many guess, the account is free again when they have ceased for a moment.
func TestGuessesDoNotPileUp(t *testing.T) {
	l := newLimiter()
	var last netip.Addr
	looked := 0
	for i := range 1000 {
		a := netip.AddrFrom4([4]byte{10, 0, byte(i >> 8), byte(i)})
		if l.wait(a, "anna", noon) == 0 {
			l.failed(a, "anna", noon)
			last = a
			looked++
		}
	}
	if looked < 700 { // but for addresses that share a bucket
		t.Errorf("the first guesses of %d addresses are looked at", looked)
	}
	if w := l.account("anna").wait(noon.UnixNano(), freeAccount, forgiveAccount); w != forgiveAccount {
		t.Errorf("the account waits %v", w)
	}
	if w := l.wait(last, "otto", noon); w != forgiveGuess {
		t.Errorf("who has guessed waits %v", w)
	}
}

// What the tables hold is bounded, whoever asks.
func TestLimiterIsBounded(t *testing.T) {
	l := newLimiter()
	for i := range 4 * pairPlaces {
		a := netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)})
		l.failed(a, "x", noon)
		l.succeeded(a, "x", noon.Add(time.Duration(i)))
	}
	if len(l.addresses) != limitPlaces || len(l.accounts) != limitPlaces || len(l.pairs) != pairPlaces {
		t.Errorf("%d, %d, %d places", len(l.addresses), len(l.accounts), len(l.pairs))
	}
	if last := netip.AddrFrom4([4]byte{10, 0, byte((4*pairPlaces - 1) >> 8), 0xFF}); !l.knows(last, "x") {
		t.Error("the newest is not known")
	}
	p := newPassed(10, time.Minute)
	r := newReplays(10)
	for i := range 100 {
		s := time.Duration(i).String()
		p.note(NewSecret(s), s, noon)
		if at := noon.Add(time.Duration(i)); !r.first(s, s, at, true) || !r.first(s, s, at, false) || r.first(s, s, at, true) || r.first(s, s, at, false) {
			t.Errorf("answer %d is not good just once", i)
		}
	}
	if len(p.until) > 10 || len(r.seen) > 10 || len(r.queue) > 10 {
		t.Errorf("%d, %d and %d are remembered", len(p.until), len(r.seen), len(r.queue))
	}
	// What was forgotten is not good again.
	for i := range 100 {
		s := time.Duration(i).String()
		if r.first(s, s, noon.Add(time.Duration(i)), false) {
			t.Fatalf("answer %d is good again", i)
		}
	}
}

// Whoever has a whole IPv6 /48 has no more guesses than a few hosts, and fills nobody
// else's bucket with them.
func TestGuessesOfANetwork(t *testing.T) {
	l := newLimiter()
	looked := 0
	for i := range 1 << 16 {
		a := netip.AddrFrom16([16]byte{0x20, 1, 0xd, 0xb8, 0, 1, byte(i >> 8), byte(i), 15: 1})
		for range 2 {
			account := netip.AddrFrom4([4]byte{byte(i >> 8), byte(i)}).String()
			if l.wait(a, account, noon) == 0 {
				looked++
				l.failed(a, account, noon)
			}
		}
	}
	if looked != freeNetwork {
		t.Errorf("%d guesses are looked at", looked)
	}
	for i := range 100 {
		if a := netip.AddrFrom4([4]byte{192, 0, 2, byte(i)}); l.wait(a, "anna", noon) > 0 {
			t.Errorf("%v has to wait", a)
		}
	}
	// An IPv4 address has no such neighbours: a site may be behind each of them.
	for i := range 256 {
		a := netip.AddrFrom4([4]byte{198, 51, 100, byte(i)})
		if l.wait(a, a.String(), noon) > 0 {
			t.Errorf("%v has to wait", a)
		}
		l.failed(a, a.String(), noon)
	}
}
