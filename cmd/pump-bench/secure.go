package main

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"

	"github.com/spf13/pflag"

	"streampump/bench/secure"
	"streampump/cmd/internal/cli"
)

// secureFlags are the flags that say how a server that runs already is spoken to.
type secureFlags struct {
	on       bool
	ca, name string
}

// add adds the flags. They are checked by config.
func (o *secureFlags) add(f *pflag.FlagSet) {
	f.BoolVar(&o.on, "tls", false, "speak TLS, as for a URL with https://")
	f.StringVar(&o.ca, "ca", "", "file of certificates, in PEM, that may vouch for the server; the system's if empty")
	f.StringVar(&o.name, "server-name", "", "name that the server's certificate must be for; the URL's host if empty")
}

// target reads the URL of a stream, and how its server is spoken to: nil is in clear.
// There is no way to leave the server's certificate unchecked.
func (o *secureFlags) target(text string) (target, *tls.Config, error) {
	to, err := parseTarget(text, o.on)
	if err != nil {
		return to, nil, err
	}
	if o.on = o.on || to.tls; !o.on {
		return to, nil, o.unused()
	}
	var roots *x509.CertPool
	if o.ca != "" {
		if roots, err = secure.ReadRoots(o.ca); err != nil {
			return to, nil, fmt.Errorf("--ca %s: %w", o.ca, cli.Bare(err))
		}
	}
	name := o.name
	if name == "" {
		name = to.host
	}
	return to, secure.Config(name, roots), nil
}

// unused refuses flags that have no effect without TLS.
func (o *secureFlags) unused() error {
	switch {
	case o.ca != "":
		return errors.New("--ca has no effect without --tls")
	case o.name != "":
		return errors.New("--server-name has no effect without --tls")
	}
	return nil
}
