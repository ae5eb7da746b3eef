package http1

import (
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
// reference to head. An error is an [*Error].
//
// Strict where leniency would let two readers see two requests: a field name
// must be a token up to its colon, and a folded line is refused (RFC 9112, 5.2).
func ParseRequest(head []byte) (*Request, error) {
	s := string(head)
	line, rest := cutLine(s)
	r := &Request{}
	if err := r.startLine(line); err != nil {
		return nil, err
	}
	var err error
	if r.Fields, err = parseFields(s, rest, true); err != nil {
		return nil, err
	}
	return r, nil
}

// ParseResponse reads a whole head as a [Cutter] yields it. The result holds
// no reference to head. Lines that are not fields are passed over. An error is
// an [*Error].
func ParseResponse(head []byte) (*Response, error) {
	s := string(head)
	line, rest := cutLine(s)
	r := &Response{}
	if err := r.statusLine(line); err != nil {
		return nil, err
	}
	var err error
	if r.Fields, err = parseFields(s, rest, false); err != nil {
		return nil, err
	}
	return r, nil
}

func (r *Request) startLine(line string) error {
	method, rest, ok := strings.Cut(line, " ")
	if method == "PROXY" && isProxied(rest) {
		return &Error{400, proxied(1), -1}
	}
	last := strings.LastIndexByte(rest, ' ')
	if !ok || last < 0 {
		return &Error{400, "the first line is not a request: " + strconv.Quote(clip(line)), -1}
	}
	r.Method, r.Target = method, strings.Trim(rest[:last], " ")
	if !isToken(method) || r.Target == "" || strings.ContainsAny(r.Target, " \t") {
		return &Error{400, "the first line is not a request: " + strconv.Quote(clip(line)), -1}
	}
	if r.Proto, r.Major, r.Minor, ok = parseVersion(rest[last+1:]); !ok {
		return &Error{400, "no protocol version in " + strconv.Quote(clip(line)), -1}
	}
	return nil
}

// isProxied tells a line of the PROXY protocol's version 1 by what follows its
// first word.
func isProxied(rest string) bool {
	family, _, _ := strings.Cut(rest, " ")
	return family == "TCP4" || family == "TCP6" || family == "UNKNOWN"
}

// statusLine reads "HTTP/1.0 200 OK"; the reason may be missing.
func (r *Response) statusLine(line string) error {
	version, rest, _ := strings.Cut(line, " ")
	code, reason, _ := strings.Cut(strings.TrimLeft(rest, " "), " ")
	proto, major, _, ok := parseVersion(version)
	status, err := strconv.ParseUint(code, 10, 16)
	if !ok || proto != "HTTP" || major != 1 || err != nil || len(code) != 3 || status < 100 {
		return &Error{502, "the answer does not begin as HTTP does: " + strconv.Quote(clip(line)), -1}
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

// parseFields reads the lines of rest, which is the end of head.
func parseFields(head, rest string, strict bool) (Fields, error) {
	fields := make(Fields, 0, min(strings.Count(rest, "\n"), MaxFields))
	for {
		offset := len(head) - len(rest)
		var line string
		line, rest = cutLine(rest)
		if line == "" {
			return fields, nil
		}
		f, what := parseField(line)
		switch {
		case what == "" && len(fields) == MaxFields:
			return nil, &Error{431, "more than " + strconv.Itoa(MaxFields) + " header fields", offset}
		case what == "":
			fields = append(fields, f)
		case strict:
			return nil, &Error{400, what, offset}
		}
	}
}

// parseField reads one line; what says why it is not a field.
func parseField(line string) (f Field, what string) {
	if line[0] == ' ' || line[0] == '\t' {
		return f, "a folded header line"
	}
	name, value, ok := strings.Cut(line, ":")
	if !ok {
		return f, "a header line without a colon"
	}
	if !isToken(name) {
		return f, "an invalid header name: " + strconv.Quote(clip(name))
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
