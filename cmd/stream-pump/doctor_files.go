package main

import (
	"time"

	"streampump/cmd/internal/certs"
	"streampump/config"
	"streampump/tuning"
)

// fileFindings are what doctor finds of a configuration and its files.
type fileFindings struct {
	mistakes     bool
	certificates []certs.Certificate
	pulls        []pullReport
	closed       []string
	at           time.Time // when it was looked at
}

// worth reports whether something is worth changing.
func (p *fileFindings) worth() bool {
	return p.mistakes || worried(p.certificates, p.at) || troubled(p.pulls) || len(p.closed) > 0
}

// lookAtFiles looks at the files of a configuration, which is in that one.
func (e env) lookAtFiles(c *config.Config, file string, p *fileFindings) (err error) {
	p.at = time.Now()
	if p.certificates, err = certificatesOf(c); err != nil {
		return err
	}
	p.pulls, p.closed = clientCertificates(c, p.at), e.closed(c, file)
	return nil
}

// tell prints what was found.
func (e env) tell(box *tuning.Box, found []tuning.Finding, p fileFindings, o doctorFlags) error {
	if o.json {
		r := reportOf(box, found)
		r.Certificates, r.ClientCertificates, r.Closed = statusOf(p.certificates, p.at), p.pulls, p.closed
		return e.json(r)
	}
	b := appendPulls(appendCertificates(appendMachine(nil, box.Machine), p.certificates, p.at), p.pulls)
	for _, text := range p.closed {
		b = appendPart(b, "", "closed", text)
	}
	_, err := e.stdout.Write(appendCheck(b, box, found, o.all))
	return err
}
