package http1

import (
	"slices"
	"strconv"
	"strings"
)

// Request is the head of a request. Its strings share one copy of the head.
type Request struct {
	Method string // as spelled; methods are case-sensitive
	Target string // the request-target as spelled
	Proto  string // "HTTP", "RTSP"
	Major  int    // of the protocol's version
	Minor  int
	Fields Fields
}

// Response is the head of an answer. Its strings share one copy of the head.
type Response struct {
	Status int
	Reason string // may be empty
	Fields Fields
}

// ParseRequest reads a whole head as a [Cutter] yields it. The result holds no
// reference to head. Its fields lie in room, if they fit: memory for them that the caller
// has, which may be none. An error is an [*Error].
//
// Strict where leniency would let two readers see two requests: a field name
// must be a token up to its colon, and a folded line is refused (RFC 9112, 5.2).
func ParseRequest(head []byte, room Fields) (Request, error) { return parseRequest(head, room, strict) }

// ParseRTSPRequest reads the head of a request of RTSP, as [ParseRequest] does. The
// syntax is HTTP's of a time when blanks could stand before a colon (RFC 2326, 4.2;
// RFC 2068, 2.1). Those of requests of HTTP are refused, because a proxy in front of us
// may see another field; RTSP has no such proxies.
func ParseRTSPRequest(head []byte, room Fields) (Request, error) {
	return parseRequest(head, room, spaced)
}

func parseRequest(head []byte, room Fields, how manner) (r Request, err error) {
	s := string(head)
	line, rest := cutLine(s)
	if err = r.startLine(line); err != nil {
		return Request{}, err
	}
	if r.Fields, err = parseFields(s, rest, room, how); err != nil {
		return Request{}, err
	}
	return r, nil
}

// ParseResponse reads a whole head as a [Cutter] yields it. The result holds
// no reference to head. Lines that are not fields are passed over. An error is
// an [*Error].
func ParseResponse(head []byte) (*Response, error) { return parseResponse(head, "HTTP") }

// ParseRTSPResponse reads the head of an answer of RTSP, as [ParseResponse] does (RFC
// 2326, 7.1).
func ParseRTSPResponse(head []byte) (*Response, error) { return parseResponse(head, "RTSP") }

func parseResponse(head []byte, proto string) (*Response, error) {
	s := string(head)
	line, rest := cutLine(s)
	r := &Response{}
	if err := r.statusLine(line, proto); err != nil {
		return nil, err
	}
	var err error
	if r.Fields, err = parseFields(s, rest, nil, lenient); err != nil {
		return nil, err
	}
	return r, nil
}

// manner is how the lines of a head are read.
type manner uint8

const (
	strict  manner = iota // a line that is no field is refused
	spaced                // the same, but blanks may stand before a colon
	lenient               // such a line is passed over
)

func (r *Request) startLine(line string) error {
	method, rest, ok := strings.Cut(line, " ")
	if method == "PROXY" && isProxied(rest) {
		return &Error{400, proxied(1), -1}
	}
	last := strings.LastIndexByte(rest, ' ')
	if !ok || last < 0 {
		return &Error{400, "the first line is not a request: " + strconv.Quote(Clip(line)), -1}
	}
	r.Method, r.Target = method, strings.Trim(rest[:last], " ")
	if !isToken(method) || r.Target == "" || strings.ContainsAny(r.Target, " \t") {
		return &Error{400, "the first line is not a request: " + strconv.Quote(Clip(line)), -1}
	}
	if r.Proto, r.Major, r.Minor, ok = parseVersion(rest[last+1:]); !ok {
		return &Error{400, "no protocol version in " + strconv.Quote(Clip(line)), -1}
	}
	return nil
}

// isProxied tells a line of the PROXY protocol's version 1 by what follows its
// first word.
func isProxied(rest string) bool {
	family, _, _ := strings.Cut(rest, " ")
	return family == "TCP4" || family == "TCP6" || family == "UNKNOWN"
}

// statusLine reads "HTTP/1.0 200 OK", or that of another protocol; the reason may be
// missing.
func (r *Response) statusLine(line, want string) error {
	version, rest, _ := strings.Cut(line, " ")
	code, reason, _ := strings.Cut(strings.TrimLeft(rest, " "), " ")
	proto, major, _, ok := parseVersion(version)
	status, err := strconv.ParseUint(code, 10, 16)
	if !ok || proto != want || major != 1 || err != nil || len(code) != 3 || status < 100 {
		return &Error{502, "the answer does not begin as " + want + " does: " + strconv.Quote(Clip(line)), -1}
	}
	r.Status, r.Reason = int(status), strings.TrimSpace(reason)
	return nil
}

// parseVersion reads NAME "/" digit "." digit.
func parseVersion(s string) (name string, major, minor int, ok bool) {
	name, v, ok := strings.Cut(s, "/")
	if !ok || !isToken(name) || len(v) != 3 || v[1] != '.' || !isDigit(v[0]) || !isDigit(v[2]) {
		return "", 0, 0, false
	}
	return name, int(v[0] - '0'), int(v[2] - '0'), true
}

// parseFields reads the lines of rest, which is the end of head, into room or more of it.
func parseFields(head, rest string, room Fields, how manner) (Fields, error) {
	fields := slices.Grow(room[:0], min(strings.Count(rest, "\n"), MaxFields))
	for {
		offset := len(head) - len(rest)
		var line string
		line, rest = cutLine(rest)
		if line == "" {
			return fields, nil
		}
		f, what := parseField(line, how)
		switch {
		case what == "" && len(fields) == MaxFields:
			return nil, &Error{431, "more than " + strconv.Itoa(MaxFields) + " header fields", offset}
		case what == "":
			fields = append(fields, f)
		case how != lenient:
			return nil, &Error{400, what, offset}
		}
	}
}

// parseField reads one line; what says why it is not a field.
func parseField(line string, how manner) (f Field, what string) {
	if line[0] == ' ' || line[0] == '\t' {
		return f, "a folded header line"
	}
	name, value, ok := strings.Cut(line, ":")
	if !ok {
		return f, "a header line without a colon"
	}
	if how == spaced {
		name = strings.TrimRight(name, " \t")
	}
	if !isToken(name) {
		return f, "an invalid header name: " + strconv.Quote(Clip(name))
	}
	return Field{name, strings.Trim(value, " \t")}, ""
}

// cutLine takes the first line, without its end, off s.
func cutLine(s string) (line, rest string) {
	line, rest, _ = strings.Cut(s, "\n")
	return strings.TrimSuffix(line, "\r"), rest
}

// isToken is RFC 9110, 5.6.2.
func isToken(s string) bool {
	for i := range len(s) {
		if !IsTokenByte(s[i]) {
			return false
		}
	}
	return s != ""
}

// IsTokenByte reports whether c may be part of a method or a header name.
func IsTokenByte(c byte) bool {
	return isDigit(c) || 'a' <= c|0x20 && c|0x20 <= 'z' || strings.IndexByte("!#$%&'*+-.^_`|~", c) >= 0
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }
