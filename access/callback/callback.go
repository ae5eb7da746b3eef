// Package callback asks a web site who may view: a POST for each peer that nothing else
// decides on.
//
//	Client.Ask ──cache──► known
//	     │ one question for all who ask the same
//	     └──access.Pool──► POST ──► Answer ──► cache, for its max-age ──► everybody who asked
//
// What is asked is JSON, and so is what may be answered:
//
//	{"action": "view", "stream": "news", "address": "192.0.2.7", "token": "…"}
//	{"client": "anna"}
//
// A status of 200 to 299 is yes, one of 400 to 499 is no, but for 408, 425 and 429, and
// everything else, or nothing within the time, says that the site is down. Then peers
// are let in or not, as the operator wants it, and after a few failures in a row the
// site is left alone for a moment, with one question now and then to see whether it is
// back: a site that hangs does not make viewers wait.
//
// No question is asked on the caller's goroutine. How many are under way, how many
// wait, and how many answers are remembered is bounded.
package callback

import (
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"time"

	"streampump/access"
)

// Options are what a client is told.
type Options struct {
	access.Callback
	// Changed is called when the site goes down, with what is wrong, and when it is
	// back, with nil. It may be nil, and must not block.
	Changed func(err error)
}

// Bounds of a client.
const (
	// Each question has two descriptors at most: both families are tried, or looked up,
	// at once.
	maxUnderWay = access.CallbackDescriptors / 2
	maxWaiting  = 1 << 10 // questions that wait for their turn
	maxOfOne    = 1 << 8  // of one address; a site behind one NAT is the usual customer
	maxAnswers  = 1 << 14 // that are remembered
	maxAge      = time.Hour
)

// When the site is taken to be down, and for how long it is left alone then.
const (
	failuresDown = 3
	leaveAlone   = 5 * time.Second
)

// Client asks one site. It implements [access.Backend].
type Client struct {
	o    Options
	http *http.Client
	pool *access.Pool
	// now is the time when an answer comes.
	now func() time.Time

	mu       sync.Mutex
	answers  map[question]answer
	asking   map[question][]func(access.Answer)
	failures int       // in a row
	next     time.Time // down: when the site may be asked again
	why      string    // down: what was wrong last
}

// question is what tells one peer from another.
type question struct {
	role          access.Role
	stream, token string
	peer          netip.Addr
}

// answer is one that is remembered.
type answer struct {
	access.Answer
	until time.Time
}

// New makes a client. It starts nothing.
func New(o Options) *Client {
	return &Client{
		o: o, http: newHTTP(o.Timeout), pool: access.NewPool(maxUnderWay, maxWaiting, maxOfOne), now: time.Now,
		answers: map[question]answer{}, asking: map[question][]func(access.Answer){},
	}
}

// Ask implements [access.Backend].
func (c *Client) Ask(now time.Time, r access.Request, done func(access.Answer)) (a access.Answer, known bool) {
	q := question{role: r.Role, stream: strings.ToLower(r.Stream), peer: r.Peer}
	if r.Credentials != nil {
		q.token = r.Credentials.Token
	}
	if !isText(q.token) {
		return access.Answer{Says: access.No, Why: "the token is no text that a site could have made"}, true
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if a, ok := c.answers[q]; ok && now.Before(a.until) {
		return a.Answer, true
	}
	if waiting, ok := c.asking[q]; ok {
		if len(waiting) >= maxOfOne {
			return crowded("too many ask the same"), true
		}
		c.asking[q] = append(waiting, done)
		return access.Answer{}, false
	}
	if c.failures >= failuresDown {
		if now.Before(c.next) {
			return c.down(c.why), true
		}
		c.next = now.Add(leaveAlone) // this question finds out
	}
	if !c.pool.Do(r.Peer, false, func() { c.ask(q) }) {
		return crowded("too many questions wait for it"), true
	}
	c.asking[q] = []func(access.Answer){done}
	return access.Answer{}, false
}

// maxToken is the longest token that a site is asked about, in bytes.
const maxToken = 4 << 10

// isText reports whether a token can be one that a site has made. Others could only
// bring a site into trouble, and make it look as if it were down.
func isText(token string) bool {
	return len(token) <= maxToken && !strings.ContainsFunc(token, func(r rune) bool { return r <= ' ' || r >= 0x7F })
}

// crowded is the answer where it is we who ask no further: whoever brings that about is
// not let in by it.
func crowded(why string) access.Answer { return access.Answer{Says: access.Unknown, Why: why} }

// down is the answer where the site gives none.
func (c *Client) down(why string) access.Answer {
	if c.o.AllowWhenDown {
		return access.Answer{Says: access.Yes}
	}
	return access.Answer{Says: access.Unknown, Why: why}
}

// ask asks the site, and tells everybody who waits.
func (c *Client) ask(q question) {
	a, age, err := c.post(q)
	now := c.now()
	c.mu.Lock()
	changed := c.noteLocked(err, now)
	if err != nil {
		a = c.down(err.Error())
	} else if age > 0 {
		c.rememberLocked(q, answer{a, now.Add(min(age, maxAge))}, now)
	}
	waiting := c.asking[q]
	delete(c.asking, q)
	c.mu.Unlock()
	if changed && c.o.Changed != nil {
		c.o.Changed(err)
	}
	for _, done := range waiting {
		done(a)
	}
}

// noteLocked notes how a question went, and reports whether the site has gone down or
// come back by it.
func (c *Client) noteLocked(err error, now time.Time) (changed bool) {
	if err == nil {
		changed = c.failures >= failuresDown
		c.failures = 0
		return changed
	}
	c.failures++
	c.why, c.next = err.Error(), now.Add(leaveAlone)
	return c.failures == failuresDown
}

// rememberLocked keeps an answer. In a full table those that are over make room, or
// else any.
func (c *Client) rememberLocked(q question, a answer, now time.Time) {
	if len(c.answers) >= maxAnswers {
		for k, old := range c.answers {
			if !now.Before(old.until) {
				delete(c.answers, k)
			}
		}
		for k := range c.answers {
			if len(c.answers) < maxAnswers-maxAnswers/8 {
				break
			}
			delete(c.answers, k)
		}
	}
	c.answers[q] = a
}
