//go:build e2e

package e2e

import "streampump/bench/attack"

// Memory is for what an attack may keep: the backlog's budget where it fills one,
// little beyond. Descriptors are those of a hundred healthy viewers and of what the
// attack may hold.

// encoderScenes are the attacks by encoders.
func encoderScenes() []attackScene {
	const unlimited = `"limits": {"packets_per_second_per_source": 0},` // what it is about is not the rate
	return []attackScene{
		{name: "programmes-by-time", config: unlimited, memory: 48 << 20, open: 200, rows: []attackRow{
			{name: "programmes-by-time", must: "send times that jump begin few programmes, and what those held is given back", after: fewProgrammes},
		}},
		{name: "programmes-by-header", memory: 48 << 20, open: 200, rows: []attackRow{
			{name: "programmes-by-header", must: "the encoder is refused when its header changes too often, and what its programmes held is given back", answers: []string{"422"}, closes: []string{"push_changes"}},
		}},
		{name: "tiny-packets", config: unlimited + `"backlog": {"bytes": "8MiB"},`, memory: 32 << 20, open: 200, rows: []attackRow{
			{name: "tiny-packets", must: "the stream's backlog stays within its budget, however small its packets are"},
		}},
		{name: "tiny-encoders", config: `"backlog": {"bytes": "8MiB"},`, crowd: 12, memory: 128 << 20, open: 200, rows: []attackRow{
			{name: "tiny-encoders", push: "/streams/evil%d_push", must: "an encoder has a rate for its packets, past which it is read no faster, and the log says so", after: packetsHaveARate},
		}},
		{name: "inflated", config: `"backlog": {"bytes": "8MiB"},`, memory: 48 << 20, open: 200, rows: []attackRow{
			{name: "inflated", must: "the plain form of packets counts for the stream's budget, and is made of what can still be sent only"},
		}},
		{name: "setups", config: `"limits": {"sessions": 2000},`, memory: 48 << 20, open: 200, rows: []attackRow{
			{name: "setups", must: "sessions that never publish make room, and another encoder is let in", after: anotherEncoder},
		}},
		{name: "takeovers", config: `"backlog": {"bytes": "8MiB"},`, memory: 48 << 20, open: 260, rows: []attackRow{
			{name: "takeovers", must: "the last encoder has the stream, and each one before it is told so", closes: []string{"push_taken"}},
			{name: "cut-pushes", push: "/streams/other_push", must: "a push that is cut leaves nothing behind, and the next one begins at once", closes: []string{"push_lost"}},
		}},
	}
}

// requestScenes are the attacks by requests.
func requestScenes() []attackScene {
	return []attackScene{
		{name: "pipelined", memory: 24 << 20, open: 360, rows: []attackRow{
			{name: "pipelined", must: "a connection has a rate for its requests, and is closed when too many wait", closes: []string{"too_many_requests"}},
		}},
		{name: "pipelined-mixed", memory: 24 << 20, open: 320, rows: []attackRow{
			{name: "pipelined-mixed", view: "/streams/live", must: "the same, whatever is asked for", closes: []string{"too_many_requests"}},
		}},
		{name: "idle", config: `"limits": {"connections": 450},`, memory: 32 << 20, open: 560, rows: []attackRow{
			{name: "idle", must: "an address has so many connections without a stream, the oldest makes room, and a viewer from elsewhere is let in", closes: []string{"too_many_idle"}, during: anotherViewer},
		}},
		{name: "flood", memory: 48 << 20, open: 512, prefix: []string{"prlimit", "--nofile=512:512"}, rows: []attackRow{
			{name: "flood", must: "whoever finds no descriptor is told 503, and the operator is answered all the same", answers: []string{"503"}, during: operatorIsAnswered},
		}},
		{name: "slow-heads", memory: 32 << 20, open: 560, rows: []attackRow{
			{name: "slow-heads", must: "an address has so many connections that have asked for nothing, and a viewer from elsewhere is let in", during: anotherViewer},
		}},
		{name: "shapes", memory: 24 << 20, open: 260, rows: []attackRow{
			{name: "smuggling", must: "what two readers could see differently is answered 400, 405, 501 or 505 and the connection closed, and the request inside is never answered"},
			{name: "paths", must: "a path that names no stream is answered 404, and one that is none 400; nothing else of the machine is shown"},
			{name: "lengths", bounds: attack.Bounds{Connections: 1}, must: "a length that is none, or is not kept, is answered 400, 411, 413 or 422 and the connection closed; no memory is taken for what is only announced"},
			{name: "heads", must: "a head beyond its bounds is answered 431 as soon as that is clear, and the connection closed"},
		}},
		{name: "broken-tls", config: `"timeouts": {"tls_handshake": "1s", "drain": "1s"},`, tls: true, memory: 24 << 20, open: 260, rows: []attackRow{
			{name: "broken-tls", must: "the connection is closed, with an alert or, if it is no TLS at all, with 400", closes: []string{"tls_broken", "tls_missing"}},
			{name: "slow-handshake", must: "the handshake's time is up, however the bytes come", closes: []string{"tls_late"}},
		}},
	}
}

