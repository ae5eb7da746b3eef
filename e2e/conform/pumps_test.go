package conform

import (
	"fmt"
	"net"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"

	"streampump/e2e/rig"
)

// setting is which pump a row is run against.
type setting int

// The pumps. Each has a stream for every row that is run against it.
const (
	steady      setting = iota // long timers, a small backlog
	lateHead                   // a request must be complete at once
	idle                       // whoever has been answered, and encoders, must go on at once
	keyless                    // joiners wait for a key frame for a moment only
	forgetful                  // sessions of players end at once
	inactive                   // an encoder's session must be used at once
	crowded                    // few connections
	suspicious                 // few connections of one address that have not said anything
	redirecting                // redirect_404_to is set
	full                       // each stream has room for one viewer
	sending                    // the same, and redirect_full_to is set
	dual                       // listens on [::]
	closed                     // encoders need a password, for Digest
	basic                      // encoders need a password, for Basic
	private                    // viewers need a token, or a password for Digest
	asking                     // a web site of ours is asked about viewers
	pulling                    // has streams that it pulls from an origin of ours
	settings
)

// elsewhere is the redirecting pump's redirect_404_to, and second where the sending one
// has its redirect_full_to.
const (
	elsewhere = "https://example.org/television"
	second    = "http://second.example:8086/streams/"
)

// spares are how many streams there are for rows that need two.
const spares = 8

func spareStream(n int) string { return fmt.Sprintf("spare-%d", n) }

// floor is the least that a timer may be set to.
const floor = "100ms"

const (
	crowd   = 3 // connections on the crowded pump
	silents = 2 // connections without a request on the suspicious one
)

// playersAtOnce is of how many rows real players run at the same time: they are heavy, and a
// busy machine looks like a bad stream.
const playersAtOnce = 2

// fixture is what all rows share.
type fixture struct {
	transport transport
	pumps     [settings]*rig.Pump
	origin    *origin
	spared    atomic.Int32  // spare streams given out
	players   chan struct{} // has room for the rows whose real players run
}

// startPumps starts one pump for each setting; the test's end stops them.
func startPumps(t *testing.T, over transport, rows []row) *fixture {
	t.Helper()
	f := &fixture{transport: over, origin: startOrigin(t), players: make(chan struct{}, playersAtOnce)}
	extra := [settings]string{
		// A stalled viewer must fall out of a backlog that a test can fill.
		steady:      `"backlog": {"bytes": "2MiB"},`,
		lateHead:    timeouts("request"),
		idle:        timeouts("keep_alive", "push_idle"),
		keyless:     timeouts("key_frame_wait"),
		forgetful:   timeouts("viewer_session"),
		inactive:    timeouts("push_inactivity"),
		crowded:     fmt.Sprintf(`"limits": {"connections": %d},`, crowd),
		suspicious:  fmt.Sprintf(`"limits": {"connections_without_stream_per_address": %d},`, silents),
		redirecting: fmt.Sprintf(`"redirect_404_to": %q,`, elsewhere),
		sending:     fmt.Sprintf(`"redirect_full_to": "%s{path}",`, second),
		closed:      closedConfig(),
		basic:       basicConfig(),
		private:     privateConfig(),
		asking:      askingConfig(t),
	}
	for s := range settings {
		o := rig.Options{TLS: over.identity, Config: extra[s] + `"streams": [` + pushStreams(s, rows) + `]`}
		switch s {
		case dual:
			o.Listen = "[::]:0"
		case pulling:
			// The origin plays one round and is silent then, however long a row takes.
			o.Env = []string{"SSL_CERT_FILE=" + f.origin.roots}
			o.Config = `"timeouts": {"pull_first_retry": "` + floor + `", "pull_retry": "` + floor + `", "pull_silence": "1h"},
				"streams": [` + f.origin.streams() + `]`
		}
		f.pumps[s] = rig.Start(t, o)
	}
	return f
}

// timeouts sets timers to their floor.
func timeouts(keys ...string) string {
	for i, key := range keys {
		keys[i] = fmt.Sprintf("%q: %q", key, floor)
	}
	return `"timeouts": {` + strings.Join(keys, ", ") + `},`
}

// pushStreams is the configuration of the pushed streams of one pump.
func pushStreams(s setting, rows []row) string {
	var list []string
	limits := ""
	if s == full || s == sending {
		limits = `, "limits": {"viewers": 1}`
	}
	add := func(path string) {
		list = append(list, fmt.Sprintf(`{"type": "mmsh_push", "path": %q%s}`, path, limits))
	}
	for _, r := range rows {
		if r.on == s {
			add(r.test())
		}
	}
	for n := range spares {
		add(spareStream(n + 1))
	}
	return strings.Join(list, ",\n")
}

// address is where a pump is dialled: the loopback of the wanted family where
// it listens everywhere.
func (f *fixture) address(p *rig.Pump, six bool) string {
	at := p.Addr
	if f.transport.secure() {
		at = p.TLS
	}
	switch {
	case !at.Addr().IsUnspecified():
		return at.String()
	case six:
		return netip.AddrPortFrom(netip.IPv6Loopback(), at.Port()).String()
	default:
		return net.JoinHostPort("127.0.0.1", fmt.Sprint(at.Port()))
	}
}
