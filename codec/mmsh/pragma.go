package mmsh

import (
	"iter"
	"strconv"
	"strings"

	"streampump/codec/http1"
)

// tokens yields the Pragma tokens of a head, from all its Pragma lines in
// order ([MS-WMSP] 2.2.1.4): names as spelled, values without their quotes,
// empty where a token has none. Tokens are separated by commas outside quotes.
// The value of a log-line or stream-switch-entry is the rest of its line.
//
// Nothing is malformed: ffmpeg runs its last Pragma line into the next header
// line, and a token that nobody knows must be ignored ([MS-WMSP] 2.2.1).
func tokens(f http1.Fields) iter.Seq2[string, string] {
	return func(yield func(name, value string) bool) {
		for line := range f.All("Pragma") {
			for line != "" {
				var tok string
				tok, line = cutToken(line)
				name, value, _ := strings.Cut(tok, "=")
				if name = strings.TrimSpace(name); name == "" {
					continue
				}
				if !yield(name, unquote(strings.TrimSpace(value))) {
					return
				}
			}
		}
	}
}

// cutToken takes the first token off a line. A quote that is never closed
// holds the rest of the line.
func cutToken(line string) (tok, rest string) {
	if takesLine(line) {
		return line, ""
	}
	quoted := false
	for i := range len(line) {
		switch line[i] {
		case '"':
			quoted = !quoted
		case ',':
			if !quoted {
				return line[:i], line[i+1:]
			}
		}
	}
	return line, ""
}

// takesLine reports whether the token at the front of line may have blanks and commas
// in its value. The specification's own examples spell one of them both ways.
func takesLine(line string) bool {
	name, _, ok := strings.Cut(line, "=")
	if !ok {
		return false
	}
	switch strings.ToLower(strings.TrimSpace(name)) {
	case "log-line", "stream-switch-entry", "switch-stream-entry":
		return true
	}
	return false
}

func unquote(v string) string {
	if len(v) >= 2 && v[0] == '"' && v[len(v)-1] == '"' {
		return v[1 : len(v)-1]
	}
	return v
}

// pragma is what a request's tokens ask for.
type pragma struct {
	known     bool   // a token of the protocol is there: the peer is one of its players
	play      bool   // xPlayStrm=1
	noPlay    bool   // xPlayStrm=0
	next      bool   // xPlayNextEntry=1
	pipeline  bool   // pipeline-request=1
	keepAlive bool   // xKeepAliveInPause=1
	stop      bool   // xStopStrm=1
	log       bool   // log-line=
	selects   bool   // stream-switch-entry=
	chooses   bool   // that, or anything else that begins with stream-switch
	client    uint32 // client-id; 0 if there is none, or none that could be ours
	agent     string // proxy-client-agent: the player behind a proxy
}

// readPragma reads a request's tokens ([MS-WMSP] 2.2.1.4). What matters only to a
// server that seeks, paces or picks streams (stream-time, rate, LinkBW and such) is
// recognised and ignored.
func readPragma(f http1.Fields) (p pragma) {
	for name, value := range tokens(f) {
		p.known = p.token(strings.ToLower(name), value) || p.known
	}
	return p
}

// token reads one token and reports whether the protocol has it.
func (p *pragma) token(name, value string) bool {
	on := value == "1"
	switch name {
	case "xplaystrm":
		p.play = p.play || on
		p.noPlay = p.noPlay || value == "0"
	case "xplaynextentry":
		p.next = p.next || on
	case "pipeline-request":
		p.pipeline = p.pipeline || on
	case "xkeepaliveinpause":
		p.keepAlive = p.keepAlive || on
	case "xstopstrm":
		p.stop = p.stop || on
	case "log-line":
		p.log = true
	case "stream-switch-entry", "switch-stream-entry":
		p.selects, p.chooses = true, true
	case "stream-switch", "stream-switch-count", "switch-stream-count":
		p.chooses = true
	case "client-id":
		if p.client == 0 {
			p.client = clientID(value)
		}
	case "proxy-client-agent":
		p.agent = value
	case "accelbw", "accelduration", "burstbw", "burstduration", "client-lag",
		"linkbw", "max-duration", "packet-num", "packet-pair-experiment",
		"pipeline-experiment", "pl-offset", "playlist-gen-id",
		"playlist-seek-id", "rate", "request-context", "speed",
		"stream-offset", "stream-time", "version11-enabled", "xclientguid":
	default:
		return false
	}
	return true
}

// clientID reads a client-id; one that cannot be ours reads as 0.
func clientID(v string) uint32 {
	n, err := strconv.ParseUint(v, 10, 32)
	if err != nil {
		return 0
	}
	return uint32(n)
}
