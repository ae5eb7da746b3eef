package main

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"strconv"
	"strings"

	"streampump/bench/feed"
	"streampump/cmd/internal/cli"
)

// The ports of a URL without one: the pump's.
const (
	defaultPort    = "8086"
	defaultTLSPort = "8089"
)

// feeds are the protocols that the URL of a stream may name, with the port of one without it,
// and how a stream is named there.
var feeds = map[string]struct{ port, like string }{
	feed.RTSP: {"8554", "/live"},
	feed.RTMP: {"1935", "/streams/live"},
}

// target is where a URL points to.
type target struct {
	addr string // host:port
	host string // alone
	path string
	tls  bool // it says so
}

// parseTarget reads the URL of a stream, which is reached by TLS if secured, or if it
// says so.
func parseTarget(text string, secured bool) (target, error) {
	u, err := url.Parse(text)
	if err != nil {
		return target{}, fmt.Errorf("%q is not a URL: %w", text, cli.Bare(err))
	}
	switch {
	case u.Scheme != "http" && u.Scheme != "https" && u.Scheme != "mmsh" && u.Scheme != "mms":
		return target{}, fmt.Errorf("a URL begins with http://, https://, mmsh:// or mms://, and %q does not", text)
	}
	secured = secured || u.Scheme == "https"
	port := defaultPort
	if secured {
		port = defaultTLSPort
	}
	to, err := locate(u, text, port, "/streams/live")
	to.tls = secured
	return to, err
}

// feedOf is the protocol of the URL of a stream over RTSP or RTMP; empty for others.
func feedOf(text string) string {
	scheme, _, _ := strings.Cut(text, "://")
	if scheme = strings.ToLower(scheme); feeds[scheme].port == "" {
		return ""
	}
	return scheme
}

// parseFeed reads the URL of a stream over such a protocol.
func parseFeed(protocol, text string, s *secureFlags) (target, error) {
	u, err := url.Parse(text)
	if err != nil {
		return target{}, fmt.Errorf("%q is not a URL: %w", text, cli.Bare(err))
	}
	if s.on {
		return target{}, fmt.Errorf("--tls is not measured over %s", strings.ToUpper(protocol))
	}
	if err := s.unused(); err != nil {
		return target{}, err
	}
	return locate(u, text, feeds[protocol].port, feeds[protocol].like)
}

// locate takes a URL apart. Without a port it is at the given one; like is how a stream
// is named.
func locate(u *url.URL, text, port, like string) (target, error) {
	switch {
	case u.Hostname() == "":
		return target{}, fmt.Errorf("the URL %q has no host", text)
	case u.User != nil:
		return target{}, errors.New("a user in a URL is not supported")
	case u.Path == "" || u.Path == "/":
		return target{}, fmt.Errorf("the URL %q has no stream, as in %s", text, like)
	}
	if given := u.Port(); given != "" {
		port = given
	}
	if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
		return target{}, fmt.Errorf("a port is a number from 1 to 65535, but %q has %s", text, port)
	}
	return target{addr: net.JoinHostPort(u.Hostname(), port), host: u.Hostname(), path: u.RequestURI()}, nil
}

// bits is a bitrate on the command line.
type bits = cli.Bits

const maxBits = cli.MaxBits
