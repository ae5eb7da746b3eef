package main

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"strconv"
	"strings"
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
		return target{}, fmt.Errorf("the URL %q is none: %w", text, err)
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
	return target{net.JoinHostPort(u.Hostname(), port), u.RequestURI()}, nil
}

// bits is a bitrate on the command line: a number of bits per second, or of
// thousands or millions of them: 64k, 1M, 2.5M.
type bits int

// maxBits is the highest bitrate that can be asked for: ten times that of the
// fastest stream anybody sends over MMSH, and far below an overflow.
const maxBits = 1_000_000_000

func (b *bits) String() string {
	switch n := int(*b); {
	case n >= 1_000_000 && n%100_000 == 0:
		return strconv.FormatFloat(float64(n)/1e6, 'g', -1, 64) + "M"
	case n >= 1000 && n%1000 == 0:
		return strconv.Itoa(n/1000) + "k"
	default:
		return strconv.Itoa(n)
	}
}

// Type implements [pflag.Value].
func (b *bits) Type() string { return "bits/s" }

// Set implements [pflag.Value].
func (b *bits) Set(s string) error {
	factor := 1.0
	number := s
	switch {
	case strings.HasSuffix(s, "k"):
		factor, number = 1e3, s[:len(s)-1]
	case strings.HasSuffix(s, "M"):
		factor, number = 1e6, s[:len(s)-1]
	}
	f, err := strconv.ParseFloat(number, 64)
	if err != nil || !(f*factor >= 1 && f*factor <= maxBits) {
		return errors.New("a bitrate is a number of bits per second up to 1000M, such as 64k or 1.5M")
	}
	*b = bits(f * factor)
	return nil
}
