package access

import (
	"hash/maphash"
	"net/netip"
	"sync"
	"time"
)

// limiter slows guessing. Wrong passwords empty buckets that fill again with time; a
// guess that finds its bucket empty is not looked at. There are four kinds:
//
//   - one for each address (IPv6: each /64), for whoever has not shown yet that he
//     knows a password;
//   - one for each IPv6 /48, because whoever has one has 65,536 addresses in that sense;
//   - one for each account, for guesses from many addresses. An address that has made no
//     wrong guess lately has one in spite of it, which costs it all of its own if it is
//     wrong: so an encoder that comes for the first time, or after a restart, is not
//     locked out by those who guess;
//   - one for each pair of address and account that was once right. It stands in
//     place of the others, so a stranger who guesses an encoder's password, even
//     from many addresses, does not lock out the encoder where it has been before.
//
// All of them are tables of a fixed size whose places are found by a keyed hash: two
// addresses may share a bucket by chance, but nobody can choose with whom. A bucket
// holds only when its guesses will be forgiven, so nothing has to be swept.
type limiter struct {
	mu        sync.Mutex
	seed      maphash.Seed
	addresses []bucket
	networks  []bucket
	accounts  []bucket
	pairs     []pair
}

// bucket is when everything in it will be forgiven, in nanoseconds since 1970.
type bucket int64

// pair is a bucket of an address and an account that were right together.
type pair struct {
	key    uint64 // 0: nobody's
	used   int64
	bucket bucket
}

// The sizes of the tables, and the buckets': how many wrong guesses are free, and how
// long one takes to be forgiven.
const (
	limitPlaces  = 1 << 13
	pairPlaces   = 1 << 12
	pairWays     = 4 // places in which a pair may be
	freeGuesses  = 20
	forgiveGuess = 6 * time.Second
	// An account has room for the wrong guesses of several addresses, and so has a network.
	freeAccount    = 100
	forgiveAccount = time.Second
	freeNetwork    = 100
	forgiveNetwork = time.Second
)

func newLimiter() *limiter {
	return &limiter{
		seed:      maphash.MakeSeed(),
		addresses: make([]bucket, limitPlaces),
		networks:  make([]bucket, limitPlaces),
		accounts:  make([]bucket, limitPlaces),
		pairs:     make([]pair, pairPlaces),
	}
}

// wait is how long a guess has to wait for its turn; 0 lets it be looked at.
func (l *limiter) wait(from netip.Addr, account string, now time.Time) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	t := now.UnixNano()
	if p := l.pairOf(from, account); p != nil {
		return p.bucket.wait(t, freeGuesses, forgiveGuess)
	}
	var wait time.Duration
	if n := l.network(from); n != nil {
		wait = n.wait(t, freeNetwork, forgiveNetwork)
	}
	own := l.address(from)
	if wait = max(wait, own.wait(t, freeGuesses, forgiveGuess)); wait == 0 && own.empty(t) {
		return 0
	}
	return max(wait, l.account(account).wait(t, freeAccount, forgiveAccount))
}

// failed counts a wrong guess.
func (l *limiter) failed(from netip.Addr, account string, now time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	t := now.UnixNano()
	if p := l.pairOf(from, account); p != nil {
		p.bucket.add(t, forgiveGuess)
		return
	}
	if n := l.network(from); n != nil {
		n.add(t, forgiveNetwork)
	}
	own, all := l.address(from), l.account(account)
	if all.wait(t, freeAccount, forgiveAccount) > 0 { // the one in spite of it
		own.add(t, freeGuesses*forgiveGuess)
		return
	}
	own.add(t, forgiveGuess)
	all.add(t, forgiveAccount)
}

// succeeded notes that a peer at an address knows the account's password. The oldest
// pair of its places makes room.
func (l *limiter) succeeded(from netip.Addr, account string, now time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	t := now.UnixNano()
	p := l.pairOf(from, account)
	if p == nil {
		places := l.places(from, account)
		p = &places[0]
		for i := range places {
			if places[i].used < p.used {
				p = &places[i]
			}
		}
		*p = pair{key: l.key(from, account)}
	}
	p.used, p.bucket = t, 0
}

// knows reports whether a peer at an address was once right about the account.
func (l *limiter) knows(from netip.Addr, account string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.pairOf(from, account) != nil
}

// key is the number of a pair, never 0.
func (l *limiter) key(from netip.Addr, account string) uint64 {
	return maphash.Comparable(l.seed, struct {
		from    netip.Addr
		account string
	}{neighbourhood(from), account}) | 1
}

// places are those in which a pair may be.
func (l *limiter) places(from netip.Addr, account string) []pair {
	at := l.key(from, account) / 2 % (pairPlaces / pairWays) * pairWays
	return l.pairs[at : at+pairWays]
}

func (l *limiter) pairOf(from netip.Addr, account string) *pair {
	key := l.key(from, account)
	places := l.places(from, account)
	for i := range places {
		if places[i].key == key {
			return &places[i]
		}
	}
	return nil
}

func (l *limiter) address(from netip.Addr) *bucket {
	return &l.addresses[maphash.Comparable(l.seed, neighbourhood(from))%limitPlaces]
}

// network is the bucket of an IPv6 address's /48; nil for IPv4.
func (l *limiter) network(from netip.Addr) *bucket {
	if !from.Is6() {
		return nil
	}
	p, _ := from.WithZone("").Prefix(48)
	return &l.networks[maphash.Comparable(l.seed, p.Addr())%limitPlaces]
}

func (l *limiter) account(name string) *bucket {
	return &l.accounts[maphash.String(l.seed, name)%limitPlaces]
}

// empty reports whether everything in the bucket is forgiven.
func (b *bucket) empty(now int64) bool { return int64(*b) <= now }

// wait is how long until the bucket has room for another guess.
func (b *bucket) wait(now int64, free int, forgive time.Duration) time.Duration {
	return max(0, time.Duration(int64(*b)-now)-time.Duration(free-1)*forgive)
}

// add puts a guess into the bucket.
func (b *bucket) add(now int64, forgive time.Duration) {
	*b = bucket(max(int64(*b), now) + int64(forgive))
}
