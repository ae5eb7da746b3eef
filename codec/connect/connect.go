// Package connect is a client's side of CONNECT (RFC 9110, 9.3.6): it asks an HTTP
// proxy to join our connection to a target and to pass its bytes on unread, as TLS
// needs it.
//
//	we     CONNECT source.example:443 HTTP/1.1, Host, blank line
//	proxy  HTTP/1.1 200 and whatever it likes to add, blank line
//	then   the target's bytes, from the first one behind the blank line on
//
// It knows nothing of what is sent through the tunnel, nor who dials the proxy.
package connect

import (
	"errors"
	"fmt"
	"strings"

	"streampump/codec"
	"streampump/codec/http1"
)

const (
	// maxHead is the longest head of a proxy's answer, in bytes. Real ones are a few
	// lines.
	maxHead = 8 << 10
	// maxInterim is how many interim answers may come before the one that counts. We
	// ask for none.
	maxInterim = 10
)

// tunnel is the conversation with a proxy about one connection.
type tunnel struct {
	target  string
	cut     http1.Cutter
	interim int // answers that do not count
}

// New makes the conversation with a proxy about a connection to target, which is
// host:port.
func New(target string) codec.Tunnel {
	return &tunnel{target: target, cut: http1.Cutter{Max: maxHead}}
}

// AppendHello implements [codec.Tunnel].
func (t *tunnel) AppendHello(dst []byte) []byte {
	dst = append(dst, "CONNECT "...)
	dst = append(dst, t.target...)
	dst = append(dst, " HTTP/1.1\r\n"...)
	dst = http1.AppendField(dst, "Host", t.target)
	return http1.AppendBlank(dst)
}

// Consume implements [codec.Tunnel].
func (t *tunnel) Consume(b []byte) (n int, open bool, err error) {
	for n < len(b) {
		k, raw, err := t.cut.Consume(b[n:])
		n += k
		if err != nil {
			return n, false, fmt.Errorf("the proxy's answer is not HTTP: %w", err)
		}
		if raw == nil {
			return n, false, nil
		}
		r, err := http1.ParseResponse(raw)
		if err != nil {
			return n, false, fmt.Errorf("the proxy's answer is not HTTP: %w", err)
		}
		if open, err := t.judge(r); open || err != nil {
			return n, open, err
		}
	}
	return n, false, nil
}

// judge tells what an answer means. Everything from 200 to 299 opens the tunnel, and
// fields that would announce a body then mean nothing.
func (t *tunnel) judge(r *http1.Response) (open bool, err error) {
	switch s := r.Status; {
	case s >= 200 && s < 300:
		return true, nil
	case s < 200 && s != 101: // which would be another protocol
		if t.interim++; t.interim > maxInterim {
			return false, fmt.Errorf("the proxy has sent %d interim answers and no final one", t.interim)
		}
		return false, nil
	case s == 407:
		return false, errors.New("the proxy answered " + r.Said() + ": it wants a user name and a password, which are not supported yet")
	case s == 403, s == 405, s == 501:
		return false, errors.New("the proxy answered " + r.Said() + ": it does not connect us to the source" + t.hint())
	case s >= 502 && s <= 504:
		return false, errors.New("the proxy answered " + r.Said() + ": it does not reach the source")
	}
	return false, errors.New("the proxy answered " + r.Said())
}

// hint says what a refusal is most often about.
func (t *tunnel) hint() string {
	if strings.HasSuffix(t.target, ":443") {
		return ""
	}
	return " (many proxies connect to port 443 alone)"
}
