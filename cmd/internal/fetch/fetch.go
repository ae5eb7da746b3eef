// Package fetch gets the status and profiles from the admin listener of a running pump. It
// knows the listener's addresses and what may go wrong on the way; what is in a
// profile is its caller's business.
//
// Every request ends with its context and is bounded in time and in what it reads.
// Nothing is retried: a profile that failed was not measured.
package fetch

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"
)

// DefaultPort is the port of an address without one: the admin listener's default.
const DefaultPort = "8087"

// How long an answer may take beyond what was asked to be measured. The status
// takes a moment of each stream; a profile of a large pump has to be gathered
// and packed on a machine that is under load.
const (
	statusTime  = 5 * time.Second
	profileTime = 15 * time.Second
)

// The most that is read of an answer. A status has about a kilobyte for each
// stream, and a profile some megabytes at the most.
const (
	maxStatus  = 64 << 20
	maxProfile = 64 << 20
)

// Admin is the admin listener of a pump. Any goroutine may use it.
type Admin struct{ base string }

// Parse reads the address of an admin listener: a URL without a path, or only
// its host with or without the port.
func Parse(text string) (Admin, error) {
	full := text
	if !strings.Contains(full, "://") {
		full = "http://" + full
	}
	u, err := url.Parse(full)
	switch {
	case err != nil:
		return Admin{}, fmt.Errorf("%q is no address of an admin listener, as in http://127.0.0.1:8087", text)
	case u.Scheme != "http" && u.Scheme != "https":
		return Admin{}, fmt.Errorf("the URL of an admin listener begins with http://, and %q does not", text)
	case u.Hostname() == "":
		return Admin{}, fmt.Errorf("the URL %q has no host", text)
	case u.User != nil:
		return Admin{}, errors.New("a user in a URL is not supported")
	case strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.Fragment != "":
		return Admin{}, fmt.Errorf("the URL is that of the admin listener alone, as in http://127.0.0.1:8087, and %q has more", text)
	}
	port := u.Port()
	if port == "" {
		port = DefaultPort
	}
	return Admin{u.Scheme + "://" + net.JoinHostPort(u.Hostname(), port)}, nil
}

// String is the listener's URL.
func (a Admin) String() string { return a.base }

// Status is the part of a pump's status that says what a profile is of and what its
// streams are like.
type Status struct {
	Version string         `json:"version"`
	Viewers int64          `json:"viewers"`
	Streams []StreamStatus `json:"streams"`
}

// StreamStatus is one stream of a [Status].
type StreamStatus struct {
	Path      string `json:"path"`
	Bitrate   int64  `json:"bitrate"` // 0 while it does not run
	PacketsIn uint64 `json:"packets_in"`
	BytesIn   uint64 `json:"bytes_in"`
}

// Status asks whether a pump is there, and for its state.
func (a Admin) Status(ctx context.Context) (Status, error) {
	b, err := a.do(ctx, http.MethodGet, "/status", statusTime, maxStatus)
	if err != nil {
		var wrong *answerError
		if errors.As(err, &wrong) {
			err = fmt.Errorf("%s is not the admin listener of a pump: its status is answered %s", a, wrong.status)
		}
		return Status{}, err
	}
	var s Status
	if err := json.Unmarshal(b, &s); err != nil || s.Version == "" {
		return Status{}, fmt.Errorf("%s is not the admin listener of a pump: its status is something else", a)
	}
	return s, nil
}

// Order is a request for a profile.
type Order struct {
	Kind    Kind
	Seconds int // for how long; only if Kind.Measured
	// The rate of a block or mutex profile, see admin.Rates; 0 is the pump's
	// default.
	Rate int
}

// Profile measures and returns the profile as the pump sends it, packed. It takes
// as long as was ordered. The error says what a person can do about it.
func (a Admin) Profile(ctx context.Context, o Order) ([]byte, error) {
	path := "/debug/pprof/" + o.Kind.path
	wait := profileTime
	if o.Kind.Measured {
		query := url.Values{"seconds": {fmt.Sprint(o.Seconds)}}
		if o.Rate != 0 {
			query.Set(o.Kind.rate, fmt.Sprint(o.Rate))
		}
		path += "?" + query.Encode()
		wait += time.Duration(o.Seconds) * time.Second
	}
	method := http.MethodGet
	if o.Kind.rate != "" {
		method = http.MethodPost // it changes the pump's rates for so long
	}
	b, err := a.do(ctx, method, path, wait, maxProfile)
	var wrong *answerError
	if errors.As(err, &wrong) {
		err = fmt.Errorf("the pump gives no %s profile: %s", o.Kind.Name, wrong.text())
	}
	return b, err
}

// answerError is an answer that is not 200.
type answerError struct{ status, body string }

func (e *answerError) Error() string { return "it answers " + e.text() }

// text is the status and what the server says of it, on one line.
func (e *answerError) text() string {
	line, _, _ := strings.Cut(strings.TrimSpace(e.body), "\n")
	if line == "" {
		return e.status
	}
	return fmt.Sprintf("%s (%s)", line, e.status)
}

// maxComplaint is how much of an error's text is read.
const maxComplaint = 1 << 10

// do makes one request and reads the answer.
func (a Admin) do(ctx context.Context, method, path string, wait time.Duration, most int64) ([]byte, error) {
	late := fmt.Errorf("%s has not answered within %v", a, wait)
	ctx, cancel := context.WithTimeoutCause(ctx, wait, late)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, method, a.base+path, nil)
	if err != nil {
		return nil, err
	}
	// A connection for each request: a second one may be minutes away. No proxy,
	// and no other place than the one that was asked for.
	t := &http.Transport{DisableKeepAlives: true}
	defer t.CloseIdleConnections()
	client := &http.Client{Transport: t, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	answer, err := client.Do(r)
	if err != nil {
		return nil, a.failed(ctx, "no connection to", err)
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		body, _ := io.ReadAll(io.LimitReader(answer.Body, maxComplaint)) // the status is enough
		return nil, &answerError{answer.Status, string(body)}
	}
	b, err := io.ReadAll(io.LimitReader(answer.Body, most+1))
	if err != nil {
		return nil, a.failed(ctx, "the connection was lost to", err)
	}
	if int64(len(b)) > most {
		return nil, fmt.Errorf("the answer of %s is longer than %d bytes", a, most)
	}
	return b, nil
}

// failed is the sentence for a request without an answer.
func (a Admin) failed(ctx context.Context, what string, err error) error {
	if cause := context.Cause(ctx); cause != nil {
		return cause
	}
	var sent *url.Error
	if errors.As(err, &sent) {
		err = sent.Err
	}
	var call *os.SyscallError
	var name *net.DNSError
	switch {
	case errors.As(err, &call):
		err = call.Err
	case errors.As(err, &name):
		err = errors.New("the name cannot be looked up")
	}
	return fmt.Errorf("%s %s: %w", what, a, err)
}
