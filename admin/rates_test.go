package admin

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/pprof/profile"
)

// off leaves the test's process as it was.
func off(t *testing.T) http.Handler {
	t.Helper()
	t.Cleanup(func() { new(switchboard).set(Rates{}) })
	return handler()
}

func ask(h http.Handler, r *http.Request) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

// wantRates checks what the listener says, and of what the runtime tells.
func wantRates(t *testing.T, h http.Handler, want string, mutex int) {
	t.Helper()
	w := ask(h, httptest.NewRequest("GET", "/debug/rates", nil))
	if got := strings.TrimSpace(w.Body.String()); got != want || w.Code != 200 || w.Header().Get("Content-Type") != "application/json" {
		t.Errorf("%d %v: the rates are %s, want %s", w.Code, w.Header(), got, want)
	}
	if got := runtime.SetMutexProfileFraction(-1); got != mutex {
		t.Errorf("the runtime's mutex fraction is %d, want %d", got, mutex)
	}
}

const ratesOff = `{"block_rate":0,"mutex_fraction":0}`

func TestRatesAreOffAndCanBeSet(t *testing.T) {
	h := off(t)
	wantRates(t, h, ratesOff, 0)
	form := httptest.NewRequest("POST", "/debug/rates", strings.NewReader("block_rate=2000&mutex_fraction=7"))
	form.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	for _, step := range []struct {
		r     *http.Request
		want  string
		mutex int
	}{
		{httptest.NewRequest("PUT", "/debug/rates?mutex_fraction=5", nil), `{"block_rate":0,"mutex_fraction":5}`, 5},
		{form, `{"block_rate":2000,"mutex_fraction":7}`, 7},
		{httptest.NewRequest("PUT", "/debug/rates?block_rate=1000000000", nil), `{"block_rate":1000000000,"mutex_fraction":7}`, 7},
		{httptest.NewRequest("POST", "/debug/rates?block_rate=0&mutex_fraction=0", nil), ratesOff, 0},
	} {
		if w := ask(h, step.r); w.Code != 200 || strings.TrimSpace(w.Body.String()) != step.want {
			t.Errorf("%s %s: %d %s", step.r.Method, step.r.URL, w.Code, w.Body)
		}
		wantRates(t, h, step.want, step.mutex)
	}
}

func TestBadRatesAreRefused(t *testing.T) {
	h := off(t)
	for _, c := range []struct{ request, want string }{
		{"PUT /debug/rates", "block_rate or mutex_fraction is missing"},
		{"PUT /debug/rates?block_rate=", `block_rate must be a whole number from 0 to 1000000000, not ""`},
		{"PUT /debug/rates?block_rate=10us", `block_rate must be a whole number from 0 to 1000000000, not "10us"`},
		{"PUT /debug/rates?block_rate=-1", `block_rate must be a whole number from 0 to 1000000000, not "-1"`},
		{"PUT /debug/rates?block_rate=1000000001", `block_rate must be a whole number from 0 to 1000000000, not "1000000001"`},
		{"PUT /debug/rates?mutex_fraction=1000001", `mutex_fraction must be a whole number from 0 to 1000000, not "1000001"`},
		{"PUT /debug/rates?mutex_fraction=1&mutex_fraction=2", "mutex_fraction is given twice"},
		{"PUT /debug/rates?mutex_fraction=1&mutex=2", `there is no parameter "mutex" here`},
		{"PUT /debug/rates?mutex_fraction=%zz", `the parameters cannot be read: invalid URL escape "%zz"`},
		{"POST /debug/pprof/block", "seconds is missing, or 0"},
		{"POST /debug/pprof/block?seconds=0", "seconds is missing, or 0"},
		{"POST /debug/pprof/block?seconds=3601", `seconds must be a whole number from 0 to 3600, not "3601"`},
		{"POST /debug/pprof/block?seconds=1&mutex_fraction=1", `there is no parameter "mutex_fraction" here`},
		{"POST /debug/pprof/mutex?seconds=1&block_rate=1", `there is no parameter "block_rate" here`},
		{"POST /debug/pprof/mutex?seconds=1&debug=1", `there is no parameter "debug" here`},
	} {
		method, target, _ := strings.Cut(c.request, " ")
		w := ask(h, httptest.NewRequest(method, target, nil))
		if got := strings.TrimSpace(w.Body.String()); w.Code != http.StatusBadRequest || got != c.want {
			t.Errorf("%s: %d %s, want 400 %s", c.request, w.Code, got, c.want)
		}
	}
	long := httptest.NewRequest("POST", "/debug/rates", strings.NewReader("block_rate=1"+strings.Repeat("0", maxForm)))
	long.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if w := ask(h, long); w.Code != http.StatusBadRequest {
		t.Errorf("a long form: %d", w.Code)
	}
	if w := ask(h, httptest.NewRequest("DELETE", "/debug/rates", nil)); w.Code != http.StatusMethodNotAllowed {
		t.Errorf("DELETE: %d", w.Code)
	}
	wantRates(t, h, ratesOff, 0)
}

// A page of another site that the operator's browser shows can change nothing.
func TestOtherSitesChangeNothing(t *testing.T) {
	h := off(t)
	for _, target := range []string{"/debug/rates?mutex_fraction=1", "/debug/pprof/mutex?seconds=1"} {
		for name, value := range map[string]string{"Sec-Fetch-Site": "cross-site", "Origin": "http://evil.example"} {
			r := httptest.NewRequest("POST", target, nil)
			r.Host = "localhost"
			r.Header.Set(name, value)
			if w := ask(guard{}.protect(h), r); w.Code != http.StatusForbidden {
				t.Errorf("%s with %s: %s: %d", target, name, value, w.Code)
			}
		}
	}
	wantRates(t, h, ratesOff, 0)
	for _, method := range []string{"GET", "HEAD"} { // what a link or an image asks for
		ask(h, httptest.NewRequest(method, "/debug/rates?mutex_fraction=1", nil))
		ask(h, httptest.NewRequest(method, "/debug/pprof/mutex?mutex_fraction=1", nil))
	}
	wantRates(t, h, ratesOff, 0)
}

