package rtspclient

import (
	"context"
	"crypto/md5"
	"encoding/hex"
	"fmt"
	"strings"

	"streampump/bench/answer"
)

// Client is one side's part of a conversation: it numbers its requests and proves who it
// is when it is asked.
type Client struct {
	*Conn
	// Agent is what it calls itself.
	Agent string
	// User and Password are told whoever asks, by Digest.
	User, Password string
	// Base is the address that a Digest names in place of a track's, as live555's players
	// do; empty: that of the request.
	Base string
	// Session is what the server said, without its parameters.
	Session string

	seq       int
	challenge string
}

// StatusError is an answer other than the one that was wanted.
type StatusError struct {
	Request string
	Head    *answer.Head
	Body    string
}

// Error names both.
func (e *StatusError) Error() string { return fmt.Sprintf("%s is answered %v", e.Request, e.Head) }

// Ask sends a request and reads its answer, which must be 200. It asks once more if it
// has to prove who it is.
func (c *Client) Ask(ctx context.Context, method, url string, body string, fields ...string) (*answer.Head, []byte, error) {
	h, b, err := c.Try(ctx, method, url, body, fields...)
	if err == nil && h.Status == 401 && c.User != "" {
		if c.challenge = digest(h); c.challenge != "" {
			h, b, err = c.Try(ctx, method, url, body, fields...)
		}
	}
	if err == nil && h.Status != 200 {
		err = &StatusError{method + " " + url, h, string(b)}
	}
	return h, b, err
}

// Try sends a request and reads its answer, whatever it is. The answer's number is the
// request's.
func (c *Client) Try(ctx context.Context, method, url string, body string, fields ...string) (*answer.Head, []byte, error) {
	h, b, err := c.Do(ctx, c.Request(method, url, body, fields...))
	if err == nil && h.Get("CSeq") != fmt.Sprint(c.seq) {
		err = fmt.Errorf("%s has number %d, and its answer %q", method, c.seq, h.Get("CSeq"))
	}
	return h, b, err
}

// Request is the next request.
func (c *Client) Request(method, url string, body string, fields ...string) string {
	c.seq++
	lines := []string{fmt.Sprintf("%s %s RTSP/1.0", method, url), fmt.Sprintf("CSeq: %d", c.seq)}
	if c.Agent != "" {
		lines = append(lines, "User-Agent: "+c.Agent)
	}
	if c.challenge != "" {
		lines = append(lines, "Authorization: "+c.proof(method, url))
	}
	if c.Session != "" {
		lines = append(lines, "Session: "+c.Session)
	}
	lines = append(lines, fields...)
	if body != "" {
		lines = append(lines, fmt.Sprintf("Content-Length: %d", len(body)))
	}
	return strings.Join(append(lines, "", ""), "\r\n") + body
}

// digest is the first challenge by Digest among an answer's; empty if there is none.
func digest(h *answer.Head) string {
	for _, f := range h.Fields {
		if strings.EqualFold(f.Name, "WWW-Authenticate") && strings.HasPrefix(f.Value, "Digest ") {
			return f.Value
		}
	}
	return ""
}

// proof answers a challenge as players do, without qop (RFC 2069, 2.1.2).
func (c *Client) proof(method, url string) string {
	if c.Base != "" {
		url = c.Base
	}
	realm, nonce := quoted(c.challenge, "realm"), quoted(c.challenge, "nonce")
	response := hash(hash(c.User+":"+realm+":"+c.Password) + ":" + nonce + ":" + hash(method+":"+url))
	return fmt.Sprintf(`Digest username="%s", realm="%s", nonce="%s", uri="%s", response="%s"`, c.User, realm, nonce, url, response)
}

func hash(s string) string {
	sum := md5.Sum([]byte(s)) //nolint:gosec // the protocol's
	return hex.EncodeToString(sum[:])
}

// quoted is a quoted parameter of a challenge.
func quoted(challenge, name string) string {
	_, rest, _ := strings.Cut(challenge, name+`="`)
	value, _, _ := strings.Cut(rest, `"`)
	return value
}

// take notes the session of an answer.
func (c *Client) take(h *answer.Head) {
	if id, _, _ := strings.Cut(h.Get("Session"), ";"); id != "" {
		c.Session = strings.TrimSpace(id)
	}
}
