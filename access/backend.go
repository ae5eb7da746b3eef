package access

import (
	"fmt"
	"time"
)

// Backend is somebody else who knows who may view: a web site that is asked. Any
// goroutine may use it.
type Backend interface {
	// Ask asks about a peer. What is known is answered at once; otherwise known is
	// false, and done is called once, on another goroutine, with the answer. Ask must
	// not block.
	Ask(now time.Time, r Request, done func(Answer)) (a Answer, known bool)
}

// Answer is what a backend says.
type Answer struct {
	Says Saying
	// Client is its id of the peer (Yes); may be empty.
	Client string
	// Why is the operator's sentence on No and Unknown.
	Why string
}

// Saying is what a backend says in a word.
type Saying uint8

// The sayings.
const (
	Unknown Saying = iota // it cannot be asked now
	Yes
	No
)

// Callback is how a backend is asked over HTTP, for package callback.
type Callback struct {
	URL     string
	Timeout time.Duration // of one question
	// AllowWhenDown lets peers in while the backend cannot be asked.
	AllowWhenDown bool
}

// CallbackDescriptors is the most file descriptors that one callback has open at once.
const CallbackDescriptors = 16

// retryBackend is when to try again where a backend could not be asked.
const retryBackend = 5 * time.Second

// backend asks the rules' backend.
func (g *Guard) backend(rules *ruling, now time.Time, r Request, done func(Decision)) (Decision, bool) {
	a, known := rules.Backend.Ask(now, r, func(a Answer) { done(g.heard(rules, now, a)) })
	if !known {
		return Decision{}, false
	}
	return g.heard(rules, now, a), true
}

// heard is the decision on a backend's answer. That it could not be asked never makes
// a player ask its user for a password.
func (g *Guard) heard(rules *ruling, now time.Time, a Answer) Decision {
	switch {
	case a.Says == Yes:
		return Decision{Client: a.Client}
	case a.Says == Unknown:
		return Decision{
			Outcome: Undecided, RetryAfter: retryBackend,
			Reason: "the callback cannot say whether: " + a.Why, Public: "whether you may have this cannot be found out now; try again",
		}
	case len(rules.Accounts) > 0:
		return g.again(rules, now, "the callback says no: "+a.Why)
	}
	return Decision{Outcome: Forbidden, Reason: "the callback says no: " + a.Why, Public: fmt.Sprintf("you may not %s this stream", rules.role)}
}
