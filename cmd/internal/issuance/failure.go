package issuance

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"
	"time"

	"golang.org/x/crypto/acme"
)

// proofError is a proof that the CA did not accept.
type proofError struct {
	kind kind
	err  error
}

// Error implements error.
func (e *proofError) Error() string {
	return "the CA could not see " + e.kind.what() + ", that the name is ours: " + e.err.Error()
}

// Unwrap is what the CA said.
func (e *proofError) Unwrap() error { return e.err }

// saidError is what the CA said, with the library's error behind it.
type saidError struct {
	text string
	err  error
}

// Error implements error.
func (e *saidError) Error() string { return e.text }

// Unwrap is the library's error.
func (e *saidError) Unwrap() error { return e.err }

// explain puts an error of the library into a sentence. What the CA says is cut to a
// length for the log.
func explain(err error) error {
	var said *acme.Error
	var refused *acme.AuthorizationError
	var order *acme.OrderError
	var call *url.Error
	switch {
	case errors.As(err, &refused):
		for _, e := range refused.Errors {
			if errors.As(e, &said) {
				return &saidError{clip(said.Detail), err}
			}
		}
	case errors.As(err, &order) && order.Problem != nil:
		return &saidError{"the CA says: " + clip(order.Problem.Detail), err}
	case errors.As(err, &said):
		return &saidError{"the CA says: " + clip(said.Detail) + behind(said), err}
	case errors.Is(err, context.DeadlineExceeded):
		return &saidError{"the CA took too long", err}
	case errors.As(err, &call):
		return &saidError{"the CA cannot be reached: " + call.Err.Error(), err}
	}
	return err
}

// behind is the status and the kind of an answer. What is no CA gives no kind.
func behind(said *acme.Error) string {
	if said.ProblemType == "" {
		return fmt.Sprintf(" (%d; is this the address of a CA's directory?)", said.StatusCode)
	}
	return fmt.Sprintf(" (%d, %s)", said.StatusCode, said.ProblemType)
}

// clip is a text in one line, shortened to stay readable.
func clip(s string) string {
	const longest = 300
	s = strings.Join(strings.Fields(s), " ")
	if r := []rune(s); len(r) > longest {
		return string(r[:longest]) + "…"
	}
	return s
}

// unreached reports whether the CA has said nothing at all.
func unreached(err error) bool {
	var call *url.Error
	var failed net.Error
	return errors.As(err, &call) || errors.As(err, &failed)
}

// retryAfter is how long the CA asks to be left alone.
func retryAfter(err error) time.Duration {
	var said *acme.Error
	if !errors.As(err, &said) {
		return 0
	}
	wait, _ := acme.RateLimit(said)
	return wait
}
