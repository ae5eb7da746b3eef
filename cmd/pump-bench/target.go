package main

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"strconv"

	"streampump/cmd/internal/cli"
)

// defaultPort is that of a URL without one: the pump's.
const defaultPort = "8086"

// target is where a URL points to.
type target struct {
	addr string // host:port
	path string
}

// parseTarget reads the URL of a stream.
func parseTarget(text string) (target, error) {
	u, err := url.Parse(text)
	if err != nil {
		return target{}, fmt.Errorf("%q is not a URL: %w", text, cli.Bare(err))
	}
	switch {
	case u.Scheme != "http" && u.Scheme != "mmsh" && u.Scheme != "mms":
		return target{}, fmt.Errorf("a URL begins with http://, mmsh:// or mms://, and %q does not", text)
	case u.Hostname() == "":
		return target{}, fmt.Errorf("the URL %q has no host", text)
	case u.User != nil:
		return target{}, errors.New("a user in a URL is not supported")
	case u.Path == "" || u.Path == "/":
		return target{}, fmt.Errorf("the URL %q has no stream, as in /streams/live", text)
	}
	port := u.Port()
	if port == "" {
		port = defaultPort
	}
	if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
		return target{}, fmt.Errorf("a port is a number from 1 to 65535, but %q has %s", text, port)
	}
	return target{net.JoinHostPort(u.Hostname(), port), u.RequestURI()}, nil
}

// bits is a bitrate on the command line.
type bits = cli.Bits

const maxBits = cli.MaxBits
