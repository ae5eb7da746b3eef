package rtmp

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"streampump/access"
	"streampump/e2e/rig"
)

// setting is which pump a row is run against.
type setting int

// The pumps. Each has a stream for every row that is run against it.
const (
	steady  setting = iota // long timers, a small backlog
	hasty                  // whoever connects must say at once what for
	idle                   // encoders must send, and their viewers are kept
	brief                  // viewers whose source is lost are kept for a moment only
	keyless                // joiners wait for a key frame for a moment only
	behind                 // joiners start a little in the past
	strict                 // viewers must take what they get
	full                   // each stream has room for one viewer
	sending                // the same, and others are sent to another server
	closed                 // encoders need a password or a token
	private                // viewers need a password or a token
	proving                // encoders need a password, and nobody may read it on the way
	pulling                // has streams that it pulls from stations of the rows
	settings
)

// floor is the least that a timer may be set to.
const floor = "100ms"

// past is how far behind the pump called so has its joiners start.
const past = time.Second

// second is where the pump called sending sends viewers, without the name of the stream.
const second = "rtmp://second.example:1936/streams"

// What the pumps that are not open know.
const (
	user, password   = "anna", "geheim-1"
	keyID, keySecret = "k1", "conformance-conformance-conformance"
)

// transport is what lies below RTMP: TCP alone, or TLS.
type transport struct {
	identity *rig.Identity // of the pumps; nil for TCP alone
}

func (t transport) secure() bool { return t.identity != nil }

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
	pumps    [settings]*rig.Pump
	stations map[string]*station // by the name of the row
}

// startPumps starts one pump for each setting; the test's end stops them.
func startPumps(t *testing.T, over transport, rows []row) *fixture {
	t.Helper()
	f := &fixture{transport: over, stations: map[string]*station{}}
	// A stalled viewer must fall out of a backlog that a test can fill, and messages come and
	// go as fast as they can be made.
	const small = `"backlog": {"bytes": "8MiB"}, "fanout": {"notsent_lowat": "16KiB"}, "limits": {"packets_per_second_per_source": 0, "join_speed": 0},`
	extra := [settings]string{
		steady:  small + timeouts("viewer_stall", "10m"),
		hasty:   timeouts("request", "500ms"), // in which a peer can say something
		idle:    timeouts("push_idle", "500ms"),
		brief:   timeouts("push_hold", floor),
		keyless: timeouts("key_frame_wait", floor),
		behind:  fmt.Sprintf(`"backlog": {"join_burst": %q},`, past),
		strict:  small + timeouts("viewer_stall", "1s"),
		closed:  accessConfig("publish"),
		private: accessConfig("view"),
		proving: fmt.Sprintf(`"publish": {"users": [%q]},`, access.NewDigest(access.DigestMD5, user, access.DefaultRealm, password)),
		pulling: `"timeouts": {"pull_first_retry": "` + floor + `", "pull_retry": "` + floor + `", "pull_retry_jitter": 0},`,
	}
	for s := range settings {
		f.pumps[s] = rig.Start(t, rig.Options{TLS: over.identity, Config: extra[s] + `"streams": [` + f.streams(t, s, rows) + `]`})
	}
	return f
}

// accessConfig asks for a password or a token for an action.
func accessConfig(action string) string {
	return fmt.Sprintf(`%q: {"users": [%q], "token_keys": [{"id": %q, "secret": %q}]},`, action,
		access.NewArgon2id(user, password), keyID, keySecret)
}

// timeouts sets a timer.
func timeouts(key, value string) string { return fmt.Sprintf(`"timeouts": {%q: %q},`, key, value) }

// streams is the configuration of the streams of one pump.
func (f *fixture) streams(t *testing.T, s setting, rows []row) string {
	t.Helper()
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
			options = fmt.Sprintf(`, "limits": {"viewers": 1}, "redirect_full_to": %q`, second+"/{path}")
		case pulling:
			st := startStation(t)
			f.stations[r.name] = st
			list = append(list, fmt.Sprintf(`{"type": "rtmp_pull", "path": %q, "source_options": {"url": %q}}`, r.test(), st.url()))
			continue
		}
		list = append(list, fmt.Sprintf(`{"type": "rtmp_push", "path": %q%s}`, r.test(), options))
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
