//go:build e2e

package e2e

import (
	"bufio"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"streampump/e2e/rig"
)

// pageRequest is what a browser sends for a page of another site, ADMIN standing for the
// listener's address, and what is answered.
type pageRequest struct {
	name, request string
	want          int
}

// pageRequests are the ways of a hostile page in the operator's browser.
var pageRequests = []pageRequest{
	{"a name made to point here", "GET /status HTTP/1.1\nHost: evil.example:8087\nSec-Fetch-Site: same-origin", 421},
	{"a name that begins like an address", "GET /status HTTP/1.1\nHost: 127.0.0.1.evil.example", 421},
	{"a name that ends like ours", "GET /status HTTP/1.1\nHost: evil.localhost", 421},
	{"the form for proxies", "GET http://evil.example/status HTTP/1.1\nHost: ADMIN", 421},
	{"a script", "GET /viewers HTTP/1.1\nHost: ADMIN\nSec-Fetch-Site: cross-site\nSec-Fetch-Mode: no-cors\nSec-Fetch-Dest: script", 403},
	{"a frame", "GET / HTTP/1.1\nHost: ADMIN\nSec-Fetch-Site: cross-site\nSec-Fetch-Dest: iframe", 403},
	{"a fetch from another port", "GET /status HTTP/1.1\nHost: ADMIN\nSec-Fetch-Site: same-site\nOrigin: http://127.0.0.1:1", 403},
	{"a form", "POST /debug/rates HTTP/1.1\nHost: ADMIN\nOrigin: http://evil.example\nContent-Type: application/x-www-form-urlencoded\nContent-Length: 12\n\nblock_rate=1", 403},
	{"a form in a sandbox", "POST /debug/rates?block_rate=1 HTTP/1.1\nHost: ADMIN\nOrigin: null\nContent-Length: 0", 403},
	{"a question before a PUT", "OPTIONS /debug/rates HTTP/1.1\nHost: ADMIN\nOrigin: http://evil.example\nAccess-Control-Request-Method: PUT", 403},
	{"a socket for a web page", "GET /status HTTP/1.1\nHost: ADMIN\nOrigin: http://evil.example\nConnection: Upgrade\nUpgrade: websocket", 403},
	{"a picture in an old browser", "GET /debug/pprof/profile?seconds=60 HTTP/1.1\nHost: ADMIN\nUser-Agent: Mozilla/5.0", 403},
	{"the same with its address", "GET /debug/pprof/trace?seconds=60 HTTP/1.1\nHost: ADMIN\nUser-Agent: Mozilla/5.0\nReferer: http://evil.example/", 403},
}

// hostilePage does to an admin listener what a page in the operator's browser can: each
// request, and more connections than the listener has, that are left open. The operator
// is answered all the while. An error says what was not as it must be.
func hostilePage(admin string) error {
	var all []error
	for _, r := range pageRequests {
		all = append(all, r.send(admin))
	}
	for range 100 {
		conn, err := net.DialTimeout("tcp", admin, patience)
		if err != nil {
			return err
		}
		defer conn.Close()
	}
	c := http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: patience}
	for range 5 {
		r, err := c.Get("http://" + admin + "/healthz")
		if err != nil {
			return errors.Join(append(all, fmt.Errorf("the operator is not answered: %w", err))...)
		}
		_ = r.Body.Close()
		if r.StatusCode != http.StatusOK {
			all = append(all, fmt.Errorf("the operator is answered %s", r.Status))
		}
	}
	return errors.Join(all...)
}

// send sends the request, and wants it to be refused and its connection to be closed.
func (p *pageRequest) send(admin string) error {
	conn, err := net.DialTimeout("tcp", admin, patience)
	if err != nil {
		return err
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
		return err
	}
	head, body, _ := strings.Cut(strings.ReplaceAll(p.request, "ADMIN", admin), "\n\n")
	fmt.Fprintf(conn, "%s\r\n\r\n%s", strings.ReplaceAll(head, "\n", "\r\n"), body)
	from := bufio.NewReader(conn)
	r, err := http.ReadResponse(from, nil)
	if err != nil {
		return fmt.Errorf("%s: %w", p.name, err)
	}
	_ = r.Body.Close()
	if r.StatusCode != p.want || !r.Close || r.Header.Get("X-Frame-Options") != "DENY" || r.Header.Get("Access-Control-Allow-Origin") != "" {
		return fmt.Errorf("%s: %s %v, want %d and the end of the connection", p.name, r.Status, r.Header, p.want)
	}
	return nil
}

// A page of another site in the operator's browser reads nothing, changes nothing, costs
// nothing and keeps nobody out.
func TestHostilePage(t *testing.T) {
	p := startPump(t, rig.Options{Config: `"streams": [{"type": "mmsh_push", "path": "live"}]`}, plainDial)
	if err := hostilePage(p.Admin.String()); err != nil {
		t.Error(err)
	}
	if rates := string(p.get("/debug/rates")); !strings.Contains(rates, `"block_rate":0,`) {
		t.Errorf("the rates are %s", rates)
	}
}
