package callback

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"streampump/access"
	"streampump/codec"
)

var noon = time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)

// site is a web site that answers as its test wants, and counts.
type site struct {
	*httptest.Server
	asked atomic.Int64
	last  atomic.Value // of asked
}

func newSite(t *testing.T, answer http.HandlerFunc) *site {
	s := &site{}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.asked.Add(1)
		body, _ := io.ReadAll(r.Body)
		s.last.Store(r.Method + " " + r.URL.Path + " " + r.Header.Get("Content-Type") + " " + string(body))
		answer(w, r)
	}))
	t.Cleanup(s.Close)
	return s
}

// clientOfSite asks the site, with the time that the test sets.
func clientOfSite(s *site, change func(*Options)) (*Client, *atomic.Int64) {
	o := Options{Callback: access.Callback{URL: s.URL + "/may?key=geheim", Timeout: 10 * time.Second}}
	if change != nil {
		change(&o)
	}
	c, now := New(o), &atomic.Int64{}
	now.Store(noon.UnixNano())
	c.now = func() time.Time { return time.Unix(0, now.Load()) }
	return c, now
}

func request(token string) access.Request {
	r := access.Request{Role: access.View, Stream: "News", Peer: netip.MustParseAddr("192.0.2.7")}
	if token != "" {
		r.Credentials = &codec.Credentials{Token: token}
	}
	return r
}

// get asks and waits.
func get(c *Client, r access.Request) (a access.Answer, known bool) {
	later := make(chan access.Answer, 1)
	a, known = c.Ask(c.now(), r, func(a access.Answer) { later <- a })
	if !known {
		a = <-later
	}
	return a, known
}

func TestAnswers(t *testing.T) {
	for _, c := range []struct {
		name   string
		status int
		body   string
		want   access.Answer
	}{
		{"yes", 200, `{"client": "anna.7"}`, access.Answer{Says: access.Yes, Client: "anna.7"}},
		{"yes_and_more", 200, `{"client": "anna", "new": [1]}`, access.Answer{Says: access.Yes, Client: "anna"}},
		{"yes_without_body", 204, "", access.Answer{Says: access.Yes}},
		{"no", 403, "go away", access.Answer{Says: access.No, Why: "it answers 403"}},
		{"unauthorized", 401, "", access.Answer{Says: access.No, Why: "it answers 401"}},
		{"gone", 410, "", access.Answer{Says: access.No, Why: "it answers 410"}},
		{"not_understood", 400, "", access.Answer{Says: access.No, Why: "it answers 400"}},
		{"token_too_large", 413, "", access.Answer{Says: access.No, Why: "it answers 413"}},
		{"too_many", 429, "", access.Answer{Why: "it answers 429"}},
		{"broken", 500, "", access.Answer{Why: "it answers 500"}},
		{"elsewhere", 302, "", access.Answer{Why: "it answers 302"}},
		{"no_json", 200, "<html>", access.Answer{Why: "its answer is not JSON"}},
		{"bad_client", 200, `{"client": "an na"}`, access.Answer{Why: "its answer's client is bad: a client id has at most 64 letters, digits, dots, _ and -"}},
		{"too_long", 200, strings.Repeat(" ", maxBody) + "{}", access.Answer{Why: "its answer is longer than 4096 bytes"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newSite(t, func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Location", "/elsewhere")
				w.WriteHeader(c.status)
				_, _ = io.WriteString(w, c.body)
			})
			client, _ := clientOfSite(s, nil)
			if a, known := get(client, request("t1")); a != c.want || known {
				t.Errorf("got %+v, known %v, want %+v", a, known, c.want)
			}
			if got, want := s.last.Load(), `POST /may application/json {"action":"view","stream":"news","address":"192.0.2.7","token":"t1"}`; got != want || s.asked.Load() != 1 {
				t.Errorf("the site is asked %d times, last %s", s.asked.Load(), got)
			}
		})
	}
}

func TestAnswersAreRemembered(t *testing.T) {
	header := ""
	s := newSite(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Cache-Control", header)
		_ = json.NewEncoder(w).Encode(map[string]string{"client": "anna"})
	})
	for h, age := range map[string]time.Duration{"max-age=60": time.Minute, "private, MAX-AGE=\"60\"": time.Minute, "max-age=999999": maxAge, "": 0, "no-store, max-age=60": 0, "max-age=-1": 0, "max-age=x": 0} {
		header = h
		c, now := clientOfSite(s, nil)
		get(c, request("t1"))
		_, known := get(c, request("t1"))
		if known != (age > 0) {
			t.Errorf("%q: known %v", h, known)
		}
		if age == 0 {
			continue
		}
		now.Add(int64(age) - 1)
		if a, known := get(c, request("t1")); !known || a.Client != "anna" {
			t.Errorf("%q: forgotten too early", h)
		}
		other := request("t1")
		other.Peer = netip.MustParseAddr("192.0.2.8")
		for _, r := range []access.Request{request("t2"), request(""), other} {
			if _, known := get(c, r); known {
				t.Errorf("%q: the answer is good for others", h)
			}
		}
		now.Add(1)
		if _, known := get(c, request("t1")); known {
			t.Errorf("%q: never forgotten", h)
		}
	}
}

