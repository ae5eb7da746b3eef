package access

import (
	"fmt"
	"slices"
	"time"
)

// Guard decides. Any goroutine may use it.
type Guard struct {
	cfg     Config
	rulings map[*Rules]*ruling
	// standIn is what a stream that does not exist is judged by, by role; nil if all
	// streams are open.
	standIn [roles]*ruling
	// anywhere is what holds whatever the stream is, by role; nil if that depends on it.
	anywhere [roles]*ruling
	digests  digests
	limiter  *limiter
	passed   *passed
	slow     *Pool
}

// Sizes of what a guard remembers.
const (
	maxReplays = 1 << 13
	maxPassed  = 1 << 10
	passedLife = 5 * time.Minute
)

// How many passwords are checked at once that take long, how many wait, and how many
// of one address. One takes some 30 ms of a core and 19 MiB: what waits is done within
// two seconds, and guessing never costs more than a core.
const (
	slowWorkers = 1
	slowWaiting = 64
	slowEach    = 8
)

// NewGuard makes a guard. The configuration must not be changed afterwards.
func NewGuard(cfg Config) *Guard {
	g := &Guard{
		cfg:     cfg,
		rulings: map[*Rules]*ruling{},
		digests: digests{newNonces(), newReplays(maxReplays)},
		limiter: newLimiter(),
		passed:  newPassed(maxPassed, passedLife),
		slow:    NewPool(slowWorkers, slowWaiting, slowEach),
	}
	for role := range roles {
		g.enter(role, &g.cfg.Default[role])
		g.anywhere[role] = g.rulings[&g.cfg.Default[role]]
		for _, path := range g.paths() {
			if own := g.cfg.Streams[path].of(role); own != nil {
				g.enter(role, own)
				g.anywhere[role] = nil
			}
		}
	}
	return g
}

// paths are the streams that have rules of their own, in a lasting order.
func (g *Guard) paths() (paths []string) {
	for path := range g.cfg.Streams {
		paths = append(paths, path)
	}
	slices.Sort(paths)
	return paths
}

// enter prepares rules. Those that come first and are not open judge unknown streams.
func (g *Guard) enter(role Role, r *Rules) {
	g.rulings[r] = newRuling(role, r)
	if g.standIn[role] == nil && !r.Open() {
		g.standIn[role] = g.rulings[r]
	}
}

// Ask decides on a request. What can be decided at once is; otherwise decided is
// false, and done is called once, on another goroutine, with the decision. done must
// not block.
//
// unknown says that there is no such stream. Where a stream has rules, strangers get
// the same answer to one that does not exist as to one that is closed to them. Those
// that are let in may be told, and so may be who asks for what cannot name a stream.
func (g *Guard) Ask(now time.Time, r Request, unknown bool, done func(Decision)) (d Decision, decided bool) {
	rules := g.rulings[g.cfg.Rules(r.Role, r.Stream)]
	anywhere := r.Ahead && r.Stream == ""
	switch {
	case anywhere:
		rules = g.anywhere[r.Role]
	case unknown:
		rules = g.standIn[r.Role]
	}
	if rules == nil || rules.Open() || unknown && !anywhere && !isWord(r.Stream) {
		return Decision{Pump: true}, true // what can be no stream hides none
	}
	if d, decided := rules.place(r.Peer); decided {
		return d, true
	}
	d, decided = g.proven(rules, now, r, func(d Decision) { done(rules.believed(d)) })
	return rules.believed(d), decided
}

// proven decides by what the peer brings, and asks the backend where that is not
// enough.
func (g *Guard) proven(rules *ruling, now time.Time, r Request, done func(Decision)) (d Decision, decided bool) {
	c := r.Credentials
	if c == nil {
		if rules.Backend != nil {
			return g.backend(rules, now, r, done)
		}
		return g.demand(rules, now), true
	}
	if c.Token != "" && len(rules.Keys) > 0 {
		d := rules.token(now, &r)
		other := rules.Backend != nil || len(rules.Accounts) > 0 && (c.Digest != nil || c.HasPassword)
		if d.Outcome == Allowed || !other {
			return d, true
		}
	}
	switch {
	case c.Digest != nil && len(rules.Accounts) > 0:
		return g.digest(rules, now, &r), true
	case c.HasPassword && rules.basic:
		return g.password(rules, now, r, done)
	case rules.Backend != nil:
		return g.backend(rules, now, r, done)
	case c.HasPassword && len(rules.Accounts) > 0:
		return rules.tooPlain(), true
	case c.Odd != nil:
		return g.again(rules, now, c.Odd.Error()), true
	}
	d = g.demand(rules, now)
	d.Bare = false
	d.Reason = "what the peer brings is of no use here: " + d.Reason
	return d, true
}

