package rtsp

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"strings"
	"testing"

	"streampump/access"
	"streampump/e2e/rig"
)

// setting is which pump a row is run against.
type setting int

// The pumps. Each has a stream for every row that is run against it.
const (
	steady     setting = iota // long timers, a small backlog
	hasty                     // whoever has been answered must go on at once
	idle                      // encoders must send, and their viewers are kept for a moment only
	keyless                   // joiners wait for a key frame for a moment only
	brief                     // viewers whose source is lost are kept for a moment only
	full                      // each stream has room for one viewer
	sending                   // the same, and they are sent elsewhere
	closed                    // encoders need a password
	private                   // viewers need a password or a token
	suspicious                // the same, for the row that guesses
	pulling                   // has streams that it pulls from cameras of the rows
	near                      // whoever is on this machine may have UDP
	settings
)

// second is where the sending pump has its redirect_full_to.
const second = "rtsp://second.example:8554/news"

// floor is the least that a timer may be set to.
const floor = "100ms"

// What the pumps that are not open know.
const (
	user, password   = "anna", "geheim-1"
	keyID, keySecret = "k1", "conformance-conformance-conformance"
)

// transport is what lies below RTSP: TCP alone, or TLS.
type transport struct {
	identity *rig.Identity // of the pumps; nil for TCP alone
}

func (t transport) secure() bool { return t.identity != nil }

// scheme is that of addresses.
func (t transport) scheme() string {
	if t.secure() {
		return "rtsps"
	}
	return "rtsp"
}

// connect connects a peer.
func (t transport) connect(ctx context.Context, addr string, d *net.Dialer) (net.Conn, error) {
	if t.secure() {
		return (&tls.Dialer{NetDialer: d, Config: t.identity.Client()}).DialContext(ctx, "tcp", addr)
	}
	return d.DialContext(ctx, "tcp", addr)
}

// fixture is what all rows share.
type fixture struct {
	transport
	pumps   [settings]*rig.Pump
	cameras map[string]*camera // by the name of the row
}

// startPumps starts one pump for each setting; the test's end stops them.
func startPumps(t *testing.T, over transport, rows []row) *fixture {
	t.Helper()
	f := &fixture{transport: over, cameras: map[string]*camera{}}
	extra := [settings]string{
		// A stalled viewer must fall out of a backlog that a test can fill.
		steady:     `"backlog": {"bytes": "2MiB"}, "fanout": {"notsent_lowat": "16KiB"},`,
		hasty:      timeouts("keep_alive", "viewer_session"),
		idle:       timeouts("push_idle", "push_hold"),
		keyless:    timeouts("key_frame_wait"),
		brief:      timeouts("push_hold"),
		closed:     fmt.Sprintf(`"publish": {"users": [%q]},`, access.NewDigest(access.DigestMD5, user, access.DefaultRealm, password)),
		private:    privateConfig(),
		suspicious: privateConfig(),
		pulling:    `"timeouts": {"pull_first_retry": "` + floor + `", "pull_retry": "` + floor + `", "pull_retry_jitter": 0},`,
	}
	extra[near] = rig.UDPPorts(t)
	extra[pulling] += rig.UDPPorts(t)
	for s := range settings {
		f.pumps[s] = rig.Start(t, rig.Options{TLS: over.identity, Config: extra[s] + `"streams": [` + f.streams(t, s, rows) + `]`})
	}
	return f
}

func privateConfig() string {
	return fmt.Sprintf(`"view": {"users": [%q], "token_keys": [{"id": %q, "secret": %q}]},`,
		access.NewDigest(access.DigestMD5, user, access.DefaultRealm, password), keyID, keySecret)
}

// timeouts sets timers to their floor.
func timeouts(keys ...string) string {
	for i, key := range keys {
		keys[i] = fmt.Sprintf("%q: %q", key, floor)
	}
	return `"timeouts": {` + strings.Join(keys, ", ") + `},`
}

// streams is the configuration of the streams of one pump.
func (f *fixture) streams(t *testing.T, s setting, rows []row) string {
	var list []string
	for _, r := range rows {
		if r.on != s {
			continue
		}
		options := ""
		switch s {
		case full:
			options = `, "limits": {"viewers": 1}`
		case sending:
			options = fmt.Sprintf(`, "limits": {"viewers": 1}, "redirect_full_to": %q`, second)
		case pulling:
			c := startCamera(t)
			f.cameras[r.name] = c
			list = append(list, fmt.Sprintf(`{"type": "rtsp_pull", "path": %q, "source_options": {"url": %q, "user": %q, "password": %q}}`, r.test(), c.url(), user, password))
			continue
		}
		list = append(list, fmt.Sprintf(`{"type": "rtsp_push", "path": %q%s}`, r.test(), options))
	}
	if s == steady {
		list = append(list, `{"type": "mmsh_push", "path": "over-mmsh"}`)
	}
	return strings.Join(list, ",\n")
}

// address is where a pump is dialled.
func (f *fixture) address(p *rig.Pump) string {
	if f.secure() {
		return p.TLS.String()
	}
	return p.Addr.String()
}
