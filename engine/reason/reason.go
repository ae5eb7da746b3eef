// Package reason is the one table of why connections are closed.
package reason

// Reason is why a connection was closed. Every close has exactly one; the
// access log, the counters and the status all speak from the same table.
type Reason uint8

// The reasons, in the order of the table.
const (
	None Reason = iota

	// Requests.
	Answered
	PeerLeft
	NothingSent
	HeadTimeout
	KeepAliveTimeout
	AnswerStalled
	BadRequest
	NotRecognised
	TooManyConnections
	TooManyPending
	TooManyIdle
	TooManyRequests
	HostConnectsTooFast
	NetworkConnectsTooFast

	// Viewers that find no room.
	TooManyViewers
	TooManyViewersOfStream
	TooManyPumps
	TooManyPumpsOfStream
	NoBandwidth
	NoBandwidthOfStream
	NoMemory
	HostJoinsTooFast
	NetworkJoinsTooFast

	// Viewers.
	ViewerLeft
	ViewerStopped
	ViewerReturned
	ViewerStalled
	ViewerNoKeyFrame
	ViewerFloods
	ViewerTooSlow
	StreamEnded
	StreamLost

	// Encoders.
	PushEnded
	PushLost
	PushIdle
	PushTaken
	PushReturned
	PushRefused
	PushChanges

	// TLS.
	TLSMissing
	TLSBroken
	TLSRefused
	TLSLate
	TLSCrowded
	TLSFailed

	// Proxies that are trusted to name their peers.
	ProxyMissing
	ProxyBroken
	ProxyLate
	ProxyCrowded

	// Everybody.
	WriteFailed
	ShuttingDown

	Count // the number of reasons
)

// Info is one row of the table of close reasons.
type Info struct {
	Name  string // counter name, in lower case with underscores
	Error bool   // something is wrong somewhere; an ordinary end otherwise
	Text  string // the operator's sentence
}