// demand asks for credentials.
func (g *Guard) demand(rules *ruling, now time.Time) Decision {
	d := Decision{Outcome: Forbidden, Bare: true, Reason: rules.needs, Public: rules.needs}
	if len(rules.Accounts) > 0 {
		d.Outcome, d.Challenge = Denied, rules.challenge(g.digests.nonces.make(now))
	}
	return d
}

// again asks for credentials once more.
func (g *Guard) again(rules *ruling, now time.Time, why string) Decision {
	d := g.demand(rules, now)
	d.Bare, d.Reason = false, why
	return d
}

// wrongPassword is what a peer is told, whatever was wrong.
const wrongPassword = "the name or the password is wrong"

// guessed is the decision on a wrong password, which counts.
func (g *Guard) guessed(rules *ruling, now time.Time, r *Request, user string) Decision {
	g.limiter.failed(r.Peer, user, now)
	way := "Basic"
	if r.Credentials.Digest != nil {
		way = "Digest"
	}
	d := g.again(rules, now, fmt.Sprintf("the password of the account %q is wrong, or there is no account of that name for %s", clip(user), way))
	d.Public = wrongPassword
	return d
}

// welcome lets a peer in that knows its password.
func (g *Guard) welcome(now time.Time, r *Request, user string) Decision {
	g.limiter.succeeded(r.Peer, user, now)
	return Decision{Client: user}
}

// slowed is the decision on a guess that has to wait.
func slowed(user string, wait time.Duration) Decision {
	return Decision{
		Outcome: Slowed, RetryAfter: wait,
		Reason: fmt.Sprintf("there were too many wrong passwords from this address, or for the account %q", clip(user)),
		Public: "there were too many wrong passwords; try again later",
	}
}

// digest decides on a proof of Digest.
func (g *Guard) digest(rules *ruling, now time.Time, r *Request) Decision {
	c := r.Credentials.Digest
	if wait := g.limiter.wait(r.Peer, c.User, now); wait > 0 {
		return slowed(c.User, wait)
	}
	kind := DigestMD5
	if c.SHA256 {
		kind = DigestSHA256
	}
	switch g.digests.check(rules.account(c.User, kind), c, now, r.Ahead) {
	case right:
		return g.welcome(now, r, c.User)
	case stale:
		d := g.again(rules, now, "the proof is right, but its nonce is too old, or was used before")
		d.Challenge.Stale, d.Bare = true, true
		return d
	default:
		return g.guessed(rules, now, r, c.User)
	}
}

// password decides on a password in clear text, at once only if it was right before.
func (g *Guard) password(rules *ruling, now time.Time, r Request, done func(Decision)) (Decision, bool) {
	user, password := r.Credentials.User, r.Credentials.Password
	if wait := g.limiter.wait(r.Peer, user, now); wait > 0 {
		return slowed(user, wait), true
	}
	a, known := rules.account(user, Argon2id), true
	if a == nil {
		a, known = rules.nobody(user), false
	}
	if known && g.passed.has(a.hash, password, now) {
		return g.welcome(now, &r, user), true
	}
	check := func() {
		if !a.holds(password) || !known {
			done(g.guessed(rules, now, &r, user))
			return
		}
		g.passed.note(a.hash, password, now)
		done(g.welcome(now, &r, user))
	}
	if g.slow.Do(r.Peer, g.limiter.knows(r.Peer, user), check) {
		return Decision{}, false
	}
	return Decision{
		Outcome: Slowed, RetryAfter: time.Second,
		Reason: "too many passwords wait to be checked",
		Public: "too many are asking at once; try again",
	}, true
}