// waits blocks the caller on a channel for a second of virtual time.
func waits() {
	c := make(chan struct{})
	go func() { time.Sleep(time.Second); close(c) }()
	<-c
}

// A measurement has its rates for as long as it takes, sees what happens then,
// keeps others off, and leaves the rates as they were.
func TestMeasureAndRestore(t *testing.T) {
	h := off(t)
	ask(h, httptest.NewRequest("PUT", "/debug/rates?mutex_fraction=3", nil))
	synctest.Test(t, func(t *testing.T) {
		var during sync.WaitGroup
		during.Go(func() {
			time.Sleep(2 * time.Second)
			wantRates(t, h, `{"block_rate":1,"mutex_fraction":3}`, 3)
			for request, want := range map[string]string{
				"/debug/rates?mutex_fraction=9": "409 a profile is being measured", "/debug/pprof/mutex?seconds=1": "503 another profile", "/debug/pprof/block?seconds=1": "503 another profile",
			} {
				if w := ask(h, httptest.NewRequest("POST", request, nil)); !strings.HasPrefix(fmt.Sprintf("%d %s", w.Code, w.Body), want) {
					t.Errorf("%s meanwhile: %d %s", request, w.Code, w.Body)
				}
			}
			waits()
		})
		w := ask(h, httptest.NewRequest("POST", "/debug/pprof/block?seconds=10&block_rate=1", nil))
		during.Wait()
		p, err := profile.Parse(w.Body)
		if err != nil || w.Code != 200 {
			t.Fatalf("%d, %v", w.Code, err)
		}
		if !seen(p, ".waits") {
			t.Error("the profile does not show who waited")
		}
	})
	wantRates(t, h, `{"block_rate":0,"mutex_fraction":3}`, 3)
}

func seen(p *profile.Profile, function string) bool {
	for _, f := range p.Function {
		if strings.HasSuffix(f.Name, function) {
			return true
		}
	}
	return false
}

// The default is on during a measurement that names no rate.
func TestMeasureWithDefaultRates(t *testing.T) {
	for path, want := range map[string]struct {
		rates string
		mutex int
	}{
		"block": {`{"block_rate":10000,"mutex_fraction":0}`, 0},
		"mutex": {`{"block_rate":0,"mutex_fraction":10}`, 10},
	} {
		h := off(t)
		synctest.Test(t, func(t *testing.T) {
			var during sync.WaitGroup
			during.Go(func() {
				time.Sleep(time.Second)
				wantRates(t, h, want.rates, want.mutex)
			})
			if w := ask(h, httptest.NewRequest("POST", "/debug/pprof/"+path+"?seconds=2", nil)); w.Code != 200 {
				t.Errorf("%s: %d %s", path, w.Code, w.Body)
			}
			during.Wait()
		})
		wantRates(t, h, ratesOff, 0)
	}
}

// A client that vanishes takes its measurement with it.
func TestVanishedClientRestores(t *testing.T) {
	h := off(t)
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		ctx, cancel := context.WithTimeoutCause(t.Context(), 3*time.Second, errors.New("gone"))
		defer cancel()
		ask(h, httptest.NewRequest("POST", "/debug/pprof/mutex?seconds=3600", nil).WithContext(ctx))
		if took := time.Since(began); took != 3*time.Second {
			t.Errorf("the measurement went on for %v", took)
		}
	})
	wantRates(t, h, ratesOff, 0)
}

// So does one on a real connection, whatever it sent with its request.
func TestVanishedConnectionRestores(t *testing.T) {
	h := off(t)
	s := httptest.NewServer(h)
	defer s.Close()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, "POST", s.URL+"/debug/pprof/mutex?seconds=30&mutex_fraction=4", strings.NewReader("no form"))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "text/plain")
	var asking sync.WaitGroup
	asking.Go(func() {
		if answer, err := http.DefaultClient.Do(r); err == nil {
			_ = answer.Body.Close()
			t.Errorf("it was answered %s", answer.Status)
		}
	})
	fraction := func(want int) {
		t.Helper()
		look := time.NewTicker(time.Millisecond)
		defer look.Stop()
		for end := time.Now().Add(20 * time.Second); runtime.SetMutexProfileFraction(-1) != want; <-look.C {
			if time.Now().After(end) {
				t.Fatalf("the mutex fraction is %d, want %d", runtime.SetMutexProfileFraction(-1), want)
			}
		}
	}
	fraction(4)
	cancel()
	asking.Wait()
	fraction(0)
}

// A number that is taken is a number in its bounds, and reading it again gives
// the same.
func FuzzNumbers(f *testing.F) {
	for _, s := range []string{"block_rate=1", "mutex_fraction=0&block_rate=5", "block_rate=1&block_rate=2", "x=1", "seconds=%31", ""} {
		f.Add(s)
	}
	known := []number{blockRate, mutexFraction, seconds}
	f.Fuzz(func(t *testing.T, query string) {
		form, err := url.ParseQuery(query)
		if err != nil {
			return
		}
		values, err := readNumbers(form, known)
		if err != nil {
			return
		}
		if len(values) != len(form) {
			t.Fatalf("%q: %v", query, values)
		}
		for _, n := range known {
			if v := values[n.name]; v < 0 || v > n.most {
				t.Fatalf("%q: %s is %d", query, n.name, v)
			}
		}
	})
}