var table = [Count]Info{
	None:               {"none", true, "the connection was closed without a reason, which is a fault of this program"},
	Answered:           {"answered", false, "the request was answered"},
	PeerLeft:           {"peer_left", false, "the peer closed the connection before it had sent a complete request"},
	NothingSent:        {"nothing_sent", false, "the peer sent nothing within the time allowed, as browsers do with spare connections"},
	HeadTimeout:        {"head_timeout", true, "no complete request came within the time allowed"},
	KeepAliveTimeout:   {"keep_alive_timeout", false, "no further request came on the connection"},
	AnswerStalled:      {"answer_stalled", true, "the peer does not take the answer it asked for"},
	BadRequest:         {"bad_request", true, "the request breaks its protocol"},
	NotRecognised:      {"not_recognised", true, "the first bytes belong to no protocol spoken here"},
	TooManyConnections: {"too_many_connections", true, "the limit on connections is reached"},
	TooManyPending:     {"too_many_pending", true, "too many connections from this address have sent no complete request"},
	TooManyIdle:        {"too_many_idle", false, "too many connections from this address carry no stream, and this one was the oldest"},
	TooManyRequests:    {"too_many_requests", true, "the peer sends requests faster than they can be answered"},
	ViewerLeft:         {"viewer_left", false, "the viewer closed its connection"},
	ViewerStopped:      {"viewer_stopped", false, "the viewer's player sent Stop"},
	ViewerReturned:     {"viewer_returned", false, "the viewer's player came back on another connection"},
	ViewerStalled:      {"viewer_stalled", true, "the viewer took nothing, or not the rest of an ended stream, for longer than allowed: its network or its player has stopped"},
	ViewerNoKeyFrame:   {"viewer_no_key_frame", true, "the viewer fell out of the backlog, and no key frame came at which to go on: the source's key frames are too far apart for the backlog"},
	ViewerFloods:       {"viewer_floods", true, "the viewer sends far more than a player has reason to while it plays"},
	ViewerTooSlow:      {"viewer_too_slow", true, "the viewer took too long over packets that belong together, as those of one picture do, and the rest of them is no longer kept: its network is too slow for the stream, or backlog.bytes too small for it"},
	StreamEnded:        {"stream_ended", false, "the source ended the stream"},
	StreamLost:         {"stream_lost", true, "the source was lost and did not come back in time"},
	PushEnded:          {"push_ended", false, "the encoder ended its stream"},
	PushLost:           {"push_lost", true, "the encoder's connection was cut in the middle of its stream"},
	PushIdle:           {"push_idle", true, "the encoder sent no packet for longer than allowed"},
	PushTaken:          {"push_taken", false, "another encoder took the stream over"},
	PushReturned:       {"push_returned", false, "the encoder came back on another connection"},
	PushRefused:        {"push_refused", true, "what the encoder sends cannot be carried"},
	PushChanges:        {"push_changes", true, "the encoder began one programme after another: its header or its clock changes too often"},
	TLSMissing:         {"tls_missing", true, "the peer does not speak TLS, and this port speaks nothing else"},
	TLSBroken:          {"tls_broken", true, "the peer's TLS cannot be understood, or has nothing in common with ours"},
	TLSRefused:         {"tls_refused", true, "the peer gave up its TLS: most that do so do not accept this server's certificate"},
	TLSLate:            {"tls_late", true, "the TLS handshake was not complete within the time allowed"},
	TLSCrowded:         {"tls_crowded", true, "others wait for a TLS handshake, and this peer was silent in its own"},
	TLSFailed:          {"tls_failed", true, "this server's own part of TLS went wrong, which is a fault of this program"},
	WriteFailed:        {"write_failed", false, "the connection broke during a write"},
	ShuttingDown:       {"shutting_down", false, "this server is going down"},

	ProxyMissing: {"proxy_missing", true, "the address is that of a proxy, which has to say by the PROXY protocol whose connection it is, and did not"},
	ProxyBroken:  {"proxy_broken", true, "what the proxy says about its peer cannot be understood"},
	ProxyLate:    {"proxy_late", true, "the proxy did not say in time whose connection it is"},
	ProxyCrowded: {"proxy_crowded", true, "too many connections of proxies wait to be told whose they are, or descriptors are short"},

	HostConnectsTooFast:    {"host_connects_too_fast", true, "this address opens connections faster than it may"},
	NetworkConnectsTooFast: {"network_connects_too_fast", true, "the addresses around this one open connections faster than they may"},
	TooManyViewers:         {"too_many_viewers", true, "the limit on viewers is reached"},
	TooManyViewersOfStream: {"too_many_viewers_of_stream", true, "the stream's limit on viewers is reached"},
	TooManyPumps:           {"too_many_pumps", true, "the limit on pumps that pull from here is reached"},
	TooManyPumpsOfStream:   {"too_many_pumps_of_stream", true, "the stream's limit on pumps that pull it is reached"},
	NoBandwidth:            {"no_bandwidth", true, "the bandwidth that is left does not carry another viewer of this stream"},
	NoBandwidthOfStream:    {"no_bandwidth_of_stream", true, "the stream's bandwidth that is left does not carry another viewer"},
	NoMemory:               {"no_memory", true, "there is no memory for another viewer"},
	HostJoinsTooFast:       {"host_joins_too_fast", true, "this address joins streams faster than it may"},
	NetworkJoinsTooFast:    {"network_joins_too_fast", true, "the addresses around this one join streams faster than they may"},
}

// Info is the reason's row of the table.
func (r Reason) Info() Info { return table[r] }

// NoRoom reports whether it is that a viewer found no room.
func (r Reason) NoRoom() bool { return r >= TooManyViewers && r <= NetworkJoinsTooFast }

// TooFast reports whether it is that an address does something more often than it may.
func (r Reason) TooFast() bool {
	return r == HostConnectsTooFast || r == NetworkConnectsTooFast || r == HostJoinsTooFast || r == NetworkJoinsTooFast
}

// Strangers reports whether it is what any stranger can bring about at will, and nothing
// that somebody here has to mend.
func (r Reason) Strangers() bool {
	switch r {
	case HeadTimeout, AnswerStalled, BadRequest, NotRecognised, TooManyPending, TooManyIdle, TooManyRequests, ViewerFloods,
		TLSMissing, TLSBroken, TLSLate, TLSCrowded:
		return true
	default:
		return r.TooFast()
	}
}

// String is the reason's counter name.
func (r Reason) String() string { return table[r].Name }