// Many who ask the same at once make one question.
func TestSameQuestionIsAskedOnce(t *testing.T) {
	hold := make(chan struct{})
	s := newSite(t, func(http.ResponseWriter, *http.Request) { <-hold })
	c, _ := clientOfSite(s, nil)
	answers := make(chan access.Answer, maxOfOne+1)
	for range maxOfOne {
		if _, known := c.Ask(noon, request("t1"), func(a access.Answer) { answers <- a }); known {
			t.Fatal("answered at once")
		}
	}
	if a, known := c.Ask(noon, request("t1"), nil); !known || a.Says != access.Unknown || a.Why != "too many ask the same" {
		t.Errorf("%+v, known %v", a, known)
	}
	close(hold)
	for range maxOfOne {
		if a := <-answers; a.Says != access.Yes {
			t.Errorf("%+v", a)
		}
	}
	if n := s.asked.Load(); n != 1 {
		t.Errorf("%d questions", n)
	}
}

// A site that is down is left alone for a moment, and asked again now and then.
func TestSiteIsDown(t *testing.T) {
	var up atomic.Bool
	s := newSite(t, func(w http.ResponseWriter, _ *http.Request) {
		if !up.Load() {
			w.WriteHeader(http.StatusBadGateway)
		}
	})
	var changes []string
	c, now := clientOfSite(s, func(o *Options) {
		o.Changed = func(err error) { changes = append(changes, fmt.Sprint(err)) }
	})
	for i := range failuresDown {
		if a, known := get(c, request(fmt.Sprint(i))); a.Says != access.Unknown || known {
			t.Errorf("%+v, known %v", a, known)
		}
	}
	if a, known := get(c, request("x")); !known || a.Says != access.Unknown || a.Why != "it answers 502" {
		t.Errorf("%+v, known %v", a, known)
	}
	now.Add(int64(leaveAlone))
	if _, known := get(c, request("x")); known || s.asked.Load() != failuresDown+1 {
		t.Errorf("known %v, %d questions", known, s.asked.Load())
	}
	up.Store(true)
	now.Add(int64(leaveAlone))
	if a, _ := get(c, request("x")); a.Says != access.Yes {
		t.Errorf("%+v", a)
	}
	if a, known := get(c, request("y")); a.Says != access.Yes || known {
		t.Errorf("%+v, known %v", a, known)
	}
	if got := strings.Join(changes, "; "); got != "it answers 502; <nil>" {
		t.Errorf("changes: %s", got)
	}
}

// A site that hangs, or is not there, costs its time and no more, and peers are let in
// if the operator wants that.
func TestSiteHangs(t *testing.T) {
	gone := make(chan struct{})
	s := newSite(t, func(_ http.ResponseWriter, r *http.Request) {
		select {
		case <-r.Context().Done():
		case <-gone:
		}
	})
	defer close(gone)
	for allow, want := range map[bool]access.Answer{true: {Says: access.Yes}, false: {Why: "no answer came in time"}} {
		c, _ := clientOfSite(s, func(o *Options) { o.Timeout, o.AllowWhenDown = 20*time.Millisecond, allow })
		if a, _ := get(c, request("t1")); a != want {
			t.Errorf("got %+v, want %+v", a, want)
		}
	}
	s.Server.CloseClientConnections()
	none := httptest.NewServer(nil)
	none.Close()
	c, _ := clientOfSite(&site{Server: none}, nil)
	if a, _ := get(c, request("t1")); a.Says != access.Unknown || !strings.Contains(a.Why, "refused") || strings.Contains(a.Why, "geheim") {
		t.Errorf("%+v", a)
	}
}

// What a peer does is not taken for a site that is down: where such a site lets everybody
// in, nobody could be kept out.
func TestNobodyTakesASiteDown(t *testing.T) {
	hold := make(chan struct{})
	s := newSite(t, func(http.ResponseWriter, *http.Request) { <-hold })
	c, _ := clientOfSite(s, func(o *Options) { o.AllowWhenDown = true })
	for _, token := range []string{"a\x00b", "a b", "\xff", "ü", strings.Repeat("x", maxToken+1)} {
		if a, known := c.Ask(noon, request(token), nil); !known || a.Says != access.No {
			t.Errorf("%.10q: %+v, known %v", token, a, known)
		}
	}
	answers := make(chan access.Answer, 2*maxOfOne)
	keep := func(a access.Answer) { answers <- a }
	for i := range maxOfOne {
		c.Ask(noon, request(fmt.Sprint(i)), keep)
	}
	if a, known := c.Ask(noon, request("more"), keep); !known || a.Says != access.Unknown {
		t.Errorf("too many questions: %+v, known %v", a, known)
	}
	for range maxOfOne {
		c.Ask(noon, request("0"), keep)
	}
	if a, known := c.Ask(noon, request("0"), keep); !known || a.Says != access.Unknown {
		t.Errorf("too often the same: %+v, known %v", a, known)
	}
	close(hold)
	for range 2*maxOfOne - 1 {
		<-answers
	}
}

// What is remembered and what waits is bounded.
func TestClientIsBounded(t *testing.T) {
	c := New(Options{Callback: access.Callback{URL: "http://192.0.2.1/", Timeout: time.Second}})
	for i := range 2 * maxAnswers {
		c.rememberLocked(question{token: fmt.Sprint(i)}, answer{until: noon.Add(time.Hour)}, noon)
	}
	if n := len(c.answers); n > maxAnswers {
		t.Errorf("%d answers", n)
	}
	hold := make(chan struct{})
	s := newSite(t, func(http.ResponseWriter, *http.Request) { <-hold })
	d, _ := clientOfSite(s, nil)
	answers := make(chan access.Answer, 1<<12)
	waiting := 0
	for i := range 2 * maxOfOne {
		if _, known := d.Ask(noon, request(fmt.Sprint(i)), func(a access.Answer) { answers <- a }); !known {
			waiting++
		}
	}
	close(hold)
	for range waiting {
		<-answers
	}
	if waiting != maxOfOne {
		t.Errorf("%d questions of one address", waiting)
	}
}
