package main

import (
	"fmt"
	"net"
	"strconv"

	"streampump/config"
	"streampump/engine/trust"
)

// pullsOverTLS says of each stream that is pulled with TLS by what its source is
// judged, a line each.
func pullsOverTLS(c *config.Config) (lines []string) {
	for _, s := range c.Streams {
		if t := s.Pull.TLS; s.Enabled && t != nil {
			lines = append(lines, fmt.Sprintf("stream %q is pulled with TLS from %s, whose certificate must be for %s, %s%s",
				s.Path, net.JoinHostPort(s.Pull.Host, strconv.Itoa(s.Pull.Port)), wantedName(t), authorities(t), shown(t)))
		}
	}
	return lines
}

// wantedName is the name that a source must prove.
func wantedName(t *trust.Options) string {
	if t.Name != "" {
		return t.Name
	}
	return t.Host
}

// authorities says who may vouch for a source.
func authorities(t *trust.Options) string {
	if t.CA == "" {
		return "by an authority of this machine's list"
	}
	certs, err := trust.ReadAuthorities(t.CA)
	if err != nil { // it could be read a moment ago
		return fmt.Sprintf("by an authority in the file %s, which %v", t.CA, err)
	}
	if len(certs) == 1 {
		return fmt.Sprintf("by the authority in the file %s (%s)", t.CA, trust.Describe(certs[0]))
	}
	return fmt.Sprintf("by one of the %d authorities in the file %s", len(certs), t.CA)
}

// shown says which certificate of ours a source gets to see.
func shown(t *trust.Options) string {
	if t.Cert == "" {
		return ""
	}
	c, err := trust.ReadCertificate(t.Cert)
	if err != nil {
		return fmt.Sprintf("; it is shown the certificate in the file %s, which %v", t.Cert, err)
	}
	return "; it is shown " + trust.Describe(c)
}