// slowScenes are the attacks by peers that take their time.
func slowScenes() []attackScene {
	const short = `"timeouts": {"request": "1s", "keep_alive": "1s", "push_idle": "1s", "viewer_stall": "1s", "drain": "1s"},`
	return []attackScene{
		{name: "slow", config: short, memory: 16 << 20, open: 460, rows: []attackRow{
			{name: "silent", must: "a connection without a byte is closed when the time for a request is up", closes: []string{"nothing_sent"}},
			{name: "slow-line", must: "a request's first line has the same time, however it comes", closes: []string{"head_timeout"}, answers: []string{"408"}},
			{name: "slow-fields", must: "so have its fields", closes: []string{"head_timeout"}, answers: []string{"408"}},
			{name: "slow-gap", must: "a body that never comes is not waited for any longer than that", closes: []string{"head_timeout"}, answers: []string{"408"}},
			{name: "slow-body", must: "a body that comes byte by byte is not either", closes: []string{"head_timeout"}, answers: []string{"408"}},
			{name: "slow-chunks", push: "/streams/other_push", must: "an encoder without a packet is closed when its time is up", closes: []string{"push_idle"}},
			{name: "slow-push", must: "a packet that comes byte by byte is none until it is whole", closes: []string{"push_idle"}},
			{name: "slow-reader", view: "/streams/live", must: "answers that are not taken wait up to a bound, and then the connection is closed", closes: []string{"answer_stalled"}},
		}},
		{name: "slow-proxied", config: `"timeouts": {"request": "1s", "drain": "1s"}, "proxy_protocol_from": ["127.66.6.6"],`, memory: 32 << 20, open: 260, rows: []attackRow{
			{name: "slow-proxied", must: "a proxy has the time of a request to say whose connection it is", closes: []string{"proxy_late"}},
			{name: "proxied", must: "what it says in other words than the protocol's is not believed, and the connection is closed", closes: []string{"proxy_broken", "proxy_missing"}},
		}},
	}
}

// viewerScenes are the attacks by viewers of the healthy ones' stream.
func viewerScenes() []attackScene {
	const live = "/streams/live"
	return []attackScene{
		{name: "viewers", config: `"timeouts": {"viewer_stall": "1s"}, "backlog": {"max_lag": "1s"}, "fanout": {"notsent_lowat": "16KiB"},`, memory: 24 << 20, open: 700, rows: []attackRow{
			{name: "never-reads", view: live, must: "a viewer that takes nothing is closed when its time is up, and holds no packet of its own", closes: []string{"viewer_stalled"}},
			{name: "sips", view: live, must: "a viewer that takes a byte now and then is moved to the newest key frame, and holds no packet of its own"},
			{name: "talks", view: live, must: "a viewer that sends more than a player has reason to is not read, and closed if it goes on", closes: []string{"viewer_floods"}},
			{name: "half-closes", view: live, must: "a viewer that has closed its side is served and closed as any other", closes: []string{"viewer_stalled"}},
		}},
		{name: "joins", memory: 16 << 20, open: 700, rows: []attackRow{
			{name: "joins", view: live, must: "a thousand joins a second are carried, and a viewer from elsewhere is let in", answers: []string{"200"}, during: anotherViewer},
		}},
		{name: "joins-limited", config: `"limits": {"joins_per_second_per_address": 100},`, memory: 16 << 20, open: 700, rows: []attackRow{
			{name: "joins-limited", kind: named("joins"), view: live, must: "with a limit on joins the address is told 503, and a viewer from elsewhere is let in", answers: []string{"200", "503"}, during: anotherViewer},
		}},
		{name: "leaves", memory: 16 << 20, open: 700, rows: []attackRow{
			{name: "leaves", view: live, must: "a viewer that leaves before its answer leaves nothing behind"},
			{name: "resets", must: "a connection that is reset leaves nothing behind"},
		}},
	}
}
