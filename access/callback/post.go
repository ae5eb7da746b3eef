package callback

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"streampump/access"
)

// maxBody is the most bytes of an answer that are read: it has a client id at most.
const maxBody = 4 << 10

// newHTTP makes a client that goes to the site and nowhere else: it follows no
// redirect and uses no proxy.
func newHTTP(timeout time.Duration) *http.Client {
	return &http.Client{
		Timeout: timeout,
		Transport: &http.Transport{
			MaxIdleConns: maxUnderWay, MaxIdleConnsPerHost: maxUnderWay, MaxConnsPerHost: maxUnderWay,
			IdleConnTimeout: time.Minute, TLSHandshakeTimeout: timeout, MaxResponseHeaderBytes: 16 << 10,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// asked is what is sent.
type asked struct {
	Action  string `json:"action"`
	Stream  string `json:"stream"`
	Address string `json:"address"`
	Token   string `json:"token,omitempty"`
}

// post asks one question. An error says that the site is down; its text shows nothing
// of the question.
func (c *Client) post(q question) (a access.Answer, age time.Duration, err error) {
	body, err := json.Marshal(asked{q.role.String(), q.stream, q.peer.String(), q.token})
	if err != nil {
		return a, 0, err
	}
	r, err := http.NewRequestWithContext(context.Background(), http.MethodPost, c.o.URL, bytes.NewReader(body))
	if err != nil {
		return a, 0, plain(err)
	}
	r.Header.Set("Content-Type", "application/json")
	answer, err := c.http.Do(r)
	if err != nil {
		return a, 0, plain(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(io.LimitReader(answer.Body, maxBody+1))
	if err != nil {
		return a, 0, plain(err)
	}
	a, err = read(answer.StatusCode, text)
	return a, maxAgeOf(answer.Header), err
}

// plain is an error of net/http without the address, which may have a secret in it.
func plain(err error) error {
	var u *url.Error
	if errors.As(err, &u) {
		if u.Timeout() {
			return errors.New("no answer came in time")
		}
		err = u.Err
	}
	return err
}

// read is what an answer says.
func read(status int, text []byte) (a access.Answer, err error) {
	switch {
	case status >= 200 && status <= 299:
		a.Says = access.Yes
		a.Client, err = clientOf(text)
		return a, err
	case status == http.StatusRequestTimeout, status == http.StatusTooEarly, status == http.StatusTooManyRequests:
	case status >= 400 && status <= 499: // whatever a peer brings, the site is not down for it
		return access.Answer{Says: access.No, Why: "it answers " + strconv.Itoa(status)}, nil
	}
	return a, fmt.Errorf("it answers %d", status)
}

// clientOf is the client id in the body of an answer; without a body there is none.
func clientOf(text []byte) (string, error) {
	var said struct {
		Client string `json:"client"`
	}
	switch {
	case len(bytes.TrimSpace(text)) == 0:
		return "", nil
	case len(text) > maxBody:
		return "", fmt.Errorf("its answer is longer than %d bytes", maxBody)
	case json.Unmarshal(text, &said) != nil:
		return "", errors.New("its answer is not JSON")
	}
	if err := access.CheckClient(said.Client); err != nil {
		return "", fmt.Errorf("its answer's client is bad: %w", err)
	}
	return said.Client, nil
}

// maxAgeOf is how long an answer may be remembered: max-age of Cache-Control, unless it
// must not be stored (RFC 9111, 5.2.2).
func maxAgeOf(h http.Header) (age time.Duration) {
	for _, line := range h.Values("Cache-Control") {
		for part := range strings.SplitSeq(line, ",") {
			name, value, _ := strings.Cut(strings.TrimSpace(part), "=")
			switch strings.ToLower(name) {
			case "no-store", "no-cache":
				return 0
			case "max-age":
				if n, err := strconv.ParseUint(strings.Trim(value, `"`), 10, 31); err == nil {
					age = time.Duration(n) * time.Second
				}
			}
		}
	}
	return age
}
