package access

import (
	"net/netip"
	"time"

	"streampump/codec"
)

// Role is what a peer wants with a stream.
type Role uint8

// The roles.
const (
	View    Role = iota // receive it, or learn about it
	Publish             // feed it
	roles
)

// String is the role's name in the configuration and in tokens.
func (r Role) String() string {
	if r == Publish {
		return "publish"
	}
	return "view"
}

// Request is one question: may this peer do this with that stream?
type Request struct {
	Role Role
	// Stream is the stream's path in any letter case. It need not exist.
	Stream string
	Peer   netip.Addr // never an IPv4 address in its IPv6-mapped form
	// Credentials are what the peer brought; nil if it brought nothing. They must stay
	// as they are until the decision is there.
	Credentials *codec.Credentials
	// Ahead says that the peer comes back with the same credentials for what it wants: they
	// are not used up now. Stream is empty if it is not known yet.
	Ahead bool
}

// Outcome is how a decision turned out.
type Outcome uint8

// The outcomes.
const (
	Allowed   Outcome = iota
	Denied            // the peer may try again with credentials: Decision.Challenge
	Forbidden         // nothing that it could bring now would help
	Slowed            // not looked at: too many wrong guesses, or too much to do
	Undecided         // whoever decides cannot be asked now
)

var outcomeNames = [...]string{"allowed", "denied", "forbidden", "slowed", "undecided"}

// String is the outcome's name, for tests and logs.
func (o Outcome) String() string { return outcomeNames[o] }

// Decision is the answer to a [Request].
type Decision struct {
	Outcome Outcome
	// Client says who the peer is to the operator: the client id of its token, or the
	// name of its account. Empty if it needed neither.
	Client string
	// Pump says that the peer is believed if it says that it is another pump (Allowed).
	Pump bool
	// Challenge is what a Denied peer is asked for.
	Challenge *codec.Challenge
	// Reason is the operator's sentence, for the log; empty if Allowed. It tells more
	// than a stranger may know.
	Reason string
	// Public is the sentence for the peer; empty if Allowed.
	Public string
	// Bare says that the peer was only asked for credentials it had not brought, as
	// happens first to everybody: it is nothing to complain about.
	Bare bool
	// RetryAfter is when to try again (Slowed, Undecided).
	RetryAfter time.Duration
}
